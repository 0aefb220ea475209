/** How regular the gaps between moments are, by order statistics, which a missed or late moment does not upset. */

export interface Regularity {
  /** Median gap, in the unit of the gaps. */
  readonly median: number;
  /** Median absolute deviation from it. */
  readonly deviation: number;
  /** Bowley's skewness of the quartiles, -1 to 1; 0 where they are too close for it (RITA: 10 s, here relative). */
  readonly skewness: number;
  /** Share of the gaps within 40 % of the median. */
  readonly steadyShare: number;
}

const steadyBand = 0.4;
const quartilesMin = 0.1;

/** `gaps` are sorted in place; there must be at least one. */
export function measureRegularity(gaps: Float64Array): Regularity {
  gaps.sort();
  const median = quantile(gaps, 0.5);
  const low = quantile(gaps, 0.25);
  const high = quantile(gaps, 0.75);
  const isClose = high - low <= median * quartilesMin;
  const skewness = isClose ? 0 : (high + low - 2 * median) / (high - low);
  let steady = 0;
  for (const gap of gaps) if (Math.abs(gap - median) <= median * steadyBand) steady++;
  const steadyShare = steady / gaps.length;
  for (let index = 0; index < gaps.length; index++) gaps[index] = Math.abs(gaps[index] - median);
  gaps.sort();
  return { median, deviation: quantile(gaps, 0.5), skewness, steadyShare };
}

/** Linear between ranks, as in Hyndman and Fan 1996, type 7. */
function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}
