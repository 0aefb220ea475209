import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { measureRegularity } from "./regularity.ts";

Deno.test("measureRegularity gives median, deviation, skewness and steady share", () => {
  const { median, deviation, skewness, steadyShare } = measureRegularity(
    Float64Array.of(10, 12, 8, 11, 30),
  );
  // Quartiles 10 and 12; deviations 0, 1, 1, 3, 19.
  deepEqual([median, deviation, skewness, steadyShare], [11, 1, 0, 0.8]);
});

Deno.test("measureRegularity finds nothing irregular in equal gaps, and keeps to its bounds", () => {
  const equalGaps = measureRegularity(new Float64Array(9).fill(60));
  deepEqual(equalGaps, { median: 60, deviation: 0, skewness: 0, steadyShare: 1 });
  const close = Float64Array.of(59, 60, 60, 60, 64);
  deepEqual(measureRegularity(close).skewness, 0);
  const gap = fc.double({ min: 1, max: 1e6, noNaN: true });
  fc.assert(fc.property(fc.array(gap, { minLength: 1, maxLength: 40 }), (gaps) => {
    const { median, deviation, skewness, steadyShare } = measureRegularity(Float64Array.from(gaps));
    ok(median >= Math.min(...gaps) && median <= Math.max(...gaps));
    ok(deviation >= 0 && Math.abs(skewness) <= 1 + 1e-9 && steadyShare >= 0 && steadyShare <= 1);
  }));
});
