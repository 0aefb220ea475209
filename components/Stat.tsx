/** One number of a stat strip: label, value with unit, a hint below. */
import type { Quantity } from "./format.ts";
import { unknown } from "./format.ts";

interface StatProps {
  readonly label: string;
  /** Null while there is no value. */
  readonly quantity: Quantity | null;
  readonly hint: string;
  readonly hintTitle?: string;
  readonly direction?: "in" | "out";
  readonly isBad?: boolean;
}

export function Stat({ label, quantity, hint, hintTitle, direction, isBad }: StatProps) {
  const state = quantity === null ? "none" : isBad ? "off" : "";
  return (
    <div class={`stat ${state}`}>
      <div class="k">
        {direction && <i class={`sw ${direction}`} />}
        {label}
      </div>
      <div class="v" data-stat={label}>
        {quantity === null ? unknown : quantity.value}
        {quantity?.unit && <small>{quantity.unit}</small>}
      </div>
      <div class="u" title={hintTitle}>{hint}</div>
    </div>
  );
}
