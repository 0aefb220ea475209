/** Growing trees; agent/detect/forest/fit_forest.ts says how they differ from those of the paper. */
import { below, fraction, seedPrng } from "./prng";
import { rowBytes, rowCount, rows, take } from "./rows";

/** What was grown, as drawn in agent/detect/forest/forest_buffer.ts, and the rows that each tree has seen. */
export let thresholds: usize = 0;
export let meanPaths: usize = 0;
export let branches: usize = 0;
export let rights: usize = 0;
export let roots: usize = 0;
export let samples: usize = 0;

/** Path length that stands for so many rows not told apart. */
let paths: usize = 0;
let size: i32 = 0;
let heightLimit: i32 = 0;
/** All rows, shuffled further for each tree. */
let deck: usize = 0;
/** Addresses of the tree's rows, those of a node side by side. */
let order: usize = 0;
let features: usize = 0;
let nodeCount: i32 = 0;

/** Trees will see `rowsOfTree` rows and end at that height; returns where c(0) to c(rowsOfTree) are to be written. */
export function makePaths(rowsOfTree: i32, height: i32): usize {
  size = rowsOfTree;
  heightLimit = height;
  paths = take(<usize> size + 1 << 3);
  return paths;
}

/** Returns the number of nodes. */
export function grow(treeCount: i32, seed: i32): i32 {
  const nodesMax = <usize> treeCount * (2 * size - 1);
  thresholds = take(nodesMax << 3);
  meanPaths = take(nodesMax << 3);
  branches = take(nodesMax << 2);
  rights = take(nodesMax << 2);
  roots = take(<usize> treeCount << 2);
  samples = take(<usize> treeCount * size << 2);
  order = take(<usize> size << 2);
  deck = makeNumbers(rowCount);
  features = makeNumbers(<i32> (rowBytes >> 3));
  nodeCount = 0;
  seedPrng(seed);
  for (let tree = 0; tree < treeCount; tree++) {
    draw(samples + (<usize> tree * size << 2));
    store<i32>(roots + (tree << 2), nodeCount);
    growNode(order, order + (size << 2), 0);
  }
  return nodeCount;
}

/** 0, 1, 2 and so on. */
function makeNumbers(count: i32): usize {
  const numbers = take(<usize> count << 2);
  for (let index = 0; index < count; index++) store<i32>(numbers + (index << 2), index);
  return numbers;
}

/** Fills the tree's sample with different rows: the head of a shuffle (Fisher and Yates) of the deck. */
function draw(sample: usize): void {
  for (let index = 0; index < size; index++) {
    const at = deck + (index << 2);
    const row = swap(at, at + (below(rowCount - index) << 2));
    store<i32>(sample + (index << 2), row);
    store<usize>(order + (index << 2), rows + row * rowBytes);
  }
}

/** Exchanges two words; returns what is now in the first. */
@inline
function swap(one: usize, other: usize): i32 {
  const word = load<i32>(other);
  store<i32>(other, load<i32>(one));
  store<i32>(one, word);
  return word;
}

/** Grows the node of the rows at [from, to) of the order, and all below it; returns its mean path length. */
function growNode(from: usize, to: usize, depth: i32): f64 {
  const node = nodeCount++;
  const count = <i32> (to - from) >> 2;
  if (count <= 1 || depth >= heightLimit || !chooseSplit(node, from, to)) {
    const path = <f64> depth + load<f64>(paths + (count << 3));
    store<f64>(thresholds + (node << 3), path);
    store<f64>(meanPaths + (node << 3), path);
    store<i32>(branches + (node << 2), -1);
    store<i32>(rights + (node << 2), 0);
    return path;
  }
  const middle = partition(node, from, to);
  const leftCount = <i32> (middle - from) >> 2;
  const left = growNode(from, middle, depth + 1);
  store<i32>(rights + (node << 2), nodeCount);
  const right = growNode(middle, to, depth + 1);
  const mean = (left * <f64> leftCount + right * <f64> (count - leftCount)) / <f64> count;
  store<f64>(meanPaths + (node << 3), mean);
  return mean;
}

/** Draws features until one divides the rows; false when none does. */
function chooseSplit(node: i32, from: usize, to: usize): bool {
  for (let left = <i32> (rowBytes >> 3); left > 0; left--) {
    const feature = swap(features + (left - 1 << 2), features + (below(left) << 2));
    if (isDrawn(feature, from, to) && splitBy(feature, node, from, to)) return true;
  }
  return false;
}

/** With the chance that a row has the feature: few rows must not be set apart by having it. */
function isDrawn(feature: i32, from: usize, to: usize): bool {
  return !isNaN(valueOf(from + (below(<i32> (to - from) >> 2) << 2), feature));
}

/** The feature's value in the row whose address is at `at`. */
@inline
function valueOf(at: usize, feature: i32): f64 {
  return load<f64>(load<usize>(at) + (feature << 3));
}

function splitBy(feature: i32, node: i32, from: usize, to: usize): bool {
  let least = Infinity;
  let most = -Infinity;
  for (let at = from; at < to; at += 4) {
    const value = valueOf(at, feature);
    // Neither missing nor infinite, which no threshold could divide.
    if (value - value != 0) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!(least < most)) return false;
  const share = fraction();
  let threshold = least * (1 - share) + most * share;
  // Rounding must not leave one side empty: left is below the threshold.
  if (!(threshold > least && threshold <= most)) threshold = most;
  store<f64>(thresholds + (node << 3), threshold);
  const isMissingLeft = isLeftGreater(feature, threshold, from, to);
  store<i32>(branches + (node << 2), feature << 1 | <i32> isMissingLeft);
  return true;
}

function isLeftGreater(feature: i32, threshold: f64, from: usize, to: usize): bool {
  let balance = 0;
  for (let at = from; at < to; at += 4) {
    const value = valueOf(at, feature);
    balance += <i32> (value < threshold) - <i32> (value >= threshold);
  }
  return balance > 0;
}

/** Moves the rows that go left to the front; returns where the others begin. */
function partition(node: i32, from: usize, to: usize): usize {
  const branch = load<i32>(branches + (node << 2));
  const isMissingLeft = <bool> (branch & 1);
  const threshold = load<f64>(thresholds + (node << 3));
  let middle = from;
  for (let at = from; at < to; at += 4) {
    const value = valueOf(at, branch >> 1);
    if (isMissingLeft ? value >= threshold : !(value < threshold)) continue;
    swap(at, middle);
    middle += 4;
  }
  return middle;
}
