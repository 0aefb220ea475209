/**
 * What is told of tapwatch itself, and of traffic as a whole: a subject that opens when a condition has held for a while, and
 * is over when it has not for as long. Pure: the wall clock comes with each report.
 */
import { fleetSentence } from "../text/fleet.ts";
import { diskSentence } from "../text/disk_guard.ts";
import type { Health } from "../live_state.ts";
import type { CaptureSourceState, Severity } from "../records.ts";
import type { AlertSubject } from "./policy.ts";

/** The state of everything, about once a second. */
export interface HealthReport {
  /** Of a clock that nobody sets. */
  readonly elapsedUs: number;
  readonly health: Health;
  /** Packets decoded since the start. */
  readonly packets: number;
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

/** Counters a minute ago, and before. */
interface Mark {
  readonly elapsedUs: number;
  readonly packets: number;
  readonly drops: number;
  readonly restarts: number;
}

const minuteUs = 60_000_000;
const soonUs = 10_000_000;
const silenceUs = 10 * minuteUs;
const marksUs = 10 * minuteUs;
const dropShareMax = 0.01;
const restartsMax = 3;

export class HealthWatch {
  #anomalyThresholdPct: number;
  readonly #watched = new Map<string, Watched>();
  /** About one in ten seconds, oldest first. */
  #marks: Mark[] = [];
  /** By device: its packets, and since when there were no more. */
  readonly #heard = new Map<string, { packets: number; sinceUs: number }>();

  constructor(anomalyThresholdPct: number) {
    this.#anomalyThresholdPct = anomalyThresholdPct;
  }

  /** From now on. */
  setAnomalyThreshold(pct: number): void {
    this.#anomalyThresholdPct = pct;
  }

  /** Subjects that have opened, or are over. */
  take(report: HealthReport): AlertSubject[] {
    return this.#signs(report).flatMap((sign) => this.#judge(sign, report.elapsedUs));
  }

  #judge(sign: Sign, elapsedUs: number): AlertSubject[] {
    const key = `${sign.kind} ${sign.part}`;
    const watched = this.#watched.get(key) ?? { isTold: false, changedUs: null };
    this.#watched.set(key, watched);
    if (sign.isBad === watched.isTold) {
      watched.changedUs = null;
      return [];
    }
    watched.changedUs ??= elapsedUs;
    if (elapsedUs - watched.changedUs < sign.afterUs) return [];
    watched.isTold = sign.isBad;
    watched.changedUs = null;
    return [subjectOf(key, sign)];
  }

  #signs(report: HealthReport): Sign[] {
    const { health } = report;
    this.#mark(report);
    const isLive = health.mode === "live";
    return [
      this.#rateSign(health),
      ...writerSigns(health),
      ...diskSigns(health),
      ...fleetSigns(health),
      this.#restartSign(report),
      ...isLive ? [this.#dropSign(report)] : [],
      ...isLive ? health.sources.map(deviceSign) : [],
      ...health.mode === "hub" ? health.sources.map(engineSign) : [],
      ...isLive ? health.sources.map((source) => this.#silenceSign(source, report.elapsedUs)) : [],
    ];
  }

  #mark({ elapsedUs, health, packets }: HealthReport): void {
    const last = this.#marks.at(-1);
    if (last && Math.abs(elapsedUs - last.elapsedUs) < soonUs) return;
    const { kernel, interface: atInterface, queue } = health.drops;
    const drops = kernel + atInterface + queue;
    this.#marks.push({ elapsedUs, packets, drops, restarts: health.workerRestarts });
    this.#marks = this.#marks.filter((mark) => Math.abs(elapsedUs - mark.elapsedUs) <= marksUs);
  }

  /** The counters as they were a minute ago, or at the start. */
  #markBefore(elapsedUs: number, spanUs: number): Mark {
    return this.#marks.find((mark) => elapsedUs - mark.elapsedUs <= spanUs) ?? this.#marks.at(-1)!;
  }

  #dropSign({ elapsedUs, health, packets }: HealthReport): Sign {
    const before = this.#markBefore(elapsedUs, minuteUs);
    const { kernel, interface: atInterface, queue } = health.drops;
    const lost = kernel + atInterface + queue - before.drops;
    const share = lost / Math.max(1, lost + packets - before.packets);
    return {
      part: "capture",
      kind: "health",
      severity: "medium",
      isBad: share > dropShareMax,
      afterUs: 0,
      bad: {
        headline: `${(share * 100).toFixed(1)} % of the packets of the last minute were lost`,
        detail:
          "What is lost is in no count, no file and no finding. A larger --buffer-mb, a --filter or a faster machine helps.",
      },
      good: "No more than 1 % of the packets are lost any more",
    };
  }

  #silenceSign({ name, packets }: CaptureSourceState, elapsedUs: number): Sign {
    const heard = this.#heard.get(name);
    if (!heard || heard.packets !== packets) this.#heard.set(name, { packets, sinceUs: elapsedUs });
    const sinceUs = this.#heard.get(name)!.sinceUs;
    return {
      part: `packets on ${name}`,
      kind: "health",
      severity: "medium",
      isBad: packets > 0 && elapsedUs - sinceUs >= silenceUs,
      afterUs: 0,
      bad: {
        headline: `No packet on ${name} for ten minutes`,
        detail: "There were some before. Is the cable or the mirror port still what it was?",
      },
      good: `Packets come on ${name} again`,
    };
  }

  #restartSign({ elapsedUs, health }: HealthReport): Sign {
    const before = this.#markBefore(elapsedUs, marksUs);
    const restarts = health.workerRestarts - before.restarts;
    return {
      part: "threads",
      kind: "health",
      severity: "high",
      isBad: restarts >= restartsMax,
      afterUs: 0,
      bad: {
        headline: `Parts of tapwatch crashed ${restarts} times within ten minutes`,
        detail: "They were started again each time. The log on the status page says what happened.",
      },
      good: "No part of tapwatch has crashed for ten minutes",
    };
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

/** An engine that is started anew, or agents that all come back, take some minutes. */
const fleetAfterUs = 5 * minuteUs;

function fleetSigns({ fleet }: Health): Sign[] {
  if (fleet === null || fleet.state === "off") return [];
  return [{
    part: "fleet",
    kind: "health",
    severity: "medium",
    isBad: fleet.state !== "connected",
    afterUs: fleetAfterUs,
    bad: {
      headline: "The fleet is not being told",
      detail: fleetSentence(fleet),
    },
    good: "The fleet is being told again",
  }];
}

/** What stands still at each step of the disk's guard. */
const diskParts = [
  { part: "disk", what: "capture files do not grow", again: "capture files grow" },
  {
    part: "disk for packet rows",
    what: "no packet rows are written",
    again: "packet rows are written",
  },
  { part: "disk for flow rows", what: "no flow rows are written", again: "flow rows are written" },
] as const;

function diskSigns({ disk }: Health): Sign[] {
  return diskParts.map(({ part, what, again }, index) => ({
    part,
    kind: "health",
    severity: "high",
    isBad: disk.step > index,
    afterUs: soonUs,
    bad: {
      headline: `The disk is nearly full: ${what}`,
      detail: diskSentence(disk),
    },
    good: `There is room on the disk: ${again} again`,
  }));
}

function engineSign({ name, state, detail }: CaptureSourceState): Sign {
  return {
    part: name,
    kind: "health",
    severity: "high",
    isBad: state !== "capturing",
    afterUs: minuteUs,
    bad: {
      headline: `Nothing is received of the fleet: ${name} is not connected`,
      detail: `What agents send waits in their spools. ${detail}`,
    },
    good: `The fleet is received from ${name} again`,
  };
}

function deviceSign({ name, state, detail }: CaptureSourceState): Sign {
  return {
    part: name,
    kind: "health",
    severity: "high",
    isBad: state === "retrying" || state === "failed",
    afterUs: soonUs,
    bad: { headline: `Nothing is captured on ${name}`, detail },
    good: `Packets are captured on ${name} again`,
  };
}

function writerSigns({ store, recorder, eve }: Health): Sign[] {
  const writers = [
    [
      "store",
      "high",
      store,
      "The database cannot be written",
      "The database is being written again",
    ],
    [
      "capture files",
      "medium",
      recorder,
      "Packets are not written to capture files",
      "Packets are written to capture files again",
    ],
    ["EVE log", "medium", eve, "The EVE log is not written", "The EVE log is written again"],
  ] as const;
  return writers.map(([part, severity, { state, detail }, headline, good]) => ({
    part,
    kind: "health",
    severity,
    isBad: state === "retrying" || state === "failed",
    afterUs: soonUs,
    bad: { headline, detail },
    good,
  }));
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
