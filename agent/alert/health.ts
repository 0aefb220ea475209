/**
 * What is told of tapwatch itself, and of traffic as a whole: a subject that opens when a condition has held for a while, and
 * is over when it has not for as long. Pure: the wall clock comes with each report.
 */
import type { Health } from "../live_state.ts";
import type { Severity, StatsSecond } from "../records.ts";
import type { AlertSubject } from "./policy.ts";

/** The state of everything, about once a second. */
export interface HealthReport {
  readonly nowUs: number;
  readonly health: Health;
  /** The newest full second of traffic. */
  readonly second: StatsSecond | null;
}

/** A condition as it stands in a report. */
interface Sign {
  /** The part: "store", "eth0". */
  readonly part: string;
  readonly kind: "health" | "anomaly_rate";
  readonly severity: Severity;
  readonly isBad: boolean;
  /** How long it must hold before it is told, and be gone before that is. */
  readonly afterUs: number;
  readonly bad: { readonly headline: string; readonly detail: string };
  readonly good: string;
}

interface Watched {
  isTold: boolean;
  /** Since when it is not as told; null while it is. */
  changedUs: number | null;
}

const minuteUs = 60_000_000;

export class HealthWatch {
  readonly #anomalyThresholdPct: number;
  readonly #watched = new Map<string, Watched>();

  constructor(anomalyThresholdPct: number) {
    this.#anomalyThresholdPct = anomalyThresholdPct;
  }

  /** Subjects that have opened, or are over. */
  take(report: HealthReport): AlertSubject[] {
    return this.#signs(report).flatMap((sign) => this.#judge(sign, report.nowUs));
  }

  #judge(sign: Sign, nowUs: number): AlertSubject[] {
    const key = `${sign.kind} ${sign.part}`;
    const watched = this.#watched.get(key) ?? { isTold: false, changedUs: null };
    this.#watched.set(key, watched);
    if (sign.isBad === watched.isTold) {
      watched.changedUs = null;
      return [];
    }
    watched.changedUs ??= nowUs;
    if (nowUs - watched.changedUs < sign.afterUs) return [];
    watched.isTold = sign.isBad;
    watched.changedUs = null;
    return [subjectOf(key, sign)];
  }

  #signs({ health }: HealthReport): Sign[] {
    return [this.#rateSign(health), storeSign(health)];
  }

  #rateSign({ detection }: Health): Sign {
    const rate = detection.anomalyRatePct;
    return {
      part: "all traffic",
      kind: "anomaly_rate",
      severity: "medium",
      isBad: detection.state === "ready" && rate > this.#anomalyThresholdPct,
      afterUs: minuteUs,
      bad: {
        headline: `${
          rate.toFixed(1)
        } % of the traffic is unusual, more than ${this.#anomalyThresholdPct} %`,
        detail: "The share of packets in host windows that stand out, over the last five minutes.",
      },
      good: "The share of unusual traffic is as usual again",
    };
  }
}

function storeSign({ store }: Health): Sign {
  return {
    part: "store",
    kind: "health",
    severity: "high",
    isBad: store.state === "retrying" || store.state === "failed",
    afterUs: minuteUs / 6,
    bad: { headline: "The database cannot be written", detail: store.detail },
    good: "The database is being written again",
  };
}

function subjectOf(key: string, { part, kind, severity, isBad, bad, good }: Sign): AlertSubject {
  return {
    key,
    kind,
    source: part,
    severity,
    headline: isBad ? bad.headline : good,
    detail: isBad ? bad.detail : "",
    attackId: "",
    incidentId: null,
    amount: 1,
    hasSucceeded: false,
    isOpen: isBad,
    scope: {
      kinds: [kind],
      sources: [],
      sourceCount: 0,
      targets: [],
      targetCount: 0,
      ports: [],
    },
  };
}
