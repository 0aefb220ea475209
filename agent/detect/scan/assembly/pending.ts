/**
 * First contacts whose outcome is not known yet, in order of their beginning: KeyedSlots (agent/detect/keyed_slots.ts) with
 * the contacts themselves as slots. A slot is the address of its words (P_ of the layout); 0 is none.
 *
 *     65,536 slots of (80 + 16) bytes    6.3 MB
 */
import {
  INDEX_AT,
  JUDGED_AT,
  LINKS_AT,
  P_AT_US,
  P_DESTINATION,
  P_ENDS,
  P_FLOW,
  P_HASH,
  P_IS_ANSWERED,
  P_PORT,
  P_SOURCE_PORT,
  P_START_US,
  P_TRAITS,
  PENDING_AT,
  PENDING_MAX,
  PROBE_WORDS,
} from "../contact_layout";
import { hashAddress0, mix } from "./hashes";
import { giveUp } from "./imports";
import {
  destination,
  destination0,
  destination1,
  source,
  source0,
  source1,
  sourcePort,
  timestampUs,
  transport,
  word,
} from "./row";

/** At most half of the places of the index are taken. */
const MASK: i32 = PENDING_MAX * 2 - 1;
const PREVIOUS: usize = 0;
const NEXT: usize = 4;

let count: i32 = 0;
/** Slots from here on were never used. */
let unused: i32 = 0;
/** The slot removed last, linked to the one removed before; -1 when all used slots hold contacts. */
let removed: i32 = -1;
let forgotten: i32 = 0;

export function makePending(): void {
  store<i32>(linksOf(PENDING_MAX), PENDING_MAX, PREVIOUS);
  store<i32>(linksOf(PENDING_MAX), PENDING_MAX, NEXT);
}

/** Contacts given up because the table was full. */
export function forgottenProbes(): i32 {
  return forgotten;
}

/** The contact of the row's source with the row's destination; 0 when it is not pending. */
export function findPending(port: i32): usize {
  return find(source(), destination(), port);
}

/** The contact that the row may answer: of its destination with its source. */
export function findAsked(port: i32): usize {
  return find(destination(), source(), port);
}

/** A contact that is pending already begins anew; a full table gives up its oldest one at `nowUs`. */
export function addPending(port: i32, traits: i32, nowUs: f64): void {
  const ports = port << 16 | transport();
  const hash = mix(source0, destination0, ports);
  let place = placeOf(source(), destination(), ports, hash);
  let slot = load<i32>(place) - 1;
  if (slot >= 0) {
    unlink(slot);
    append(slot);
  } else {
    if (count == PENDING_MAX) {
      giveUpOldest(nowUs);
      // Removing shifts the index.
      place = placeOf(source(), destination(), ports, hash);
    }
    slot = freeSlot();
    store<i32>(place, slot + 1);
    count++;
    append(slot);
  }
  fillProbe(probeAt(slot), ports, hash, traits);
}

/** Writes the row's contact. */
export function fillProbe(probe: usize, ports: i32, hash: i32, traits: i32): void {
  memory.copy(probe, source(), 16);
  memory.copy(probe + (P_DESTINATION << 2), destination(), 16);
  store<i32>(probe, ports, P_PORT << 2);
  store<i32>(probe, hash, P_HASH << 2);
  store<i32>(probe, source0, P_ENDS << 2);
  store<i32>(probe, source1, P_ENDS + 1 << 2);
  store<i32>(probe, destination0, P_ENDS + 2 << 2);
  store<i32>(probe, destination1, P_ENDS + 3 << 2);
  store<f64>(probe, timestampUs(), P_START_US << 2);
  store<i32>(probe, traits, P_TRAITS << 2);
  store<i32>(probe, sourcePort(), P_SOURCE_PORT << 2);
  store<u32>(probe, word(12), P_FLOW << 2);
  store<i32>(probe, 0, P_IS_ANSWERED << 2);
}

/** The contact that began first; 0 without any. */
export function oldestPending(): usize {
  const slot = load<i32>(linksOf(PENDING_MAX), NEXT);
  return slot == PENDING_MAX ? 0 : probeAt(slot);
}

export function removePending(probe: usize): void {
  const slot = <i32> ((probe - PENDING_AT) / (PROBE_WORDS << 2));
  unlink(slot);
  removeFromIndex(slot);
  store<i32>(linksOf(slot), removed, NEXT);
  removed = slot;
  count--;
}

function giveUpOldest(nowUs: f64): void {
  forgotten++;
  const oldest = oldestPending();
  memory.copy(JUDGED_AT, oldest, PROBE_WORDS << 2);
  store<f64>(JUDGED_AT, nowUs, P_AT_US << 2);
  giveUp();
  removePending(oldest);
}

@inline
function probeAt(slot: i32): usize {
  return PENDING_AT + slot * (PROBE_WORDS << 2);
}

@inline
function linksOf(slot: i32): usize {
  return LINKS_AT + (slot << 3);
}

@inline
function hashOf(slot: i32): i32 {
  return load<i32>(probeAt(slot), P_HASH << 2);
}

function find(source: usize, destination: usize, port: i32): usize {
  if (count == 0) return 0;
  const ports = port << 16 | transport();
  const hash = mix(hashAddress0(source), hashAddress0(destination), ports);
  const slot = load<i32>(placeOf(source, destination, ports, hash)) - 1;
  return slot < 0 ? 0 : probeAt(slot);
}

/** Place in the index of the contact, or the empty one where it belongs. */
function placeOf(source: usize, destination: usize, ports: i32, hash: i32): usize {
  let place = hash & MASK;
  while (true) {
    const at: usize = INDEX_AT + (place << 2);
    const slot = load<i32>(at) - 1;
    if (slot < 0 || isOf(probeAt(slot), source, destination, ports)) return at;
    place = place + 1 & MASK;
  }
}

@inline
function isOf(probe: usize, source: usize, destination: usize, ports: i32): bool {
  return load<i32>(probe, P_PORT << 2) == ports &&
    load<i64>(probe, 24) == load<i64>(destination, 8) && load<i64>(probe, 8) == load<i64>(source, 8) &&
    load<i64>(probe, 16) == load<i64>(destination) && load<i64>(probe) == load<i64>(source);
}

function freeSlot(): i32 {
  const slot = removed;
  if (slot < 0) return unused++;
  removed = load<i32>(linksOf(slot), NEXT);
  return slot;
}

/** Backward-shift deletion (Knuth, TAOCP vol. 3, section 6.4, algorithm R). */
function removeFromIndex(slot: i32): void {
  let hole = hashOf(slot) & MASK;
  while (load<i32>(INDEX_AT + (hole << 2)) != slot + 1) hole = hole + 1 & MASK;
  let next = hole;
  while (true) {
    next = next + 1 & MASK;
    const other = load<i32>(INDEX_AT + (next << 2));
    if (other == 0) break;
    const home = hashOf(other - 1) & MASK;
    if ((next - home & MASK) >= (next - hole & MASK)) {
      store<i32>(INDEX_AT + (hole << 2), other);
      hole = next;
    }
  }
  store<i32>(INDEX_AT + (hole << 2), 0);
}

function unlink(slot: i32): void {
  const previous = load<i32>(linksOf(slot), PREVIOUS);
  const next = load<i32>(linksOf(slot), NEXT);
  store<i32>(linksOf(previous), next, NEXT);
  store<i32>(linksOf(next), previous, PREVIOUS);
}

function append(slot: i32): void {
  const last = load<i32>(linksOf(PENDING_MAX), PREVIOUS);
  store<i32>(linksOf(slot), last, PREVIOUS);
  store<i32>(linksOf(slot), PENDING_MAX, NEXT);
  store<i32>(linksOf(last), slot, NEXT);
  store<i32>(linksOf(PENDING_MAX), slot, PREVIOUS);
}
