/** Quantiles of many values, by the engine: without sorting them. */
import { engineWith, type ForestEngine } from "./forest_engine.ts";

/** Where columns are taken up, one after the other. Until the engine is used for something else. */
export type Column = Pick<ForestEngine, "takeColumn" | "toDistances" | "quantile">;

/** For the columns of rows of `featureCount` values. */
export function columnOf(rows: Float64Array, featureCount: number): Column {
  const engine = engineWith(rows, featureCount);
  engine.makeValues();
  return engine;
}

/** Between the two nearest of the values that are not NaN; NaN of none. */
export function quantileOf(values: Float64Array, share: number): number {
  const column = columnOf(values, 1);
  column.takeColumn(0);
  return column.quantile(share);
}
