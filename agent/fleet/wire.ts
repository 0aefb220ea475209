/**
 * What agents send: one batch a message, numbers big-endian.
 *
 *     0 version   1 kind   2 epoch (16)   18 first number (8)   26 made, in us (8)   34 rows (4)   38 inflated bytes (4)   42 body
 *
 * The body is zlib (RFC 1950), whose checksum finds damage: of flows and roll-ups columns (wire_columns.ts), else JSON, an
 * object a row. Who sent it is the last token of the subject (streams.ts), never something in here.
 */
import { deflateSync, inflateSync } from "node:zlib";
import { FINDING_ROLES, type FindingRole, SEVERITIES } from "../records.ts";
import {
  ANOMALY_COLUMNS,
  type Cell,
  FLOW_COLUMNS,
  INCIDENT_COLUMNS,
  SCAN_COLUMNS,
  type StoredAnomaly,
  type StoredFlow,
  type StoredIncident,
  type StoredScan,
} from "../store/schema.ts";
import { decodeBase32, encodeBase32 } from "./base32.ts";
import type { Channel } from "./streams.ts";
import {
  type Codec,
  type Columns,
  decodeColumns,
  decodeUtf8,
  encodeColumns,
} from "./wire_columns.ts";

/** The newest version that this program reads and the one that it writes. */
export const WIRE_VERSION = 1;

/** In the order of their numbers, from 1 on. */
export const BATCH_KINDS = ["flows", "rollups", "findings", "incidents", "health"] as const;
export type BatchKind = typeof BATCH_KINDS[number];

/** The channel whose numbers a kind of batch counts in; health has none. */
export const CHANNEL_OF: Readonly<Record<BatchKind, Channel | null>> = {
  flows: "flows",
  rollups: "flows",
  findings: "findings",
  incidents: "findings",
  health: null,
};

/** Rows of a batch that are read, and that an agent puts into one; bytes on the wire and inflated. */
export const BATCH_ROWS_MAX = 2000;
export const AGENT_ROWS_MAX = 500;
export const BATCH_BYTES_MAX = 512 * 1024;
export const INFLATED_BYTES_MAX = 4 * 2 ** 20;

export interface BatchHead {
  readonly kind: BatchKind;
  /** Of the agent's spool: random, a new one with each new spool. */
  readonly epoch: string;
  /** Of the first row; the others follow. Counts from 1 by channel; 0 in health. */
  readonly firstSeq: number;
  /** Agent's wall clock when the batch was made. */
  readonly madeUs: number;
  readonly rowCount: number;
}

/** New columns are put at the end, after "pid", where batches of older agents end (decodeColumns). */
const flowCodecs = {
  id: "delta",
  start_us: "delta",
  end_us: { from: "start_us" },
  orig_h: "text",
  orig_p: "count",
  resp_h: "text",
  resp_p: "count",
  ip_version: "count",
  proto: "text",
  service: "text",
  name: "text",
  ja4: "text",
  orig_pkts: "count",
  orig_bytes: "count",
  orig_wire_bytes: { from: "orig_bytes" },
  resp_pkts: "count",
  resp_bytes: "count",
  resp_wire_bytes: { from: "resp_bytes" },
  conn_state: "text",
  history: "text",
  community_id: "community",
  rtt_us: "optional",
  orig_retransmissions: "count",
  resp_retransmissions: "count",
  orig_copies: "count",
  resp_copies: "count",
  local_orig: "optional",
  local_resp: "optional",
  interface_id: "count",
  vlan_id: "optional",
  end_reason: "text",
  pid: "optional",
  process: "optionalText",
  executable: "optionalText",
  command: "optionalText",
  user: "optionalText",
  unit: "optionalText",
  summed_flows: "optional",
} as const satisfies { readonly [column in typeof FLOW_COLUMNS[number]]: Codec };

/**
 * Flows of one minute (of their ends) that are alike in all texts, the responder's port and what is local, added up: what an
 * agent sends in place of flows. `start_us` is of the first, `end_us` of the last; `failed_flows` had no answer or were refused.
 * What is too much for one batch is added up under "" as `resp_h`, `name` and `ja4`, and port 0.
 */
const rollupCodecs = {
  start_us: "delta",
  end_us: { from: "start_us" },
  orig_h: "text",
  resp_h: "text",
  resp_p: "count",
  proto: "text",
  service: "text",
  name: "text",
  ja4: "text",
  local_orig: "optional",
  local_resp: "optional",
  flows: "count",
  failed_flows: "count",
  orig_pkts: "count",
  orig_bytes: "count",
  orig_wire_bytes: "count",
  resp_pkts: "count",
  resp_bytes: "count",
  resp_wire_bytes: "count",
} as const satisfies Record<string, Codec>;

export const ROLLUP_ROW_COLUMNS = Object.keys(rollupCodecs) as (keyof typeof rollupCodecs)[];
export interface RollupRow {
  readonly start_us: number;
  readonly end_us: number;
  readonly orig_h: string;
  readonly resp_h: string;
  readonly resp_p: number;
  readonly proto: string;
  readonly service: string;
  readonly name: string;
  readonly ja4: string;
  readonly local_orig: number | null;
  readonly local_resp: number | null;
  readonly flows: number;
  readonly failed_flows: number;
  readonly orig_pkts: number;
  readonly orig_bytes: number;
  readonly orig_wire_bytes: number;
  readonly resp_pkts: number;
  readonly resp_bytes: number;
  readonly resp_wire_bytes: number;
}

/** A finding as the agent has it now: its row replaces an earlier one with this id. */
export type FindingItem =
  & {
    /** `flows.id` of its evidence on the agent. */
    readonly flow_ids: readonly number[];
  }
  & (
    | { readonly list: "scans"; readonly row: StoredScan }
    | { readonly list: "anomalies"; readonly row: StoredAnomaly }
  );

/** An incident as the agent has it now, with all findings in it; or one that is no more, since it was part of another. */
export type IncidentItem =
  | {
    readonly row: Omit<StoredIncident, "acknowledged_us">;
    readonly findings: readonly {
      readonly list: "scans" | "anomalies";
      readonly id: number;
      readonly role: FindingRole;
    }[];
  }
  | { readonly gone: number };

export const FLEET_LEVELS = ["findings", "rollups", "flows"] as const;
export type FleetLevel = typeof FLEET_LEVELS[number];

/** What an agent says of itself each 30 seconds. Counters count from the agent's start, but for those of the spool. */
export interface HealthReport {
  /** As it was enrolled; who it is, the subject says. */
  readonly name: string;
  /** Where it stands, in its owner's words; "" without. */
  readonly site: string;
  readonly version: string;
  readonly level: FleetLevel;
  /** Where people open its own dashboard; "" where it has none to show. */
  readonly dashboard_url: string;
  /** Wall clock of the agent, and when it started. */
  readonly now_us: number;
  readonly started_us: number;
  readonly packets: number;
  readonly bytes: number;
  readonly flows_per_s: number;
  readonly drops: Readonly<Record<"kernel" | "interface" | "queue" | "recorder" | "store", number>>;
  readonly interfaces: readonly string[];
  /** What waits for the hub's word: batches, bytes, the age of the oldest in seconds; and the limit. */
  readonly spool: {
    readonly batches: number;
    readonly bytes: number;
    readonly bytes_max: number;
    readonly oldest_s: number;
  };
  /** Of this spool since it was made: rows put in, committed and given up, by channel. */
  readonly flows: SpoolCounts;
  readonly findings: SpoolCounts;
  /** Publishes that the engine refused, batches sent again after proven loss, connections begun again. */
  readonly rejected: number;
  readonly resent: number;
  readonly reconnects: number;
}
export interface SpoolCounts {
  readonly spooled: number;
  readonly committed: number;
  readonly given_up: number;
}

export type Rows =
  | { readonly kind: "flows"; readonly rows: readonly StoredFlow[] }
  | { readonly kind: "rollups"; readonly rows: readonly RollupRow[] }
  | { readonly kind: "findings"; readonly rows: readonly FindingItem[] }
  | { readonly kind: "incidents"; readonly rows: readonly IncidentItem[] }
  | { readonly kind: "health"; readonly rows: readonly HealthReport[] };

/** What a batch decodes to. `columns` are plain arrays, one cell a row; flowAt() and rollupAt() make rows of them. */
export type Batch =
  & BatchHead
  & (
    | { readonly kind: "flows"; readonly columns: FlowColumns }
    | { readonly kind: "rollups"; readonly columns: RollupColumns }
    | { readonly kind: "findings"; readonly items: readonly FindingItem[] }
    | { readonly kind: "incidents"; readonly items: readonly IncidentItem[] }
    | { readonly kind: "health"; readonly items: readonly HealthReport[] }
  );
export type FlowColumns = Columns<typeof FLOW_COLUMNS[number]>;
export type RollupColumns = Columns<keyof typeof rollupCodecs>;

/** Why a message cannot be read: `version` and `kind` may be those of a newer agent. */
export type WireFault = "version" | "kind" | "size" | "damaged";
/** The only error of decodeBatch(). */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly fault: WireFault;
  constructor(fault: WireFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

const headBytes = 42;

/** Throws RangeError for rows that no batch may have. */
export function encodeBatch(
  { kind, rows }: Rows,
  head: Pick<BatchHead, "epoch" | "firstSeq" | "madeUs">,
): Uint8Array {
  if (rows.length < 1 || rows.length > BATCH_ROWS_MAX) {
    throw new RangeError(`Cannot encode a batch of ${rows.length} rows`);
  }
  const body = encodeRows({ kind, rows } as Rows);
  if (body.length > INFLATED_BYTES_MAX) {
    throw new RangeError(`Cannot encode a batch of ${body.length} bytes`);
  }
  const deflated = deflateSync(body);
  const message = new Uint8Array(headBytes + deflated.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, WIRE_VERSION);
  view.setUint8(1, BATCH_KINDS.indexOf(kind) + 1);
  message.set(decodeBase32(head.epoch)!, 2);
  view.setBigUint64(18, BigInt(head.firstSeq));
  view.setBigUint64(26, BigInt(Math.trunc(head.madeUs)));
  view.setUint32(34, rows.length);
  view.setUint32(38, body.length);
  message.set(deflated, headBytes);
  return message;
}

/** Gives a batch other numbers, in place. */
export function restampBatch(
  message: Uint8Array,
  { epoch, firstSeq }: Pick<BatchHead, "epoch" | "firstSeq">,
): void {
  message.set(decodeBase32(epoch)!, 2);
  new DataView(message.buffer, message.byteOffset).setBigUint64(18, BigInt(firstSeq));
}

function encodeRows(batch: Rows): Uint8Array {
  if (batch.kind === "flows") {
    const { rows } = batch;
    return encodeColumns(flowCodecs, rows.length, (row, name) => rows[row]![name]);
  }
  if (batch.kind === "rollups") {
    const { rows } = batch;
    return encodeColumns(rollupCodecs, rows.length, (row, name) => rows[row]![name]);
  }
  return new TextEncoder().encode(JSON.stringify(batch.rows));
}

/** Nothing that it says has been believed before its size is checked. Throws WireError, and nothing else. */
export function decodeBatch(message: Uint8Array): Batch {
  const head = readHead(message);
  try {
    return { ...head, ...readBody(head, inflate(message)) } as Batch;
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError("damaged", error instanceof Error ? error.message : String(error));
  }
}

/**
 * Which rows a batch has, of any version, for those places of the head stay where they are: so that an agent need not send again
 * what a hub has kept without being able to read it. Null where it is nothing like that.
 */
export function readStretch(
  message: Uint8Array,
): Pick<BatchHead, "epoch" | "firstSeq" | "rowCount"> | null {
  if (message.length < headBytes) return null;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const [firstSeq, rowCount] = [Number(view.getBigUint64(18)), view.getUint32(34)];
  if (firstSeq < 1 || rowCount < 1 || !Number.isSafeInteger(firstSeq + rowCount)) return null;
  return { epoch: encodeBase32(message.subarray(2, 18)), firstSeq, rowCount };
}

/** What a message needs when it is inflated, as it says; 0 for one that will not be. */
export function inflatedBytes(message: Uint8Array): number {
  if (message.length < headBytes) return 0;
  const size = new DataView(message.buffer, message.byteOffset).getUint32(38);
  return size > INFLATED_BYTES_MAX ? 0 : size;
}

function readHead(message: Uint8Array): BatchHead {
  const version = message[0];
  if (version === undefined) throw new WireError("damaged", "it is empty");
  if (version !== WIRE_VERSION) {
    throw new WireError("version", `version ${version} is not known, only ${WIRE_VERSION}`);
  }
  if (message.length < headBytes) throw new WireError("damaged", "it ends too early");
  const kind = BATCH_KINDS[message[1]! - 1];
  if (kind === undefined) throw new WireError("kind", `kind ${message[1]} is not known`);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const rowCount = view.getUint32(34);
  if (rowCount < 1 || rowCount > BATCH_ROWS_MAX) {
    throw new WireError("size", `${rowCount} rows, where ${BATCH_ROWS_MAX} are the most`);
  }
  const firstSeq = Number(view.getBigUint64(18));
  const madeUs = Number(view.getBigUint64(26));
  const isNumbered = CHANNEL_OF[kind] !== null;
  const lastSeq = firstSeq + rowCount - 1;
  if (
    !Number.isSafeInteger(lastSeq) || !Number.isSafeInteger(madeUs) || firstSeq > 0 !== isNumbered
  ) {
    throw new WireError("damaged", "its numbers are impossible");
  }
  return { kind, epoch: encodeBase32(message.subarray(2, 18)), firstSeq, madeUs, rowCount };
}

function inflate(message: Uint8Array): Uint8Array {
  const size = new DataView(message.buffer, message.byteOffset).getUint32(38);
  if (message.length > BATCH_BYTES_MAX * 2 || size > INFLATED_BYTES_MAX) {
    throw new WireError("size", `${size} bytes, where ${INFLATED_BYTES_MAX} are the most`);
  }
  const body = inflateSync(message.subarray(headBytes), { maxOutputLength: Math.max(1, size) });
  if (body.length !== size) throw new WireError("damaged", "it is not as long as it says");
  return body;
}

function readBody({ kind, rowCount }: BatchHead, body: Uint8Array): object {
  if (kind === "flows") {
    return { columns: decodeColumns(flowCodecs, { rowCount, added: "pid" }, body) };
  }
  if (kind === "rollups") return { columns: decodeColumns(rollupCodecs, { rowCount }, body) };
  const items: unknown = JSON.parse(decodeUtf8(body));
  if (!Array.isArray(items) || items.length !== rowCount) {
    throw new WireError("damaged", "it has not as many rows as it says");
  }
  const readItem: (item: unknown) => unknown = readers[kind];
  return { items: items.map((item) => readItem(item)) };
}

export function flowAt(columns: FlowColumns, row: number): StoredFlow {
  return Object.fromEntries(
    FLOW_COLUMNS.map((name) => [name, columns[name][row]!]),
  ) as unknown as StoredFlow;
}

export function rollupAt(columns: RollupColumns, row: number): RollupRow {
  return Object.fromEntries(
    ROLLUP_ROW_COLUMNS.map((name) => [name, columns[name][row]!]),
  ) as unknown as RollupRow;
}

// ---------------------------------------------------------------- JSON rows

type Fields = Readonly<Record<string, unknown>>;

const readers = {
  findings(item: unknown): FindingItem {
    const { list, row, flow_ids } = fieldsOf(item);
    const columns = list === "scans" ? SCAN_COLUMNS : list === "anomalies" ? ANOMALY_COLUMNS : null;
    if (columns === null) throw new WireError("damaged", "a finding of no list");
    return {
      list,
      row: readRow(row, columns),
      flow_ids: listOf(flow_ids).map(integer),
    } as unknown as FindingItem;
  },

  incidents(item: unknown): IncidentItem {
    const { gone, row, findings } = fieldsOf(item);
    if (gone !== undefined) return { gone: integer(gone) };
    return {
      row: readRow(row, INCIDENT_COLUMNS) as Omit<StoredIncident, "acknowledged_us">,
      findings: listOf(findings).map((finding) => {
        const { list, id, role } = fieldsOf(finding);
        if (list !== "scans" && list !== "anomalies") throw new WireError("damaged", "no list");
        return { list, id: integer(id), role: known(role, FINDING_ROLES) };
      }),
    };
  },

  health(item: unknown): HealthReport {
    const fields = fieldsOf(item);
    return {
      name: text(fields.name),
      version: text(fields.version),
      level: known(fields.level, FLEET_LEVELS),
      // Agents of the first days have none.
      site: text(fields.site ?? ""),
      dashboard_url: text(fields.dashboard_url),
      now_us: count(fields.now_us),
      started_us: count(fields.started_us),
      packets: count(fields.packets),
      bytes: count(fields.bytes),
      flows_per_s: count(fields.flows_per_s),
      drops: counts(fields.drops, ["kernel", "interface", "queue", "recorder", "store"]),
      interfaces: listOf(fields.interfaces).slice(0, interfacesMax).map(text),
      spool: counts(fields.spool, ["batches", "bytes", "bytes_max", "oldest_s"]),
      flows: counts(fields.flows, ["spooled", "committed", "given_up"]),
      findings: counts(fields.findings, ["spooled", "committed", "given_up"]),
      rejected: count(fields.rejected),
      resent: count(fields.resent),
      reconnects: count(fields.reconnects),
    };
  },
};

/** Columns of findings and incidents that are not whole numbers; what an older agent lacks is 0, "", [] or null. */
const textColumns = new Set<string>(
  ["kind", "probe", "ports", "entity", "reason", "answered_ports", "tempo", "tool"]
    .concat("severity", "state", "actor_name", "headline", "detail"),
);
const nullableTextColumns = new Set<string>(
  ["attack_id", "actor", "origin_text", "process", "executable", "command", "user", "unit"],
);
const nullableColumns = new Set<string>(["origin_id", "pid"]);
const fractionColumns = new Set<string>(["confidence"]);
const nullableFractionColumns = new Set<string>(["score", "threshold"]);
/** JSON lists, with what is in them. */
const listColumns = new Map<string, (entry: unknown) => void>([
  ...["sources", "targets", "came_back", "found", "tactics", "techniques", "kinds"]
    .map((name) => [name, text] as const),
  ["top_features", readFeature],
  ["course", readStep],
]);
const interfacesMax = 64;
const textMax = 1000;

function readRow(
  row: unknown,
  columns: readonly string[],
): Readonly<Record<string, Cell>> {
  const fields = fieldsOf(row);
  integer(fields.id);
  known(fields.severity, SEVERITIES);
  // Of scans and anomalies they are text, of incidents a list.
  const isIncident = columns === INCIDENT_COLUMNS;
  if (isIncident) known(fields.state, ["open", "closed"]);
  return Object.fromEntries(columns.map((name) => {
    const cell = fields[name];
    if (name === "ports" && isIncident) return [name, listText(cell, text)];
    const readEntry = listColumns.get(name);
    if (readEntry) return [name, listText(cell, readEntry)];
    return [name, readCell(name, cell)];
  }));
}

function readCell(name: string, cell: unknown): Cell {
  if (textColumns.has(name)) return longText(cell ?? "");
  const isMissing = cell === null || cell === undefined;
  if (nullableTextColumns.has(name)) return isMissing ? null : longText(cell);
  if (nullableColumns.has(name)) return isMissing ? null : integer(cell);
  if (nullableFractionColumns.has(name)) return isMissing ? null : fraction(cell);
  return fractionColumns.has(name) ? fraction(cell ?? 0) : integer(cell ?? 0);
}

function listText(cell: unknown, readEntry: (entry: unknown) => void): string {
  const listed = longText(cell ?? "[]");
  listOf(JSON.parse(listed)).forEach(readEntry);
  return listed;
}

function readFeature(entry: unknown): void {
  const { name, value, typical, contribution } = fieldsOf(entry);
  text(name);
  if (value !== null) fraction(value);
  if (listOf(typical).map(fraction).length !== 2) throw new WireError("damaged", "no range");
  fraction(contribution);
}

function readStep(entry: unknown): void {
  const { tsUs, tactic, technique, text: words } = fieldsOf(entry);
  fraction(tsUs);
  [tactic, technique, words].forEach(text);
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new WireError("damaged", "a row that is no object");
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new WireError("damaged", "no list where one must be");
}

function integer(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new WireError("damaged", "no whole number where one must be");
}

function fraction(value: unknown): number {
  if (typeof value === "number") return value;
  throw new WireError("damaged", "no number where one must be");
}

function known<Name extends string>(value: unknown, names: readonly Name[]): Name {
  const name = names.find((one) => one === value);
  if (name === undefined) throw new WireError("damaged", `none of ${names.join(", ")}`);
  return name;
}

function count(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new WireError("damaged", "no count where one must be");
}

function counts<Name extends string>(value: unknown, names: readonly Name[]): Record<Name, number> {
  const fields = fieldsOf(value);
  return Object.fromEntries(names.map((name) => [name, count(fields[name])])) as Record<
    Name,
    number
  >;
}

function text(value: unknown): string {
  if (typeof value === "string") return value.slice(0, textMax);
  throw new WireError("damaged", "no text where one must be");
}

function longText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new WireError("damaged", "no text where one must be");
}
