/** How contacts are judged: at once, by an answer, by silence or at the end; and what guards find harmless is dropped. */
import { timestampUs, transport } from "../../common/assembly/row";
import { isOneSided } from "../../common/assembly/sides";
import {
  FAMILY_ARP,
  FAMILY_ICMP,
  FAMILY_MASK,
  FAMILY_NDP,
  FAMILY_TCP,
  FAMILY_UDP,
  JUDGED_AT,
  O_ANSWER_TIMEOUT_US,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  OUTCOME_NEUTRAL,
  OUTCOME_USED,
  P_START_US,
  P_TRAITS,
  PROBE_WORDS,
  TRAIT_IS_ANSWERED,
  TRAIT_IS_CLIENT_LIKE,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_RAW,
  TRAIT_IS_REFUSED,
  TRAIT_IS_REPLY_LIKE,
  TRAIT_IS_SOURCE_LOCAL,
} from "../contact_layout";
import { copyRecord } from "./copies";
import {
  addTraits,
  clearTraits,
  isJudgedSilent,
  JUDGED_TARGET,
  judgedFamily,
  judgedPort,
  judgedPorts,
  judgedSourcePort,
  judgedTraits,
  setOutcome,
} from "./judged";
import { hasFallenBack, mayFallBack, noteConnection } from "./fallback";
import { weigh } from "./judgement";
import {
  addFtp,
  addService,
  addUsedOf,
  hasAsked,
  hasContactBack,
  hasFtp,
  hasFtpBack,
  hasPair,
  hasReply,
  hasService,
  hasUsedOf,
} from "./memory";
import { option } from "./options";
import { outcomeOfSilence } from "./outcomes";
import { fillProbe, oldestPending, removePending } from "./pending";
import { noteMissed, noteReached } from "./peers";
import { isBare } from "./probes";

/** Pending probes that lie in the future by more than this are from before a jump of time. */
const jumpUs: f64 = 60_000_000;
const ftpPort: u32 = 21;
const ftpDataPort: u32 = 20;
const firstUserPort: u32 = 1024;
const firstDynamicPort: u32 = 32_768;

let nowUs: f64 = -Infinity;

/** Traffic time up to which silence has been judged. */
@inline
export function judgedUntilUs(): f64 {
  return nowUs;
}

/** A packet came at this time: judges what has waited long enough, if traffic time is far behind. */
export function judgeBefore(timeUs: f64): void {
  if (timeUs > nowUs + option(O_ANSWER_TIMEOUT_US)) judgeDue(timeUs);
}

/** Judges what has waited long enough, and what is from before time went back. */
export function judgeDue(timeUs: f64): void {
  nowUs = timeUs;
  const answerTimeoutUs = option(O_ANSWER_TIMEOUT_US);
  for (let probe = oldestPending(); probe != 0; probe = oldestPending()) {
    const startUs = load<f64>(probe, P_START_US << 2);
    if (startUs > timeUs - answerTimeoutUs && startUs < timeUs + jumpUs) break;
    judgeSilent(probe, startUs + answerTimeoutUs);
  }
}

/** The input has ended: judges all that is pending. */
export function judgeRest(timeUs: f64): void {
  const answerTimeoutUs = option(O_ANSWER_TIMEOUT_US);
  // A clock that waits for more packets before it believes a jump stands behind the contacts.
  const endUs = Math.max(timeUs, nowUs);
  for (let probe = oldestPending(); probe != 0; probe = oldestPending()) {
    const startUs = load<f64>(probe, P_START_US << 2);
    judgeSilent(probe, Math.max(startUs, Math.min(startUs + answerTimeoutUs, endUs)));
  }
}

/** The row is a probe that nobody has to answer. */
export function judgeAtOnce(port: i32, traits: i32): void {
  fillProbe(JUDGED_AT, port << 16 | transport(), 0, traits);
  setOutcome(OUTCOME_FAILED, timestampUs(), false);
  weigh();
}

function judgeSilent(probe: usize, atUs: f64): void {
  const traits = load<i32>(probe, P_TRAITS << 2);
  const isAnswered = (traits & TRAIT_IS_ANSWERED) != 0;
  const isSilent = (traits & TRAIT_IS_REFUSED) == 0;
  settle(probe, outcomeOfSilence(traits & FAMILY_MASK, traits, isAnswered), atUs, isSilent);
}

/** The contact was refused: a failure, unless its machine now turns to the other version of IP. */
export function refuse(probe: usize): void {
  const traits = load<i32>(probe, P_TRAITS << 2);
  const isConnect = (traits & FAMILY_MASK) == FAMILY_TCP && (traits & TRAIT_IS_RAW) == 0;
  if (isConnect && mayFallBack(probe)) store<i32>(probe, traits | TRAIT_IS_REFUSED, P_TRAITS << 2);
  else settle(probe, OUTCOME_FAILED, timestampUs(), false);
}

/** What becomes of a pending contact is known. */
export function settle(probe: usize, outcome: i32, atUs: f64, isSilent: bool): void {
  copyRecord(JUDGED_AT, probe, PROBE_WORDS << 2);
  removePending(probe);
  setOutcome(outcome, atUs, isSilent);
  if (judgedFamily() == FAMILY_UDP) setUdpTraits(isSilent);
  if (outcome == OUTCOME_FAILED ? isExcused(isSilent) : isSettled(outcome)) return;
  if (outcome == OUTCOME_FAILED && hasPeers(judgedFamily())) {
    noteMissed(JUDGED_AT, JUDGED_TARGET, isTargetInside(), judgedPorts());
  }
  weigh();
}

/**
 * No server sends to clients that have closed their ports, but for an answer or two that come late; and where one direction
 * is missing silence says as little as that of a server outside.
 */
function setUdpTraits(isSilent: bool): void {
  if (!isSilent) clearTraits(TRAIT_IS_REPLY_LIKE | TRAIT_IS_CLIENT_LIKE);
  else if (isOneSided()) addTraits(TRAIT_IS_CLIENT_LIKE);
}

/** Whether the failure judged has a harmless reason. */
function isExcused(isSilent: bool): bool {
  const family = judgedFamily();
  if (family == FAMILY_ARP || family == FAMILY_NDP) return hasPair(JUDGED_AT);
  if (family == FAMILY_ICMP || isBare(family)) return false;
  if (hasService(JUDGED_AT, judgedPorts())) return true;
  // No program that has a fallback makes its own packets.
  if (family == FAMILY_TCP) {
    return isFtpData() || (judgedTraits() & TRAIT_IS_RAW) == 0 && hasFallenBack(JUDGED_AT);
  }
  if (family != FAMILY_UDP) return false;
  const port = judgedPort();
  if (hasAsked(JUDGED_AT, port)) return true;
  // QUIC beside TLS, tunnels and peers that send to each other, and servers with several addresses.
  return isSilent && (hasUsedOf(JUDGED_AT, port) || hasContactBack(JUDGED_AT, port << 16 | family) ||
    hasReply(JUDGED_AT, judgedSourcePort(), port));
}

/** In passive mode the client begins the connection, in active mode the server, from its port 20 (RFC 959 section 3.2). */
function isFtpData(): bool {
  if (judgedPort() < firstUserPort) return false;
  return hasFtp(JUDGED_AT) || judgedSourcePort() == ftpDataPort && hasFtpBack(JUDGED_AT);
}

/** Remembers what an accepted contact teaches; whether nothing more is to be said of it. */
function isSettled(outcome: i32): bool {
  const family = judgedFamily();
  if (family == FAMILY_ARP || family == FAMILY_NDP) return hasPair(JUDGED_AT);
  if (family == FAMILY_ICMP) return outcome == OUTCOME_NEUTRAL;
  const port = judgedPort();
  if (outcome == OUTCOME_USED) noteUse(family);
  if (isBare(family)) {
    addUsedOf(JUDGED_AT, port);
    return false;
  }
  addService(JUDGED_AT, judgedPorts());
  if (family != FAMILY_TCP) return false;
  if (outcome != OUTCOME_ANSWERED) addUsedOf(JUDGED_AT, port);
  if (outcome != OUTCOME_USED) return false;
  noteConnection(JUDGED_AT);
  if (port == ftpPort) addFtp(JUDGED_AT);
  return false;
}

/** Who of two found in conversation began it is not known, nor of datagrams between ports that programs choose. */
function noteUse(family: i32): void {
  if (isJudgedSilent() || !hasPeers(family) && !isBare(family)) return;
  const ports = judgedPorts();
  noteReached(JUDGED_AT, JUDGED_TARGET, isTargetInside(), ports);
  const own = judgedSourcePort();
  if (family == FAMILY_TCP || family == FAMILY_UDP && own >= firstDynamicPort) return;
  const isSourceInside = (judgedTraits() & TRAIT_IS_SOURCE_LOCAL) != 0;
  noteReached(JUDGED_TARGET, JUDGED_AT, isSourceInside, own << 16 | ports & 0xffff);
}

/** Whether those who talk by it may have others that are down. */
function hasPeers(family: i32): bool {
  return family == FAMILY_TCP || family == FAMILY_UDP;
}

function isTargetInside(): bool {
  return (judgedTraits() & TRAIT_IS_DESTINATION_LOCAL) != 0;
}
