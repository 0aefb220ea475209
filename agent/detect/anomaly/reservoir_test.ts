import { equal, ok } from "node:assert/strict";
import { Prng } from "../common/prng.ts";
import { FEATURE_COUNT } from "./features.ts";
import { Reservoir, RESERVOIR_ROWS_MAX } from "./reservoir.ts";

const offered = 3 * RESERVOIR_ROWS_MAX;

Deno.test("a reservoir that is full keeps early and late rows alike", () => {
  const reservoir = new Reservoir(new Prng(2));
  const row = new Float64Array(FEATURE_COUNT);
  for (let number = 0; number < offered; number++) reservoir.add(row.fill(number));
  equal(reservoir.seenCount, offered);
  equal(reservoir.count, RESERVOIR_ROWS_MAX);
  const numbers = [...reservoir.rows].filter((_, at) => at % FEATURE_COUNT === 0);
  equal(new Set(numbers).size, RESERVOIR_ROWS_MAX);
  for (let third = 0; third < 3; third++) {
    const kept = numbers.filter((number) => Math.floor(number / RESERVOIR_ROWS_MAX) === third);
    ok(Math.abs(kept.length / RESERVOIR_ROWS_MAX - 1 / 3) < 0.05, `${kept.length}`);
  }
});
