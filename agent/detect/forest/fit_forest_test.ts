/** Growing, walking and quantiles in WebAssembly beside slow models that read like the paper: bit for bit the same. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../common/prng.ts";
import { fitForest } from "./fit_forest.ts";
import { type ForestArrays, openForestBuffer } from "./forest_buffer.ts";
import { averagePathLength } from "./path_length.ts";
import { columnOf, quantileOf } from "./quantiles.ts";

interface ModelNode {
  readonly meanPath: number;
  /** Of a leaf its path length. */
  readonly threshold: number;
  readonly split: Split | null;
}

interface Split {
  readonly feature: number;
  readonly isMissingLeft: boolean;
  readonly left: ModelNode;
  readonly right: ModelNode;
}

interface Task {
  readonly rows: readonly (readonly number[])[];
  readonly seed: number;
  readonly treeCount: number;
  readonly subsampleSize: number;
}

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 4, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }) },
  { weight: 2, arbitrary: fc.constant(NaN) },
  fc.constantFrom(-0, Infinity, -Infinity, 1e-310, Number.MAX_VALUE),
);
const anyTask: fc.Arbitrary<Task> = fc.record({
  rows: fc.integer({ min: 1, max: 6 }).chain((width) =>
    fc.array(fc.array(anyValue, { minLength: width, maxLength: width }), {
      minLength: 2,
      maxLength: 90,
    })
  ),
  seed: fc.integer(),
  treeCount: fc.integer({ min: 1, max: 9 }),
  subsampleSize: fc.integer({ min: 2, max: 64 }),
});

Deno.test("fitForest() grows the trees of the paper's algorithm, with the same draws", () => {
  fc.assert(fc.property(anyTask, (task) => {
    const { forest, samples } = fitForest(flat(task), task.rows[0].length, task);
    const arrays = openForestBuffer(forest.buffer);
    const model = growModel(task);
    deepEqual([...samples], model.flatMap(({ sample }) => sample));
    deepEqual(
      [...arrays.roots].map((root) => readNode(arrays, root)),
      model.map(({ root }) => root),
    );
  }));
});

Deno.test("scoreMany() and scoreHeldOut() walk as score() does, each row and tree by itself", () => {
  fc.assert(fc.property(anyTask, anyTask, (task, other) => {
    const featureCount = task.rows[0].length;
    const rows = flat(task);
    const { forest, samples } = fitForest(rows, featureCount, task);
    // The engine has done something else in between.
    fitForest(flat(other), other.rows[0].length, other);
    deepEqual(
      [...forest.scoreMany(rows)],
      task.rows.map((_, row) => forest.score(rows, row * featureCount)),
    );
    const model = growModel(task);
    const size = samples.length / task.treeCount;
    const heldOut = task.rows.map((row, index) => {
      const paths = model.filter(({ sample }) => !sample.includes(index))
        .map(({ root }) => modelPath(root, row));
      const mean = paths.reduce((sum, path) => sum + path, 0) / paths.length;
      return 2 ** (-mean / averagePathLength(size));
    });
    deepEqual([...forest.scoreHeldOut(rows, samples)], heldOut);
  }));
});

Deno.test("a task that needs more memory than ever before leaves those after it as they are", () => {
  const prng = new Prng(3);
  const rows = Float64Array.from({ length: 2 * 301 }, () => prng.fraction());
  const { forest } = fitForest(rows, 2, { seed: 1 });
  const before = forest.scoreMany(rows);
  const many = Float64Array.from({ length: 20 * 60_000 }, () => prng.fraction());
  const large = fitForest(many, 20, { seed: 2, treeCount: 20, subsampleSize: 20_000 }).forest;
  equal(large.scoreMany(many)[59_999], large.score(many, 59_999 * 20));
  deepEqual(forest.scoreMany(rows), before);
  deepEqual(
    new Uint8Array(fitForest(rows, 2, { seed: 1 }).forest.buffer),
    new Uint8Array(forest.buffer),
  );
});

Deno.test("quantiles are those between the values nearest in order", () => {
  const share = fc.oneof(
    fc.constantFrom(0, 0.05, 0.5, 0.95, 1),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ min: -9, max: 9 })));
  fc.assert(fc.property(values, share, (some, at) => {
    equal(quantileOf(Float64Array.from(some), at), modelQuantile(some, at));
    const column = columnOf(Float64Array.from(some.flatMap((value) => [7, value])), 2);
    column.takeColumn(1);
    const median = column.quantile(0.5);
    equal(median, modelQuantile(some, 0.5));
    column.toDistances(median);
    equal(column.quantile(at), modelQuantile(some.map((value) => Math.abs(value - median)), at));
    column.takeColumn(0);
    equal(column.quantile(at), some.length === 0 ? NaN : 7);
  }));
});

function flat({ rows }: Task): Float64Array {
  return Float64Array.from(rows.flat());
}

function growModel({ rows, seed, treeCount, subsampleSize }: Task) {
  const prng = new Prng(seed);
  const size = Math.min(subsampleSize, rows.length);
  const deck = [...rows.keys()];
  const features = [...rows[0].keys()];
  const heightLimit = Math.ceil(Math.log2(size));
  return Array.from({ length: treeCount }, () => {
    for (let index = 0; index < size; index++) {
      exchange(deck, index, index + prng.below(deck.length - index));
    }
    const sample = deck.slice(0, size);
    return { sample, root: grow([...sample], 0) };
  });

  /** Partitions `order` in place, because that is the order of later draws. */
  function grow(order: number[], depth: number): ModelNode {
    const split = order.length > 1 && depth < heightLimit ? drawSplit(order) : null;
    if (split === null) {
      const path = depth + averagePathLength(order.length);
      return { threshold: path, meanPath: path, split: null };
    }
    const { feature, threshold, isMissingLeft } = split;
    let middle = 0;
    for (const [at, row] of order.entries()) {
      if (isLeft(rows[row][feature], threshold, isMissingLeft)) exchange(order, at, middle++);
    }
    const left = grow(order.slice(0, middle), depth + 1);
    const right = grow(order.slice(middle), depth + 1);
    const meanPath = (left.meanPath * middle + right.meanPath * (order.length - middle)) /
      order.length;
    return { threshold, meanPath, split: { feature, isMissingLeft, left, right } };
  }

  function drawSplit(order: readonly number[]) {
    for (let left = features.length; left > 0; left--) {
      exchange(features, prng.below(left), left - 1);
      const feature = features[left - 1];
      if (Number.isNaN(rows[order[prng.below(order.length)]][feature])) continue;
      const values = order.map((row) => rows[row][feature]);
      const finite = values.filter(Number.isFinite);
      const [least, most] = [Math.min(...finite), Math.max(...finite)];
      if (!(least < most)) continue;
      const share = prng.fraction();
      const drawn = least * (1 - share) + most * share;
      const threshold = drawn > least && drawn <= most ? drawn : most;
      const below = values.filter((value) => value < threshold).length;
      const above = values.filter((value) => value >= threshold).length;
      return { feature, threshold, isMissingLeft: below > above };
    }
    return null;
  }
}

function exchange(list: number[], one: number, other: number): void {
  [list[one], list[other]] = [list[other], list[one]];
}

function isLeft(value: number, threshold: number, isMissingLeft: boolean): boolean {
  return Number.isNaN(value) ? isMissingLeft : value < threshold;
}

function modelPath({ threshold, split }: ModelNode, row: readonly number[]): number {
  if (split === null) return threshold;
  const { feature, isMissingLeft, left, right } = split;
  return modelPath(isLeft(row[feature], threshold, isMissingLeft) ? left : right, row);
}

function readNode(arrays: ForestArrays, node: number): ModelNode {
  const [branch, right] = [arrays.branches[node], arrays.rights[node]];
  const [threshold, meanPath] = [arrays.thresholds[node], arrays.meanPaths[node]];
  if (branch === -1) return { threshold, meanPath, split: null };
  const [left, rightNode] = [readNode(arrays, node + 1), readNode(arrays, right)];
  const split = { feature: branch >> 1, isMissingLeft: (branch & 1) === 1 };
  return { threshold, meanPath, split: { ...split, left, right: rightNode } };
}

function modelQuantile(values: readonly number[], share: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place % 1);
}
