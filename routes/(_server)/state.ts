/** What every request knows: the parts of the program it was given, its reader's theme, and the page's live data. */
import { createDefine } from "fresh";
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import type { FleetAgent } from "../../agent/fleet/view.ts";
import type { LookItem } from "../../components/incidents.ts";
import {
  type LiveMessage,
  type Range,
  rangeById,
  rangeOfDates,
  RANGES,
  type SensorInfo,
} from "../../components/live_message.ts";
import type { Theme } from "../../components/theme.ts";
import {
  buildSeries,
  completeBuckets,
  type SeriesInput,
  type TrafficSeries,
} from "../../components/traffic_series.ts";
import { pageNowUs, secondDrops } from "../../components/verdict.ts";
import { fromWire } from "../../components/wire.ts";
import type { EventHub } from "./event_hub.ts";
import type { LoginGate } from "./login_gate.ts";
import { withAllMethods } from "./methods.ts";
import { checkNames, choiceParameter, ParameterError, timeRange } from "./parameters.ts";

export interface State {
  context: DashboardContext;
  hub: EventHub;
  gate: LoginGate;
  /** Address of the reader, for the count of failed logins. */
  address: string;
  theme: Theme;
  /** Of the page, where its address does not say it all. */
  title?: string;
  /** True once the reader may see traffic; before that no page is rendered but the login. */
  isLetIn: boolean;
  /** One message for all islands of the page, so that its props are written once; for readers who are let in. */
  message: LiveMessage;
  sensor: SensorInfo;
  /** What needs a look, on pages; empty where the database cannot be read, which the page says itself. */
  look: readonly LookItem[];
  /** Of a hub, on pages: its agents by number; empty where the database cannot be read. */
  agents?: ReadonlyMap<number, FleetAgent>;
}

const helpers = createDefine<State>();

/** Fresh's helpers; handlers by method answer for those that are missing, too. */
export const define: typeof helpers = { ...helpers, handlers: withAllMethods };

/** What does not change while the program runs. */
export function sensorInfo({ options }: DashboardContext): SensorInfo {
  return {
    hostname: options.hostname,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    replay: options.replay,
    resultsFolder: options.resultsFolder,
    loopbackNote: options.loopbackNote,
  };
}

/** The range that the address asks for, or the page's usual one where it asks for none of ours. */
export function rangeOf(url: URL): Range {
  try {
    return readRange(url);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    return rangeById(usualRange(url));
  }
}

/** The same. Throws ParameterError for what is no range, and for names besides it and `others`. */
export function askedRange(url: URL, others: readonly string[] = []): Range {
  checkNames(url.searchParams, ["range", "from", "to", ...others]);
  return readRange(url);
}

/** Whether the page of a path is of a range. */
export function hasRange(path: string): boolean {
  return path === "/" || path === "/status" || isHostPage(path);
}

function isHostPage(path: string): boolean {
  return /^\/hosts\/(?!new$)[^/]+$/.test(path);
}

function usualRange({ pathname }: URL): string | null {
  return isHostPage(pathname) ? "7d" : null;
}

function readRange(url: URL): Range {
  const query = url.searchParams;
  const id = choiceParameter(query, "range", RANGES.map(({ id }) => id));
  const { fromUs, toUs } = timeRange(query);
  if (fromUs === undefined && toUs === undefined) return rangeById(id ?? usualRange(url));
  if (fromUs === undefined) throw new ParameterError("from is missing beside to");
  const endUs = toUs ?? Date.now() * 1000;
  if (endUs <= fromUs) throw new ParameterError("from must be before now");
  if (endUs - fromUs > spanMaxUs) {
    throw new ParameterError("from and to may be ten years apart at most");
  }
  return rangeOfDates(fromUs, endUs);
}
const spanMaxUs = 3653 * 86_400e6;

/** Beginning and end of a range, at the edges of buckets; what ends now has its last bucket unfinished. */
export function extentOf(state: State, { bucketS, spanS, toUs }: Range) {
  const bucketUs = bucketS * 1e6;
  const endUs = toUs ?? (Math.floor(pageNowUs(state.message) / bucketUs) + 1) * bucketUs;
  return { fromUs: endUs - spanS * 1e6, toUs: endUs };
}

/** Of a second, what charts draw. */
const drawnColumns = [
  ...["packets", "bytes", "in_bytes", "out_bytes"],
  ...["kernel_drops", "interface_drops", "queue_drops"],
];

/**
 * Traffic of `range`: from memory up to now for the first range, else from the database up to the last full bucket.
 */
export async function trafficSeries(state: State, range: Range): Promise<TrafficSeries> {
  const { live, queries } = state.context;
  const bucketUs = range.bucketS * 1e6;
  const countMax = range.spanS / range.bucketS;
  const endUs = range.toUs === null ? pageNowUs(state.message) : range.toUs - 1;
  const shape = { bucketUs, countMax, endUs };
  if (range.id === RANGES[0].id) return buildSeries(live.seconds(), shape);
  const toUs = (Math.floor(endUs / bucketUs) + 1) * bucketUs;
  // A range of countMax - 1 buckets makes the database's buckets exactly ours.
  // Of what ends now the last bucket is unfinished.
  const count = range.toUs === null ? countMax : countMax + 1;
  const fromUs = toUs - bucketUs * (count - 1);
  const { points } = await queries.stats({ fromUs, toUs }, count, drawnColumns);
  const inputs = points.map((point) => fromWire<SeriesInput>(point));
  const series = buildSeries(range.toUs === null ? inputs : [nothingAt(fromUs), ...inputs], shape);
  return range.toUs === null ? completeBuckets(series, endUs) : series;
}

/** Of a range with its own beginning all of it is drawn. */
export function nothingAt(tsUs: number): SeriesInput {
  return {
    ...{ tsUs, packets: 0, bytes: 0, inBytes: 0, outBytes: 0 },
    ...{ kernelDrops: 0, interfaceDrops: 0, queueDrops: 0 },
  };
}

/** What a chart shows when the database has no answer. */
export function emptySeries(range: Range, endUs: number): TrafficSeries {
  return buildSeries([], { bucketUs: range.bucketS * 1e6, countMax: 1, endUs });
}

/** Packets lost in the last minute. */
export function recentDrops(state: State): number {
  const seconds = state.context.live.seconds(60);
  const sinceUs = pageNowUs(state.message) - 60e6;
  return seconds.reduce((sum, s) => s.tsUs > sinceUs ? sum + secondDrops(s) : sum, 0);
}
