/** Packets per second over time, and losses where there were any. */
import { formatCount, formatDuration } from "../components/format.ts";
import { type LiveChart, useLiveChart } from "../components/use_live_chart.ts";
import { type LiveSeries, useLiveSeries } from "../components/use_live_series.ts";
import { formatAxis, noLineYet, packetChart } from "../components/series_chart.ts";
import { SeriesSketch } from "../components/SeriesSketch.tsx";

interface Props extends LiveSeries {
  readonly zone: string;
  readonly title: string;
  /** Class of the panel's width, as "c4 lone". */
  readonly width: string;
  readonly isTall: boolean;
}

function chartOfHeight(height: number): LiveChart {
  return {
    draw: (charts, element, data) =>
      charts.drawLineChart(element, {
        height,
        left: 48,
        data,
        formatY: formatAxis,
        formatTip: (value) => `${formatCount(value)} /s`,
      }),
    everyMs: 900,
  };
}
const tall = chartOfHeight(300);
const middle = chartOfHeight(180);

export default function PacketRate(props: Props) {
  const series = useLiveSeries(props);
  const isEmpty = series.packets.length < 2;
  const data = packetChart(series, props.zone);
  const { host, isDrawn } = useLiveChart(isEmpty ? null : data, props.isTall ? tall : middle);
  const span = formatDuration(series.packets.length * series.bucketUs / 1e6);
  const highest = Math.max(0, ...series.packets) * 1e6 / series.bucketUs;
  return (
    <section class={`panel ${props.width}`}>
      <header>
        <h2>{props.title}</h2>
        {data.datasets.length > 1 && (
          <div class="legend">
            <span>
              <i class="sw lost" />Lost
            </span>
          </div>
        )}
        <p class="end">packets per second</p>
      </header>
      <div class="body">
        <div
          class={`tw-chart pal-ink ${isEmpty ? "none" : props.isTall ? "h-lg" : "h-md"}`}
          role="img"
          aria-label={`Packets per second of the last ${span}, at most ${formatCount(highest)}.`}
        >
          <div class="tw-chart-draw" ref={host} />
          {isEmpty && <p class="dim">{noLineYet(props.range.bucketS)}</p>}
          {!isEmpty && !isDrawn && (
            <SeriesSketch
              above={series.packets}
              height={props.isTall ? 276 : 156}
              note={`The last ${span}, at most ${formatCount(highest)} /s`}
            />
          )}
        </div>
      </div>
    </section>
  );
}
