/** What lists may be narrowed down by, and the SQL of it. Values only ever travel as parameters. */
import { decodeHostCursor } from "./cursor.ts";
import type { StoredHost } from "./schema.ts";
import type { Condition } from "./time_list.ts";

/** From `fromUs` up to, but not including, `toUs`. */
export interface TimeRange {
  readonly fromUs?: number | null | undefined;
  readonly toUs?: number | null | undefined;
}
export interface Paging {
  /** 1 to 1000, 100 unless told. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface PacketFilter extends TimeRange, Paging {
  /** Transport or application, as "tcp" or "dns". */
  readonly protocol?: string | undefined;
  /** Either address, whole. */
  readonly host?: string | undefined;
  /** Either port. */
  readonly port?: number | undefined;
  /** Part of an address or of the text for people, in upper or lower case. */
  readonly text?: string | undefined;
  readonly flowId?: number | undefined;
}

/** Flows that overlap the time range, in the order of their ends. */
export interface FlowFilter extends TimeRange, Paging {
  /** Transport or service. */
  readonly protocol?: string | undefined;
  readonly service?: string | undefined;
  readonly connState?: string | undefined;
  /** The responder accepted, or sent anything where nothing is accepted. */
  readonly isAnswered?: boolean | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Part of the name (SNI, queried name, HTTP host). */
  readonly name?: string | undefined;
  /** Part of an address or name, or a whole JA4 or Community ID. */
  readonly text?: string | undefined;
}

export interface FindingFilter extends TimeRange, Paging {
  readonly kind?: string | undefined;
  readonly severity?: string | undefined;
}

/** Rows of `anomalies` and `scans`. */
export interface EpisodeFilter extends FindingFilter {
  /** One of the listed sources or targets, whole. */
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly isOpen?: boolean | undefined;
}
export interface ScanFilter extends EpisodeFilter {
  readonly probe?: string | undefined;
}

/** Rows of `alerts`. */
export interface AlertFilter extends FindingFilter {
  readonly state?: string | undefined;
  readonly incidentId?: number | undefined;
  readonly muteId?: number | undefined;
}

/** Rows of `incidents`. */
export interface IncidentFilter extends TimeRange, Paging {
  readonly severity?: string | undefined;
  readonly actor?: string | undefined;
  /** One of the listed sources or targets, whole. */
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly isOpen?: boolean | undefined;
  readonly isAcknowledged?: boolean | undefined;
}

/** Descending, but for addresses. */
export type HostOrder = "bytes" | "last_seen" | "first_seen" | "address";
export interface HostFilter extends Paging {
  readonly isLocal?: boolean | undefined;
  /** Part of address, name or MAC address. */
  readonly text?: string | undefined;
  readonly order?: HostOrder | undefined;
}

/** The range with null for an open end. Throws RangeError for a time that is not whole microseconds. */
export function bounds(
  { fromUs, toUs }: TimeRange,
): { fromUs: number | null; toUs: number | null } {
  for (const value of [fromUs, toUs]) {
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new RangeError(`Cannot list rows: a time must be whole microseconds, got ${value}`);
    }
  }
  return { fromUs: fromUs ?? null, toUs: toUs ?? null };
}

export function packetConditions(filter: PacketFilter): Condition[] {
  const conditions: Condition[] = [];
  const { protocol, host, port, text, flowId } = filter;
  if (protocol !== undefined) conditions.push(either("protocol", "application", protocol));
  if (host !== undefined) conditions.push(either("src", "dst", host.toLowerCase()));
  if (port !== undefined) conditions.push(either("src_port", "dst_port", port));
  if (text !== undefined) conditions.push(contains(["src", "dst", "info"], text));
  if (flowId !== undefined) conditions.push({ sql: "flow_id = ?", parameters: [flowId] });
  return conditions;
}

export function findingConditions({ kind, severity }: FindingFilter): Condition[] {
  const conditions: Condition[] = [];
  if (kind !== undefined) conditions.push({ sql: "kind = ?", parameters: [kind] });
  if (severity !== undefined) conditions.push({ sql: "severity = ?", parameters: [severity] });
  return conditions;
}

export function episodeConditions(filter: ScanFilter): Condition[] {
  const conditions = findingConditions(filter);
  const { source, target, isOpen, probe } = filter;
  if (source !== undefined) conditions.push(lists("sources", source));
  if (target !== undefined) conditions.push(lists("targets", target));
  if (isOpen !== undefined) {
    conditions.push({ sql: "is_open = ?", parameters: [isOpen ? 1 : 0] });
  }
  if (probe !== undefined) conditions.push({ sql: "probe = ?", parameters: [probe] });
  return conditions;
}

export function alertConditions(filter: AlertFilter): Condition[] {
  const conditions = findingConditions(filter);
  const { state, incidentId, muteId } = filter;
  if (state !== undefined) conditions.push({ sql: "state = ?", parameters: [state] });
  if (incidentId !== undefined) {
    conditions.push({ sql: "incident_id = ?", parameters: [incidentId] });
  }
  if (muteId !== undefined) conditions.push({ sql: "mute_id = ?", parameters: [muteId] });
  return conditions;
}

export function incidentConditions(filter: IncidentFilter): Condition[] {
  const conditions = findingConditions(filter);
  const { actor, source, target, isOpen, isAcknowledged } = filter;
  if (actor !== undefined) {
    conditions.push({ sql: "actor = ?", parameters: [actor.toLowerCase()] });
  }
  if (source !== undefined) conditions.push(lists("sources", source));
  if (target !== undefined) conditions.push(lists("targets", target));
  if (isOpen !== undefined) {
    conditions.push({ sql: "state = ?", parameters: [isOpen ? "open" : "closed"] });
  }
  if (isAcknowledged !== undefined) {
    conditions.push({
      sql: `acknowledged_us IS ${isAcknowledged ? "NOT NULL" : "NULL"}`,
      parameters: [],
    });
  }
  return conditions;
}

/** `address` is an item of the JSON list in `column`. */
function lists(column: string, address: string): Condition {
  const item = JSON.stringify(address.toLowerCase());
  return { sql: `instr(${column}, ?) > 0`, parameters: [item] };
}

/** All but `host`, which is looked up through an index. */
export function flowConditions(filter: FlowFilter): Condition[] {
  const conditions: Condition[] = [];
  const { protocol, service, connState, isAnswered, port, name, text } = filter;
  if (protocol !== undefined) conditions.push(either("proto", "service", protocol));
  if (service !== undefined) conditions.push({ sql: "service = ?", parameters: [service] });
  if (connState !== undefined) conditions.push({ sql: "conn_state = ?", parameters: [connState] });
  if (isAnswered) {
    const sql = "(instr(history, 'h') > 0 OR proto <> 'tcp' AND resp_pkts > 0)";
    conditions.push({ sql, parameters: [] });
  }
  if (port !== undefined) conditions.push(either("orig_p", "resp_p", port));
  if (name !== undefined) conditions.push(contains(["name"], name));
  if (text !== undefined) {
    const part = contains(["orig_h", "resp_h", "name"], text);
    conditions.push({
      sql: `(${part.sql} OR ja4 = ? OR community_id = ?)`,
      parameters: [...part.parameters, text, text],
    });
  }
  return conditions;
}

/** What each order goes by, in SQL, … */
export const hostValues: { readonly [order in HostOrder]: string } = {
  bytes: "(in_bytes + out_bytes)",
  last_seen: "last_seen_us",
  first_seen: "first_seen_us",
  // A bare number would be the number of a column.
  address: "CAST(0 AS INTEGER)",
};

/** … and in a row. */
export function hostValue(host: StoredHost, order: HostOrder): number {
  if (order === "bytes") return host.in_bytes + host.out_bytes;
  if (order === "last_seen") return host.last_seen_us;
  return order === "first_seen" ? host.first_seen_us : 0;
}

export function hostConditions(
  { isLocal, text, cursor }: HostFilter,
  order: HostOrder,
): Condition[] {
  const conditions: Condition[] = [];
  if (isLocal !== undefined) {
    conditions.push({ sql: "is_local = ?", parameters: [isLocal ? 1 : 0] });
  }
  if (text !== undefined) conditions.push(contains(["address", "name", "mac"], text));
  if (cursor !== undefined) {
    const { value, address } = decodeHostCursor(order, cursor);
    conditions.push({
      sql: `(${hostValues[order]} < ? OR (${hostValues[order]} = ? AND address > ?))`,
      parameters: [value, value, address],
    });
  }
  return conditions;
}

function either(first: string, second: string, value: string | number): Condition {
  return { sql: `(${first} = ? OR ${second} = ?)`, parameters: [value, value] };
}

/** `instr` rather than LIKE: nothing in `text` has a meaning of its own. Lower-cases ASCII letters only, as SQLite does. */
function contains(columns: readonly string[], text: string): Condition {
  const part = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return {
    sql: `(${columns.map((column) => `instr(lower(${column}), ?) > 0`).join(" OR ")})`,
    parameters: columns.map(() => part),
  };
}
