import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { checksum } from "../forest/checksum.ts";
import { Prng } from "../common/prng.ts";
import { FEATURE_COUNT, FEATURES, toScale } from "./features.ts";
import type { SavedLearner } from "./learner.ts";
import { fitModel, isAnomalous, RANGE_WIDTH, tellingFeature } from "./model.ts";
import { decodeModel, encodeModel, ModelFormatError } from "./model_file.ts";

const portsAt = FEATURES.findIndex(({ name }) => name === "ports");
const neverAt = FEATURES.findIndex(({ name }) => name === "first_contacts");
const ports = (count: number) => toScale(FEATURES[portsAt], count);
const options = { seed: 1, quantile: 0.995, fittedUs: 5e15, isOfItself: false };

Deno.test("a telling feature must be unusual, and no trifle", () => {
  const { ranges } = fitModel(usualRows(600), options);
  equal(tellingFeature(ranges, windowWith(ports(2)), 0), -1);
  equal(tellingFeature(ranges, windowWith(ports(14)), 0), -1);
  equal(tellingFeature(ranges, windowWith(ports(100)), 0), portsAt);
  // Where a hundred ports are usual, they tell nothing.
  const busy = usualRows(600).map((value, at) =>
    at % FEATURE_COUNT === portsAt ? ports(100) : value
  );
  equal(tellingFeature(fitModel(busy, options).ranges, windowWith(ports(110)), 0), -1);
});

Deno.test("a feature that was never there while learning tells nothing", () => {
  const model = fitModel(usualRows(600), options);
  const window = windowWith(ports(2));
  const before = model.forest.score(window);
  window[neverAt] = 9;
  equal(model.forest.score(window), before);
  ok(Number.isNaN(model.ranges[neverAt * RANGE_WIDTH]));
  equal(tellingFeature(model.ranges, window, 0), -1);
});

Deno.test("features that never varied while learning set a window apart all the same", () => {
  const scanAt = ["ports", "ports_per_peer", "failed", "refused"]
    .map((name) => FEATURES.findIndex((feature) => feature.name === name));
  const rows = usualRows(600).map((value, at) => scanAt.includes(at % FEATURE_COUNT) ? 0 : value);
  const model = fitModel(rows, options);
  const usual = windowWith(0);
  const scan = usual.slice();
  for (const at of scanAt) {
    usual[at] = 0;
    scan[at] = ports(1000);
  }
  ok(!isAnomalous(model, model.forest.score(usual), usual));
  ok(isAnomalous(model, model.forest.score(scan), scan));
});

Deno.test("the threshold is a quantile of the scores of windows that nothing tells of", () => {
  const rows = usualRows(600);
  const clean = fitModel(rows, options).threshold;
  for (let row = 0; row < 60; row++) rows[row * FEATURE_COUNT + portsAt] = ports(1000 + row);
  const { threshold } = fitModel(rows, options);
  ok(Math.abs(threshold - clean) < 0.05, `${clean} ${threshold}`);
  ok(fitModel(rows, { ...options, quantile: 0.5 }).threshold < threshold);
});

Deno.test("a model is the same after it was saved and loaded", () => {
  for (const link of [null, saved(300, 7)]) {
    const hosts = saved(600, 1);
    const loaded = decodeModel(encodeModel({ hosts, link }));
    equalLearner(loaded.hosts, hosts);
    if (link === null) equal(loaded.link, null);
    else equalLearner(loaded.link!, link);
  }
});

Deno.test("a model that is cut, changed, foreign or of other features is refused, and why is said", () => {
  const bytes = encodeModel({ hosts: saved(300, 1), link: null });
  const refuses = (broken: Uint8Array, message: RegExp) =>
    throws(() => decodeModel(broken), { name: "ModelFormatError", message });
  refuses(bytes.subarray(0, 1000), /it has 1000 of \d+ bytes/);
  refuses(new Uint8Array(3), /only 3 bytes/);
  refuses(new TextEncoder().encode("some other file altogether"), /no model of tapwatch/);
  refuses(changed(bytes, 4, 9), /its format is 9, this version reads 1/);
  refuses(changed(bytes, 2000, bytes[2000] ^ 1), /checksum/);
  refuses(sealed(changed(bytes, 16, bytes[16] ^ 1)), /other features/);
});

Deno.test("decodeModel() throws nothing else, whatever the bytes", () => {
  const bytes = encodeModel({ hosts: saved(100, 1), link: null });
  fc.assert(fc.property(fc.nat(200), fc.nat(255), (at, byte) => {
    try {
      decodeModel(sealed(changed(bytes, at, byte)));
    } catch (error) {
      ok(error instanceof ModelFormatError, String(error));
    }
  }));
});

function saved(rowCount: number, seed: number): SavedLearner {
  const rows = usualRows(rowCount);
  const model = fitModel(rows, { ...options, seed });
  return { model, seenCount: rowCount * 3, rows: Float32Array.from(rows) };
}

function equalLearner(one: SavedLearner, other: SavedLearner): void {
  // As bytes, since NaN is not NaN.
  deepEqual(new Uint8Array(one.rows.buffer), new Uint8Array(other.rows.buffer));
  equal(one.seenCount, other.seenCount);
  deepEqual(new Uint8Array(one.model.ranges.buffer), new Uint8Array(other.model.ranges.buffer));
  equal(one.model.threshold, other.model.threshold);
  equal(one.model.fittedUs, other.model.fittedUs);
  const rows = usualRows(50);
  deepEqual(one.model.forest.scoreMany(rows), other.model.forest.scoreMany(rows));
}

/** Windows in which all features vary a little and one is never there. */
function usualRows(rowCount: number): Float64Array {
  const prng = new Prng(rowCount);
  return Float64Array.from({ length: rowCount * FEATURE_COUNT }, (_, at) => {
    const feature = at % FEATURE_COUNT;
    return feature === neverAt ? NaN : prng.fraction();
  });
}

function windowWith(portsLearnt: number): Float64Array {
  const window = new Float64Array(FEATURE_COUNT).fill(0.5);
  window[neverAt] = NaN;
  window[portsAt] = portsLearnt;
  return window;
}

function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = byte;
  return copy;
}

/** With the checksum that its bytes have now. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  new Uint32Array(copy.buffer, 8, 1)[0] = checksum(copy.subarray(12));
  return copy;
}
