/**
 * What the forest does with many rows: growing trees, the paths through them, quantiles of columns.
 * agent/detect/forest/forest_engine.ts is the door to it. Addresses and offsets are bytes.
 */
export { makeValues, quantile, takeColumn, toDistances } from "./quantiles";
export { branches, grow, makePaths, meanPaths, rights, roots, samples, thresholds } from "./grow";
export { makeRows } from "./rows";
export { addPaths, counts, makeForest, makeSamples, makeSums, sums } from "./walk";
