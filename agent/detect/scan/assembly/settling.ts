/** How contacts are judged: at once, by an answer, by silence or at the end; and what guards find harmless is dropped. */
import { timestampUs, transport } from "../../common/assembly/row";
import {
  FAMILY_ARP,
  FAMILY_ICMP,
  FAMILY_MASK,
  FAMILY_TCP,
  FAMILY_UDP,
  JUDGED_AT,
  O_ANSWER_TIMEOUT_US,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  OUTCOME_NEUTRAL,
  OUTCOME_USED,
  P_IS_ANSWERED,
  P_START_US,
  P_TRAITS,
  PROBE_WORDS,
  TRAIT_IS_REPLY_LIKE,
} from "../contact_layout";
import { copyRecord } from "./copies";
import {
  clearTrait,
  judgedFamily,
  judgedPort,
  judgedPorts,
  judgedSourcePort,
  setOutcome,
} from "./judged";
import { weigh } from "./judgement";
import {
  addFtp,
  addService,
  addUsedOf,
  hasAsked,
  hasFtp,
  hasPair,
  hasReply,
  hasService,
} from "./memory";
import { option } from "./options";
import { outcomeOfSilence } from "./outcomes";
import { fillProbe, oldestPending, removePending } from "./pending";
import { isBare } from "./probes";

/** Pending probes that lie in the future by more than this are from before a jump of time. */
const jumpUs: f64 = 60_000_000;
const ftpPort: u32 = 21;
const firstUserPort: u32 = 1024;

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
  const isAnswered = load<i32>(probe, P_IS_ANSWERED << 2) != 0;
  settle(probe, outcomeOfSilence(traits & FAMILY_MASK, traits, isAnswered), atUs, true);
}

/** What becomes of a pending contact is known. */
export function settle(probe: usize, outcome: i32, atUs: f64, isSilent: bool): void {
  copyRecord(JUDGED_AT, probe, PROBE_WORDS << 2);
  removePending(probe);
  setOutcome(outcome, atUs, isSilent);
  // No server sends to clients that have closed their ports, but for an answer or two that come late.
  if (judgedFamily() == FAMILY_UDP && !isSilent) clearTrait(TRAIT_IS_REPLY_LIKE);
  if (outcome == OUTCOME_FAILED ? isExcused(isSilent) : isSettled(outcome)) return;
  weigh();
}

/** Whether the failure judged has a harmless reason. */
function isExcused(isSilent: bool): bool {
  const family = judgedFamily();
  if (family == FAMILY_ARP) return hasPair(JUDGED_AT);
  if (family == FAMILY_ICMP || isBare(family)) return false;
  if (hasService(JUDGED_AT, judgedPorts())) return true;
  const port = judgedPort();
  if (port >= firstUserPort && family == FAMILY_TCP && hasFtp(JUDGED_AT)) return true;
  if (family != FAMILY_UDP) return false;
  return hasAsked(JUDGED_AT, port) ||
    isSilent && hasReply(JUDGED_AT, judgedSourcePort(), port);
}

/** Remembers what an accepted contact teaches; whether nothing more is to be said of it. */
function isSettled(outcome: i32): bool {
  const family = judgedFamily();
  if (family == FAMILY_ARP) return hasPair(JUDGED_AT);
  if (family == FAMILY_ICMP) return outcome == OUTCOME_NEUTRAL;
  const port = judgedPort();
  if (isBare(family)) {
    addUsedOf(JUDGED_AT, port);
    return false;
  }
  addService(JUDGED_AT, judgedPorts());
  if (family != FAMILY_TCP) return false;
  if (outcome != OUTCOME_ANSWERED) addUsedOf(JUDGED_AT, port);
  if (port == ftpPort && outcome == OUTCOME_USED) addFtp(JUDGED_AT);
  return false;
}
