/** A value against its usual range: the band is usual, the tick is now, dots bridge the distance between them. */

interface Props {
  readonly value: number;
  /** Ends of the usual range, in the unit of `value`. */
  readonly typical: readonly [number, number];
  /** Right end of the scale; the left end is 0. */
  readonly most: number;
  /** What it says, for those who cannot see it; without it the words beside it must. */
  readonly label?: string;
}

export function RangeGlyph({ value, typical: [low, high], most, label }: Props) {
  const at = (amount: number) => most <= 0 ? 0 : 100 * Math.min(1, Math.max(0, amount / most));
  const [from, to] = [at(low), Math.max(at(high), at(low) + bandLeast)];
  const now = Math.min(99.4, Math.max(0.6, at(value)));
  const isOver = value > high;
  const isOff = isOver || value < low;
  const words = label === undefined
    ? { "aria-hidden": true as const }
    : { role: "img" as const, "aria-label": label };
  return (
    <svg class="rng" {...words}>
      <rect class="tr" y="40%" width="100%" height="20%" />
      <rect class="bd" x={percent(from)} width={percent(to - from)} y="12%" height="76%" />
      {isOff && (
        <line
          class="ln"
          x1={percent(isOver ? to : now)}
          x2={percent(isOver ? now : from)}
          y1="50%"
          y2="50%"
        />
      )}
      <rect
        class={isOff ? "over" : "now"}
        x={percent(now)}
        width="4"
        height="100%"
        transform="translate(-2)"
      />
    </svg>
  );
}

/** Narrowest band that can be seen, in per cent. */
const bandLeast = 0.8;

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}
