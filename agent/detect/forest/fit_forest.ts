/**
 * Growing an Isolation Forest: Liu, Ting and Zhou, "Isolation Forest", ICDM 2008, algorithms 1 and 2.
 *
 * Where we differ: a feature whose present values are all equal in a node is not drawn there (the paper draws it and
 * splits nothing); and values may be missing (NaN). A feature is drawn in a node with the chance that a row there has
 * it, a missing value takes no part in the choice of the threshold, and its row goes with the greater part of the present
 * ones, while growing as well as while scoring. So neither is a missing value what sets a row apart, nor is having one
 * that others miss; a row without any values takes a long way through every tree.
 */
import { Prng } from "../prng.ts";
import { createForestBuffer } from "./forest_buffer.ts";
import { Forest } from "./forest.ts";
import { averagePathLength } from "./path_length.ts";

export interface ForestOptions {
  readonly seed: number;
  /** t of the paper; 100. */
  readonly treeCount?: number;
  /** psi of the paper, rows that each tree sees; 256, or all rows where there are fewer. */
  readonly subsampleSize?: number;
  /** A number that says what the features are, see ForestShape; 0. */
  readonly featureKind?: number;
}

export interface FittedForest {
  readonly forest: Forest;
  /** Numbers of the rows that each tree was grown on: subsampleSize a tree. */
  readonly samples: Int32Array;
}

/**
 * Grows a forest on rows of `featureCount` values that stand one after the other. Throws RangeError for sizes that
 * make no forest.
 */
export function fitForest(
  rows: Float64Array,
  featureCount: number,
  { seed, treeCount = 100, subsampleSize = 256, featureKind = 0 }: ForestOptions,
): FittedForest {
  const rowCount = rows.length / featureCount;
  check("featureCount must be at least 1", featureCount, featureCount >= 1);
  check("rows must be at least 2 whole ones", rowCount, rowCount >= 2 && rowCount % 1 === 0);
  check("treeCount must be at least 1", treeCount, treeCount >= 1);
  check("subsampleSize must be at least 2", subsampleSize, subsampleSize >= 2);
  const size = Math.min(subsampleSize, rowCount);
  const grower = new Grower(rows, featureCount, { seed, treeCount, size });
  const order = Int32Array.from({ length: rowCount }, (_, row) => row);
  const samples = new Int32Array(treeCount * size);
  for (let tree = 0; tree < treeCount; tree++) {
    const sample = samples.subarray(tree * size, (tree + 1) * size);
    grower.draw(order, sample);
    grower.grow(tree, sample);
  }
  const shape = { featureCount, treeCount, subsampleSize: size, featureKind };
  return { forest: grower.finish(shape), samples };
}

function check(rule: string, value: number, isKept: boolean): void {
  if (!isKept) throw new RangeError(`Cannot fit forest: ${rule}, got ${value}`);
}

class Grower {
  readonly #rows: Float64Array;
  readonly #featureCount: number;
  readonly #prng: Prng;
  readonly #heightLimit: number;
  readonly #thresholds: Float64Array;
  readonly #meanPaths: Float64Array;
  readonly #branches: Int32Array;
  readonly #rights: Int32Array;
  readonly #roots: Int32Array;
  readonly #features: Int32Array;
  readonly #order: Int32Array;
  #nodeCount = 0;

  constructor(
    rows: Float64Array,
    featureCount: number,
    { seed, treeCount, size }: {
      readonly seed: number;
      readonly treeCount: number;
      readonly size: number;
    },
  ) {
    const nodesMax = treeCount * (2 * size - 1);
    this.#rows = rows;
    this.#featureCount = featureCount;
    this.#prng = new Prng(seed);
    this.#heightLimit = Math.ceil(Math.log2(size));
    this.#thresholds = new Float64Array(nodesMax);
    this.#meanPaths = new Float64Array(nodesMax);
    this.#branches = new Int32Array(nodesMax).fill(-1);
    this.#rights = new Int32Array(nodesMax);
    this.#roots = new Int32Array(treeCount);
    this.#features = Int32Array.from({ length: featureCount }, (_, feature) => feature);
    this.#order = new Int32Array(size);
  }

  /** Fills `sample` with different rows: the head of a shuffle (Fisher and Yates) of `order`. */
  draw(order: Int32Array, sample: Int32Array): void {
    for (let index = 0; index < sample.length; index++) {
      const other = index + this.#prng.below(order.length - index);
      const row = order[other];
      order[other] = order[index];
      order[index] = row;
    }
    sample.set(order.subarray(0, sample.length));
  }

  grow(tree: number, sample: Int32Array): void {
    this.#order.set(sample);
    this.#roots[tree] = this.#nodeCount;
    this.#growNode(0, sample.length, 0);
  }

  finish(
    shape: {
      readonly featureCount: number;
      readonly treeCount: number;
      readonly subsampleSize: number;
      readonly featureKind: number;
    },
  ): Forest {
    const nodeCount = this.#nodeCount;
    return new Forest(createForestBuffer({ ...shape, nodeCount }, {
      thresholds: this.#thresholds.subarray(0, nodeCount),
      meanPaths: this.#meanPaths.subarray(0, nodeCount),
      branches: this.#branches.subarray(0, nodeCount),
      rights: this.#rights.subarray(0, nodeCount),
      roots: this.#roots,
    }));
  }

  /** Grows the node of rows order[from..to) at `depth`, and all below it; returns its mean path length. */
  #growNode(from: number, to: number, depth: number): number {
    const node = this.#nodeCount++;
    const isSplit = to - from > 1 && depth < this.#heightLimit && this.#chooseSplit(node, from, to);
    if (!isSplit) {
      const path = depth + averagePathLength(to - from);
      this.#thresholds[node] = path;
      this.#meanPaths[node] = path;
      return path;
    }
    const middle = this.#partition(node, from, to);
    const left = this.#growNode(from, middle, depth + 1);
    this.#rights[node] = this.#nodeCount;
    const right = this.#growNode(middle, to, depth + 1);
    const mean = (left * (middle - from) + right * (to - middle)) / (to - from);
    this.#meanPaths[node] = mean;
    return mean;
  }

  /** Draws features until one divides the rows; false when none does. */
  #chooseSplit(node: number, from: number, to: number): boolean {
    const features = this.#features;
    for (let left = features.length; left > 0; left--) {
      const drawn = this.#prng.below(left);
      const feature = features[drawn];
      features[drawn] = features[left - 1];
      features[left - 1] = feature;
      if (this.#isDrawn(feature, from, to) && this.#splitBy(feature, node, from, to)) return true;
    }
    return false;
  }

  /** With the chance that a row has the feature: few rows must not be set apart by having it. */
  #isDrawn(feature: number, from: number, to: number): boolean {
    const row = this.#order[from + this.#prng.below(to - from)];
    return !Number.isNaN(this.#rows[row * this.#featureCount + feature]);
  }

  #splitBy(feature: number, node: number, from: number, to: number): boolean {
    let least = Infinity;
    let most = -Infinity;
    for (let at = from; at < to; at++) {
      const value = this.#rows[this.#order[at] * this.#featureCount + feature];
      // False for NaN, and for infinities, which no threshold could divide.
      if (value - value !== 0) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (!(least < most)) return false;
    const share = this.#prng.fraction();
    let threshold = least * (1 - share) + most * share;
    // Rounding must not leave one side empty: left is below the threshold.
    if (!(threshold > least && threshold <= most)) threshold = most;
    this.#thresholds[node] = threshold;
    const isLeftGreater = this.#isLeftGreater(feature, threshold, from, to);
    this.#branches[node] = feature << 1 | (isLeftGreater ? 1 : 0);
    return true;
  }

  #isLeftGreater(feature: number, threshold: number, from: number, to: number): boolean {
    let balance = 0;
    for (let at = from; at < to; at++) {
      const value = this.#rows[this.#order[at] * this.#featureCount + feature];
      if (value < threshold) balance++;
      else if (value >= threshold) balance--;
    }
    return balance > 0;
  }

  /** Moves the rows that go left to the front; returns where the others begin. */
  #partition(node: number, from: number, to: number): number {
    const order = this.#order;
    const feature = this.#branches[node] >> 1;
    const isMissingLeft = (this.#branches[node] & 1) === 1;
    const threshold = this.#thresholds[node];
    let middle = from;
    for (let at = from; at < to; at++) {
      const row = order[at];
      const value = this.#rows[row * this.#featureCount + feature];
      if (isMissingLeft ? value >= threshold : !(value < threshold)) continue;
      order[at] = order[middle];
      order[middle++] = row;
    }
    return middle;
  }
}
