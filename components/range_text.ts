/** A range in words. Pure. */
import { formatWhen } from "./format.ts";
import type { Range } from "./live_message.ts";

/** "last 24 h", "Tue 14:00 to 18:00". */
export function rangeText(
  range: Range,
  { nowUs, zone }: { readonly nowUs: number; readonly zone: string },
): string {
  if (range.toUs === null) return `last ${range.label}`;
  const [from, to] = [range.toUs - range.spanS * 1e6, range.toUs]
    .map((us) => formatWhen(us, nowUs, zone));
  return `${from} to ${to}`;
}

/** The query of an address that shows the range. */
export function rangeQuery(range: Range): URLSearchParams {
  const query = new URLSearchParams();
  if (range.toUs === null) query.set("range", range.id);
  else {
    query.set("from", String(range.toUs - range.spanS * 1e6));
    query.set("to", String(range.toUs));
  }
  return query;
}

/** The overview of the ten minutes around a moment of traffic. */
export function momentHref(tsUs: number): string {
  const atUs = Math.round(tsUs / 60e6) * 60e6;
  return `/?from=${atUs - 300e6}&to=${atUs + 300e6}`;
}
