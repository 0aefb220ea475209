/** The kinds of flood that are told apart, their limits, and the sentences about them. */
import type { Episode, EpisodeFacts } from "../common/episodes.ts";
import { ESTIMATE_MAX } from "../../records.ts";
import { formatCount, formatEstimate, formatPeriod } from "../../text/amounts.ts";

export const FloodKind = {
  syn: 0,
  udp: 1,
  icmp: 2,
  dhcp: 3,
  /** Answers that nobody asked for, of a service over UDP; of TCP, by their receiver and by their sender; and a host that gives them. */
  answers: 4,
  handshakes: 5,
  backscatter: 6,
  reflector: 7,
} as const;

/** Whether it is traffic that goes over somebody else. */
export function isReflection(kind: number): boolean {
  return kind >= FloodKind.answers;
}

interface FloodLimits {
  /** What is counted, for people (see reflection.ts for answers); and where only one direction is captured. */
  readonly unit: string;
  readonly unitOneSided?: string;
  /** So many a second … */
  readonly perSecond: number;
  /** … in so many seconds on end; ten times as many in one suffice too. */
  readonly seconds: number;
  /** MITRE ATT&CK: OS exhaustion, direct network flood, service exhaustion. */
  readonly attackId: string;
}

/**
 * By FloodKind. ntopng's defaults for hosts (SYN 256, flows 256, ICMP 250); for DHCP requests of one MAC address 25,
 * which the busiest relay of a large site does not reach for long. Answers that were not asked for are rare at any rate: a
 * capture begins between a question and its answer, a few come late.
 */
export const FLOODS: readonly FloodLimits[] = [
  { unit: "SYNs that no connection followed", perSecond: 256, seconds: 2, attackId: "T1499.001" },
  {
    unit: "unanswered UDP packets",
    unitOneSided: "UDP packets, of which only this direction was captured,",
    perSecond: 256,
    seconds: 2,
    attackId: "T1498.001",
  },
  { unit: "ICMP messages", perSecond: 250, seconds: 1, attackId: "T1498.001" },
  { unit: "DHCP requests", perSecond: 25, seconds: 3, attackId: "T1499.002" },
  { unit: "answers", perSecond: 50, seconds: 2, attackId: "T1498.002" },
  { unit: "answers to connections", perSecond: 20, seconds: 2, attackId: "T1498.002" },
  { unit: "answers to connections", perSecond: 20, seconds: 2, attackId: "" },
  { unit: "answers", perSecond: 50, seconds: 2, attackId: "T1498.002" },
];

/** What is known of a flood. */
export interface FloodState {
  readonly kind: number;
  readonly target: string;
  /** The port that most packets went to; -1 when they went to many, or there are no ports. */
  readonly port: number;
  /** The heaviest source first. */
  readonly sources: readonly string[];
  /** Estimate when larger than the list. */
  readonly sourceCount: number;
  /** Most in one second; where that is not counted, the highest mean rate of a flow. */
  readonly peak: number;
  readonly isPeakRate: boolean;
  readonly isOneSided: boolean;
  /** Of answers: payload bytes, and the service's port. */
  readonly bytes: number;
  readonly service: number;
}

/** Whoever forges its source takes another for nearly every packet. */
const forgedMin = 32;
const forgedPacketsMax = 4;
const severeMin = 100_000;
const usPerSecond = 1_000_000;

export function floodFacts(state: FloodState, episode: Episode): EpisodeFacts {
  const { kind, target, port, sources, sourceCount } = state;
  const { perSecond, attackId } = FLOODS[kind];
  return {
    severity: episode.amount >= severeMin ? "critical" : "high",
    attackId,
    sources,
    sourceCount,
    targets: [target],
    targetCount: 1,
    ports: port >= 0 ? String(port) : "",
    confidence: Math.min(0.99, 0.6 + 0.1 * state.peak / perSecond),
    reason: sentence(state, episode),
  };
}

function sentence(state: FloodState, { amount, firstUs, lastUs }: Episode): string {
  const { kind, target, port, peak, isPeakRate, isOneSided } = state;
  const { unit, unitOneSided } = FLOODS[kind];
  const what = isOneSided && unitOneSided ? unitOneSided : unit;
  const where = port >= 0 ? `${target} (port ${port})` : target;
  const spanUs = lastUs - firstUs;
  const said = `${senders(state, amount)} sent ${formatCount(amount)} ${what} to ${where} within ` +
    formatPeriod(spanUs);
  if (spanUs < usPerSecond) return said;
  // Rows of one flow may come too rarely to see its highest rate.
  const rate = isPeakRate ? Math.max(peak, amount * usPerSecond / spanUs) : peak;
  return `${said}, up to ${formatCount(rate)} ${isPeakRate ? "a second" : "in one second"}`;
}

function senders({ sources, sourceCount }: FloodState, amount: number): string {
  if (sourceCount === 1) return sources[0];
  const isForged = sourceCount >= forgedMin &&
    (sourceCount > ESTIMATE_MAX || amount <= sourceCount * forgedPacketsMax);
  return `${formatEstimate(sourceCount)} sources${isForged ? ", probably forged," : ""}`;
}
