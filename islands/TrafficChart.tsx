/**
 * Bits per second over time: in above the line, out below it, with what is usual (or the week before) behind it, incidents and gaps
 * on it. A stretch that is drawn over, or followed by its link, becomes the page's range.
 */
import { ChartOverlay } from "../components/ChartOverlay.tsx";
import { formatBitRate, formatDuration, formatMinute, formatWhen } from "../components/format.ts";
import { latest, liveSeconds } from "../components/live.ts";
import { type LiveMessage, type Range, RANGES } from "../components/live_message.ts";
import type { Beside, Stretch } from "../components/overview.ts";
import { useOverview } from "../components/overview_feed.ts";
import {
  formatAxis,
  noLineYet,
  otherTrafficName,
  trafficChart,
} from "../components/series_chart.ts";
import { SeriesSketch } from "../components/SeriesSketch.tsx";
import { completeBuckets, extendSeries, type TrafficSeries } from "../components/traffic_series.ts";
import { useBrush } from "../components/use_brush.ts";
import { type LiveChart, useLiveChart } from "../components/use_live_chart.ts";
import { currentSecond, pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly series: TrafficSeries;
  readonly beside: Beside;
  readonly range: Range;
  readonly when: string;
  readonly zone: string;
  /** Query of `/api/stats`, and that of the page without its range. */
  readonly source: string;
  readonly rest: string;
  readonly isNarrowed: boolean;
  readonly isCompared: boolean;
}

const chart: LiveChart = {
  draw: (charts, element, data) =>
    charts.drawLineChart(element, {
      height: 300,
      left: 40,
      data,
      formatY: formatAxis,
      formatTip: formatAxis,
    }),
  everyMs: 900,
};
/** Links that lead closer. */
const stretches = 6;

export default function TrafficChart(props: Props) {
  const { initial, range, zone, rest, isNarrowed, isCompared } = props;
  const fresh = useOverview(props.source, range);
  const series = useSeries(props, fresh?.series ?? props.series);
  const beside = fresh?.beside ?? props.beside;
  const { data, unit, palette } = trafficChart(series, zone, beside);
  const isEmpty = series.packets.length < 2;
  const { host, isDrawn } = useLiveChart(isEmpty ? null : data, chart);
  const spanUs = series.packets.length * series.bucketUs;
  const { chosen, area } = useBrush(([from, to]) => {
    const at = (share: number) => Math.round(series.startUs + share * spanUs);
    location.assign(stretchHref(rest, { fromUs: at(from), toUs: at(to) }));
  });
  const message = latest.value ?? initial;
  const nowUs = pageNowUs(message);
  const span = formatDuration(spanUs / 1e6);
  const highest = (bytes: readonly number[]) =>
    formatBitRate(Math.max(0, ...bytes) * 8e6 / series.bucketUs);
  return (
    <section class="panel c8">
      <header>
        <h2>Traffic</h2>
        <Legend {...props} series={series} beside={beside} />
        <p class="end">{unit.name}, {formatDuration(series.bucketUs / 1e6)} average</p>
      </header>
      <div class="body">
        <div
          class={`tw-chart ${palette} ${isEmpty ? "none" : "h-lg brush"}`}
          role="group"
          aria-label={`Bits per second, in above and out below, ${props.when}: at most ${
            highest(series.inBytes)
          } in, ${highest(series.outBytes)} out.`}
          ref={area}
        >
          <div class="tw-chart-draw" ref={host} />
          {isEmpty && <p class="dim">{noLineYet(series.bucketUs / 1e6)}</p>}
          {!isEmpty && !isDrawn && (
            <SeriesSketch
              above={series.inBytes}
              below={series.outBytes}
              height={276}
              note={`${span}, at most ${highest(series.inBytes)} in, ${
                highest(series.outBytes)
              } out`}
            />
          )}
          {!isEmpty && <ChartOverlay {...{ series, beside, chosen, nowUs, zone }} />}
        </div>
      </div>
      <p class="note stretches">
        {!isEmpty && (
          <>
            Closer:
            {partsOf(series).map((part) => (
              <a key={part.fromUs} href={stretchHref(rest, part)}>
                {range.spanS <= 86_400
                  ? formatMinute(part.fromUs, zone)
                  : formatWhen(part.fromUs, nowUs, zone)}
              </a>
            ))}
            <a href={stretchHref(rest, earlier(series.startUs, range))}>earlier</a>
          </>
        )}
        <a href={compareHref(props)} aria-current="false">
          {isCompared ? "without the week before" : "beside the week before"}
        </a>
        <a href={`/api/stats?${props.source}`}>as numbers</a>
      </p>
      {beside.usualNote !== "" && !isNarrowed && <p class="note">{beside.usualNote}</p>}
    </section>
  );
}

/** Of complete buckets; the first range grows with each second. */
function useSeries(
  { initial, series, range, isNarrowed }: Props,
  stored: TrafficSeries,
): TrafficSeries {
  if (range.id !== RANGES[0].id || isNarrowed) return stored;
  const endUs = pageNowUs(latest.value ?? initial);
  const limits = { endUs, countMax: range.spanS / range.bucketS };
  return completeBuckets(extendSeries(series, liveSeconds.value, limits), endUs);
}

function Legend({ initial, series, beside, range, isNarrowed, isCompared }: Props) {
  const message = latest.value ?? initial;
  const newest = liveSeconds.value.at(-1) ?? initial.seconds.at(-1) ?? null;
  const second = range.toUs === null && !isNarrowed ? currentSecond(newest, message) : null;
  const hasOther = series.otherBytes.some((bytes) => bytes > 0);
  const other = second ? second.bytes - second.inBytes - second.outBytes : 0;
  const rate = (bytes: number | undefined) => second && <b>{formatBitRate((bytes ?? 0) * 8)}</b>;
  return (
    <div class="legend">
      <span>
        <i class="sw in" />In {rate(second?.inBytes)}
      </span>
      <span>
        <i class="sw out" />Out {rate(second?.outBytes)}
      </span>
      {hasOther && (
        <span title="Between local hosts, or of others passing by">
          <i class="sw ink" />
          {otherTrafficName} {rate(other)}
        </span>
      )}
      {beside.usual && (
        <span title="Nine of ten of the same hours of the last weeks had less">
          <i class="sw usual" />usual for the hour
        </span>
      )}
      {isCompared && (
        <span>
          <i class="sw dashed" />week before
        </span>
      )}
      {beside.gaps.length > 0 && (
        <span>
          <i class="sw gap" />not captured
        </span>
      )}
    </div>
  );
}

/** Of whole buckets. */
function partsOf({ startUs, bucketUs, packets: { length } }: TrafficSeries): Stretch[] {
  const count = Math.min(stretches, length);
  const edge = (index: number) => startUs + Math.round(index * length / count) * bucketUs;
  return Array.from({ length: count }, (_, index) => ({
    fromUs: edge(index),
    toUs: edge(index + 1),
  }));
}

function earlier(startUs: number, { spanS }: Range): Stretch {
  return { fromUs: startUs - spanS * 1e6, toUs: startUs };
}

function stretchHref(rest: string, { fromUs, toUs }: Stretch): string {
  const query = new URLSearchParams(rest);
  query.set("from", String(fromUs));
  query.set("to", String(toUs));
  return `/?${query}`;
}

function compareHref({ source, isCompared }: Props): string {
  const query = new URLSearchParams(source);
  if (isCompared) query.delete("compare");
  else query.set("compare", "week");
  return `/?${query}`;
}
