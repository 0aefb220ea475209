/**
 * Traffic over time as the charts take it: sums in buckets of equal width. The server fills a series from memory or
 * from the database, the browser adds the seconds that `/api/events` brings.
 */
import type { StatsSecond } from "../agent/records.ts";

/** Sums of one bucket each; all arrays have one length. Bucket i begins at startUs + i * bucketUs. */
export interface TrafficSeries {
  readonly startUs: number;
  readonly bucketUs: number;
  readonly inBytes: readonly number[];
  readonly outBytes: readonly number[];
  /** Between local hosts, or passing by: traffic without direction. */
  readonly otherBytes: readonly number[];
  readonly packets: readonly number[];
  readonly drops: readonly number[];
}

/** What a bucket is made of: a second, or a bucket of the database. */
export type SeriesInput = Pick<
  StatsSecond,
  | "tsUs"
  | "packets"
  | "bytes"
  | "inBytes"
  | "outBytes"
  | "kernelDrops"
  | "interfaceDrops"
  | "queueDrops"
>;

interface SeriesShape {
  readonly bucketUs: number;
  /** Most buckets kept. */
  readonly countMax: number;
  /** End of the time that is known; the last bucket is the one that holds it. */
  readonly endUs: number;
}

/** Puts `inputs` (oldest first) into buckets; starts at the first input, at most `countMax` buckets before the end. */
export function buildSeries(inputs: readonly SeriesInput[], shape: SeriesShape): TrafficSeries {
  const { bucketUs, countMax } = shape;
  const endIndex = Math.floor(shape.endUs / bucketUs);
  const firstIndex = Math.floor((inputs[0]?.tsUs ?? shape.endUs) / bucketUs);
  const startIndex = Math.max(endIndex - countMax + 1, Math.min(firstIndex, endIndex));
  const series = emptySeries(startIndex * bucketUs, bucketUs, endIndex - startIndex + 1);
  for (const input of inputs) addInput(series, input);
  return series;
}

/** Seconds further ahead than this are of a clock that is wrong. */
const aheadUs = 60_000_000;

/** A longer series with `seconds` in it that ends at `endUs`, or a little later, and keeps at most `countMax` buckets. */
export function extendSeries(
  series: TrafficSeries,
  seconds: readonly SeriesInput[],
  limits: { readonly endUs: number; readonly countMax: number },
): TrafficSeries {
  const { bucketUs } = series;
  const oldStart = Math.round(series.startUs / bucketUs);
  const oldEnd = oldStart + series.packets.length - 1;
  const newestUs = seconds.filter(({ tsUs }) => tsUs <= limits.endUs + aheadUs)
    .reduce((newest, { tsUs }) => Math.max(newest, tsUs), limits.endUs);
  const end = Math.max(oldEnd, Math.floor(newestUs / bucketUs));
  const start = Math.max(oldStart, end - limits.countMax + 1);
  const next = emptySeries(start * bucketUs, bucketUs, end - start + 1);
  for (const key of seriesKeys) {
    for (let index = Math.max(start, oldStart); index <= oldEnd; index++) {
      next[key][index - start] = series[key][index - oldStart] ?? 0;
    }
  }
  for (const second of seconds) addInput(next, second);
  return next;
}

/** The newest `count` buckets that are complete at `endUs`. */
export function completeBuckets(series: TrafficSeries, endUs: number): TrafficSeries {
  const length = series.packets.length;
  const lastStartUs = series.startUs + (length - 1) * series.bucketUs;
  if (length < 2 || lastStartUs + series.bucketUs <= endUs) return series;
  const cut = (values: readonly number[]) => values.slice(0, -1);
  return {
    ...series,
    inBytes: cut(series.inBytes),
    outBytes: cut(series.outBytes),
    otherBytes: cut(series.otherBytes),
    packets: cut(series.packets),
    drops: cut(series.drops),
  };
}

const seriesKeys = ["inBytes", "outBytes", "otherBytes", "packets", "drops"] as const;
type MutableSeries = TrafficSeries & { readonly [key in typeof seriesKeys[number]]: number[] };

function emptySeries(startUs: number, bucketUs: number, count: number): MutableSeries {
  const zeros = () => new Array<number>(count).fill(0);
  return {
    startUs,
    bucketUs,
    inBytes: zeros(),
    outBytes: zeros(),
    otherBytes: zeros(),
    packets: zeros(),
    drops: zeros(),
  };
}

function addInput(series: MutableSeries, input: SeriesInput): void {
  const index = Math.floor((input.tsUs - series.startUs) / series.bucketUs);
  if (index < 0 || index >= series.packets.length) return;
  series.inBytes[index]! += input.inBytes;
  series.outBytes[index]! += input.outBytes;
  series.otherBytes[index]! += Math.max(0, input.bytes - input.inBytes - input.outBytes);
  series.packets[index]! += input.packets;
  series.drops[index]! += input.kernelDrops + input.interfaceDrops + input.queueDrops;
}
