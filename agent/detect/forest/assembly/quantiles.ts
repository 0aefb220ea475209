/** Quantiles of values without sorting them: Hoare 1961, algorithm 65 (FIND). The values change their places. */
import { rowBytes, rowCount, rows, take } from "./rows";

let values: usize = 0;
let count: i32 = 0;

/** Makes room for the values; once, when the rows are there. */
export function makeValues(): void {
  values = take(<usize> rowCount << 3);
}

/** The values are from now on those of a feature in all rows that have it. */
export function takeColumn(feature: i32): void {
  count = 0;
  let at = rows + (feature << 3);
  for (let row = 0; row < rowCount; row++) {
    const value = load<f64>(at);
    store<f64>(values + (count << 3), value);
    count += <i32> (value == value);
    at += rowBytes;
  }
}

/** The values are from now on by how much each differed from that one. */
export function toDistances(from: f64): void {
  for (let index = 0; index < count; index++) {
    const at = values + (index << 3);
    store<f64>(at, Math.abs(load<f64>(at) - from));
  }
}

/** Between the two nearest values; NaN of none. */
export function quantile(share: f64): f64 {
  if (count == 0) return NaN;
  const place = share * <f64> (count - 1);
  const index = <i32> place;
  select(index);
  const below = load<f64>(values + (index << 3));
  const rest = place - <f64> index;
  return rest == 0 ? below : below + (leastFrom(index + 1) - below) * rest;
}

/** Puts to a place the value that sorting would put there, none greater before it, none less after it. */
function select(place: i32): void {
  const wanted = values + (place << 3);
  let from = values;
  let to = values + (count - 1 << 3);
  while (from < to) {
    const pivot = load<f64>(from + (to - from >> 4 << 3));
    let left = from;
    let right = to;
    while (left <= right) {
      while (load<f64>(left) < pivot) left += 8;
      while (load<f64>(right) > pivot) right -= 8;
      if (left > right) break;
      const value = load<f64>(left);
      store<f64>(left, load<f64>(right));
      store<f64>(right, value);
      left += 8;
      right -= 8;
    }
    if (wanted <= right) to = right;
    else if (wanted >= left) from = left;
    else return;
  }
}

function leastFrom(place: i32): f64 {
  let least = Infinity;
  for (let index = place; index < count; index++) {
    const value = load<f64>(values + (index << 3));
    if (value < least) least = value;
  }
  return least;
}
