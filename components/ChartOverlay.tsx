/** What lies over a chart's lines: gaps in the capture, incidents, and the stretch that is being chosen. */
import { formatWhen } from "./format.ts";
import type { Beside, Stretch } from "./overview.ts";
import type { TrafficSeries } from "./traffic_series.ts";

interface Props {
  readonly series: TrafficSeries;
  readonly beside: Pick<Beside, "gaps" | "marks">;
  /** As shares of the width. */
  readonly chosen: readonly [from: number, to: number] | null;
  readonly nowUs: number;
  readonly zone: string;
}

export function ChartOverlay({ series, beside, chosen, nowUs, zone }: Props) {
  const spanUs = series.packets.length * series.bucketUs;
  const share = (timeUs: number) => Math.min(1, Math.max(0, (timeUs - series.startUs) / spanUs));
  const percent = (value: number) => `${(100 * value).toFixed(2)}%`;
  const markText = ({ tsUs, severity, text }: Props["beside"]["marks"][number]) =>
    `${formatWhen(tsUs, nowUs, zone)}, ${severity}: ${text}`;
  const box = ({ fromUs, toUs }: Stretch) => ({
    x: percent(share(fromUs)),
    width: percent(share(toUs) - share(fromUs)),
  });
  return (
    <svg class="tw-over" width="100%" height="100%">
      <defs>
        <pattern id="tw-hatch" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" />
        </pattern>
      </defs>
      {beside.gaps.map((gap) => (
        <rect class="gap" {...box(gap)} y="0" height="100%">
          <title>
            {`Nothing was captured from ${formatWhen(gap.fromUs, nowUs, zone)} to ${
              formatWhen(gap.toUs, nowUs, zone)
            }`}
          </title>
        </rect>
      ))}
      {beside.marks.map((mark) => (
        <a
          key={mark.href}
          href={mark.href}
          class={`mark sev-${mark.severity}`}
          aria-label={markText(mark)}
        >
          <title>{markText(mark)}</title>
          <rect
            class="span"
            {...box({ fromUs: mark.tsUs, toUs: mark.endUs })}
            y="0"
            height="100%"
          />
          <svg x={percent(share(mark.tsUs))} y="0" overflow="visible">
            <rect class="hit" x="-12" y="-10" width="24" height="24" />
            <line x1="0" x2="0" y1="0" y2="100%" />
            <path d="M-5 -8H5L0 0Z" />
          </svg>
        </a>
      ))}
      {chosen !== null && (
        <rect
          class="chosen"
          x={percent(Math.min(...chosen))}
          width={percent(Math.abs(chosen[1] - chosen[0]))}
          y="0"
          height="100%"
        />
      )}
    </svg>
  );
}
