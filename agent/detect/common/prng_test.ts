import { deepEqual, notDeepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "./prng.ts";

Deno.test("Prng repeats its numbers for the same seed and not for another", () => {
  deepEqual(take(7, 5), take(7, 5));
  notDeepEqual(take(7, 5), take(8, 5));
  deepEqual(take(1, 4), [393288148, 2174103013, 3814759091, 2092745082]);
});

Deno.test("Prng.below() stays below its limit and reaches all of a small one evenly", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, limit) => {
    const value = new Prng(seed).below(limit);
    ok(Number.isInteger(value) && value >= 0 && value < limit);
  }));
  const prng = new Prng(3);
  const counts = new Int32Array(10);
  for (let draw = 0; draw < 100_000; draw++) counts[prng.below(10)]++;
  for (const count of counts) ok(Math.abs(count - 10_000) < 500, `${counts}`);
});

Deno.test("Prng.fraction() has the mean and variance of evenly spread numbers", () => {
  const prng = new Prng(0);
  const values = Array.from({ length: 50_000 }, () => prng.fraction());
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  ok(Math.abs(mean - 0.5) < 0.005 && Math.abs(variance - 1 / 12) < 0.002);
});

function take(seed: number, count: number): number[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => prng.next());
}
