/**
 * What speaks for each source being a scanner, by family of probes: the sequential test of Jung et al. (2004, see
 * options.ts) on logarithms, without windows. Each failed first contact adds ln((1 - theta1) / (1 - theta0)), each used
 * one takes off ln(theta0 / theta1), down to -ln(P_D / P_F); the sum decays with a half-life. Failures that benign hosts
 * show too (silent UDP, an address that DNS just named, bare ACKs) weigh less, and the rest is withheld until a
 * scanner's pattern shows. The newest probes of each source are kept as evidence.
 *
 * The probe is the one at JUDGED_AT.
 */
import {
  FAMILY_TCP,
  FAMILY_UDP,
  JUDGED_AT,
  K_FLOW,
  K_OUTCOME,
  K_PORTS,
  K_START_US,
  K_TRAITS,
  O_BARE_ACK_WEIGHT,
  O_FAILURE_STEP,
  O_HALF_LIFE_US,
  O_RESOLVED_WEIGHT,
  O_SILENT_UDP_WEIGHT,
  O_SUCCESS_STEP,
  O_THRESHOLD,
  OUTCOME_NEUTRAL,
  OUTCOME_USED,
  RING_LENGTH,
  S_FAILURES,
  S_EPISODE,
  S_KEPT,
  S_LAST_US,
  S_REPLIES,
  S_SCANS_OVER,
  S_SUM,
  S_WITHHELD,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_REPLY_LIKE,
  TRAIT_IS_RESOLVED,
} from "../contact_layout";
import { copyAddress } from "./copies";
import { forget, pow } from "./imports";
import {
  JUDGED_TARGET,
  judgedAtUs,
  judgedFamily,
  judgedFlow,
  judgedOutcome,
  judgedPort,
  judgedSource0,
  judgedSourcePort,
  judgedStartUs,
  judgedTraits,
  isJudgedReplyLike,
  isJudgedSilent,
} from "./judged";
import { option } from "./options";
import { isBare, isOddByItself, isSweep } from "./probes";
import {
  addSource,
  areSourcesFull,
  findSource,
  forgetSource,
  keptAt,
  keptOf,
  oldestSource,
  touchSource,
  useSource,
} from "./sources";

/** From so many on, ports of one host, or hosts on one port asked from one source port, are a scanner's pattern. */
const patternPorts: i32 = 3;
const patternHosts: i32 = 5;
/** Sources looked at for one that may be forgotten. */
const secondChances: i32 = 8;

/** Traffic time that has passed, as of the last advance(). */
let passedUs: f64 = -Infinity;
let named: i32 = 0;

export function advanceEvidence(nowUs: f64): void {
  passedUs = nowUs;
}

/** Scans that are over, of all sources since the start. */
export function namedCount(): i32 {
  return named;
}

/** Whether the sequential test has decided for a scanner; number and pattern of the probes are the caller's to judge. */
export function isAboveThreshold(source: usize): bool {
  return load<f64>(source, S_SUM << 2) > option(O_THRESHOLD);
}

/** Takes the probe, which was not used; returns its source. */
export function addEvidence(): usize {
  const source = takeSource();
  decay(source);
  if (isKept(source)) return source;
  if (isJudgedReplyLike()) {
    store<i32>(source, load<i32>(source, S_REPLIES << 2) + 1, S_REPLIES << 2);
    // It takes nobody's place.
    if (load<i32>(source, S_KEPT << 2) >= RING_LENGTH) return source;
  }
  keep(source);
  if (judgedOutcome() == OUTCOME_NEUTRAL) return source;
  if (!isJudgedReplyLike()) {
    store<f64>(source, load<f64>(source, S_FAILURES << 2) + 1, S_FAILURES << 2);
  }
  weigh(source);
  return source;
}

/** Takes the probe, which was used: that speaks for its source, if anything speaks against it. */
export function reassure(): void {
  const source = findSource(JUDGED_AT, judgedSource0(), judgedFamily());
  if (source == 0) return;
  decay(source);
  const sum = load<f64>(source, S_SUM << 2) - option(O_SUCCESS_STEP);
  store<f64>(source, Math.max(-option(O_THRESHOLD), sum), S_SUM << 2);
  // Found open, should this turn out to be a scan; it takes no failure's place.
  if (load<i32>(source, S_KEPT << 2) < RING_LENGTH && isBesideKept(source)) keep(source);
}

/** Whether the probe, which is not kept, goes to a host, or a port within the own networks, of those kept. */
function isBesideKept(source: usize): bool {
  const family = judgedFamily();
  if (family != FAMILY_TCP && family != FAMILY_UDP || isKept(source)) return false;
  const port = judgedPort();
  const isInside = (judgedTraits() & TRAIT_IS_DESTINATION_LOCAL) != 0;
  for (let index = keptOf(source) - 1; index >= 0; index--) {
    const kept = keptAt(source, index);
    if (load<i32>(kept, K_OUTCOME << 2) == OUTCOME_USED) continue;
    if (isTarget(kept)) return true;
    const isSamePort = load<u32>(kept, K_PORTS << 2) >> 16 == port;
    if (isInside && isSamePort && (load<i32>(kept, K_TRAITS << 2) & TRAIT_IS_DESTINATION_LOCAL) != 0) {
      return true;
    }
  }
  return false;
}

/** The source's scan is over: what it does from now on is weighed anew. */
export function acquit(source: usize, nowUs: f64): void {
  clear(source, nowUs);
  named++;
  const scansOver = load<i32>(source, S_SCANS_OVER << 2);
  if (scansOver < 255) store<i32>(source, scansOver + 1, S_SCANS_OVER << 2);
}

/** The probe's source; a full table gives up the oldest that is not protected. */
function takeSource(): usize {
  const hash0 = judgedSource0();
  const family = judgedFamily();
  for (let tries = 0; areSourcesFull() && tries < secondChances; tries++) {
    if (!isProtected(oldestSource())) break;
    touchSource(oldestSource());
  }
  const known = useSource(JUDGED_AT, hash0, family);
  if (known != 0) return known;
  if (areSourcesFull()) giveUpOldest();
  const source = addSource(JUDGED_AT, hash0, family);
  clear(source, judgedAtUs());
  store<i32>(source, 0, S_SCANS_OVER << 2);
  return source;
}

/** Whether a source has a scan under way, or fresh evidence of more than one failure. */
function isProtected(source: usize): bool {
  return load<i32>(source, S_EPISODE << 2) != 0 || load<f64>(source, S_FAILURES << 2) > 1.5 &&
      passedUs - load<f64>(source, S_LAST_US << 2) < option(O_HALF_LIFE_US);
}

function giveUpOldest(): void {
  const oldest = oldestSource();
  const episode = load<usize>(oldest, S_EPISODE << 2);
  if (episode != 0) forget(episode, passedUs);
  forgetSource(oldest);
}

function clear(source: usize, nowUs: f64): void {
  store<f64>(source, 0, S_SUM << 2);
  store<f64>(source, 0, S_WITHHELD << 2);
  store<f64>(source, 0, S_FAILURES << 2);
  store<f64>(source, nowUs, S_LAST_US << 2);
  store<i32>(source, 0, S_KEPT << 2);
  store<i32>(source, 0, S_REPLIES << 2);
}

function decay(source: usize): void {
  const nowUs = judgedAtUs();
  const agedUs = nowUs - load<f64>(source, S_LAST_US << 2);
  store<f64>(source, nowUs, S_LAST_US << 2);
  if (agedUs <= 0) return;
  const factor = pow(2, -agedUs / option(O_HALF_LIFE_US));
  store<f64>(source, load<f64>(source, S_SUM << 2) * factor, S_SUM << 2);
  store<f64>(source, load<f64>(source, S_WITHHELD << 2) * factor, S_WITHHELD << 2);
  store<f64>(source, load<f64>(source, S_FAILURES << 2) * factor, S_FAILURES << 2);
}

function weigh(source: usize): void {
  const weight = weightOfProbe();
  const step = option(O_FAILURE_STEP);
  const sum = load<f64>(source, S_SUM << 2) + weight * step;
  const withheld = load<f64>(source, S_WITHHELD << 2) + (1 - weight) * step;
  const isReleased = withheld != 0 && showsPattern(source);
  store<f64>(source, isReleased ? sum + withheld : sum, S_SUM << 2);
  store<f64>(source, isReleased ? 0 : withheld, S_WITHHELD << 2);
}

function weightOfProbe(): f64 {
  const family = judgedFamily();
  if (isJudgedReplyLike()) return 0;
  if (family == FAMILY_UDP && isJudgedSilent()) return option(O_SILENT_UDP_WEIGHT);
  if (isBare(family) && !isOddByItself(family)) return option(O_BARE_ACK_WEIGHT);
  const isResolved = (judgedTraits() & TRAIT_IS_RESOLVED) != 0;
  return isResolved && !isSweep(family) ? option(O_RESOLVED_WEIGHT) : 1;
}

/** Whether the probe makes a pattern with those kept, itself among them. */
function showsPattern(source: usize): bool {
  const sourcePort = judgedSourcePort();
  const port = judgedPort();
  let portsOfHost = 0;
  let portsFromOne = 0;
  let hostsFromOne = 0;
  for (let index = keptOf(source) - 1; index >= 0; index--) {
    const kept = keptAt(source, index);
    if (load<i32>(kept, K_OUTCOME << 2) == OUTCOME_USED) continue;
    const ports = load<u32>(kept, K_PORTS << 2);
    const isSameSourcePort = (ports & 0xffff) == sourcePort;
    const isReplyLike = (load<i32>(kept, K_TRAITS << 2) & TRAIT_IS_REPLY_LIKE) != 0;
    if (isTarget(kept) && !isReplyLike) {
      portsOfHost++;
      if (isSameSourcePort) portsFromOne++;
    }
    if (isSameSourcePort && ports >> 16 == port) hostsFromOne++;
  }
  if (portsFromOne >= patternPorts || hostsFromOne >= patternHosts) return true;
  const family = judgedFamily();
  // A capture that begins within connections sees nothing but silence of those that one direction of is there.
  if (isBare(family) && isJudgedSilent()) return false;
  return portsOfHost >= (family == FAMILY_TCP ? patternPorts : patternHosts);
}

function isKept(source: usize): bool {
  const port = judgedPort();
  for (let index = keptOf(source) - 1; index >= 0; index--) {
    const kept = keptAt(source, index);
    if (load<u32>(kept, K_PORTS << 2) >> 16 == port && isTarget(kept)) return true;
  }
  return false;
}

@inline
function isTarget(kept: usize): bool {
  return load<i64>(kept, 8) == load<i64>(JUDGED_TARGET, 8) && load<i64>(kept) == load<i64>(JUDGED_TARGET);
}

function keep(source: usize): void {
  const count = load<i32>(source, S_KEPT << 2);
  store<i32>(source, count + 1, S_KEPT << 2);
  const kept = keptAt(source, count % RING_LENGTH);
  copyAddress(kept, JUDGED_TARGET);
  store<u32>(kept, judgedPort() << 16 | judgedSourcePort(), K_PORTS << 2);
  store<u32>(kept, judgedFlow(), K_FLOW << 2);
  store<i32>(kept, judgedTraits(), K_TRAITS << 2);
  store<i32>(kept, judgedOutcome(), K_OUTCOME << 2);
  store<f64>(kept, judgedStartUs(), K_START_US << 2);
}
