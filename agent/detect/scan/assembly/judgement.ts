/**
 * What becomes of judged probes that nothing excuses: they are weighed against their source, and for their target, and
 * enough of them, in a scan's pattern, open an episode. The probe is the one at JUDGED_AT.
 */
import { source } from "../../common/assembly/row";
import {
  FAMILY_SCTP,
  FAMILY_TCP,
  FAMILY_UDP,
  I_DECOYS,
  JUDGED_AT,
  O_ROUTER_FACTOR,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  OUTCOME_USED,
  RING_LENGTH,
  S_FAILURES,
  S_EPISODE,
  S_SCANS_OVER,
} from "../contact_layout";
import { source0 } from "./ends";
import { addEvidence, isAboveThreshold, namedCount, reassure } from "./evidence";
import { hashAddress0 } from "./hashes";
import { failed } from "./imports";
import {
  growEpisode,
  noteData,
  noteRepeat,
  openCount,
  openEpisode,
  takeUsed,
} from "./episodes";
import {
  isJudgedSilent,
  judgedFamily,
  judgedOutcome,
  judgedSource0,
  judgedSource1,
  judgedTraits,
  setOutcome,
} from "./judged";
import { addContact, hasRouterAddress } from "./memory";
import { evidenceMin, option } from "./options";
import { evidenceCount, isPlain, looksLikeScan } from "./pattern";
import { isSweep } from "./probes";
import { findSource } from "./sources";

const plainFailures: f64 = 10;

/** Distributed scans under way. */
let sharedOpen: i32 = 0;

export function noteShared(count: i32): void {
  sharedOpen = count;
}

export function weigh(): void {
  let own = episodeOfJudged();
  if (own == 0) own = weighAgainstSource();
  else if (judgedOutcome() == OUTCOME_USED) takeUsed(own);
  else growEpisode(own);
  if (judgedOutcome() != OUTCOME_FAILED || !isForVictim()) return;
  if (own == 0) failed(false);
  // Decoys all try the same; they share no work. Several scanners in one hour need not be one scan either.
  else if (sharedOpen > 0 && load<i32>(own, I_DECOYS << 2) == 0) failed(true);
}

/** The table of pending probes is full: those of known scanners count as unanswered, others are dropped. */
export function giveUp(atUs: f64): void {
  if (episodeOfJudged() == 0) return;
  setOutcome(OUTCOME_FAILED, atUs, true);
  weigh();
}

/** Whether something speaks against the row's source. */
export function isSuspicious(family: i32): bool {
  return findSource(source(), source0, family) != 0;
}

/**
 * The row's contact was tried before: a retry, unless its source has been quiet since it was named a scanner for it: then
 * it scans again.
 */
export function isScannedAnew(port: i32, family: i32): bool {
  if (openCount() + namedCount() == 0) return false;
  const known = findSource(source(), source0, family);
  if (known == 0) return false;
  const episode = load<usize>(known, S_EPISODE << 2);
  if (episode != 0) noteRepeat(episode, port);
  const scansOver = load<i32>(known, S_SCANS_OVER << 2);
  return scansOver != 0 && !addContact(port << 16 | scansOver << 8 | family);
}

/** Data went both ways between an address and the port of another. */
export function takeData(asker: usize, family: i32, target: usize, port: i32): void {
  const known = findSource(asker, hashAddress0(asker), family);
  if (known == 0) return;
  const episode = load<usize>(known, S_EPISODE << 2);
  if (episode != 0) noteData(episode, target, port);
}

function episodeOfJudged(): usize {
  if (openCount() == 0) return 0;
  const known = findSource(JUDGED_AT, judgedSource0(), judgedFamily());
  return known == 0 ? 0 : load<usize>(known, S_EPISODE << 2);
}

/** Returns the episode that the probe has opened; 0 without one. */
function weighAgainstSource(): usize {
  const outcome = judgedOutcome();
  if (outcome == OUTCOME_USED) {
    reassure();
    return 0;
  }
  const known = addEvidence();
  const isEvidence = outcome == OUTCOME_FAILED || outcome == OUTCOME_ANSWERED;
  if (isEvidence && suffices(known)) openEpisode(known);
  return load<usize>(known, S_EPISODE << 2);
}

/** With the sequential test, or without it where a pile of fresh failures is plain beside all that succeeded. */
function suffices(known: usize): bool {
  const isDecided = isAboveThreshold(known);
  const family = judgedFamily();
  if (!isDecided && (family != FAMILY_TCP || load<f64>(known, S_FAILURES << 2) < plainFailures)) {
    return false;
  }
  let least = evidenceMin(family, judgedTraits());
  if (isSweep(family) && hasRouterAddress(judgedSource0(), judgedSource1())) {
    least *= option(O_ROUTER_FACTOR);
  }
  if (!looksLikeScan(known) || !isDecided && !isPlain()) return false;
  return (least <= RING_LENGTH ? <f64> evidenceCount : load<f64>(known, S_FAILURES << 2)) >= least;
}

function isForVictim(): bool {
  const family = judgedFamily();
  return family == FAMILY_TCP || family == FAMILY_SCTP ||
    family == FAMILY_UDP && !isJudgedSilent();
}
