/** What the overview and `/api/stats` are made of: one range and one search for all of it. */
import { countryName } from "../../agent/text/countries.ts";
import { rollupEntries, type RollupFlow, serviceSearch } from "../../agent/store/rollup_keys.ts";
import type { History, HistoryPoint, HistoryRow as Sums } from "../../agent/store/history.ts";
import { narrow, quoteValue, term } from "../../agent/search/edit.ts";
import type { Range } from "../../components/live_message.ts";
import type { NewItem } from "../../components/NewHere.tsx";
import { rangeQuery } from "../../components/range_text.ts";
import { formatDay } from "../../components/format.ts";
import {
  type Beside,
  type GroupRow,
  type HistoryRow,
  type Mark,
  nothingBeside,
  type Overview,
  type OverviewHistory,
  type WindowBucket,
} from "../../components/overview.ts";
import { groupRows, protocolLabel } from "../../components/protocol_groups.ts";
import {
  buildSeries,
  completeBuckets,
  type SeriesInput,
  type TrafficSeries,
} from "../../components/traffic_series.ts";
import { pageNowUs } from "../../components/verdict.ts";
import { fromWire } from "../../components/wire.ts";
import { startOfYesterdayUs } from "../../components/input_time.ts";
import { learningText, serviceText } from "../../components/host_text.ts";
import { hostNamesOf } from "./finding_pages.ts";
import { newCounts } from "./host_pages.ts";
import { choiceParameter, textParameter } from "./parameters.ts";
import { askedRange, extentOf, nothingAt, type State, trafficSeries } from "./state.ts";

/** What an address asks for. */
export interface View {
  readonly range: Range;
  /** In the language of flows; "" for everything. */
  readonly q: string;
  /** Beside the week before. */
  readonly isCompared: boolean;
  /** The same as a query. */
  readonly query: URLSearchParams;
}

const minuteUs = 60_000_000;
const weekUs = 7 * 86_400e6;
const rowsShown = 8;
/** Rows that are read: all that a bucket of a roll-up has, so that protocols are complete. */
const rowsRead = 100;
const openFlowsMax = 1000;
const marksMax = 40;
const windowBucketsMax = 60;

/** Throws ParameterError. */
export function askedView(url: URL): View {
  const range = askedRange(url, ["q", "compare"]);
  const { searchParams } = url;
  const isCompared = choiceParameter(searchParams, "compare", ["week"]) !== undefined;
  const q = textParameter(searchParams, "q", 2000) ?? "";
  return { range, q, isCompared, query: viewQuery({ range, q, isCompared }) };
}

/** The query of an address that shows the view. */
export function viewQuery({ range, q, isCompared }: Omit<View, "query">): URLSearchParams {
  const query = rangeQuery(range);
  if (q !== "") query.set("q", q);
  if (isCompared) query.set("compare", "week");
  return query;
}

/** Throws what StoreQueries throws. */
export async function readOverview(state: State, view: View): Promise<Overview> {
  const { queries } = state.context;
  const { range, q } = view;
  const extent = extentOf(state, range);
  const bucketUs = Math.ceil(range.bucketS / 60) * minuteUs;
  const asked = { ...extent, q, bucketUs };
  const [stored, before, counted, windows] = await Promise.all([
    queries.history({ ...asked, limit: rowsRead }),
    view.isCompared ? historyBefore(state, { ...asked, limit: rowsRead }) : null,
    q === "" && state.message.health.mode !== "hub" ? trafficSeries(state, range) : null,
    q === "" ? readWindows(state, extent) : [],
  ]);
  const series = counted === null || isShort(counted, stored)
    ? seriesOf(state, stored?.series ?? [], { range, bucketUs })
    : counted;
  const open = range.toUs === null ? await openFlows(state, view, extent) : null;
  return {
    series,
    windows,
    beside: await readBeside(state, view, series),
    history: await readLists(state, view, { stored, open, before }),
  };
}

/** Of the lists' stretch a week before, as far as it has gone by now. */
async function historyBefore(
  state: State,
  { fromUs, toUs, ...asked }: Parameters<State["context"]["queries"]["history"]>[0],
): Promise<History | null> {
  const endUs = Math.min(toUs, pageNowUs(state.message));
  const stretch = { fromUs: fromUs - weekUs, toUs: endUs - weekUs };
  return await state.context.queries.history({ ...asked, ...stretch });
}

/** Whether the seconds have gone (in part), and the roll-ups are still there. */
function isShort({ packets, bucketUs }: TrafficSeries, stored: History | null): boolean {
  const counted = packets.reduce((sum, count) => sum + count, 0);
  return bucketUs >= minuteUs && (stored?.total.packets ?? 0) > 1.2 * counted;
}

function seriesOf(
  state: State,
  points: readonly HistoryPoint[],
  { range, bucketUs }: { readonly range: Range; readonly bucketUs: number },
): TrafficSeries {
  const endUs = range.toUs === null ? pageNowUs(state.message) : range.toUs - 1;
  const inputs = points.map((point): SeriesInput => ({
    ...fromWire<SeriesInput>(point),
    ...{ kernelDrops: 0, interfaceDrops: 0, queueDrops: 0 },
  }));
  const countMax = Math.ceil(range.spanS * 1e6 / bucketUs);
  const shape = { bucketUs, countMax, endUs };
  if (range.toUs === null) return completeBuckets(buildSeries(inputs, shape), endUs);
  return buildSeries([nothingAt(range.toUs - range.spanS * 1e6), ...inputs], shape);
}

async function readWindows(
  { context }: State,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
): Promise<WindowBucket[]> {
  const wanted = (toUs - fromUs) / windowBucketsMax / minuteUs;
  const minutes = [1, 2, 5, 10, 30, 60, 180, 720, 1440].find((minutes) => minutes >= wanted) ??
    Math.ceil(wanted / 1440) * 1440;
  const bucketUs = minutes * minuteUs;
  const rows = await context.queries.windows({ fromUs, toUs, bucketUs });
  return rows.map(({ ts_us, windows, flagged, rate_pct }) => ({
    ...{ fromUs: ts_us, toUs: ts_us + bucketUs, windows, flagged, ratePct: rate_pct },
  }));
}

const newShown = 7;
const newWords: Readonly<Record<string, string>> = {
  device: "First time on this network",
  service: "New service",
  peer: "New peer",
};

export interface News {
  readonly count: number;
  /** The list of the range, which goes back to the beginning of yesterday at least where it ends now. */
  readonly href: string;
  readonly items: readonly NewItem[];
  readonly learning: string;
}

/** First contacts of the range. */
export async function newItems(
  state: State,
  view: View,
): Promise<News> {
  const extent = extentOf(state, view.range);
  const { count, rows } = await state.context.queries.newHere({ ...extent, limit: newShown });
  const items = rows.map((row): NewItem => {
    const { id, ts_us, kind, address, peer, device_name } = row;
    const isPeer = kind === "peer" || kind === "country";
    const host = device_name || address;
    return {
      id,
      tsUs: ts_us,
      what: kind === "country"
        ? `New country of ${host}: ${countryName(row.service)}`
        : isPeer
        ? `New peer of ${host}`
        : newWords[kind] ?? kind,
      who: isPeer ? row.name || peer : host,
      address: isPeer
        ? peer
        : kind === "service"
        ? serviceText(row.proto, row.port ?? 0, row.service)
        : address,
      href: `/?${
        viewQuery({ ...view, isCompared: false, q: term("host", isPeer ? peer : address) })
      }`,
    };
  });
  const counts = await newCounts(state);
  const learning = counts === null
    ? ""
    : learningText(counts.learningUntilUs, pageNowUs(state.message), state.sensor.zone);
  const { toUs } = view.range;
  const query = new URLSearchParams(
    toUs === null
      ? { from: String(Math.min(extent.fromUs, startOfYesterdayUs(pageNowUs(state.message)))) }
      : { from: String(extent.fromUs), to: String(toUs) },
  );
  return { count, href: `/hosts/new?${query}`, items, learning };
}

interface OpenPart {
  readonly rows: readonly RollupFlow[];
  readonly count: number;
  readonly isWhole: boolean;
}

/** What flows under way have had within the range: their rows come when they end, or after five minutes. */
async function openFlows(
  { context }: State,
  { q }: View,
  { fromUs }: { readonly fromUs: number },
): Promise<OpenPart> {
  const open = await context.openFlows({
    tree: await context.queries.readSearch("flows", q),
    fromUs,
    toUs: null,
    order: "bytes",
    isAscending: false,
    after: null,
    limit: openFlowsMax,
  });
  const rows = (open.rows as unknown as RollupFlow[]).map((row) => within(row, fromUs));
  const isWhole = !open.isLate && open.lookedAt >= open.standing && rows.length >= open.count;
  return { rows, count: open.count, isWhole };
}

function within(row: RollupFlow, fromUs: number): RollupFlow {
  if (row.start_us >= fromUs) return row;
  const share = (row.end_us - fromUs) / Math.max(1, row.end_us - row.start_us);
  const part = (bytes: number) => Math.round(bytes * Math.max(0, share));
  return {
    ...row,
    orig_wire_bytes: part(row.orig_wire_bytes),
    resp_wire_bytes: part(row.resp_wire_bytes),
  };
}

type ListedKind = "host" | "service" | "peer" | "country";

async function readLists(
  state: State,
  view: View,
  { stored, open, before }: {
    readonly stored: History | null;
    readonly open: OpenPart | null;
    /** A week before, where that is compared. */
    readonly before: History | null;
  },
): Promise<OverviewHistory> {
  const sums = (kind: ListedKind, rows: readonly Sums[] = []) =>
    withOpen(kind, rows, open?.rows ?? []);
  const [services, peers] = [sums("service", stored?.services), sums("peer", stored?.peers)];
  const countries = sums("country", stored?.countries);
  const hosts = await byDevice(state, sums("host", stored?.hosts));
  const row = (termOf: (key: string) => string, nameOf: (key: string) => string) => (sum: Sums) =>
    historyRow(view, sum, { termOf, name: nameOf(sum.key) });
  const then = isPartial(stored) || isPartial(before) ? null : before;
  const hostsBefore = then && (await byDevice(state, then.hosts)).rows;
  const bytes = services.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    bytes: view.q === "" ? Math.max(bytes, stored?.total.bytes ?? 0) : bytes,
    hosts: compared(topOf(hosts.rows).map(row(hosts.termOf, hosts.nameOf)), hostsBefore),
    services: compared(topOf(services).map(row(serviceSearch, serviceName)), then?.services),
    peers: compared(
      topOf(peers).map(row((key) => `net ${quoteValue(key)}`, () => "")),
      then?.peers,
    ),
    countries: compared(
      topOf(countries).map(row((key) => term("country", key), countryName)),
      then?.countries,
    ),
    groups: groupRows(services).map((group) => groupRow(view, group)),
    openFlows: open && open.count,
    notes: [
      ...notesOf(state, stored, open),
      ...before ? beforeNotes(stored, before) : [],
    ],
  };
}

function beforeNotes(stored: History | null, before: History): string[] {
  if (isPartial(stored) || isPartial(before)) {
    return ["Lists are not compared with the week before: there are too many flows for that."];
  }
  return before.services.length === 0 ? ["There is no history of the week before."] : [];
}

function isPartial(history: History | null): boolean {
  return history !== null && history.sinceUs !== null;
}

/** Rows with what they had a week before; what is not among those of then may be among its others, if it has such. */
function compared(
  rows: readonly HistoryRow[],
  before: readonly Sums[] | null | undefined,
): readonly HistoryRow[] {
  if (!before || before.length === 0) return rows;
  const bytesOf = new Map(before.map(({ key, bytes }) => [key, bytes]));
  const unlisted = bytesOf.has("") ? null : 0;
  const shown = rows.reduce((sum, { key }) => sum + (key === "" ? 0 : bytesOf.get(key) ?? 0), 0);
  const others = addSums(before).bytes - shown;
  return rows.map((row) => ({
    ...row,
    beforeBytes: row.key === "" ? others : bytesOf.get(row.key) ?? unlisted,
  }));
}

/** A row for each device with all its addresses, under its main one. */
async function byDevice({ context }: State, rows: readonly Sums[]) {
  const addresses = rows.map(({ key }) => key).filter((key) => key !== "");
  const [devices, names] = await Promise.all([
    context.queries.devicesOf(addresses),
    hostNamesOf(context, addresses),
  ]);
  const merged = new Map<string, Sums>();
  const shown = new Map<string, { readonly term: string; readonly name: string }>();
  for (const row of rows) {
    const device = devices[row.key];
    const key = device?.address || row.key;
    merged.set(key, { ...addSums([row, ...merged.has(key) ? [merged.get(key)!] : []]), key });
    const hasOthers = device !== undefined && device.addresses > 1 && device.mac !== "";
    shown.set(key, {
      term: hasOthers ? `mac ${device.mac}` : term("host", key),
      name: device?.name || (names[row.key] ?? ""),
    });
  }
  return {
    rows: [...merged.values()].sort((a, b) => b.bytes - a.bytes),
    termOf: (key: string) => shown.get(key)?.term ?? term("host", key),
    nameOf: (key: string) => shown.get(key)?.name ?? "",
  };
}

function addSums(rows: readonly Sums[]): Omit<Sums, "key"> {
  const sum = (key: "packets" | "bytes" | "in_bytes" | "out_bytes" | "flows") =>
    rows.reduce((total, row) => total + row[key], 0);
  return {
    packets: sum("packets"),
    bytes: sum("bytes"),
    in_bytes: sum("in_bytes"),
    out_bytes: sum("out_bytes"),
    flows: sum("flows"),
  };
}

function withOpen(
  kind: ListedKind,
  rows: readonly Sums[],
  open: readonly RollupFlow[],
): Sums[] {
  const byKey = new Map(rows.map((row) => [row.key, { ...row }]));
  for (const flow of open) {
    const [sent, received] = [flow.orig_wire_bytes, flow.resp_wire_bytes];
    for (const { kind: own, key, originatorGoes } of rollupEntries(flow)) {
      if (own !== kind) continue;
      const row = byKey.get(key) ??
        { key, packets: 0, bytes: 0, in_bytes: 0, out_bytes: 0, flows: 0 };
      byKey.set(key, {
        key,
        packets: row.packets + flow.orig_pkts + flow.resp_pkts,
        bytes: row.bytes + sent + received,
        in_bytes: row.in_bytes + (originatorGoes === "in" ? sent : originatorGoes ? received : 0),
        out_bytes: row.out_bytes +
          (originatorGoes === "out" ? sent : originatorGoes ? received : 0),
        flows: row.flows + 1,
      });
    }
  }
  return [...byKey.values()].sort((a, b) => b.bytes - a.bytes);
}

/** The largest, and what is in no row as the last. */
function topOf(rows: readonly Sums[]): Sums[] {
  const named = rows.filter(({ key, bytes }) => key !== "" && bytes > 0);
  const rest = [...rows.filter(({ key }) => key === ""), ...named.slice(rowsShown)];
  const others: Sums = { ...addSums(rest), key: "" };
  const shown = named.slice(0, rowsShown);
  return others.bytes > 0 ? [...shown, others] : shown;
}

function historyRow(
  view: View,
  { key, bytes, in_bytes, out_bytes, flows }: Sums,
  { termOf, name }: { readonly termOf: (key: string) => string; readonly name: string },
): HistoryRow {
  const href = key === "" ? null : narrowedHref(view, termOf(key));
  return { key, name, href, bytes, inBytes: in_bytes, outBytes: out_bytes, flows };
}

function serviceName(key: string): string {
  if (key === "") return "";
  const [proto, port] = key.split("/");
  return port === undefined ? protocolLabel(key) : `${protocolLabel(proto!)} ${port}`;
}

function groupRow(
  view: View,
  { applications, ...group }: ReturnType<typeof groupRows>[number],
): GroupRow {
  const terms = applications.map((name) => `service ${name}`);
  const whole = terms.length > 1 ? `(${terms.join(" or ")})` : terms[0];
  return { ...group, href: whole === undefined ? null : narrowedHref(view, whole) };
}

/** The same page with another term that has to fit; null where the search cannot be read. */
function narrowedHref(view: View, added: string): string | null {
  try {
    return `/?${viewQuery({ ...view, q: narrow(view.q, added, "flows") })}`;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function notesOf(state: State, stored: History | null, open: OpenPart | null): string[] {
  const notes: string[] = [];
  if (stored?.sinceUs) {
    const since = formatDay(stored.sinceUs, pageNowUs(state.message), state.sensor.zone);
    notes.push(
      `Lists are of the newest 10,000 flows that were looked at, which go back to ${since}: name a shorter time for all.`,
    );
  }
  if (open && !open.isWhole) notes.push("Of the flows under way not all could be counted in.");
  return notes;
}

async function readBeside(state: State, view: View, series: TrafficSeries): Promise<Beside> {
  const { queries } = state.context;
  const { q, range, isCompared } = view;
  const count = series.packets.length;
  if (count === 0) return nothingBeside;
  const fromUs = series.startUs;
  const toUs = fromUs + count * series.bucketUs;
  const isLive = range.toUs === null;
  const [marks, gaps, usual, before] = await Promise.all([
    readMarks(state, view, { fromUs, toUs }),
    queries.gaps({ fromUs, toUs: isLive ? Math.min(toUs, pageNowUs(state.message)) : toUs }),
    q === "" && !isCompared ? queries.usual({ fromUs, toUs }) : null,
    isCompared ? readBefore(state, view, series) : null,
  ]);
  const bandOf = (key: "high_in" | "high_out") =>
    Array.from({ length: count }, (_, index) => {
      const atUs = fromUs + (index + 0.5) * series.bucketUs;
      const hour = usual!.hours.find(({ ts_us }) => atUs < ts_us + 3600e6);
      return (hour?.[key] ?? 0) * series.bucketUs / 3600e6;
    });
  const hasUsual = usual !== null && usual.hours.length > 0;
  return {
    marks,
    // A gap at the end of what is live is the store's delay.
    gaps: isLive ? gaps.filter((gap) => gap.toUs < pageNowUs(state.message) - minuteUs) : gaps,
    usual: hasUsual ? { inBytes: bandOf("high_in"), outBytes: bandOf("high_out") } : null,
    usualNote: usual === null || hasUsual
      ? ""
      : `Usual range: not yet, it needs 2 weeks of history and there ${
        usual.weeks === 1 ? "is 1 week" : "are none"
      }.`,
    before,
  };
}

async function readMarks(
  { context }: State,
  { q }: View,
  extent: { readonly fromUs: number; readonly toUs: number },
): Promise<Mark[]> {
  const { queries } = context;
  const asked = { ...extent, limit: marksMax, order: "severity" as const };
  // A search of flows that says something about incidents narrows them too.
  const found = await queries.incidents({ ...asked, q }).catch((error) => {
    if (error instanceof RangeError && q !== "") return queries.incidents(asked);
    throw error;
  });
  return found.rows.map((row) => ({
    tsUs: Number(row.first_us),
    endUs: Number(row.last_us),
    severity: row.severity as Mark["severity"],
    text: String(row.headline),
    href: `/incidents/${row.id}`,
  })).filter(({ tsUs }) => tsUs >= extent.fromUs);
}

async function readBefore(
  { context }: State,
  { q }: View,
  series: TrafficSeries,
): Promise<Beside["before"]> {
  const { startUs, packets: { length } } = series;
  const bucketUs = Math.ceil(series.bucketUs / minuteUs) * minuteUs;
  const points = await context.queries.historySeries({
    ...{ fromUs: startUs - weekUs, toUs: startUs + length * series.bucketUs - weekUs },
    ...{ bucketUs, q },
  });
  const of = (key: "in_bytes" | "out_bytes") => {
    const values = new Array<number>(length).fill(0);
    for (const point of points) {
      // A bucket of the roll-ups may be several of the series.
      const first = Math.floor((point.ts_us + weekUs - startUs) / series.bucketUs);
      const each = Math.max(1, Math.round(bucketUs / series.bucketUs));
      for (let at = Math.max(0, first); at < Math.min(length, first + each); at++) {
        values[at]! += point[key] / each;
      }
    }
    return values;
  };
  return { inBytes: of("in_bytes"), outBytes: of("out_bytes") };
}
