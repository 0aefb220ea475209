/**
 * The door to assembly/: growing trees, walking many rows through them, and quantiles of columns are WebAssembly, because
 * at the end of a file all of it runs once, before V8 would have compiled it. Each thread has one engine, whose memory
 * grows to what the largest task needed; nothing in it lasts beyond the next engineWith().
 */
import { forestModule } from "./forest_code.ts";

export interface ForestEngine {
  readonly memory: WebAssembly.Memory;
  makeRows(rowCount: number, featureCount: number): number;

  /** Growing: what c(0) to c(size) are is to be written where makePaths() says; grow() returns the number of nodes. */
  makePaths(size: number, heightLimit: number): number;
  grow(treeCount: number, seed: number): number;
  /** Where the nodes' arrays (forest_buffer.ts) and the numbers of the rows of each tree are. */
  readonly thresholds: WebAssembly.Global;
  readonly meanPaths: WebAssembly.Global;
  readonly branches: WebAssembly.Global;
  readonly rights: WebAssembly.Global;
  readonly roots: WebAssembly.Global;
  readonly samples: WebAssembly.Global;

  /**
   * Walking: a forest's arrays and samples (or none) are to be written where these say; then makeSums(), after which the
   * rows are no more, and addPaths() of each tree.
   */
  makeForest(nodeCount: number, treeCount: number): number;
  makeSamples(size: number): number;
  makeSums(): void;
  addPaths(tree: number): void;
  /** Where the sums of each row's paths (doubles) and the numbers of its trees (words) are. */
  readonly sums: WebAssembly.Global;
  readonly counts: WebAssembly.Global;

  /** Quantiles: room for a column, which takeColumn() fills with its present values. */
  makeValues(): void;
  takeColumn(feature: number): void;
  /** Turns the column into distances from a value. */
  toDistances(from: number): void;
  /** Between the two nearest values of the column; NaN of none. */
  quantile(share: number): number;
}

let engine: ForestEngine | null = null;

/** The thread's engine with a copy of these rows of `featureCount` values; all else that it held is gone. */
export function engineWith(rows: Float64Array, featureCount: number): ForestEngine {
  engine ??= new WebAssembly.Instance(forestModule()).exports as unknown as ForestEngine;
  writeAt(engine, engine.makeRows(rows.length / featureCount, featureCount), rows);
  return engine;
}

export function writeAt(
  { memory }: ForestEngine,
  at: number,
  values: Float64Array | Int32Array | Uint8Array,
): void {
  const { buffer, byteOffset, byteLength } = values;
  new Uint8Array(memory.buffer, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
}

/** A view, valid until the engine makes room for something. */
export function doublesAt(
  { memory }: ForestEngine,
  at: WebAssembly.Global,
  count: number,
): Float64Array {
  return new Float64Array(memory.buffer, at.value, count);
}

/** As doublesAt(). */
export function wordsAt(
  { memory }: ForestEngine,
  at: WebAssembly.Global,
  count: number,
): Int32Array {
  return new Int32Array(memory.buffer, at.value, count);
}
