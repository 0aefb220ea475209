/**
 * The paths of many rows through a forest: tree by tree, so that each stays in the processor's cache, and four rows side by
 * side without a branch on the way, so that none waits for the memory or for a wrong guess of the other.
 *
 * Values are compared as whole numbers in the same order, their keys. That of a missing value is the greatest, so its row
 * goes right; where it is to go left, 1 is added to both sides, which makes it the least.
 */
import { rowBytes, rowCount, rows, take } from "./rows";

/** Of each row: the lengths of its paths together, and through how many trees. */
export let sums: usize = 0;
export let counts: usize = 0;

let nodeCount: i32 = 0;
let treeCount: i32 = 0;
/** The forest's arrays; of a leaf the threshold is its path length. */
let thresholds: usize = 0;
let branches: usize = 0;
let rights: usize = 0;
let roots: usize = 0;
/** Numbers of the rows that do not pass each tree. */
let samples: usize = 0;
let sampleSize: i32 = 0;
let keptSums: usize = 0;
/** Levels below each node. */
let heights: usize = 0;
/**
 * Nodes as the walk wants them: key of the threshold (i64), offset of the feature in a row with 1 where missing values go
 * left (i32), bytes to the right child from the next node, which is the left one (i32). From a leaf, right is back to it.
 */
let nodes: usize = 0;
const TURN: usize = 8;
const NODE_BITS: usize = 4;
const NODE_BYTES: usize = 1 << NODE_BITS;

/** Returns where the forest's arrays, as agent/detect/forest/forest_buffer.ts draws them, are to be written. */
export function makeForest(ofNodes: i32, ofTrees: i32): usize {
  nodeCount = ofNodes;
  treeCount = ofTrees;
  thresholds = take(<usize> nodeCount * 24 + (treeCount << 2));
  branches = thresholds + (nodeCount << 4);
  rights = branches + (nodeCount << 2);
  roots = rights + (nodeCount << 2);
  return thresholds;
}

/** Of each tree that many rows do not pass it; returns where their numbers are to be written, tree by tree. */
export function makeSamples(size: i32): usize {
  sampleSize = size;
  samples = take(<usize> treeCount * size << 2);
  keptSums = take(<usize> size << 3);
  return samples;
}

/** Begins the walk, once forest and samples are written; the rows are no more. */
export function makeSums(): void {
  // Those that fill the last four may be any.
  sums = take(<usize> rowCount + 3 << 3);
  counts = take(<usize> rowCount << 2);
  memory.fill(sums, 0, <usize> rowCount << 3);
  for (let row = 0; row < rowCount; row++) store<i32>(counts + (row << 2), treeCount);
  const end = rows + <usize> rowCount * rowBytes;
  for (let at = rows; at < end; at += 8) store<i64>(at, keyOf(load<f64>(at)));
  heights = take(<usize> nodeCount << 2);
  nodes = take(<usize> nodeCount << NODE_BITS);
  for (let node = nodeCount - 1; node >= 0; node--) makeNode(node);
}

/** Adds the tree's paths. A call for each, because V8 replaces its first code of a function between calls. */
export function addPaths(tree: i32): void {
  const sample = samples + (<usize> tree * sampleSize << 2);
  for (let index = 0; index < sampleSize; index++) {
    const row = load<i32>(sample + (index << 2));
    store<f64>(keptSums + (index << 3), load<f64>(sums + (row << 3)));
    store<i32>(counts + (row << 2), load<i32>(counts + (row << 2)) - 1);
  }
  const root = load<i32>(roots + (tree << 2));
  walk(nodes + (root << NODE_BITS), load<i32>(heights + (root << 2)));
  for (let index = 0; index < sampleSize; index++) {
    const row = load<i32>(sample + (index << 2));
    store<f64>(sums + (row << 3), load<f64>(keptSums + (index << 3)));
  }
}

function keyOf(value: f64): i64 {
  if (isNaN(value)) return i64.MAX_VALUE;
  // Of zeros there is one only.
  const bits = reinterpret<i64>(value + 0);
  return bits ^ (bits >> 63 & i64.MAX_VALUE);
}

/** Its children, which come after it, are made. */
function makeNode(index: i32): void {
  const node = nodes + (index << NODE_BITS);
  const height = heights + (index << 2);
  const branch = load<i32>(branches + (index << 2));
  if (branch < 0) {
    store<i64>(node, i64.MIN_VALUE);
    store<i64>(node, -<i64> NODE_BYTES << 32, TURN);
    store<i32>(height, 0);
    return;
  }
  const right = load<i32>(rights + (index << 2));
  const turn = right - index - 1 << <i32> NODE_BITS;
  const isMissingLeft = branch & 1;
  store<i64>(node, keyOf(load<f64>(thresholds + (index << 3))) + isMissingLeft);
  store<i64>(node, <i64> turn << 32 | <i64> (branch >> 1 << 3 | isMissingLeft), TURN);
  store<i32>(height, 1 + max(load<i32>(height, 4), load<i32>(heights + (right << 2))));
}

function walk(root: usize, height: i32): void {
  const width = rowBytes;
  const end = rows + <usize> rowCount * width;
  let sum = sums;
  for (let row = rows; row < end; row += width << 2) {
    let a = root;
    let b = root;
    let c = root;
    let d = root;
    for (let level = 0; level < height; level++) {
      a = next(a, row);
      b = next(b, row + width);
      c = next(c, row + width * 2);
      d = next(d, row + width * 3);
    }
    store<f64>(sum, load<f64>(sum) + pathOf(a));
    store<f64>(sum, load<f64>(sum, 8) + pathOf(b), 8);
    store<f64>(sum, load<f64>(sum, 16) + pathOf(c), 16);
    store<f64>(sum, load<f64>(sum, 24) + pathOf(d), 24);
    sum += 32;
  }
}

@inline
function next(node: usize, row: usize): usize {
  const turn = load<i64>(node, TURN);
  const key = load<i64>(row + (<usize> turn & ~7)) + (turn & 1);
  const isRight = <i32> (key >= load<i64>(node));
  return node + NODE_BYTES + (<i32> (turn >> 32) & -isRight);
}

@inline
function pathOf(leaf: usize): f64 {
  return load<f64>(thresholds + (leaf - nodes >> 1));
}
