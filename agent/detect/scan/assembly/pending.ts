/**
 * First contacts whose outcome is not known yet, in order of their beginning: a bounded table whose
 * records are the contacts (P_ of the layout), each known by the address of its words; 0 is none.
 *
 *     65,536 slots of (80 + 16) bytes    6.3 MB
 */
import {
  destination,
  has,
  source,
  sourcePort,
  timestampUs,
  transport,
  word,
} from "../../common/assembly/row";
import {
  countOf,
  insertAt,
  isFull,
  makeTable,
  maskOf,
  oldestOf,
  removeFrom,
  touch,
} from "../../common/assembly/slots";
import { MARK_IS_SENT_BY_ROUTER, TRANSPORT_TCP } from "../../common/row_layout";
import {
  FAMILY_MASK,
  FAMILY_TCP,
  INDEX_AT,
  JUDGED_AT,
  LINKS_AT,
  P_DESTINATION,
  P_ENDS,
  P_FLOW,
  P_HASH,
  P_MAC,
  P_PORT,
  P_SOURCE_PORT,
  P_START_US,
  P_TRAITS,
  PENDING_AT,
  PENDING_MAX,
  PENDING_TABLE_AT,
  PROBE_WORDS,
  TRAIT_IS_ANSWERED,
  TRAIT_IS_REVERSED,
} from "../contact_layout";
import { copyAddress, copyRecord } from "./copies";
import { destination0, destination1, source0, source1 } from "./ends";
import { hashAddress0, mix } from "./hashes";
import { giveUp } from "./judgement";

let forgotten: i32 = 0;
let reversed: i32 = 0;
let tcp: i32 = 0;

export function makePending(): void {
  makeTable(
    PENDING_TABLE_AT,
    PENDING_AT,
    PROBE_WORDS << 2,
    P_HASH << 2,
    INDEX_AT,
    LINKS_AT,
    PENDING_MAX,
  );
}

/** Contacts given up because the table was full. */
export function forgottenProbes(): i32 {
  return forgotten;
}

/** How many were sent by the responder of their flow. */
@inline
export function reversedCount(): i32 {
  return reversed;
}

/** How many are of TCP, whole connections. */
@inline
export function pendingTcpCount(): i32 {
  return tcp;
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
  const slot = load<i32>(place) - 1;
  let probe: usize = 0;
  if (slot >= 0) {
    probe = probeAt(slot);
    uncount(probe);
    touch(PENDING_TABLE_AT, probe);
  } else {
    if (isFull(PENDING_TABLE_AT)) {
      giveUpOldest(nowUs);
      // Removing shifts the index.
      place = placeOf(source(), destination(), ports, hash);
    }
    probe = insertAt(PENDING_TABLE_AT, place, hash);
  }
  fillProbe(probe, ports, hash, traits);
  if (isReversed(probe)) reversed++;
  if (isTcp(probe)) tcp++;
}

/** Writes the row's contact. */
export function fillProbe(probe: usize, ports: i32, hash: i32, traits: i32): void {
  copyAddress(probe, source());
  copyAddress(probe + (P_DESTINATION << 2), destination());
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
  store<i32>(probe, macHash(), P_MAC << 2);
}

/** Of the MAC address that a TCP row came from; 0 when it is a router's, which many hosts share. */
export function macHash(): i32 {
  if (transport() != TRANSPORT_TCP || has(MARK_IS_SENT_BY_ROUTER)) return 0;
  return <i32> (word(24) * 0x9e3779b1 ^ word(25));
}

/** The port has accepted, or someone has answered. */
export function markAnswered(probe: usize): void {
  store<i32>(probe, load<i32>(probe, P_TRAITS << 2) | TRAIT_IS_ANSWERED, P_TRAITS << 2);
}

/** The contact that began first; 0 without any. */
export function oldestPending(): usize {
  return oldestOf(PENDING_TABLE_AT);
}

export function removePending(probe: usize): void {
  uncount(probe);
  removeFrom(PENDING_TABLE_AT, probe);
}

function giveUpOldest(nowUs: f64): void {
  forgotten++;
  const oldest = oldestPending();
  copyRecord(JUDGED_AT, oldest, PROBE_WORDS << 2);
  giveUp(nowUs);
  removePending(oldest);
}

function uncount(probe: usize): void {
  if (isReversed(probe)) reversed--;
  if (isTcp(probe)) tcp--;
}

@inline
function isTcp(probe: usize): bool {
  return (load<i32>(probe, P_TRAITS << 2) & FAMILY_MASK) == FAMILY_TCP;
}

@inline
function isReversed(probe: usize): bool {
  return (load<i32>(probe, P_TRAITS << 2) & TRAIT_IS_REVERSED) != 0;
}

@inline
function probeAt(slot: i32): usize {
  return PENDING_AT + slot * (PROBE_WORDS << 2);
}

function find(source: usize, destination: usize, port: i32): usize {
  if (countOf(PENDING_TABLE_AT) == 0) return 0;
  const ports = port << 16 | transport();
  const hash = mix(hashAddress0(source), hashAddress0(destination), ports);
  const slot = load<i32>(placeOf(source, destination, ports, hash)) - 1;
  return slot < 0 ? 0 : probeAt(slot);
}

/** Place in the index of the contact, or the empty one where it belongs. */
function placeOf(source: usize, destination: usize, ports: i32, hash: i32): usize {
  const mask = maskOf(PENDING_TABLE_AT);
  let place = hash & mask;
  while (true) {
    const at: usize = INDEX_AT + (place << 2);
    const slot = load<i32>(at) - 1;
    if (slot < 0 || isOf(probeAt(slot), source, destination, ports)) return at;
    place = place + 1 & mask;
  }
}

@inline
function isOf(probe: usize, source: usize, destination: usize, ports: i32): bool {
  return load<i32>(probe, P_PORT << 2) == ports &&
    load<i64>(probe, 24) == load<i64>(destination, 8) && load<i64>(probe, 8) == load<i64>(source, 8) &&
    load<i64>(probe, 16) == load<i64>(destination) && load<i64>(probe) == load<i64>(source);
}
