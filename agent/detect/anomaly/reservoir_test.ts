import { deepEqual, equal, ok } from "node:assert/strict";
import { Prng } from "../prng.ts";
import { FEATURE_COUNT } from "./features.ts";
import { Reservoir, RESERVOIR_ROWS_MAX } from "./reservoir.ts";

const offered = 3 * RESERVOIR_ROWS_MAX;

Deno.test("a reservoir keeps the same of rows offered at once, in pieces and one by one", () => {
  const rows = numberedRows();
  const whole = new Reservoir(new Prng(1));
  whole.add(rows);
  for (const piece of [1, 1000, RESERVOIR_ROWS_MAX + 1]) {
    const other = new Reservoir(new Prng(1));
    const width = piece * FEATURE_COUNT;
    for (let at = 0; at < rows.length; at += width) other.add(rows.subarray(at, at + width));
    equal(other.seenCount, offered);
    deepEqual(other.rows, whole.rows);
  }
});

Deno.test("a reservoir that is full keeps early and late rows alike", () => {
  const reservoir = new Reservoir(new Prng(2));
  reservoir.add(numberedRows());
  equal(reservoir.count, RESERVOIR_ROWS_MAX);
  const numbers = [...reservoir.rows].filter((_, at) => at % FEATURE_COUNT === 0);
  equal(new Set(numbers).size, RESERVOIR_ROWS_MAX);
  for (let third = 0; third < 3; third++) {
    const kept = numbers.filter((number) => Math.floor(number / RESERVOIR_ROWS_MAX) === third);
    ok(Math.abs(kept.length / RESERVOIR_ROWS_MAX - 1 / 3) < 0.05, `${kept.length}`);
  }
});

function numberedRows(): Float64Array {
  return Float64Array.from(
    { length: offered * FEATURE_COUNT },
    (_, at) => Math.floor(at / FEATURE_COUNT),
  );
}
