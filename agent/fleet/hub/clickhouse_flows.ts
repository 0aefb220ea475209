/**
 * Flows in ClickHouse, beyond what SQLite takes: one table by day, in the order of the key under which a row that comes twice is the same
 * row, (hour, agent, epoch, seq), so that merges drop the copy; until then answers drop it. Addresses are two whole numbers: a search
 * for one or for a network compares, and no text is read.
 */
import { formatIpWords } from "../../decode/addresses.ts";
import { flowValues } from "../../search/open_flows.ts";
import {
  decodeSortedCursor,
  decodeTimeCursor,
  encodeSortedCursor,
  encodeTimeCursor,
} from "../../store/cursor.ts";
import { bounds, type FlowFilter } from "../../store/filters.ts";
import type { RollupFlow } from "../../store/rollup_keys.ts";
import { type Cell, FLOW_COLUMNS, type StoredFlow } from "../../store/schema.ts";
import { checkLimit, countMax, type Page } from "../../store/time_list.ts";
import { PROCESS_COLUMNS } from "../../text/processes.ts";
import type { SearchTree } from "../../search/tree.ts";
import { ClickHouse, type ClickHouseConfig, literal } from "./clickhouse.ts";
import { addressWords, clickhouseSql } from "./clickhouse_search.ts";
import type { ArchivedFlows, FlowArchive } from "./hub_store.ts";
import { type NumberType, RowBinaryWriter } from "./row_binary.ts";

const hourUs = 3_600_000_000;
const dayUs = 24 * hourUs;
/** Partitions of one INSERT; beyond a hundred ClickHouse refuses it for ever (max_partitions_per_insert_block). */
const insertDaysMax = 90;
/** Longest that a row lasts, as the agents' flow tables cut flows. */
const flowSpanMaxUs = hourUs;
/** Stretches back from the end of a range that are looked through, the next only where the one before has too few rows. */
const stretches = [hourUs, 6 * hourUs, dayUs, 7 * dayUs, Infinity];

/** Written as "" and -1 where there is none. */
const nullableTexts: readonly string[] = PROCESS_COLUMNS.filter((name) => name !== "pid");
const nullable = ["rtt_us", "local_orig", "local_resp", "vlan_id", "pid", "summed_flows"];
const texts = ["proto", "service", "name", "ja4", "conn_state", "history", "community_id"]
  .concat("end_reason", nullableTexts);
/** Types of all other columns of flows. */
const numberTypes: Readonly<Record<string, NumberType>> = {
  start_us: "Int64",
  end_us: "Int64",
  orig_p: "UInt16",
  resp_p: "UInt16",
  ip_version: "UInt8",
  rtt_us: "Int64",
  local_orig: "Int8",
  local_resp: "Int8",
  vlan_id: "Int32",
  pid: "Int64",
  summed_flows: "Int64",
  interface_id: "UInt16",
};

export class ClickHouseFlows implements FlowArchive {
  readonly #server: ClickHouse;
  readonly #table: string;
  readonly #writer = new RowBinaryWriter();

  private constructor(server: ClickHouse) {
    this.#server = server;
    this.#table = `${server.database}.flows`;
  }

  /** Makes what is missing. Throws StoreError. */
  static async open(config: ClickHouseConfig): Promise<ClickHouseFlows> {
    const server = new ClickHouse(config);
    const [row] = await server.rows<{ version: string }>("SELECT version() AS version");
    await server.run(`CREATE DATABASE IF NOT EXISTS ${config.database}`);
    const table = `${config.database}.flows`;
    await server.run(tableSql(table, row!.version));
    // An older hub has made it with fewer columns.
    const there = await server.rows<{ name: string }>(
      `SELECT name FROM system.columns WHERE database = ${
        literal(config.database)
      } AND table = 'flows'`,
    );
    const names = new Set(there.map(({ name }) => name));
    for (const name of flowColumns.filter((name) => !names.has(name))) {
      await server.run(`ALTER TABLE ${table} ADD COLUMN ${name} ${typeOf(name, row!.version)}`);
    }
    return new ClickHouseFlows(server);
  }

  async insert(batches: readonly ArchivedFlows[]): Promise<void> {
    const days = new Set<number>();
    for (const batch of batches) {
      let from = 0;
      for (let row = 0; row < batch.rowCount; row++) {
        const day = Math.floor(batch.columns.start_us[row] as number / dayUs);
        if (days.size >= insertDaysMax && !days.has(day)) {
          writeRows(this.#writer, batch, { from, to: row });
          await this.#send();
          days.clear();
          from = row;
        }
        days.add(day);
      }
      writeRows(this.#writer, batch, { from, to: batch.rowCount });
    }
    if (days.size > 0) await this.#send();
  }

  async #send(): Promise<void> {
    await this.#server.run(
      `INSERT INTO ${this.#table} (${columns.join(", ")}) FORMAT RowBinary`,
      this.#writer.take(),
    );
  }

  /** Whole days. */
  async deleteBefore(us: number): Promise<void> {
    const before = isoDay(us);
    const days = await this.#server.rows<{ partition: string }>(
      `SELECT DISTINCT partition FROM system.parts WHERE active AND database = ${
        literal(this.#server.database)
      } AND table = 'flows'`,
    );
    for (const { partition } of days) {
      const day = partition.replaceAll("'", "");
      if (!/^\d{4}-\d\d-\d\d$/.test(day) || day >= before) continue;
      await this.#server.run(`ALTER TABLE ${this.#table} DROP PARTITION '${day}'`);
    }
  }

  /** As StoreQueries.flows(); `tree` is the filter's search, its hosts and agents resolved. Throws RangeError, StoreError. */
  async flows(filter: FlowFilter, tree: SearchTree): Promise<Page<StoredFlow>> {
    const { order = "last", isAscending = false, cursor } = filter;
    const limit = checkLimit(filter.limit);
    const { fromUs, toUs } = bounds(filter);
    const value = flowValues[order];
    const isByTime = order === "last" && !isAscending;
    const conditions = [clickhouseSql(tree)];
    let untilUs = toUs === null ? null : toUs + flowSpanMaxUs;
    if (cursor !== undefined && isByTime) {
      const place = decodeTimeCursor("flows", cursor);
      conditions.push(`(end_us, id) < (${place.tsUs}, ${place.id})`);
      untilUs = Math.min(untilUs ?? Infinity, place.tsUs + 1);
    } else if (cursor !== undefined) {
      const place = decodeSortedCursor(cursorName(order, isAscending), cursor);
      const sign = isAscending ? ">" : "<";
      conditions.push(
        `(${value} ${sign} ${place.value} OR (${value} = ${place.value} AND id < ${place.id}))`,
      );
    }
    if (fromUs !== null) conditions.push(`end_us >= ${fromUs}`);
    if (toUs !== null) conditions.push(`start_us < ${toUs}`);
    const newestUs = untilUs ?? await this.#newestUs();
    const direction = isAscending ? "ASC" : "DESC";
    let rows: RawFlow[] = [];
    for (const backUs of isByTime ? stretches : [Infinity]) {
      const sinceUs = Math.max(fromUs ?? -Infinity, newestUs - backUs);
      const all = [...conditions, ...hourConditions(sinceUs, newestUs)];
      if (sinceUs > -Infinity) all.push(`end_us >= ${Math.trunc(sinceUs)}`);
      rows = await this.#server.rows<RawFlow>(
        `SELECT * FROM ${this.#table} WHERE ${all.join(" AND ")}
         ORDER BY ${value} ${direction}, id DESC LIMIT 1 BY id LIMIT ${limit}`,
      );
      if (rows.length === limit || sinceUs === fromUs) break;
    }
    const flows = rows.map(readFlow);
    const last = flows.length === limit ? flows.at(-1)! : null;
    return { rows: flows, nextCursor: last && cursorOf(last, rows.at(-1)!, order, isAscending) };
  }

  /** As StoreQueries.flowCount(). */
  async flowCount(
    filter: FlowFilter,
    tree: SearchTree,
  ): Promise<{ readonly count: number; readonly isMore: boolean }> {
    const { fromUs, toUs } = bounds(filter);
    const conditions = [clickhouseSql(tree), ...hourConditions(fromUs, toUs)];
    if (fromUs !== null) conditions.push(`end_us >= ${fromUs}`);
    if (toUs !== null) conditions.push(`start_us < ${toUs}`);
    const [row] = await this.#server.rows<{ n: string | number }>(
      `SELECT count() AS n FROM (SELECT id FROM ${this.#table} WHERE ${conditions.join(" AND ")}
       LIMIT 1 BY id LIMIT ${countMax + 1})`,
    );
    const count = Number(row?.n ?? 0);
    return { count: Math.min(count, countMax), isMore: count > countMax };
  }

  /** What a search's sums are made of (agent/store/history.ts): the newest flows of a stretch, at most so many. */
  async newest(
    tree: SearchTree,
    { fromUs, toUs, max }: { readonly fromUs: number; readonly toUs: number; readonly max: number },
  ): Promise<RollupFlow[]> {
    const conditions = [clickhouseSql(tree), ...hourConditions(fromUs, toUs)]
      .concat(`end_us >= ${Math.trunc(fromUs)}`, `start_us < ${Math.trunc(toUs)}`);
    const rows = await this.#server.rows<RawFlow>(
      `SELECT ${summedColumns.join(", ")} FROM ${this.#table} WHERE ${conditions.join(" AND ")}
       ORDER BY end_us DESC, id DESC LIMIT 1 BY id LIMIT ${max}`,
    );
    return rows.map(readFlow) as unknown as RollupFlow[];
  }

  async flow(id: number): Promise<StoredFlow | null> {
    if (!Number.isSafeInteger(id)) return null;
    const [row] = await this.#server.rows<RawFlow>(
      `SELECT * FROM ${this.#table} WHERE id = ${id} LIMIT 1`,
    );
    return row === undefined ? null : readFlow(row);
  }

  /** Flows, packets and bytes of each agent that ended within a stretch, read from the flows themselves. */
  async agentSums(
    { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  ): Promise<readonly { agent: number; flows: number; packets: number; bytes: number }[]> {
    const rows = await this.#server.rows<Record<string, string | number>>(
      `SELECT agent, sum(if(summed_flows > 0, summed_flows, 1)) AS flows, sum(orig_pkts + resp_pkts) AS packets,
         sum(orig_wire_bytes + resp_wire_bytes) AS bytes
       FROM ${this.#table} WHERE end_us >= ${Math.trunc(fromUs)} AND end_us < ${Math.trunc(toUs)}
         AND ${hourConditions(fromUs, toUs).join(" AND ")}
       GROUP BY agent ORDER BY bytes DESC`,
    );
    return rows.map((row) => ({
      agent: Number(row.agent),
      flows: Number(row.flows),
      packets: Number(row.packets),
      bytes: Number(row.bytes),
    }));
  }

  async #newestUs(): Promise<number> {
    const [row] = await this.#server.rows<{ us: string | number }>(
      `SELECT max(end_us) AS us FROM ${this.#table}`,
    );
    return Number(row?.us ?? 0) + 1;
  }
}

/** `hour` is that of the start, by which the table is sorted. */
function hourConditions(fromUs: number | null, toUs: number | null): string[] {
  const conditions: string[] = [];
  if (fromUs !== null && Number.isFinite(fromUs)) {
    const first = Math.floor((fromUs - flowSpanMaxUs) / hourUs);
    conditions.push(`hour >= ${first}`, `day >= '${isoDay(first * hourUs)}'`);
  }
  if (toUs !== null && Number.isFinite(toUs)) {
    conditions.push(`hour <= ${Math.floor(toUs / hourUs)}`, `day <= '${isoDay(toUs)}'`);
  }
  return conditions;
}

const flowColumns = FLOW_COLUMNS.filter((name) =>
  name !== "id" && name !== "orig_h" && name !== "resp_h"
);
const columnTypes = flowColumns.map((name) =>
  texts.includes(name) ? "String" : numberTypes[name] ?? "UInt64"
);
const summedColumns = ["id", "agent", "ip_version", "orig_hi", "orig_lo", "resp_hi", "resp_lo"]
  .concat("start_us", "end_us", "resp_p", "proto", "service", "orig_pkts", "resp_pkts")
  .concat("orig_wire_bytes", "resp_wire_bytes", "local_orig", "local_resp", "summed_flows");
const columns = ["day", "hour", "agent", "epoch", "seq", "id", "orig_hi", "orig_lo"]
  .concat("resp_hi", "resp_lo", ...flowColumns);

/** Texts of few kinds, which versions from 19 on write as numbers. */
const few = ["proto", "service", "conn_state", "history", "end_reason", "ja4"]
  .concat(nullableTexts);

function typeOf(name: string, version: string): string {
  const isNumber = !texts.includes(name);
  // Of rows that are older than the column, too.
  if (isNumber && nullable.includes(name)) return `${numberTypes[name]} DEFAULT -1`;
  if (isNumber) return numberTypes[name] ?? "UInt64";
  const isNewer = Number(version.split(".")[0]) >= 19;
  return isNewer && few.includes(name) ? "LowCardinality(String)" : "String";
}

function tableSql(table: string, version: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
    day Date, hour UInt32, agent UInt32, epoch String, seq UInt64, id UInt64,
    orig_hi UInt64, orig_lo UInt64, resp_hi UInt64, resp_lo UInt64,
    ${flowColumns.map((name) => `${name} ${typeOf(name, version)}`).join(", ")}
  ) ENGINE = ReplacingMergeTree() PARTITION BY day ORDER BY (hour, agent, epoch, seq)`;
}

function writeRows(
  writer: RowBinaryWriter,
  { agent, epoch, firstSeq, columns: cells }: ArchivedFlows,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  const hash = rowHash(`${agent} ${epoch} `);
  const own = flowColumns.map((name) => cells[name]);
  for (let row = from; row < to; row++) {
    const startUs = cells.start_us[row] as number;
    const seq = firstSeq + row;
    writer.number("UInt16", Math.floor(startUs / dayUs)); // a Date
    writer.number("UInt32", Math.floor(startUs / hourUs));
    writer.number("UInt32", agent);
    writer.text(epoch);
    writer.number("UInt64", seq);
    writer.number("UInt64", hash(seq));
    for (const name of ["orig_h", "resp_h"] as const) {
      const words = addressWords(cells[name][row] as string);
      writer.words(words[0], words[1]);
      writer.words(words[2], words[3]);
    }
    for (let at = 0; at < own.length; at++) {
      const cell = own[at]![row]!;
      const type = columnTypes[at]!;
      if (type === "String") writer.text(cell === null ? "" : cell as string);
      else writer.number(type, cell === null ? -1 : cell as number);
    }
  }
}

/** Of a row's number behind `text`: 53 bits that stand for it in addresses of pages, FNV-1a from two offsets. */
function rowHash(text: string): (seq: number) => number {
  const step = (state: [number, number], code: number) => {
    state[0] = Math.imul(state[0] ^ code, 0x01000193);
    state[1] = Math.imul(state[1] ^ code, 0x01000193) ^ state[1] >>> 15;
  };
  const base: [number, number] = [0x811c9dc5, 0x9747b28c];
  for (let at = 0; at < text.length; at++) step(base, text.charCodeAt(at));
  const state: [number, number] = [0, 0];
  return (seq) => {
    [state[0], state[1]] = base;
    for (let left = seq; left >= 1; left = Math.floor(left / 256)) step(state, left % 256);
    return (state[0] >>> 0) * 2 ** 21 + (state[1] >>> 11);
  };
}

const days = new Map<number, string>();

function isoDay(us: number): string {
  const day = Math.floor(us / dayUs);
  let text = days.get(day);
  if (text === undefined) {
    if (days.size > 1000) days.clear();
    days.set(day, text = new Date(day * 86_400_000).toISOString().slice(0, 10));
  }
  return text;
}

type RawFlow = Readonly<Record<string, string | number>>;

function readFlow(row: RawFlow): StoredFlow {
  const version = Number(row.ip_version);
  const flow: Record<string, Cell> = {};
  for (const name of FLOW_COLUMNS) {
    const cell = row[name];
    if (name === "orig_h") flow[name] = addressText(version, row.orig_hi!, row.orig_lo!);
    else if (name === "resp_h") flow[name] = addressText(version, row.resp_hi!, row.resp_lo!);
    else if (nullableTexts.includes(name)) flow[name] = cell === "" ? null : String(cell);
    else if (texts.includes(name)) flow[name] = String(cell);
    else flow[name] = nullable.includes(name) && Number(cell) < 0 ? null : Number(cell);
  }
  return { ...flow, agent: Number(row.agent) } as unknown as StoredFlow;
}

function addressText(version: number, hi: string | number, lo: string | number): string {
  const words = (value: string | number): [number, number] => {
    const whole = BigInt(value);
    return [Number(BigInt.asIntN(32, whole >> 32n)), Number(BigInt.asIntN(32, whole))];
  };
  return formatIpWords(version, [...words(hi), ...words(lo)]);
}

const cursorName = (order: string, isAscending: boolean) =>
  `flows-${order}-${isAscending ? "up" : "down"}`;

function cursorOf(
  { id, end_us }: StoredFlow,
  row: RawFlow,
  order: NonNullable<FlowFilter["order"]>,
  isAscending: boolean,
): string {
  if (order === "last" && !isAscending) return encodeTimeCursor("flows", { tsUs: end_us, id });
  const sum = (...names: string[]) => names.reduce((all, name) => all + Number(row[name]), 0);
  const value = {
    last: sum("end_us"),
    start: sum("start_us"),
    bytes: sum("orig_wire_bytes", "resp_wire_bytes"),
    sent: sum("orig_wire_bytes"),
    received: sum("resp_wire_bytes"),
    packets: sum("orig_pkts", "resp_pkts"),
    duration: sum("end_us") - sum("start_us"),
  }[order];
  return encodeSortedCursor(cursorName(order, isAscending), {
    value,
    id,
    newest: { tsUs: end_us, id },
  });
}
