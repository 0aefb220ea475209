/** What the overview shows of a range besides its lines. Types, and words of them; browser-safe. */
import type { Severity } from "../agent/records.ts";
import type { ProtocolGroup } from "./protocol_groups.ts";
import type { TrafficSeries } from "./traffic_series.ts";

export interface HistoryRow {
  /** Address, service or network; "" for all that is not listed. */
  readonly key: string;
  readonly name: string;
  /** The same page narrowed to it; null for what cannot be searched. */
  readonly href: string | null;
  readonly bytes: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly flows: number;
  /** Of the same stretch a week before, where that is compared; null where it is not known. */
  readonly beforeBytes?: number | null;
}
export interface GroupRow extends ProtocolGroup {
  readonly href: string | null;
}

export interface OverviewHistory {
  readonly bytes: number;
  readonly hosts: readonly HistoryRow[];
  readonly services: readonly HistoryRow[];
  readonly peers: readonly HistoryRow[];
  /** None without files of --geo-db. */
  readonly countries: readonly HistoryRow[];
  readonly groups: readonly GroupRow[];
  /** Flows under way that are counted in; null where the range ends before now. */
  readonly openFlows: number | null;
  /** Sentences about what the sums leave out. */
  readonly notes: readonly string[];
}

/** An incident on the line. */
export interface Mark {
  readonly tsUs: number;
  readonly endUs: number;
  readonly severity: Severity;
  readonly text: string;
  readonly href: string;
}

export interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
}

/** What is drawn with the lines of traffic; the arrays belong to the series' buckets, in bytes of one. */
export interface Beside {
  readonly marks: readonly Mark[];
  readonly gaps: readonly Stretch[];
  /** The upper end of what is usual, or null with a reason in `usualNote`. */
  readonly usual:
    | { readonly inBytes: readonly number[]; readonly outBytes: readonly number[] }
    | null;
  readonly usualNote: string;
  /** A week before. */
  readonly before:
    | { readonly inBytes: readonly number[]; readonly outBytes: readonly number[] }
    | null;
}

export const nothingBeside: Beside = {
  marks: [],
  gaps: [],
  usual: null,
  usualNote: "",
  before: null,
};

/** Windows that were judged in a bucket, and unusual ones among them. */
export interface WindowBucket extends Stretch {
  readonly windows: number;
  readonly flagged: number;
  /** Mean of the anomaly rate. */
  readonly ratePct: number;
}

export interface Overview {
  readonly series: TrafficSeries;
  readonly beside: Beside;
  readonly history: OverviewHistory;
  readonly windows: readonly WindowBucket[];
}
