/**
 * What has been learnt of how hosts behave: a forest, the score above which a window is unusual, and the usual range
 * of each feature.
 *
 * A window is anomalous when both agree: its score is above that of nearly all windows learnt from, and some telling
 * feature is so far above its median, in robust standard deviations (Iglewicz and Hoaglin 1993: median and MAD), that it
 * is no trifle. The features' spreads have floors, so that a quiet network does not make the slightest thing unusual.
 */
import { fitForest } from "../forest/fit_forest.ts";
import type { Forest } from "../forest/forest.ts";
import { columnOf, quantileOf } from "../forest/quantiles.ts";
import {
  FEATURE_COUNT,
  FEATURE_KIND,
  FEATURES,
  fromScale,
  isCount,
  naturalValue,
  roundFeature,
  toScale,
} from "./features.ts";

export interface Model {
  readonly forest: Forest;
  readonly threshold: number;
  /** Of each feature, as it is learnt: 5th percentile, median, 95th percentile, robust standard deviation. */
  readonly ranges: Float64Array;
  /** Traffic time. */
  readonly fittedUs: number;
}
export const RANGE_WIDTH = 4;

interface ModelOptions {
  readonly seed: number;
  /** Quantile of the scores that is the threshold. */
  readonly quantile: number;
  readonly fittedUs: number;
  /**
   * True when the windows learnt from are those to be judged, as in a file: each tree sees as many as it may, and the
   * threshold is taken from the same scores. False for windows to come: each tree sees at most half of the rows, and
   * the threshold is taken from the scores that rows have in trees that have not seen them.
   */
  readonly isOfItself: boolean;
}

const subsampleMax = 256;
/** Robust standard deviations above the median. */
const deviationsMin = 5;
/** By how many spreads a guard lies above all that was seen. */
const guardSpreads = 6;
/** Makes the MAD of a normal distribution its standard deviation. */
const madScale = 1.4826;

/** Learns from rows of FEATURE_COUNT values, two at least. */
export function fitModel(rows: Float64Array, options: ModelOptions): Model {
  const { seed, quantile, fittedUs, isOfItself } = options;
  const rowCount = rows.length / FEATURE_COUNT;
  const { ranges, most } = findRanges(rows);
  const guarded = addGuards(rows, ranges, most);
  const subsampleSize = Math.min(
    subsampleMax,
    isOfItself ? rowCount + FEATURE_COUNT : rowCount / 2,
  );
  const { forest, samples } = fitForest(guarded, FEATURE_COUNT, {
    seed,
    subsampleSize: Math.max(2, Math.ceil(subsampleSize)),
    featureKind: FEATURE_KIND,
  });
  const scores = isOfItself ? forest.scoreMany(rows) : forest.scoreHeldOut(guarded, samples);
  const usual = scores.subarray(0, rowCount)
    .filter((_, row) => tellingFeature(ranges, rows, row * FEATURE_COUNT) < 0);
  return { forest, ranges, fittedUs, threshold: quantileOf(usual, quantile) };
}

/** Whether the window at `rows[at]` with that score is anomalous. */
export function isAnomalous(model: Model, score: number, rows: Float64Array, at = 0): boolean {
  return score > model.threshold && tellingFeature(model.ranges, rows, at) >= 0;
}

/** Whether some feature of the window is no trifle, whatever is usual: only then can the window be anomalous. */
export function canBeAnomalous(window: Float64Array): boolean {
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    if (window[feature] >= tellingFrom[feature]) return true;
  }
  return false;
}

/**
 * What is usual of a feature, in its unit, as people are shown it: from the 5th to the 95th percentile, but never so far that a
 * window could be anomalous within it. Of counts those whole numbers that lie in it.
 */
export function usualRange(ranges: Float64Array, index: number): [number, number] {
  const [least, median, most, spread] = ranges.subarray(index * RANGE_WIDTH);
  const feature = FEATURES[index];
  const low = fromScale(feature, least);
  const high = fromScale(feature, Math.min(most, median + deviationsMin * spread));
  if (!isCount(feature)) return [naturalValue(feature, low), naturalValue(feature, high)];
  const whole: [number, number] = [Math.ceil(low), Math.floor(high)];
  return whole[0] <= whole[1] ? whole : [Math.round(high), Math.round(high)];
}

/** Whether a value, as it is learnt, lies outside what is usual in numbers as people are shown them. */
export function isUnusual(ranges: Float64Array, index: number, learnt: number): boolean {
  const feature = FEATURES[index];
  const [low, high] = usualRange(ranges, index).map((bound) => roundFeature(feature, bound));
  const value = roundFeature(feature, fromScale(feature, learnt));
  return value > high || value < low;
}

/** The telling feature farthest above its median, -1 when none is far enough. */
export function tellingFeature(ranges: Float64Array, rows: Float64Array, at: number): number {
  let farthest = -1;
  let deviationsMost = deviationsMin;
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    const value = rows[at + feature];
    if (!(value >= tellingFrom[feature])) continue;
    const range = feature * RANGE_WIDTH;
    const deviations = (value - ranges[range + 1]) / ranges[range + 3];
    if (!(deviations >= deviationsMost) || !isUnusual(ranges, feature, value)) continue;
    deviationsMost = deviations;
    farthest = feature;
  }
  return farthest;
}

const tellingFrom = Float64Array.from(
  FEATURES,
  (feature) => feature.tellingFrom === null ? Infinity : toScale(feature, feature.tellingFrom),
);

/** The ranges, and the greatest value of each feature. */
function findRanges(rows: Float64Array): { ranges: Float64Array; most: Float64Array } {
  const ranges = new Float64Array(FEATURE_COUNT * RANGE_WIDTH);
  const most = new Float64Array(FEATURE_COUNT);
  const column = columnOf(rows, FEATURE_COUNT);
  for (let feature = 0; feature < FEATURE_COUNT; feature++) {
    column.takeColumn(feature);
    const range = [0.05, 0.5, 0.95].map((share) => column.quantile(share));
    most[feature] = column.quantile(1);
    column.toDistances(range[1]);
    const spread = Math.max(FEATURES[feature].spreadMin, madScale * column.quantile(0.5));
    ranges.set([...range, spread], feature * RANGE_WIDTH);
  }
  return { ranges, most };
}

/**
 * The rows, and after them guards: for each feature a row that is usual in all but that one, and there far above all that
 * was seen; as often as that makes some for every tree. Without guards a tree cannot split beyond what it has seen, and a
 * feature that never varied while learning (no failed connection, say) could set nothing apart later.
 */
function addGuards(rows: Float64Array, ranges: Float64Array, most: Float64Array): Float64Array {
  const guards = new Float64Array(FEATURE_COUNT * FEATURE_COUNT);
  for (let guard = 0; guard < FEATURE_COUNT; guard++) {
    const at = guard * FEATURE_COUNT;
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      guards[at + feature] = ranges[feature * RANGE_WIDTH + 1];
    }
    guards[at + guard] = most[guard] + guardSpreads * FEATURES[guard].spreadMin;
  }
  const times = Math.ceil(rows.length / FEATURE_COUNT / subsampleMax);
  const guarded = new Float64Array(rows.length + times * guards.length);
  guarded.set(rows);
  for (let time = 0; time < times; time++) guarded.set(guards, rows.length + time * guards.length);
  return guarded;
}
