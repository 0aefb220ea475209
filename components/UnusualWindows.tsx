/** The anomaly rate over time beside the threshold at which it is told, as the server draws it. */
import { formatCount, formatWhen } from "./format.ts";
import type { Stretch, WindowBucket } from "./overview.ts";

interface Props {
  readonly windows: readonly WindowBucket[];
  readonly extent: Stretch;
  readonly thresholdPct: number;
  readonly when: string;
  readonly nowUs: number;
  readonly zone: string;
}

export function UnusualWindows({ windows, extent, thresholdPct, when, nowUs, zone }: Props) {
  const most = Math.max(0, ...windows.map(({ ratePct }) => ratePct));
  const highest = Math.max(2 * thresholdPct, most);
  const judged = windows.reduce((sum, { windows }) => sum + windows, 0);
  const flagged = windows.reduce((sum, { flagged }) => sum + flagged, 0);
  const spanUs = extent.toUs - extent.fromUs;
  const share = (us: number) => `${(100 * us / spanUs).toFixed(2)}%`;
  const height = (pct: number) => `${(100 * Math.min(1, pct / highest)).toFixed(2)}%`;
  const fromTop = (pct: number) => `${(100 - 100 * Math.min(1, pct / highest)).toFixed(2)}%`;
  const threshold = `${Number(thresholdPct.toPrecision(3))}\u00a0%`;
  return (
    <section class="panel c12">
      <header>
        <h2>Anomaly rate</h2>
        <p>share of packets in unusual windows, {when}</p>
        <div class="legend end">
          <span>
            <i class="sw dashed high" />an anomaly from {threshold} on
          </span>
        </div>
      </header>
      <div class="body">
        {windows.length === 0
          ? (
            <p class="dim">
              Nothing was judged in this time: detection was learning, behind or off.
            </p>
          )
          : (
            <>
              <svg
                class="rate"
                width="100%"
                height="5rem"
                role="img"
                aria-label={`${formatCount(flagged)} of ${
                  formatCount(judged)
                } windows were unusual.`}
              >
                {windows.map((bucket) => (
                  <rect
                    class={bucket.ratePct >= thresholdPct ? "over" : ""}
                    x={share(bucket.fromUs - extent.fromUs)}
                    width={share((bucket.toUs - bucket.fromUs) * 0.85)}
                    y={fromTop(Math.max(bucket.ratePct, highest / 80))}
                    height={height(Math.max(bucket.ratePct, highest / 80))}
                  >
                    <title>
                      {`${formatWhen(bucket.fromUs, nowUs, zone)}: ${
                        bucket.ratePct.toFixed(1)
                      }\u00a0% of packets, ${formatCount(bucket.flagged)} of ${
                        formatCount(bucket.windows)
                      } windows`}
                    </title>
                  </rect>
                ))}
                <line x1="0" x2="100%" y1={fromTop(thresholdPct)} y2={fromTop(thresholdPct)} />
              </svg>
              <p class="ends-of">
                <span>{formatWhen(extent.fromUs, nowUs, zone)}</span>
                <span class="dim">
                  {formatCount(flagged)} of {formatCount(judged)} windows unusual
                  {flagged > 0 && `, at most ${most.toFixed(1)}\u00a0% of the packets`}
                </span>
                <span>{formatWhen(Math.min(extent.toUs, nowUs), nowUs, zone)}</span>
              </p>
            </>
          )}
      </div>
    </section>
  );
}
