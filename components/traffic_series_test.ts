import assert from "node:assert/strict";
import { buildSeries, completeBuckets, extendSeries, type SeriesInput } from "./traffic_series.ts";

function second(tsS: number, packets = 1): SeriesInput {
  return {
    tsUs: tsS * 1e6,
    packets,
    bytes: packets * 100,
    inBytes: packets * 60,
    outBytes: packets * 30,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: packets > 5 ? 1 : 0,
  };
}
const shape = { bucketUs: 3e6, countMax: 4 };

Deno.test("a series starts with its first input and has zeros where nothing came", () => {
  const series = buildSeries([second(3), second(4), second(9, 6)], { ...shape, endUs: 11e6 });
  assert.equal(series.startUs, 3e6);
  assert.deepEqual(series.packets, [2, 0, 6]);
  assert.deepEqual(series.otherBytes, [20, 0, 60]);
  assert.deepEqual(series.drops, [0, 0, 1]);
});

Deno.test("a series keeps the newest buckets only", () => {
  const inputs = Array.from({ length: 30 }, (_, index) => second(index));
  const series = buildSeries(inputs, { ...shape, endUs: 29e6 });
  assert.equal(series.startUs, 18e6);
  assert.deepEqual(series.packets, [3, 3, 3, 3]);
});

Deno.test("a series without input is one empty bucket", () => {
  assert.deepEqual(buildSeries([], { ...shape, endUs: 29e6 }).packets, [0]);
});

Deno.test("extendSeries() equals a series built of all seconds at once", () => {
  const inputs = Array.from({ length: 40 }, (_, index) => second(index * 2 % 37 + 3, index))
    .sort((a, b) => a.tsUs - b.tsUs);
  for (let cut = 1; cut < inputs.length; cut++) {
    const endUs = inputs[cut - 1]!.tsUs;
    const lastUs = inputs.at(-1)!.tsUs;
    const begun = buildSeries(inputs.slice(0, cut), { ...shape, endUs });
    const grown = extendSeries(begun, inputs.slice(cut), { endUs: lastUs, countMax: 4 });
    assert.deepEqual(grown, buildSeries(inputs, { ...shape, endUs: lastUs }));
  }
});

Deno.test("extendSeries() grows with time alone", () => {
  const begun = buildSeries([second(3)], { ...shape, endUs: 3e6 });
  const grown = extendSeries(begun, [], { endUs: 9e6, countMax: 4 });
  assert.deepEqual(grown.packets, [1, 0, 0]);
});

Deno.test("extendSeries() stays where it is for a second of years ahead, and takes what comes after it", () => {
  const begun = buildSeries([second(3)], { ...shape, endUs: 3e6 });
  const grown = extendSeries(begun, [second(1e9), second(6), second(4)], {
    endUs: 6e6,
    countMax: 4,
  });
  assert.deepEqual([grown.startUs, grown.packets], [3e6, [2, 1]]);
});

Deno.test("completeBuckets() leaves out the bucket that is still being filled", () => {
  const series = buildSeries([second(3), second(6), second(9)], { ...shape, endUs: 10e6 });
  assert.equal(completeBuckets(series, 10e6).packets.length, 2);
  assert.equal(completeBuckets(series, 12e6).packets.length, 3);
});
