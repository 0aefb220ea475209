/**
 * Growing an Isolation Forest: Liu, Ting and Zhou, "Isolation Forest", ICDM 2008, algorithms 1 and 2.
 *
 * Where we differ: a feature whose present values are all equal in a node is not drawn there (the paper draws it and
 * splits nothing); and values may be missing (NaN). A feature is drawn in a node with the chance that a row there has
 * it, a missing value takes no part in the choice of the threshold, and its row goes with the greater part of the present
 * ones, while growing as well as while scoring. So neither is a missing value what sets a row apart, nor is having one
 * that others miss; a row without any values takes a long way through every tree.
 */
import { createForestBuffer, type ForestShape } from "./forest_buffer.ts";
import { doublesAt, engineWith, type ForestEngine, wordsAt, writeAt } from "./forest_engine.ts";
import { Forest } from "./forest.ts";
import { averagePathLength } from "./path_length.ts";

interface ForestOptions {
  readonly seed: number;
  /** t of the paper; 100. */
  readonly treeCount?: number;
  /** psi of the paper, rows that each tree sees; 256, or all rows where there are fewer. */
  readonly subsampleSize?: number;
  /** A number that says what the features are, see ForestShape; 0. */
  readonly featureKind?: number;
}

interface FittedForest {
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
  const shape = { featureCount, treeCount, subsampleSize: size, featureKind };
  return grow(engineWith(rows, featureCount), shape, seed);
}

function check(rule: string, value: number, isKept: boolean): void {
  if (!isKept) throw new RangeError(`Cannot fit forest: ${rule}, got ${value}`);
}

/** Grows the trees on the engine's rows. */
function grow(
  engine: ForestEngine,
  shape: Omit<ForestShape, "nodeCount">,
  seed: number,
): FittedForest {
  const { treeCount, subsampleSize } = shape;
  const paths = Float64Array.from(
    { length: subsampleSize + 1 },
    (_, rows) => averagePathLength(rows),
  );
  writeAt(engine, engine.makePaths(subsampleSize, Math.ceil(Math.log2(subsampleSize))), paths);
  const nodeCount = engine.grow(treeCount, seed);
  const forest = new Forest(createForestBuffer({ ...shape, nodeCount }, {
    thresholds: doublesAt(engine, engine.thresholds, nodeCount),
    meanPaths: doublesAt(engine, engine.meanPaths, nodeCount),
    branches: wordsAt(engine, engine.branches, nodeCount),
    rights: wordsAt(engine, engine.rights, nodeCount),
    roots: wordsAt(engine, engine.roots, treeCount),
  }));
  return { forest, samples: wordsAt(engine, engine.samples, treeCount * subsampleSize).slice() };
}
