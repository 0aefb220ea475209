/** What a page shows and `/api/events` brings up to date each second. Types only: safe for the browser. */
import type { Health } from "../agent/live_state.ts";
import type { PipelineSnapshot, StatsSecond, StatusEntry } from "../agent/records.ts";

/** Data of a `stats` event, and of the same page at its first rendering. */
export interface LiveMessage {
  /** Wall clock of the sensor. */
  readonly nowUs: number;
  /** Full seconds since the previous event, oldest first; those without a packet are missing. */
  readonly seconds: readonly StatsSecond[];
  readonly snapshot: PipelineSnapshot | null;
  readonly health: Health;
}

/** Data of a `status` event: a new line of the log, and the state of each part with it. */
export interface StatusMessage {
  readonly nowUs: number;
  readonly entry: StatusEntry;
  readonly health: Health;
}

/** What stays the same while the program runs. */
export interface SensorInfo {
  readonly hostname: string;
  /** IANA name of the sensor's time zone. */
  readonly zone: string;
  /** The file and its speed (0 is as fast as possible), when a file is replayed. */
  readonly replay: { readonly file: string; readonly speed: number } | null;
  readonly resultsFolder: string;
  /** That loopback is not watched, and what to do; "" where it is. */
  readonly loopbackNote: string;
}

/** A stretch of time that a page shows. */
export interface Range {
  /** "15m" …, or "dates" for one with its own beginning and end. */
  readonly id: string;
  readonly label: string;
  readonly spanS: number;
  readonly bucketS: number;
  /** Null where it ends now. */
  readonly toUs: number | null;
}

/** Those that end now; the first is kept in memory second by second, the others come from the database. */
export const RANGES = [
  { id: "15m", label: "15 min", spanS: 900, bucketS: 3, toUs: null },
  { id: "1h", label: "1 h", spanS: 3600, bucketS: 15, toUs: null },
  { id: "6h", label: "6 h", spanS: 21_600, bucketS: 120, toUs: null },
  { id: "24h", label: "24 h", spanS: 86_400, bucketS: 300, toUs: null },
  { id: "7d", label: "7 d", spanS: 604_800, bucketS: 3600, toUs: null },
  { id: "30d", label: "30 d", spanS: 2_592_000, bucketS: 10_800, toUs: null },
] as const satisfies readonly Range[];

const bucketsS = [1, 3, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 21_600, 86_400];

/** A range with its own beginning and end, widened to whole buckets, of which it has at most 300. */
export function rangeOfDates(fromUs: number, toUs: number): Range {
  const bucketS = bucketsS.find((bucketS) => (toUs - fromUs) / 1e6 / bucketS <= 299) ??
    Math.ceil((toUs - fromUs) / 86_400e6 / 299) * 86_400;
  const bucketUs = bucketS * 1e6;
  const endUs = Math.ceil(toUs / bucketUs) * bucketUs;
  const startUs = Math.floor(fromUs / bucketUs) * bucketUs;
  return { id: "dates", label: "Dates", spanS: (endUs - startUs) / 1e6, bucketS, toUs: endUs };
}

/** The range called `id`, or the first. */
export function rangeById(id: string | null): Range {
  return RANGES.find((range) => range.id === id) ?? RANGES[0];
}
