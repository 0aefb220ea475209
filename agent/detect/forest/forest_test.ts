import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../common/prng.ts";
import { fitForest } from "./fit_forest.ts";
import { type Forest, openForest } from "./forest.ts";
import { ForestFormatError } from "./forest_buffer.ts";
import { averagePathLength } from "./path_length.ts";

const three = { featureCount: 3, featureKind: 0 };

Deno.test("averagePathLength() is c(n) of the paper", () => {
  equal(averagePathLength(0), 0);
  equal(averagePathLength(1), 0);
  equal(averagePathLength(2), 1);
  // 2 H(255) - 2 * 255 / 256, with the paper's approximation of H.
  ok(Math.abs(averagePathLength(256) - 10.2448) < 1e-3);
});

Deno.test("fitForest() gives fixed scores for a fixed seed", () => {
  const { forest } = fitForest(cloud(400, 3, 1), 3, { seed: 1 });
  const scores = [[0.5, 0.5, 0.5], [0, 1, 0], [3, 0.5, 0.5], [NaN, NaN, NaN]]
    .map((row) => Number(forest.score(Float64Array.from(row)).toFixed(6)));
  deepEqual(scores, FIXED_SCORES);
});

Deno.test("a planted outlier ranks first", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 4 }), (seed, feature) => {
      const rows = cloud(300, 5, seed);
      rows[137 * 5 + feature] = 6;
      const scores = [...fitForest(rows, 5, { seed }).forest.scoreMany(rows)];
      equal(scores.indexOf(Math.max(...scores)), 137);
    }),
    { numRuns: 30 },
  );
});

Deno.test("a forest scores the same after its buffer was transferred", () => {
  const rows = cloud(500, 3, 2);
  const { forest } = fitForest(rows, 3, { seed: 9 });
  const before = forest.scoreMany(rows);
  const moved = structuredClone(forest.buffer, { transfer: [forest.buffer] });
  deepEqual(openForest(moved, three).scoreMany(rows), before);
});

Deno.test("openForest() says why it refuses what is cut, changed, foreign or of other features", () => {
  const { buffer } = fitForest(cloud(300, 3, 3), 3, { seed: 3, featureKind: 5 }).forest;
  const kind = { featureCount: 3, featureKind: 5 };
  openForest(buffer, kind);
  const refuses = (bytes: ArrayBuffer, message: RegExp, asked = kind) =>
    throws(() => openForest(bytes, asked), { name: "ForestFormatError", message });
  refuses(buffer, /3 features of kind 5, asked were 4 of kind 5/, {
    featureCount: 4,
    featureKind: 5,
  });
  refuses(buffer, /asked were 3 of kind 6/, { featureCount: 3, featureKind: 6 });
  refuses(buffer.slice(0, buffer.byteLength - 8), /has \d+ of \d+ bytes/);
  refuses(buffer.slice(0, 10), /10 bytes, too few/);
  refuses(new TextEncoder().encode("x".repeat(200)).buffer, /no forest of tapwatch/);
  refuses(changed(buffer, 4, 2), /format is 2, this version reads 1/);
  refuses(changed(buffer, 3000, 7), /checksum/);
});

Deno.test("openForest() never throws anything else, whatever the bytes", () => {
  const { buffer } = fitForest(cloud(50, 3, 3), 3, { seed: 3, treeCount: 5 }).forest;
  fc.assert(
    fc.property(fc.nat(buffer.byteLength - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
      const bytes = changed(buffer, at, byte);
      try {
        openForest(isCut ? bytes.slice(0, at) : bytes, three);
      } catch (error) {
        ok(error instanceof ForestFormatError, String(error));
      }
    }),
  );
});

Deno.test("constant columns and duplicates make a forest in which all are alike", () => {
  const same = new Float64Array(3 * 300).fill(7);
  const { forest } = fitForest(same, 3, { seed: 1 });
  const scores = forest.scoreMany(same);
  ok(scores.every((score) => Math.abs(score - 0.5) < 1e-9));
  const rows = cloud(300, 3, 4).map((value, index) => index % 3 === 1 ? 42 : value);
  const shares = new Float64Array(3);
  fitForest(rows, 3, { seed: 1 }).forest.explain(rows, 0, shares);
  equal(shares[1], 0);
});

Deno.test("two rows are enough, fewer and broken sizes are refused", () => {
  equal(fitForest(Float64Array.of(0, 1), 1, { seed: 1 }).forest.subsampleSize, 2);
  throws(() => fitForest(Float64Array.of(0), 1, { seed: 1 }), /at least 2 whole ones, got 1/);
  throws(() => fitForest(Float64Array.of(0, 1, 2), 2, { seed: 1 }), /whole ones, got 1.5/);
  const four = Float64Array.of(0, 1, 2, 3);
  throws(() => fitForest(four, 1, { seed: 1, subsampleSize: 1 }), /subsampleSize .* got 1/);
  throws(() => fitForest(four, 1, { seed: 1, treeCount: 0 }), /treeCount .* got 0/);
});

Deno.test("a missing value never raises the score above that of the usual value", () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(3), (seed, feature) => {
      const rows = cloud(300, 4, seed);
      for (let at = 0; at < rows.length; at += 8) rows[at + 2] = NaN;
      const { forest } = fitForest(rows, 4, { seed });
      const usual = Float64Array.of(0.5, 0.5, 0.5, 0.5);
      const missing = usual.slice();
      missing[feature] = NaN;
      ok(forest.score(missing) <= forest.score(usual) + 0.02);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a feature that few rows have does not set those apart in which it is usual", () => {
  const rows = cloud(400, 3, 8);
  for (let row = 0; row < 400; row++) if (row % 20 !== 0) rows[row * 3 + 2] = NaN;
  const { forest } = fitForest(rows, 3, { seed: 4 });
  const mean = (isKept: (row: number) => boolean) => {
    const scores = [...forest.scoreMany(rows)].filter((_, row) => isKept(row));
    return scores.reduce((sum, score) => sum + score) / scores.length;
  };
  ok(mean((row) => row % 20 === 0) - mean((row) => row % 20 !== 0) < 0.06);
});

Deno.test("scoreHeldOut() asks only the trees that have not seen the row", () => {
  const rows = cloud(60, 2, 5);
  const options = { seed: 6, treeCount: 20, subsampleSize: 30 };
  const { forest, samples } = fitForest(rows, 2, options);
  const scores = forest.scoreHeldOut(rows, samples);
  const whole = forest.scoreMany(rows);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value) / 60;
  // Rows look more usual to trees that have grown around them.
  ok(mean(scores) > mean(whole));
  const all = fitForest(rows, 2, { seed: 6 });
  ok(all.forest.scoreHeldOut(rows, all.samples).every(Number.isNaN));
});

Deno.test("the shortening that explain() divides is that of the path", () => {
  const rows = cloud(500, 4, 7);
  const { forest } = fitForest(rows, 4, { seed: 2 });
  for (let row = 0; row < 50; row++) {
    const shortening = new Float64Array(4);
    forest.addShortening(rows, row * 4, shortening);
    const sum = shortening.reduce((total, value) => total + value);
    const expected = forest.meanPathLength - forest.pathLength(rows, row * 4);
    ok(Math.abs(sum - expected) < 1e-9);
  }
});

Deno.test("explain() agrees with leaving each feature out in turn", () => {
  const rows = cloud(500, 5, 11);
  const prng = new Prng(12);
  const { forest } = fitForest(rows, 5, { seed: 13 });
  let agreed = 0;
  const shares = new Float64Array(5);
  for (let trial = 0; trial < 100; trial++) {
    const row = Float64Array.from({ length: 5 }, () => prng.fraction());
    row[trial % 5] = 2 + prng.fraction();
    forest.explain(row, 0, shares);
    ok(Math.abs(shares.reduce((sum, share) => sum + share) - 1) < 1e-9);
    if (largest(shares) === largest(ablate(forest, row, rows))) agreed++;
  }
  ok(agreed >= 95, `agreed in ${agreed} of 100`);
});

/** By how much the path grows, in the mean, when one feature's value is that of other rows. */
function ablate(forest: Forest, row: Float64Array, rows: Float64Array): Float64Array {
  return row.map((_, feature) => {
    let sum = 0;
    for (let other = 0; other < 200; other++) {
      const changedRow = row.slice();
      changedRow[feature] = rows[other * row.length + feature];
      sum += forest.pathLength(changedRow) - forest.pathLength(row);
    }
    return sum / 200;
  });
}

function largest(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

function cloud(rowCount: number, featureCount: number, seed: number): Float64Array {
  const prng = new Prng(seed);
  return Float64Array.from({ length: rowCount * featureCount }, () => prng.fraction());
}

function changed(buffer: ArrayBuffer, at: number, byte: number): ArrayBuffer {
  const copy = buffer.slice(0);
  new Uint8Array(copy)[at] = byte;
  return copy;
}

const FIXED_SCORES = [0.462443, 0.630536, 0.545584, 0.408207];
