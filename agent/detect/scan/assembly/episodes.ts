/**
 * Scans under way, as far as they are counted with each probe: from detection until quiet. TypeScript tells them
 * (episode.ts reads these words; scan_episodes.ts); an episode is known by the address of its words (I_ of the layout).
 *
 *     256 episodes of 23,072 bytes    5.9 MB; a MB of fingerprints
 */
import { timestampUs } from "../../common/assembly/row";
import {
  CAME_BACK_MAX,
  FLOWS_MAX,
  FOUND_MAX,
  I_ANSWERED,
  I_ANSWERED_PORTS,
  I_ATTEMPTS,
  I_CAME_BACK,
  I_FAMILY,
  I_FIRST_US,
  I_FLOW_COUNT,
  I_FLOWS,
  I_FOUND,
  I_FOUND_COUNT,
  I_ID,
  I_JUDGED_US,
  I_LAST_US,
  I_MASSCAN,
  I_NMAP,
  I_PORTS,
  I_RAW,
  I_SOURCE,
  I_TARGET_COUNT,
  I_TARGETS,
  I_TELL_AT,
  I_TEMPO,
  I_TEMPO_LAST_US,
  I_TRAITS,
  I_ZMAP,
  EPISODE_WORDS,
  EPISODES_AT,
  EPISODES_MAX,
  FAMILY_TCP,
  FAMILY_UDP,
  JUDGED_AT,
  K_FLOW,
  K_OUTCOME,
  K_PORTS,
  K_START_US,
  K_TRAITS,
  O_HALF_LIFE_US,
  OUTCOME_ANSWERED,
  OUTCOME_FAILED,
  P_ENDS,
  S_FAMILY,
  S_EPISODE,
  TARGET_PLACES,
  TARGET_SET_AT,
  TARGETS_AT,
  TARGETS_SMALL_AT,
  TARGETS_LISTED_MAX,
  TEMPO_BUCKETS,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_MASSCAN_LIKE,
  TRAIT_IS_NMAP_LIKE,
  TRAIT_IS_RAW,
  TRAIT_IS_ZMAP_LIKE,
} from "../contact_layout";
import { copyAddress } from "./copies";
import { destination0, destination1 } from "./ends";
import { acquit } from "./evidence";
import { addTo, advanceSet, hasIn, makeSet } from "./fingerprints";
import { hashAddress0, hashAddress1, mix } from "./hashes";
import { cameBack, grown, nextId, opened } from "./imports";
import {
  JUDGED_TARGET,
  judgedAtUs,
  judgedFamily,
  judgedFlow,
  judgedOutcome,
  judgedPort,
  judgedStartUs,
  judgedTraits,
} from "./judged";
import { option } from "./options";
import { addPort, countShared, hasPort } from "./ports";
import { isSweep } from "./probes";
import { keptAt, keptOf } from "./sources";

const dayUs: f64 = 24 * 3600 * 1e6;
/** Kept probes older than so many half-lives are no part of a scan that begins now. */
const evidenceHalfLives: f64 = 4;
/** A scan's next contact comes after so long, and so many times its mean gap, at most. */
const pauseUs: f64 = 1e6;
const paceFactor: f64 = 4;
const EPISODE_BYTES: i32 = EPISODE_WORDS << 2;
/** Flags of a port found: the source has come back to it; data is still going in the contact that found it. */
const HAS_COME_BACK: u32 = 1 << 16;
const IS_IN_USE: u32 = 1 << 17;

let openNow: i32 = 0;
let untold: i32 = 0;
/** Episodes from here on were never open. */
let unused: i32 = 0;
/** The episode closed last, whose first word is the one closed before; 0 when all used ones are open. */
let closed: usize = 0;

export function makeEpisodes(): void {
  // (target, episode) pairs, so that up to some 100,000 targets are counted without a list.
  makeSet(TARGET_SET_AT, TARGETS_AT, TARGETS_SMALL_AT, TARGET_PLACES, dayUs);
}

export function advanceEpisodes(nowUs: f64): void {
  advanceSet(TARGET_SET_AT, nowUs);
}

@inline
export function openCount(): i32 {
  return openNow;
}

/** Scans not told because too many were open. */
export function untoldScans(): i32 {
  return untold;
}

/** Opens an episode with the probes kept of the source, the newest of which is the one judged last. */
export function openEpisode(source: usize): void {
  if (openNow == EPISODES_MAX) {
    untold++;
    return;
  }
  const episode = freeEpisode();
  openNow++;
  store<i32>(episode, nextId(), I_ID << 2);
  store<usize>(episode, source, I_SOURCE << 2);
  store<i32>(episode, load<i32>(source, S_FAMILY << 2), I_FAMILY << 2);
  store<f64>(episode, Infinity, I_FIRST_US << 2);
  store<f64>(episode, -Infinity, I_LAST_US << 2);
  store<f64>(episode, NaN, I_TEMPO_LAST_US << 2);
  store<f64>(episode, judgedAtUs(), I_JUDGED_US << 2);
  store<usize>(source, episode, S_EPISODE << 2);
  takeKept(episode, source);
  opened(episode);
}

/** The episode is over and has been told. */
export function closeEpisode(episode: usize, nowUs: f64): void {
  const source = load<usize>(episode, I_SOURCE << 2);
  store<usize>(source, 0, S_EPISODE << 2);
  acquit(source, nowUs);
  store<usize>(episode, closed);
  closed = episode;
  openNow--;
}

/** Takes the probe judged last. */
export function growEpisode(episode: usize): void {
  const hash0 = load<i32>(JUDGED_AT, P_ENDS + 2 << 2);
  const hash1 = load<i32>(JUDGED_AT, P_ENDS + 3 << 2);
  countTarget(episode, JUDGED_TARGET, hash0, hash1);
  countProbe(episode, judgedStartUs(), judgedFlow());
  countShape(episode, judgedTraits(), judgedOutcome());
  countPort(episode, JUDGED_TARGET, judgedPort(), judgedOutcome());
  store<f64>(episode, judgedAtUs(), I_JUDGED_US << 2);
  const isGrown = load<u32>(episode, I_ATTEMPTS << 2) >= load<u32>(episode, I_TELL_AT << 2);
  if (isGrown) grown(episode);
}

/**
 * Takes the probe judged last, which was used at once, if it is part of the scan: a port that accepted data is open too. It is
 * if it comes at the scan's pace and asks a host, or a port on the same side, that the scan has tried.
 */
export function takeUsed(episode: usize): void {
  const family = judgedFamily();
  if (family != FAMILY_TCP && family != FAMILY_UDP) return;
  const lastUs = load<f64>(episode, I_LAST_US << 2);
  const spanUs = lastUs - load<f64>(episode, I_FIRST_US << 2);
  const gapUs = spanUs / <f64> load<u32>(episode, I_ATTEMPTS << 2);
  if (judgedStartUs() > lastUs + pauseUs + paceFactor * gapUs) return;
  const id = load<i32>(episode, I_ID << 2);
  const hash0 = load<i32>(JUDGED_AT, P_ENDS + 2 << 2);
  const hash1 = load<i32>(JUDGED_AT, P_ENDS + 3 << 2);
  const isOnSameSide =
    ((load<i32>(episode, I_TRAITS << 2) ^ judgedTraits()) & TRAIT_IS_DESTINATION_LOCAL) == 0;
  const isOfScan = hasIn(TARGET_SET_AT, mix(hash0, id, 0), mix(hash1, id, 0)) ||
    isOnSameSide && hasPort(episode + (I_PORTS << 2), judgedPort());
  if (!isOfScan) return;
  growEpisode(episode);
  // The exchange that shows it is no return.
  const found = findFound(episode, JUDGED_TARGET, judgedPort());
  if (found != 0) store<u32>(found, IS_IN_USE | judgedPort(), 16);
}

/** How many ports two episodes have in common. */
export function countSharedPorts(episode: usize, other: usize): i32 {
  return countShared(episode + (I_PORTS << 2), other + (I_PORTS << 2));
}

/** The row is a probe of this episode, sent again: it goes on, but the evidence stays what it was. */
export function noteRepeat(episode: usize, port: u32): void {
  const isSweeping = isSweep(load<i32>(episode, I_FAMILY << 2));
  if (!isSweeping && !hasPort(episode + (I_PORTS << 2), port)) return;
  // What was found open may be used: that is no scanning any more.
  if (hasPort(episode + (I_ANSWERED_PORTS << 2), port)) return;
  const id = load<i32>(episode, I_ID << 2);
  if (!hasIn(TARGET_SET_AT, mix(destination0, id, 0), mix(destination1, id, 0))) return;
  raise(episode + (I_LAST_US << 2), timestampUs());
  raise(episode + (I_JUDGED_US << 2), timestampUs());
}

/** Data went both ways between the episode's source and a port of the address. */
export function noteData(episode: usize, target: usize, port: u32): void {
  const found = findFound(episode, target, port);
  if (found == 0) return;
  const flags = load<u32>(found, 16) & ~0xffff;
  if (flags == IS_IN_USE) store<u32>(found, port, 16);
  // Told once of each.
  const count = load<i32>(episode, I_CAME_BACK << 2);
  if (flags != 0 || count == CAME_BACK_MAX) return;
  store<u32>(found, HAS_COME_BACK | port, 16);
  store<i32>(episode, count + 1, I_CAME_BACK << 2);
  cameBack(episode, target, port);
}

/** Words for an episode, all 0. */
function freeEpisode(): usize {
  if (closed == 0) return EPISODES_AT + unused++ * EPISODE_BYTES;
  const episode = closed;
  closed = load<usize>(episode);
  memory.fill(episode, 0, EPISODE_BYTES);
  return episode;
}

/** Takes the kept probes of the source that belong to the scan, in order of their beginning. */
function takeKept(episode: usize, source: usize): void {
  let sinceUs = judgedAtUs() - evidenceHalfLives * option(O_HALF_LIFE_US);
  let after = -1;
  const count = keptOf(source);
  for (let taken = 0; taken < count; taken++) {
    const next = nextKept(source, sinceUs, after);
    if (next < 0) return;
    const kept = keptAt(source, next);
    takeKeptOne(episode, kept);
    sinceUs = load<f64>(kept, K_START_US << 2);
    after = next;
  }
}

/** Place of the first kept probe that began at `sinceUs`, behind the place `after`, or later; -1 without one. */
function nextKept(source: usize, sinceUs: f64, after: i32): i32 {
  let first = -1;
  let firstUs = Infinity;
  const count = keptOf(source);
  for (let index = 0; index < count; index++) {
    const startUs = load<f64>(keptAt(source, index), K_START_US << 2);
    const isBehind = startUs > sinceUs || startUs == sinceUs && index > after;
    if (!isBehind || startUs >= firstUs) continue;
    first = index;
    firstUs = startUs;
  }
  return first;
}

function takeKeptOne(episode: usize, kept: usize): void {
  const outcome = load<i32>(kept, K_OUTCOME << 2);
  countTarget(episode, kept, hashAddress0(kept), hashAddress1(kept));
  countProbe(episode, load<f64>(kept, K_START_US << 2), load<u32>(kept, K_FLOW << 2));
  countShape(episode, load<i32>(kept, K_TRAITS << 2), outcome);
  countPort(episode, kept, load<u32>(kept, K_PORTS << 2) >> 16, outcome);
}

function countTarget(episode: usize, target: usize, hash0: i32, hash1: i32): void {
  const id = load<i32>(episode, I_ID << 2);
  if (addTo(TARGET_SET_AT, mix(hash0, id, 0), mix(hash1, id, 0))) return;
  const count = load<i32>(episode, I_TARGET_COUNT << 2);
  store<i32>(episode, count + 1, I_TARGET_COUNT << 2);
  if (count >= TARGETS_LISTED_MAX) return;
  copyAddress(episode + (I_TARGETS << 2) + (count << 4), target);
}

function countProbe(episode: usize, startUs: f64, flow: u32): void {
  increment(episode + (I_ATTEMPTS << 2));
  const firstUs = load<f64>(episode, I_FIRST_US << 2);
  if (startUs < firstUs) store<f64>(episode, startUs, I_FIRST_US << 2);
  raise(episode + (I_LAST_US << 2), startUs);
  countGap(episode, startUs);
  const count = load<i32>(episode, I_FLOW_COUNT << 2);
  if (flow == 0 || count == FLOWS_MAX) return;
  store<u32>(episode + (I_FLOWS + count << 2), flow);
  store<i32>(episode, count + 1, I_FLOW_COUNT << 2);
}

/** Counts the time since the probe before, as Tempo (tempo.ts) does. */
function countGap(episode: usize, startUs: f64): void {
  const gapUs = Math.abs(startUs - load<f64>(episode, I_TEMPO_LAST_US << 2));
  store<f64>(episode, startUs, I_TEMPO_LAST_US << 2);
  if (!(gapUs >= 0)) return;
  const bucket = 63 - <i32> clz<u64>(<u64> gapUs + 1);
  increment(episode + (I_TEMPO + min(TEMPO_BUCKETS - 1, bucket) << 2));
}

function countShape(episode: usize, traits: i32, outcome: i32): void {
  store<i32>(episode, traits, I_TRAITS << 2);
  const isRaw = (traits & TRAIT_IS_RAW) != 0 || outcome == OUTCOME_ANSWERED;
  if (isRaw) increment(episode + (I_RAW << 2));
  if ((traits & TRAIT_IS_NMAP_LIKE) != 0) increment(episode + (I_NMAP << 2));
  if ((traits & TRAIT_IS_MASSCAN_LIKE) != 0) increment(episode + (I_MASSCAN << 2));
  if ((traits & TRAIT_IS_ZMAP_LIKE) != 0) increment(episode + (I_ZMAP << 2));
}

function countPort(episode: usize, target: usize, port: u32, outcome: i32): void {
  const isSweeping = isSweep(load<i32>(episode, I_FAMILY << 2));
  if (!isSweeping) addPort(episode + (I_PORTS << 2), port);
  if (outcome == OUTCOME_FAILED) return;
  increment(episode + (I_ANSWERED << 2));
  if (isSweeping) return;
  addPort(episode + (I_ANSWERED_PORTS << 2), port);
  const count = load<i32>(episode, I_FOUND_COUNT << 2);
  if (count == FOUND_MAX || findFound(episode, target, port) != 0) return;
  const found = foundAt(episode, count);
  copyAddress(found, target);
  store<u32>(found, port, 16);
  store<i32>(episode, count + 1, I_FOUND_COUNT << 2);
}

/** The port of the address among those found; 0 without it. */
function findFound(episode: usize, target: usize, port: u32): usize {
  const count = load<i32>(episode, I_FOUND_COUNT << 2);
  for (let index = 0; index < count; index++) {
    const found = foundAt(episode, index);
    if ((load<u32>(found, 16) & 0xffff) != port) continue;
    if (load<i64>(found) == load<i64>(target) && load<i64>(found, 8) == load<i64>(target, 8)) {
      return found;
    }
  }
  return 0;
}

/** Four words of an address, and one of a port with flags. */
@inline
function foundAt(episode: usize, index: i32): usize {
  return episode + (I_FOUND + index * 5 << 2);
}

@inline
function increment(word: usize): void {
  store<i32>(word, load<i32>(word) + 1);
}

/** Makes a time the later one. */
@inline
function raise(timeUs: usize, otherUs: f64): void {
  if (otherUs > load<f64>(timeUs)) store<f64>(timeUs, otherUs);
}
