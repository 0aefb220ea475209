/**
 * History for the overview: who and what had how much within a stretch of time, and how it went. Part of StoreQueries. Without a
 * search, and for one that a roll-up's key answers (a host, a service, a network), sums come from `rollups`; for any other from the
 * newest SUMMED_FLOWS_MAX flows, and say so.
 */
import type { DatabaseSync } from "node:sqlite";
import type { SearchTree } from "../search/tree.ts";
import { ALL } from "../search/tree.ts";
import { searchSql } from "../search/sql.ts";
import { flowsIn, networkOf, rollupEntries, type RollupFlow } from "./rollup_keys.ts";
import { lookupOf } from "./lookup.ts";
import { lastingFlows } from "./flow_spans.ts";
import { readNewest } from "./time_list.ts";
import { otherKey, ROLLUP_SPANS, type RollupKind } from "./rollup_spans.ts";

export interface HistoryQuery {
  readonly fromUs: number;
  readonly toUs: number;
  readonly tree: SearchTree;
  /** Width of the series' buckets: whole minutes. */
  readonly bucketUs: number;
  /** Rows of each list. */
  readonly limit: number;
}

interface HistorySums {
  readonly packets: number;
  readonly bytes: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly flows: number;
}
export interface HistoryRow extends HistorySums {
  /** "" for all that is not listed. */
  readonly key: string;
}
export interface HistoryPoint extends HistorySums {
  readonly ts_us: number;
}
export interface History {
  /** Length of the roll-ups' buckets that were summed up; null when it was flows. The stretch is widened to whole buckets. */
  readonly spanUs: number | null;
  /** There were more flows than were looked at: the oldest that were, in microseconds. */
  readonly sinceUs: number | null;
  readonly total: HistorySums;
  readonly series: readonly HistoryPoint[];
  /** Most bytes first; the last row may be that of all others. */
  readonly hosts: readonly HistoryRow[];
  readonly services: readonly HistoryRow[];
  readonly peers: readonly HistoryRow[];
  /** Of the peers whose country is known. */
  readonly countries: readonly HistoryRow[];
}

/** Usual bytes of a bucket: from the tenth to the ninetieth hundredth of the same hours of other weeks. */
interface UsualRange {
  readonly ts_us: number;
  readonly low_in: number;
  readonly high_in: number;
  readonly low_out: number;
  readonly high_out: number;
}
export interface Usual {
  /** Whole weeks of history. */
  readonly weeks: number;
  /** None before there are `usualWeeksMin`. */
  readonly hours: readonly UsualRange[];
}

const minuteUs = 60_000_000;
const hourUs = 60 * minuteUs;
const weekUs = 168 * hourUs;
/** Flows that a search is summed up over: some 30 ms. */
export const SUMMED_FLOWS_MAX = 10_000;
const usualWeeksMin = 2;
const usualWeeksMax = 8;
const gapsMax = 300;

export function readHistory(database: DatabaseSync, query: HistoryQuery): History {
  return query.tree === ALL ? fromRollups(database, query) : fromFlows(database, query);
}

function fromRollups(database: DatabaseSync, query: HistoryQuery): History {
  const spanUs = spanOf(database, query, "lists");
  const series = rollupSeries(database, query, everything);
  const list = (kind: RollupKind) => topKeys(database, query, { spanUs, kind });
  return {
    spanUs,
    sinceUs: null,
    total: sumOf(series),
    series,
    hosts: list("host"),
    services: list("service"),
    peers: list("peer"),
    countries: list("country"),
  };
}

/** What a search finds, and its series from the roll-ups where one key of them says the same. */
function fromFlows(database: DatabaseSync, query: HistoryQuery): History {
  const { rows, sinceUs } = readFlows(database, query);
  const lists = sumFlows(rows, query);
  const place = placeOfTree(query.tree);
  const series = place === null ? [] : rollupSeries(database, query, place);
  if (series.length === 0) return { spanUs: null, sinceUs, ...lists };
  return {
    ...lists,
    spanUs: spanOf(database, query, "series"),
    sinceUs,
    total: sumOf(series),
    series,
  };
}

/**
 * The roll-ups that go back as far as is asked, or as any do: for a series the coarsest whose buckets fit into its own, else the finest
 * that its own fit into; for lists the finest that are not too many.
 */
function spanOf(
  database: DatabaseSync,
  { fromUs, toUs, bucketUs }: HistoryQuery,
  purpose: "series" | "lists",
): number {
  const oldest = database.prepare(
    `SELECT min(us) AS us FROM (
       SELECT min(ts_us) AS us FROM rollups WHERE span_us = :span AND kind = 'all'
       UNION ALL SELECT min(ts_us) FROM rollups WHERE span_us = :span AND kind = 'service')`,
  );
  const sinceUs = Math.max(fromUs, Number(oldest.get({ span: hourUs })!.us ?? fromUs));
  const spans = ROLLUP_SPANS.map(({ spanUs }) => spanUs);
  const fitting = purpose === "series"
    ? spans.filter((us) => bucketUs % us === 0).reverse()
    : spans.filter((us) => (toUs - fromUs) / us <= bucketsMax);
  const usable = purpose === "series"
    ? [...fitting, ...spans.filter((us) => us > bucketUs && us % bucketUs === 0)]
    : fitting;
  const found = usable.find((spanUs) => {
    const us = oldest.get({ span: spanUs })!.us;
    return us !== null && Number(us) <= sinceUs + spanUs;
  });
  return found ?? (purpose === "series" ? fitting[0] : fitting.at(-1)) ?? spans.at(-1)!;
}
/** Buckets that are summed up: 100 rows each at most. */
const bucketsMax = 750;

interface Place {
  readonly kind: RollupKind;
  readonly keys: readonly string[];
}

const everything: Place = { kind: "all", keys: [otherKey] };

const sums = `sum(packets) AS packets, sum(bytes) AS bytes, sum(in_bytes) AS in_bytes,
  sum(out_bytes) AS out_bytes, sum(flows) AS flows`;

function rollupSeries(
  database: DatabaseSync,
  query: HistoryQuery,
  { kind, keys }: Place,
): HistoryPoint[] {
  const { fromUs, toUs, bucketUs } = query;
  const spanUs = spanOf(database, query, "series");
  // Bucket by bucket: a range of time would walk over all other keys.
  const rows = database.prepare(
    `WITH RECURSIVE buckets(us) AS (
       SELECT max(?, (SELECT min(ts_us) FROM rollups WHERE span_us = ${spanUs} AND kind = ?))
       UNION ALL SELECT us + ${spanUs} FROM buckets WHERE us + ${spanUs} < ?)
     SELECT (us / ${bucketUs}) * ${bucketUs} AS start_us, ${sums}
     FROM buckets CROSS JOIN rollups ON span_us = ${spanUs} AND kind = ? AND ts_us = us AND ts_us < ?
       AND key IN (${keys.map(() => "?").join(", ")})
     GROUP BY start_us ORDER BY start_us`,
  ).all(floorTo(fromUs, spanUs), kind, toUs, kind, toUs, ...keys)
    .map(({ start_us, ...rest }) => ({ ts_us: start_us, ...rest }) as unknown as HistoryPoint);
  return spanUs > bucketUs ? spread(rows, spanUs / bucketUs, query) : rows;
}

/** Each point as that many buckets, evenly: finer ones are not kept of that time. */
function spread(
  points: readonly HistoryPoint[],
  parts: number,
  { fromUs, toUs, bucketUs }: HistoryQuery,
): HistoryPoint[] {
  return points.flatMap((point) =>
    Array.from({ length: parts }, (_, index): HistoryPoint => ({
      ts_us: point.ts_us + index * bucketUs,
      ...scaled(point, 1 / parts),
    }))
  ).filter(({ ts_us }) => ts_us > fromUs - bucketUs && ts_us < toUs);
}

function topKeys(
  database: DatabaseSync,
  { fromUs, toUs, limit }: HistoryQuery,
  { spanUs, kind }: { readonly spanUs: number; readonly kind: RollupKind },
): HistoryRow[] {
  const oldest = database.prepare(
    "SELECT min(ts_us) AS us FROM rollups WHERE span_us = ? AND kind = ?",
  );
  const spans = ROLLUP_SPANS.map(({ spanUs }) => spanUs).filter((us) => us >= spanUs).reverse()
    .map((spanUs) => ({ spanUs, sinceUs: Number(oldest.get(spanUs, kind)!.us ?? Infinity) }));
  const stretch = { fromUs: floorTo(fromUs, spanUs), toUs: -floorTo(-toUs, spanUs) };
  const parts = coarsestParts(spans, stretch);
  if (parts.length === 0) return [];
  const columns = "key, packets, bytes, in_bytes, out_bytes, flows";
  const part =
    `SELECT ${columns} FROM rollups WHERE span_us = ? AND kind = ? AND ts_us >= ? AND ts_us < ?`;
  const rows = database.prepare(
    `SELECT key, ${sums} FROM (${parts.map(() => part).join(" UNION ALL ")})
     GROUP BY key ORDER BY bytes DESC, key`,
  ).all(
    ...parts.flatMap(({ spanUs, fromUs, toUs }) => [spanUs, kind, fromUs, toUs]),
  ) as unknown as HistoryRow[];
  return listed(rows, limit);
}

interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
}

/** A stretch in parts with the fewest buckets: days in its middle, hours before and behind them, and so on. `spans`: the longest first. */
function coarsestParts(
  [span, ...finer]: readonly { readonly spanUs: number; readonly sinceUs: number }[],
  { fromUs, toUs }: Stretch,
): (Stretch & { readonly spanUs: number })[] {
  if (span === undefined || fromUs >= toUs) return [];
  const { spanUs, sinceUs } = span;
  if (finer.length === 0) return [{ spanUs, fromUs, toUs }];
  const startUs = -floorTo(-Math.max(fromUs, sinceUs), spanUs);
  const endUs = floorTo(toUs, spanUs);
  if (startUs >= endUs) return coarsestParts(finer, { fromUs, toUs });
  return [
    ...coarsestParts(finer, { fromUs, toUs: startUs }),
    { spanUs, fromUs: startUs, toUs: endUs },
    ...coarsestParts(finer, { fromUs: endUs, toUs }),
  ];
}

function floorTo(us: number, unitUs: number): number {
  return Math.floor(us / unitUs) * unitUs;
}

/** The first rows, and one for all others. */
function listed(rows: readonly HistoryRow[], limit: number): HistoryRow[] {
  const named = rows.filter(({ key, bytes }) => key !== otherKey && bytes > 0);
  const rest = [...rows.filter(({ key }) => key === otherKey), ...named.splice(limit)];
  const others = sumOf(rest);
  return others.packets > 0 ? [...named, { key: otherKey, ...others }] : named;
}

function sumOf(rows: readonly HistorySums[]): HistorySums {
  const sum = { ...noSums };
  for (const row of rows) addTo(sum, row);
  return sum;
}

function addTo(sum: { -readonly [name in keyof HistorySums]: number }, more: HistorySums): void {
  sum.packets += more.packets;
  sum.bytes += more.bytes;
  sum.in_bytes += more.in_bytes;
  sum.out_bytes += more.out_bytes;
  sum.flows += more.flows;
}

/** What a map has under a key, made where there is nothing. */
function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}

/** The keys that have all that the search finds; null when there are none. */
function placeOfTree(tree: SearchTree): Place | null {
  const { lookup, rest } = lookupOf(tree);
  if (lookup !== null && rest === ALL && isBothEnds(lookup.columns)) {
    return { kind: "host", keys: lookup.values };
  }
  if (tree.op === "in" && tree.columns.length === 1 && tree.columns[0] === "service") {
    return { kind: "service", keys: tree.values.map(String) };
  }
  if (tree.op === "network" && isBothEnds(tree.columns)) {
    const address = tree.network.split("/")[0]!;
    if (networkOf(address) === tree.network) return { kind: "peer", keys: [tree.network] };
  }
  return null;
}

function isBothEnds(columns: readonly string[]): boolean {
  return columns.includes("orig_h") && columns.includes("resp_h");
}

const flowColumns = `start_us, end_us, orig_h, resp_h, resp_p, proto, service, orig_pkts, resp_pkts,
  orig_wire_bytes, resp_wire_bytes, local_orig, local_resp, summed_flows`;

/** The newest flows of the stretch that fit, of the newest that are looked at. */
function readFlows(
  database: DatabaseSync,
  { fromUs, toUs, tree }: HistoryQuery,
): { readonly rows: readonly RollupFlow[]; readonly sinceUs: number | null } {
  const { lookup, rest } = lookupOf(tree);
  const placeCount = lookup ? lookup.columns.length * lookup.values.length : 1;
  return readNewest(database, {
    list: "flows",
    time: "end_us",
    fromUs,
    toUs,
    lasting: lastingFlows,
    ...(lookup && { lookup }),
    conditions: rest === ALL ? [] : [searchSql(rest, "flows")],
    lookedAtMax: Math.floor(SUMMED_FLOWS_MAX / placeCount),
    limit: undefined,
    cursor: undefined,
  }, flowColumns);
}

/** Lists and series of rows as the roll-ups have them; a row counts in the bucket in which it ends. */
export function sumFlows(
  rows: readonly RollupFlow[],
  { bucketUs, limit, fromUs, toUs }: Omit<HistoryQuery, "tree">,
): Pick<History, "total" | "series" | "hosts" | "services" | "peers" | "countries"> {
  const lists = new Map<RollupKind, Map<string, HistoryRow>>();
  const points = new Map<number, HistoryPoint>();
  for (const row of rows) {
    const part = shareOf(row, fromUs, toUs);
    for (const { kind, key, originatorGoes } of rollupEntries(row)) {
      const list = getOrMake(lists, kind, () => new Map<string, HistoryRow>());
      const directed = directedSums(part, originatorGoes);
      addTo(getOrMake(list, key, () => ({ key, ...noSums })), directed);
      if (kind !== "service") continue;
      for (const [start, share] of buckets(row, { bucketUs, fromUs, toUs })) {
        const point = getOrMake(points, start, () => ({ ts_us: start, ...noSums }));
        addTo(point, share === 1 ? directed : scaled(directed, share));
      }
    }
  }
  const list = (kind: RollupKind) =>
    listed([...lists.get(kind)?.values() ?? []].sort((a, b) => b.bytes - a.bytes), limit);
  const series = [...points.values()].sort((a, b) => a.ts_us - b.ts_us);
  const services = list("service");
  return {
    total: sumOf(services),
    series,
    hosts: list("host"),
    services,
    peers: list("peer"),
    countries: list("country"),
  };
}

const noSums: HistorySums = { packets: 0, bytes: 0, in_bytes: 0, out_bytes: 0, flows: 0 };

/** What of a flow's sums lies within the stretch, as if it had gone evenly. */
function shareOf(row: RollupFlow, fromUs: number, toUs: number) {
  const lengthUs = Math.max(1, row.end_us - row.start_us);
  const within = Math.min(row.end_us, toUs) - Math.max(row.start_us, fromUs);
  const share = row.end_us === row.start_us ? 1 : Math.max(0, Math.min(1, within / lengthUs));
  return {
    packets: Math.round((row.orig_pkts + row.resp_pkts) * share),
    sent: Math.round(row.orig_wire_bytes * share),
    received: Math.round(row.resp_wire_bytes * share),
    flows: flowsIn(row),
  };
}

function directedSums(
  { packets, sent, received, flows }: ReturnType<typeof shareOf>,
  originatorGoes: "in" | "out" | null,
): HistorySums {
  return {
    packets,
    bytes: sent + received,
    in_bytes: originatorGoes === "in" ? sent : originatorGoes === "out" ? received : 0,
    out_bytes: originatorGoes === "out" ? sent : originatorGoes === "in" ? received : 0,
    flows,
  };
}

/** The series' buckets that a flow lasts over, each with its share. */
function buckets(
  { start_us, end_us }: RollupFlow,
  { bucketUs, fromUs, toUs }: { bucketUs: number; fromUs: number; toUs: number },
): [startUs: number, share: number][] {
  const [from, to] = [Math.max(start_us, fromUs), Math.min(end_us, toUs)];
  const lengthUs = Math.max(1, to - from);
  const shares: [number, number][] = [];
  for (let at = Math.floor(from / bucketUs) * bucketUs; at <= to; at += bucketUs) {
    const within = Math.min(to, at + bucketUs) - Math.max(from, at);
    shares.push([at, to <= from ? 1 : within / lengthUs]);
    if (to <= from) break;
  }
  return shares;
}

function scaled(sums: HistorySums, share: number): HistorySums {
  return {
    packets: sums.packets * share,
    bytes: sums.bytes * share,
    in_bytes: sums.in_bytes * share,
    out_bytes: sums.out_bytes * share,
    flows: sums.flows * share,
  };
}

/** Windows that detection judged, unusual ones among them, and the mean anomaly rate. */
export function readWindows(database: DatabaseSync, query: Omit<HistoryQuery, "tree" | "limit">) {
  const whole = { ...query, tree: ALL, limit: 0 };
  // Counts of windows are not spread over finer buckets.
  const bucketUs = Math.max(query.bucketUs, spanOf(database, whole, "series"));
  return rollupSeries(database, { ...whole, bucketUs }, { kind: "windows", keys: [otherKey] })
    .map(({ ts_us, packets, flows, in_bytes, out_bytes }) => ({
      ...{ ts_us, windows: packets, flagged: flows },
      rate_pct: in_bytes / 1000 / Math.max(1, out_bytes),
    }));
}

/** Bytes of a stretch in buckets, as the series of the history; for comparing. */
export function readSeries(
  database: DatabaseSync,
  query: Omit<HistoryQuery, "limit">,
): readonly HistoryPoint[] {
  const whole = { ...query, limit: 1 };
  const place = query.tree === ALL ? everything : placeOfTree(query.tree);
  const series = place === null ? [] : rollupSeries(database, whole, place);
  if (series.length > 0 || query.tree === ALL) return series;
  return sumFlows(readFlows(database, whole).rows, whole).series;
}

/** First contacts of a stretch: how many, and the newest. */
export function readNewHere(
  database: DatabaseSync,
  { fromUs, toUs, limit }: {
    readonly fromUs: number;
    readonly toUs: number;
    readonly limit: number;
  },
): NewHere {
  const { n } = database.prepare(
    "SELECT count(*) AS n FROM first_contacts WHERE ts_us >= ? AND ts_us < ?",
  ).get(fromUs, toUs)!;
  const rows = database.prepare(
    `SELECT first_contacts.id, ts_us, kind, first_contacts.address, peer, proto, port, service,
       first_contacts.name, devices.name AS device_name
     FROM first_contacts JOIN devices ON devices.id = device_id
     WHERE ts_us >= ? AND ts_us < ? ORDER BY ts_us DESC, first_contacts.id DESC LIMIT ?`,
  ).all(fromUs, toUs, limit);
  return { count: Number(n), rows: rows as unknown as NewRow[] };
}

export interface NewHere {
  readonly count: number;
  readonly rows: readonly NewRow[];
}
interface NewRow {
  readonly id: number;
  readonly ts_us: number;
  readonly kind: string;
  readonly address: string;
  readonly peer: string;
  readonly proto: string;
  readonly port: number;
  readonly service: string;
  readonly name: string;
  readonly device_name: string;
}

/** The usual range of each hour of the stretch. */
export function readUsual(
  database: DatabaseSync,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
): Usual {
  const hours = database.prepare(
    `SELECT ts_us, in_bytes, out_bytes FROM rollups
     WHERE span_us = ${hourUs} AND kind = 'all' AND key = '' AND ts_us >= ? AND ts_us < ?`,
  ).all(fromUs - usualWeeksMax * weekUs, Math.floor(fromUs / hourUs) * hourUs);
  const firstUs = Number(hours[0]?.ts_us ?? fromUs);
  const weeks = Math.floor((fromUs - firstUs) / weekUs);
  if (weeks < usualWeeksMin) return { weeks, hours: [] };
  const byHour = new Map<number, { in: number[]; out: number[] }>();
  for (const { ts_us, in_bytes, out_bytes } of hours) {
    const hour = hourOfWeek(Number(ts_us));
    const values = byHour.get(hour) ?? { in: [], out: [] };
    byHour.set(hour, values);
    values.in.push(Number(in_bytes));
    values.out.push(Number(out_bytes));
  }
  const ranges: UsualRange[] = [];
  for (let us = Math.floor(fromUs / hourUs) * hourUs; us < toUs; us += hourUs) {
    const values = byHour.get(hourOfWeek(us));
    if (!values || values.in.length < usualWeeksMin) continue;
    const [low_in, high_in] = quantiles(values.in);
    const [low_out, high_out] = quantiles(values.out);
    ranges.push({ ts_us: us, low_in, high_in, low_out, high_out });
  }
  return { weeks, hours: ranges };
}

function hourOfWeek(tsUs: number): number {
  return Math.floor(tsUs / hourUs) % 168;
}

/** The tenth and the ninetieth hundredth, between the values. */
function quantiles(values: number[]): [number, number] {
  values.sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (values.length - 1);
    const low = Math.floor(place);
    const high = Math.min(values.length - 1, low + 1);
    return values[low]! + (values[high]! - values[low]!) * (place - low);
  };
  return [at(0.1), at(0.9)];
}

/** Stretches of time in which nothing was captured, oldest first. */
export function readGaps(
  database: DatabaseSync,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
): { readonly fromUs: number; readonly toUs: number }[] {
  const runs = database.prepare(
    `SELECT first_us, last_us FROM runs WHERE last_us >= ? AND first_us < ? ORDER BY first_us`,
  ).all(fromUs, toUs);
  const gaps: { fromUs: number; toUs: number }[] = [];
  let coveredUs = fromUs;
  for (const { first_us, last_us } of runs) {
    if (Number(first_us) > coveredUs) gaps.push({ fromUs: coveredUs, toUs: Number(first_us) });
    coveredUs = Math.max(coveredUs, Number(last_us));
  }
  if (coveredUs < toUs) gaps.push({ fromUs: coveredUs, toUs });
  return gaps.filter((gap) => gap.toUs - gap.fromUs > minuteUs).slice(-gapsMax);
}
