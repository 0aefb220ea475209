/** A chart as the server can draw it: areas over time and a line of words, until (or unless) scripts take over. */

interface Props {
  /** Values above the line, and below it (positive too). */
  readonly above: readonly number[];
  readonly below?: readonly number[];
  readonly height: number;
  /** The scale in words, for whoever has no scripts. */
  readonly note: string;
}

export function SeriesSketch({ above, below = [], height, note }: Props) {
  const highest = Math.max(1, ...above);
  const lowest = Math.max(0, ...below);
  const zero = 1000 * highest / (highest + lowest);
  const scale = 1000 / (highest + lowest);
  return (
    <>
      <svg
        class="sketch"
        viewBox="0 0 1000 1000"
        preserveAspectRatio="none"
        width="100%"
        height={height}
        aria-hidden="true"
      >
        <path class="k0" d={areaPath(above, zero, -scale)} />
        {below.length > 0 && <path class="k1" d={areaPath(below, zero, scale)} />}
        <path class="zero" d={`M0 ${zero.toFixed(1)}H1000`} />
      </svg>
      <p class="sketch-note dim">{note}</p>
    </>
  );
}

function areaPath(values: readonly number[], zero: number, scale: number): string {
  const step = 1000 / Math.max(1, values.length - 1);
  const points = values.map((value, index) =>
    `${(index * step).toFixed(0)} ${(zero + value * scale).toFixed(0)}`
  );
  return `M0 ${zero.toFixed(1)}L${points.join("L")}L1000 ${zero.toFixed(1)}Z`;
}
