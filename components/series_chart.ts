/** A traffic series as the chart library takes it: labels on round times, rates, one unit a chart. Browser-safe. */
import type { ChartData } from "./chart.ts";
import { formatClock, formatCount, formatDay, formatDuration, formatMinute } from "./format.ts";
import type { Beside } from "./overview.ts";
import type { TrafficSeries } from "./traffic_series.ts";

/** The unit of a chart of rates, chosen by its highest value. */
interface RateUnit {
  readonly name: string;
  readonly bits: number;
}
const rateUnits: readonly RateUnit[] = [
  { name: "Gbit/s", bits: 1e9 },
  { name: "Mbit/s", bits: 1e6 },
  { name: "kbit/s", bits: 1e3 },
  { name: "bit/s", bits: 1 },
];

export interface TrafficChart {
  readonly data: ChartData;
  readonly unit: RateUnit;
  /** Class of the colours, in the order of the datasets. */
  readonly palette: "pal-io" | "pal-usual" | "pal-before";
}

/**
 * In above the line, out below it, what has no direction as a third line (if there is any); behind them what is usual, or the week
 * before.
 */
export function trafficChart(
  series: TrafficSeries,
  zone: string,
  { usual, before }: Pick<Beside, "usual" | "before">,
): TrafficChart {
  const perSecond = 8e6 / series.bucketUs;
  const own = [series.inBytes, series.outBytes, series.otherBytes];
  const behind = before ?? usual;
  const others = behind ? [behind.inBytes, behind.outBytes] : [];
  const highest = Math.max(0, ...[...own, ...others].flat());
  // The axis ends above the highest value: from 800 kbit/s on at 1 Mbit/s.
  const unit = rateUnits.find(({ bits }) => highest * perSecond >= 0.8 * bits) ?? rateUnits.at(-1)!;
  const scale = (values: readonly number[], sign: 1 | -1) =>
    values.map((value) => rounded(sign * value * perSecond / unit.bits));
  const word = before ? "Week before" : "Usual";
  const datasets = [
    ...behind
      ? [
        { name: `${word}, in`, values: scale(fitted(behind.inBytes, series), 1) },
        { name: `${word}, out`, values: scale(fitted(behind.outBytes, series), -1) },
      ]
      : [],
    { name: "In", values: scale(series.inBytes, 1) },
    { name: "Out", values: scale(series.outBytes, -1) },
  ];
  if (series.otherBytes.some((bytes) => bytes > 0)) {
    datasets.push({ name: otherTrafficName, values: scale(series.otherBytes, 1) });
  }
  const palette = before ? "pal-before" : usual ? "pal-usual" : "pal-io";
  return { data: { ...timeAxis(series, zone), datasets }, unit, palette };
}

/** A series may have grown since. */
function fitted(values: readonly number[], { packets }: TrafficSeries): readonly number[] {
  return packets.map((_, index) => values[index] ?? values.at(-1) ?? 0);
}

/** What traffic between local hosts, or of others passing by, is called. */
export const otherTrafficName = "Inside, passing";

/** Packets per second, and losses per second where there were any. */
export function packetChart(series: TrafficSeries, zone: string): ChartData {
  const perSecond = 1e6 / series.bucketUs;
  const rates = (values: readonly number[]) => values.map((value) => rounded(value * perSecond));
  const datasets = [{ name: "Packets", values: rates(series.packets) }];
  if (series.drops.some((drops) => drops > 0)) {
    datasets.push({ name: "Lost", values: rates(series.drops) });
  }
  return { ...timeAxis(series, zone), datasets };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

const tickStepsS = [5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
const ticksMax = 8;

/** Said in place of a chart that has fewer than two points of `bucketS` seconds. */
export function noLineYet(bucketS: number): string {
  return `No line yet: it is drawn from two values on, and there is one every ${
    formatDuration(bucketS)
  }.`;
}

/** Labels of every bucket, and which of them stand on round times of the zone's clock. */
function timeAxis(series: TrafficSeries, zone: string): Pick<ChartData, "labels" | "ticks"> {
  const { startUs, bucketUs } = series;
  const count = series.packets.length;
  const spanS = count * bucketUs / 1e6;
  const stepS = tickStepsS.find((step) => spanS / step <= ticksMax) ?? 86_400;
  const offsetS = zoneOffsetS(startUs, zone);
  const labels: string[] = [];
  const ticks: number[] = [];
  let previous = -1;
  for (let index = 0; index < count; index++) {
    const timeUs = startUs + index * bucketUs;
    const step = Math.floor((timeUs / 1e6 + offsetS) / stepS);
    if (index > 0 && step !== previous) ticks.push(index);
    previous = step;
    labels.push(axisLabel(timeUs, stepS, zone));
  }
  return { labels, ticks };
}

function axisLabel(timeUs: number, stepS: number, zone: string): string {
  if (stepS < 60) return formatClock(timeUs, zone);
  if (stepS < 86_400) return formatMinute(timeUs, zone);
  return formatDay(timeUs, timeUs, zone);
}

/** Local clock minus UTC, within a day. */
function zoneOffsetS(timeUs: number, zone: string): number {
  const [hours, minutes, seconds] = formatClock(timeUs, zone).split(":").map(Number);
  const local = hours! * 3600 + minutes! * 60 + seconds!;
  return local - Math.floor(timeUs / 1e6) % 86_400;
}

/** A y label: no sign (out is never negative on screen), no more digits than needed. */
export function formatAxis(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return formatCount(size);
  return String(Number(size.toPrecision(3)));
}
