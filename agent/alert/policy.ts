/**
 * Decides what people are told, when, and what holds the rest back. Pure: the wall clock comes with each call, and nothing is
 * sent here.
 *
 * One subject (an incident, a part that fails) is told when it reaches the least severity; again when its severity rises, when
 * it has grown tenfold, when it succeeded; and once when it is over. Between two alerts of one kind and source lies
 * `intervalUs`: what comes earlier waits, and is told as it then stands. What a mute holds back is kept as muted. Beyond
 * `perHourMax` in any hour, and in quiet hours but for critical ones, alerts are held for the digest: one message, as soon as
 * there is room for it again.
 */
import {
  type Alert,
  type AlertKind,
  type AlertTrigger,
  type Mute,
  type PendingAlert,
  SEVERITIES,
  type Severity,
} from "../records.ts";
import { findMute, type MuteScope } from "./mutes.ts";
import { isQuiet, type QuietHours } from "./quiet_hours.ts";

/** What an alert may be about, as it stands. */
export interface AlertSubject {
  /** Tells it from everything else: "incident 7", "health store". */
  readonly key: string;
  readonly kind: AlertKind;
  /** The actor, its victim where it has none, or the part. */
  readonly source: string;
  readonly severity: Severity;
  readonly headline: string;
  readonly detail: string;
  readonly attackId: string;
  readonly incidentId: number | null;
  readonly amount: number;
  readonly hasSucceeded: boolean;
  readonly isOpen: boolean;
  readonly scope: MuteScope;
}

export interface PolicyOptions {
  /** Least severity of an incident that is told; what fails is told in any case. */
  readonly severity: Severity;
  readonly intervalUs: number;
  readonly perHourMax: number;
  readonly quietHours: QuietHours | null;
  /** Minutes after midnight, local time, at a moment of the wall clock. */
  readonly minuteOfDay: (nowUs: number) => number;
}

/** An alert that was decided; the rest of an Alert is the outbox's. */
export type Decision = Omit<Alert, "id" | "deliveries" | "digestId">;

/** An alert that somebody has asked for, to see whether alerts arrive. */
export function testDecision(told: Pick<Decision, "tsUs" | "detail" | "reason">): Decision {
  return {
    kind: "test",
    trigger: "test",
    subject: "test",
    severity: "info",
    source: "",
    headline: "This is a test: alerts of tapwatch arrive here",
    attackId: "",
    incidentId: null,
    amount: 0,
    hasSucceeded: false,
    state: "waiting",
    heldBy: "",
    muteId: null,
    ...told,
  };
}

interface Told {
  /** Rank of the gravest severity told. */
  rank: number;
  amount: number;
  hasSucceeded: boolean;
  isOver: boolean;
}

const hourUs = 3600_000_000;
const growth = 10;
/** Subjects remembered: those told longest ago are forgotten. */
const subjectsMax = 10_000;

export class AlertPolicy {
  #options: PolicyOptions;
  #mutes: readonly Mute[] = [];
  readonly #told = new Map<string, Told>();
  /** As #told, of what mutes held back: a change that would not be told is not kept either. */
  readonly #muted = new Map<string, Told>();
  /** Wall clock of the last alert, by kind and source. */
  readonly #lastUs = new Map<string, number>();
  /** What came before its interval had passed, as it stands now. */
  readonly #waiting = new Map<string, AlertSubject>();
  /** Wall clock of what was sent in the last hour, oldest first. */
  #sentUs: number[] = [];
  /** Held for the digest. */
  #held: Pick<Alert, "severity" | "headline">[] = [];

  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  setMutes(mutes: readonly Mute[]): void {
    this.#mutes = mutes;
  }

  /** From now on. */
  setOptions(options: PolicyOptions): void {
    this.#options = options;
  }

  /** Takes up what an earlier run told, in order of time. */
  restore(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      if (alert.kind === "digest" || alert.kind === "test") {
        if (alert.kind === "digest") this.#sentUs.push(alert.tsUs);
        continue;
      }
      const isMuted = alert.state === "muted";
      noteTold(isMuted ? this.#muted : this.#told, alert, {
        key: alert.subject,
        isOver: alert.trigger === "over",
      });
      if (!isMuted) {
        this.#lastUs.set(`${alert.kind} ${alert.source}`, alert.tsUs);
      }
      if (alert.state === "held") this.#held.push(alert);
      else if (!isMuted && alert.state !== "digest") this.#sentUs.push(alert.tsUs);
    }
  }

  /** Takes a subject that is new or has changed; what is to be told, or held back, of it now. */
  take(subject: AlertSubject, nowUs: number): Decision | null {
    if (this.#waiting.has(subject.key)) {
      this.#waiting.set(subject.key, subject);
      return null;
    }
    return this.#decide(subject, nowUs);
  }

  /** The wall clock has moved on: what waited, and the digest when it is due. Call it every few seconds. */
  tick(nowUs: number): Decision[] {
    const decisions: Decision[] = [];
    for (const [key, subject] of this.#waiting) {
      if (!this.#hasIntervalPassed(subject, nowUs)) continue;
      this.#waiting.delete(key);
      const decision = this.#decide(subject, nowUs);
      if (decision) decisions.push(decision);
    }
    const digest = this.#digest(nowUs);
    return digest ? [...decisions, digest] : decisions;
  }

  /** What waits for its interval. */
  pending(): PendingAlert[] {
    return [...this.#waiting.values()].map((subject) => ({
      subject: subject.key,
      severity: subject.severity,
      headline: subject.headline,
      incidentId: subject.incidentId,
      heldBy: intervalText(this.#options),
      dueUs: (this.#lastUs.get(intervalKey(subject)) ?? 0) + this.#options.intervalUs,
    }));
  }

  /** The program ends: what waits for its interval is told now as held, so that the next run has it. */
  flush(nowUs: number): Decision[] {
    const decisions: Decision[] = [];
    for (const subject of this.#waiting.values()) {
      const trigger = this.#triggerOf(subject, this.#told);
      if (trigger) decisions.push(this.#hold(subject, trigger, nowUs, intervalText(this.#options)));
    }
    this.#waiting.clear();
    return decisions;
  }

  #decide(subject: AlertSubject, nowUs: number): Decision | null {
    const trigger = this.#triggerOf(subject, this.#told);
    if (trigger === null) return null;
    const mute = findMute(this.#mutes, subject.scope, nowUs);
    if (mute) return this.#hush(subject, trigger, { nowUs, mute });
    if (!this.#hasIntervalPassed(subject, nowUs)) {
      this.#waiting.set(subject.key, subject);
      return null;
    }
    const { quietHours, minuteOfDay, perHourMax } = this.#options;
    const isNight = quietHours !== null && isQuiet(quietHours, minuteOfDay(nowUs));
    if (isNight && subject.severity !== "critical") {
      return this.#hold(subject, trigger, nowUs, `quiet hours (${quietHours.text})`);
    }
    if (this.#sentInHour(nowUs) >= perHourMax) {
      return this.#hold(subject, trigger, nowUs, `the limit of ${perHourMax} alerts an hour`);
    }
    this.#note(subject, nowUs);
    this.#sentUs.push(nowUs);
    return { ...decisionOf(subject, trigger, nowUs), state: "waiting" };
  }

  /** Why this subject is worth a word now; null when it is not. */
  #triggerOf(
    subject: AlertSubject,
    toldBefore: ReadonlyMap<string, Told>,
  ): AlertTrigger | null {
    const told = toldBefore.get(subject.key);
    const rank = rankOf(subject.severity);
    const isLight = subject.kind === "incident" && rank < rankOf(this.#options.severity);
    if (told === undefined) {
      return isLight || !subject.isOpen && subject.kind !== "incident" ? null : "opened";
    }
    if (told.isOver) return subject.isOpen && subject.kind !== "incident" ? "opened" : null;
    if (rank > told.rank) return "severity";
    if (subject.hasSucceeded && !told.hasSucceeded) return "success";
    if (!subject.isOpen) return "over";
    return subject.amount >= told.amount * growth ? "growth" : null;
  }

  /** What a mute holds back, unless it was kept as held back before; `triggerNow` is why it would be told without the mute. */
  #hush(
    subject: AlertSubject,
    triggerNow: AlertTrigger,
    { nowUs, mute }: { readonly nowUs: number; readonly mute: Mute },
  ): Decision | null {
    const isFirst = !this.#muted.has(subject.key);
    const trigger = isFirst ? triggerNow : this.#triggerOf(subject, this.#muted);
    if (trigger === null) return null;
    noteTold(this.#muted, subject, { key: subject.key, isOver: !subject.isOpen });
    return mutedDecision(subject, trigger, { nowUs, mute });
  }

  #hold(
    subject: AlertSubject,
    trigger: AlertTrigger,
    nowUs: number,
    heldBy: string,
  ): Decision {
    this.#note(subject, nowUs);
    const decision = { ...decisionOf(subject, trigger, nowUs), state: "held", heldBy } as const;
    this.#held.push(decision);
    return decision;
  }

  #note(subject: AlertSubject, nowUs: number): void {
    noteTold(this.#told, subject, { key: subject.key, isOver: !subject.isOpen });
    this.#lastUs.delete(intervalKey(subject));
    this.#lastUs.set(intervalKey(subject), nowUs);
    if (this.#lastUs.size > subjectsMax) this.#lastUs.delete(this.#lastUs.keys().next().value!);
  }

  #hasIntervalPassed(subject: AlertSubject, nowUs: number): boolean {
    const lastUs = this.#lastUs.get(intervalKey(subject));
    return lastUs === undefined || Math.abs(nowUs - lastUs) >= this.#options.intervalUs;
  }

  #sentInHour(nowUs: number): number {
    // A clock that was set back would keep them for ever.
    this.#sentUs = this.#sentUs.filter((us) => Math.abs(nowUs - us) < hourUs);
    return this.#sentUs.length;
  }

  #digest(nowUs: number): Decision | null {
    const { quietHours, minuteOfDay, perHourMax } = this.#options;
    if (this.#held.length === 0) return null;
    if (quietHours !== null && isQuiet(quietHours, minuteOfDay(nowUs))) return null;
    if (this.#sentInHour(nowUs) >= perHourMax) return null;
    const held = this.#held;
    this.#held = [];
    this.#sentUs.push(nowUs);
    return digestDecision(held, nowUs);
  }
}

function noteTold(
  toldBefore: Map<string, Told>,
  { severity, amount, hasSucceeded }: Pick<Alert, "severity" | "amount" | "hasSucceeded">,
  { key, isOver }: { readonly key: string; readonly isOver: boolean },
): void {
  const before = toldBefore.get(key);
  toldBefore.delete(key);
  // What failed, and fails again after it was well, is told anew.
  const rank = before === undefined || before.isOver ? -1 : before.rank;
  toldBefore.set(key, { rank: Math.max(rank, rankOf(severity)), amount, hasSucceeded, isOver });
  if (toldBefore.size > subjectsMax) toldBefore.delete(toldBefore.keys().next().value!);
}

function decisionOf(
  subject: AlertSubject,
  trigger: AlertTrigger,
  nowUs: number,
): Omit<Decision, "state"> {
  const { key, isOpen: _isOpen, scope: _scope, ...rest } = subject;
  return {
    ...rest,
    tsUs: nowUs,
    subject: key,
    trigger,
    reason: reasonOf(subject, trigger),
    heldBy: "",
    muteId: null,
  };
}

function mutedDecision(
  subject: AlertSubject,
  trigger: AlertTrigger,
  { nowUs, mute }: { readonly nowUs: number; readonly mute: Mute },
): Decision {
  const note = mute.note === "" ? "" : ` (${mute.note})`;
  return {
    ...decisionOf(subject, trigger, nowUs),
    state: "muted",
    heldBy: `mute ${mute.id}${note}`,
    muteId: mute.id,
  };
}

function digestDecision(
  held: readonly Pick<Alert, "severity" | "headline">[],
  nowUs: number,
): Decision {
  const gravest = held.reduce((a, b) => rankOf(b.severity) > rankOf(a.severity) ? b : a);
  const count = held.length === 1 ? "1 alert" : `${held.length} alerts`;
  return {
    tsUs: nowUs,
    kind: "digest",
    trigger: "digest",
    subject: "digest",
    severity: gravest.severity,
    source: "",
    headline: `${count} held back, the gravest: ${gravest.headline}`,
    detail: "",
    reason: `${count} waited for this digest.`,
    attackId: "",
    incidentId: null,
    amount: held.length,
    hasSucceeded: false,
    state: "waiting",
    heldBy: "",
    muteId: null,
  };
}

function reasonOf(subject: AlertSubject, trigger: AlertTrigger): string {
  switch (trigger) {
    case "severity":
      return `Its severity has risen to ${subject.severity}.`;
    case "growth":
      return "It has grown tenfold since it was told.";
    case "success":
      return "It has reached what it tried for: a port found open was used, or guessing ended in a session.";
    case "over":
      return "It is over.";
    default:
      return subject.kind === "incident"
        ? `Its severity is ${subject.severity}.`
        : "It has just begun.";
  }
}

function intervalText({ intervalUs }: PolicyOptions): string {
  return `the pause of ${Math.round(intervalUs / 1e6)} s between two alerts about one source`;
}

function intervalKey({ kind, source }: Pick<AlertSubject, "kind" | "source">): string {
  return `${kind} ${source}`;
}

function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}
