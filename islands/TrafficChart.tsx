/** Bits per second over time: in above the line, out below it. */
import { formatBitRate, formatDuration } from "../components/format.ts";
import { latest, liveSeconds } from "../components/live.ts";
import { type LiveChart, useLiveChart } from "../components/use_live_chart.ts";
import { type LiveSeries, useLiveSeries } from "../components/use_live_series.ts";
import {
  formatAxis,
  noLineYet,
  otherTrafficName,
  trafficChart,
} from "../components/series_chart.ts";
import { SeriesSketch } from "../components/SeriesSketch.tsx";
import { currentSecond } from "../components/verdict.ts";

interface Props extends LiveSeries {
  readonly zone: string;
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

export default function TrafficChart(props: Props) {
  const series = useLiveSeries(props);
  const { data, unit } = trafficChart(series, props.zone);
  const isEmpty = series.packets.length < 2;
  const { host, isDrawn } = useLiveChart(isEmpty ? null : data, chart);
  const message = latest.value ?? props.initial;
  const newest = liveSeconds.value.at(-1) ?? props.initial.seconds.at(-1) ?? null;
  const second = currentSecond(newest, message);
  const other = second ? second.bytes - second.inBytes - second.outBytes : 0;
  const rate = (bytes: number | undefined) => formatBitRate((bytes ?? 0) * 8);
  const highest = (bytes: readonly number[]) =>
    formatBitRate(Math.max(0, ...bytes) * 8e6 / series.bucketUs);
  const span = formatDuration(series.packets.length * series.bucketUs / 1e6);
  return (
    <section class="panel c8">
      <header>
        <h2>Traffic</h2>
        <div class="legend">
          <span>
            <i class="sw in" />In <b>{rate(second?.inBytes)}</b>
          </span>
          <span>
            <i class="sw out" />Out <b>{rate(second?.outBytes)}</b>
          </span>
          {data.datasets.length > 2 && (
            <span title="Between local hosts, or of others passing by">
              <i class="sw ink" />
              {otherTrafficName} <b>{rate(other)}</b>
            </span>
          )}
        </div>
        <p class="end">{unit.name}, {formatDuration(props.range.bucketS)} average</p>
      </header>
      <div class="body">
        <div
          class={`tw-chart pal-io ${isEmpty ? "none" : "h-lg"}`}
          role="img"
          aria-label={`Bits per second, in above and out below, of the last ${span}.`}
        >
          <div class="tw-chart-draw" ref={host} />
          {isEmpty && <p class="dim">{noLineYet(props.range.bucketS)}</p>}
          {!isEmpty && !isDrawn && (
            <SeriesSketch
              above={series.inBytes}
              below={series.outBytes}
              height={276}
              note={`The last ${span}, at most ${highest(series.inBytes)} in, ${
                highest(series.outBytes)
              } out`}
            />
          )}
        </div>
      </div>
      <p class="note">
        The same as numbers: <a href={`/api/stats?range=${props.range.id}`}>/api/stats</a>
      </p>
    </section>
  );
}
