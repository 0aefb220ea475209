/**
 * A grown Isolation Forest: scores of rows and what they come from. It is one ArrayBuffer (`buffer`) that can be
 * transferred to another thread or written to a file, and opened there again.
 */
import {
  FOREST_HEADER_BYTES,
  type ForestArrays,
  ForestFormatError,
  openForestBuffer,
  sealForestBuffer,
} from "./forest_buffer.ts";
import { doublesAt, engineWith, wordsAt, writeAt } from "./forest_engine.ts";
import { averagePathLength } from "./path_length.ts";

/** Opens the buffer of a forest. Throws ForestFormatError when it is foreign, cut, or of other features. */
export function openForest(
  buffer: ArrayBuffer,
  features: { readonly featureCount: number; readonly featureKind: number },
): Forest {
  const arrays = openForestBuffer(buffer);
  const { featureCount, featureKind } = arrays;
  if (featureCount !== features.featureCount || featureKind !== features.featureKind) {
    throw new ForestFormatError(
      `it knows ${featureCount} features of kind ${featureKind}, ` +
        `asked were ${features.featureCount} of kind ${features.featureKind}`,
    );
  }
  return new Forest(arrays);
}

export class Forest {
  readonly featureCount: number;
  readonly treeCount: number;
  readonly subsampleSize: number;
  readonly #arrays: ForestArrays;
  readonly #normalPath: number;

  constructor(arrays: ForestArrays) {
    this.#arrays = arrays;
    this.featureCount = arrays.featureCount;
    this.treeCount = arrays.treeCount;
    this.subsampleSize = arrays.subsampleSize;
    this.#normalPath = averagePathLength(arrays.subsampleSize);
  }

  /** Not usable here any more once it is transferred. */
  get buffer(): ArrayBuffer {
    sealForestBuffer(this.#arrays.buffer);
    return this.#arrays.buffer;
  }

  /** Anomaly score of the row at `rows[at]`, above 0 to 1, about 0.5 for the usual one. NaN is missing. */
  score(rows: Float64Array, at = 0): number {
    return this.#scoreOf(this.pathLength(rows, at));
  }

  /** Scores of rows that stand one after the other. */
  scoreMany(rows: Float64Array): Float64Array {
    return this.#scoreRows(rows, new Int32Array(0));
  }

  /**
   * Scores of the rows that the forest was grown on, each by the trees that have not seen it; NaN for a row that all
   * have seen. `samples` came with the forest from fitForest().
   */
  scoreHeldOut(rows: Float64Array, samples: Int32Array): Float64Array {
    return this.#scoreRows(rows, samples);
  }

  /**
   * Fills `shares` with what each feature contributed to shortening the row's path against the mean path of all rows:
   * each split is charged with the mean path before it minus the one after it (Saabas 2014, "Interpreting random
   * forests", on path lengths). The sum before shares are taken is exactly the path's shortening; features that
   * lengthened it have share 0, the others' shares sum to 1 (all are 0 when none shortened it).
   */
  explain(rows: Float64Array, at: number, shares: Float64Array): void {
    this.addShortening(rows, at, shares.fill(0));
    let sum = 0;
    for (const share of shares) sum += Math.max(0, share);
    for (let feature = 0; feature < shares.length; feature++) {
      shares[feature] = sum > 0 ? Math.max(0, shares[feature]) / sum : 0;
    }
  }

  /** Adds what each feature shortened the row's mean path by, in edges; negative where it lengthened it. */
  addShortening(rows: Float64Array, at: number, shortening: Float64Array): void {
    const { thresholds, meanPaths, branches, rights, roots } = this.#arrays;
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree];
      for (let branch = branches[node]; branch >= 0; branch = branches[node]) {
        const value = rows[at + (branch >> 1)];
        const threshold = thresholds[node];
        const isLeft = (branch & 1) === 1 ? !(value >= threshold) : value < threshold;
        const child = isLeft ? node + 1 : rights[node];
        shortening[branch >> 1] += (meanPaths[node] - meanPaths[child]) / roots.length;
        node = child;
      }
    }
  }

  /** Mean path length of the row at `rows[at]`, E(h(x)) of the paper, in edges. */
  pathLength(rows: Float64Array, at = 0): number {
    let sum = 0;
    for (let tree = 0; tree < this.treeCount; tree++) {
      sum += this.#treePathLength(tree, rows, at);
    }
    return sum / this.treeCount;
  }

  /** Mean path length of the rows that the trees were grown on. */
  get meanPathLength(): number {
    const { meanPaths, roots } = this.#arrays;
    return roots.reduce((sum, root) => sum + meanPaths[root], 0) / roots.length;
  }

  #scoreRows(rows: Float64Array, samples: Int32Array): Float64Array {
    const { buffer, nodeCount } = this.#arrays;
    const { featureCount, treeCount } = this;
    const engine = engineWith(rows, featureCount);
    const nodes = new Uint8Array(buffer, FOREST_HEADER_BYTES);
    writeAt(engine, engine.makeForest(nodeCount, treeCount), nodes);
    writeAt(engine, engine.makeSamples(samples.length / treeCount), samples);
    engine.makeSums();
    for (let tree = 0; tree < treeCount; tree++) engine.addPaths(tree);
    const rowCount = rows.length / featureCount;
    const counts = wordsAt(engine, engine.counts, rowCount);
    const sums = doublesAt(engine, engine.sums, rowCount);
    return sums.map((sum, row) => this.#scoreOf(sum / counts[row]));
  }

  #treePathLength(tree: number, rows: Float64Array, at: number): number {
    const { thresholds, branches, rights, roots } = this.#arrays;
    let node = roots[tree];
    for (let branch = branches[node]; branch >= 0; branch = branches[node]) {
      const value = rows[at + (branch >> 1)];
      const threshold = thresholds[node];
      const isLeft = (branch & 1) === 1 ? !(value >= threshold) : value < threshold;
      node = isLeft ? node + 1 : rights[node];
    }
    return thresholds[node];
  }

  /** Equation 2. */
  #scoreOf(pathLength: number): number {
    return 2 ** (-pathLength / this.#normalPath);
  }
}
