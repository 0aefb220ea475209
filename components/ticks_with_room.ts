/** Which labels of a time axis are shown. Browser-safe. */

/**
 * Those of the ticks whose labels have room: up to `end`, and at least `apart` from the one before. A tick is the first point
 * after a round time, so ticks are not evenly apart.
 */
export function ticksWithRoom(
  ticks: readonly number[],
  positions: readonly number[],
  { apart, end }: { readonly apart: number; readonly end: number },
): number[] {
  const kept: number[] = [];
  let freeFrom = -Infinity;
  for (const index of ticks) {
    const position = positions[index]!;
    if (position < freeFrom || position > end) continue;
    kept.push(index);
    freeFrom = position + apart;
  }
  return kept;
}
