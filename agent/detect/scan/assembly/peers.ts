/**
 * How many hosts each source has reached on a port, and how many in vain: whoever reaches most of the hosts that it tries
 * there has some that are down, and does not look for any. Within the own networks that is asked of the target's
 * neighbourhood (/24, /64), where up to two may be down for one that is reached, and of its surroundings (/16, /48), where
 * half must be reached: talk with many servers elsewhere excuses no sweep here. All that is outside is one place, where
 * talk counts for less long.
 *
 * A cell has two counts of 16 bits; of the two cells of a source, place and port the lesser counts hold (a count-min
 * sketch, Cormode and Muthukrishnan 2005). All are halved once a period.
 *
 *     2 x 2 rows of 16,384 cells of 4 bytes    256 KB
 */
import { isIpv4Address } from "../../common/assembly/row";
import { INSIDE_PEERS_AT, OUTSIDE_PEERS_AT, PEER_CELLS } from "../contact_layout";
import { hashAddress0, hashAddress1, mix } from "./hashes";

const MASK: i32 = PEER_CELLS - 1;
const ROW_BYTES: usize = PEER_CELLS << 2;
const TABLE_BYTES: usize = ROW_BYTES << 1;
const COUNT_MAX: u32 = 0xffff;
const insidePeriodUs: f64 = 24 * 3600 * 1e6;
const outsidePeriodUs: f64 = 1800 * 1e6;
/** Hosts in vain for one that is reached: nearby or outside, and farther away in the own networks. */
const nearFactor: u32 = 2;
const farFactor: u32 = 1;
/** Sorts of places: any numbers that differ. */
const NEAR: i32 = 0x2f6e2b1;
const FAR: i32 = 0x5851f42d;
const OUTSIDE: i32 = 0x14057b7e;

let insideStartUs: f64 = -Infinity;
let outsideStartUs: f64 = -Infinity;
/** The cells looked up last. */
let cell0: usize = 0;
let cell1: usize = 0;

export function advancePeers(nowUs: f64): void {
  if (Math.abs(nowUs - insideStartUs) >= insidePeriodUs) {
    insideStartUs = nowUs;
    halve(INSIDE_PEERS_AT);
  }
  if (Math.abs(nowUs - outsideStartUs) >= outsidePeriodUs) {
    outsideStartUs = nowUs;
    halve(OUTSIDE_PEERS_AT);
  }
}

/** The host at `source` has exchanged data with that at `target` over `ports` (port << 16 | transport) of it. */
export function noteReached(source: usize, target: usize, isInside: bool, ports: i32): void {
  note(source, target, isInside, ports, 0);
}

/** It has tried to in vain. */
export function noteMissed(source: usize, target: usize, isInside: bool, ports: i32): void {
  note(source, target, isInside, ports, 16);
}

/** Whether the source reaches enough of the hosts around the target that one in vain says nothing. */
export function isAmongReached(source: usize, target: usize, isInside: bool, ports: i32): bool {
  if (!isInside) {
    find(OUTSIDE_PEERS_AT, source, OUTSIDE, ports);
    return missed() <= nearFactor * reached();
  }
  find(INSIDE_PEERS_AT, source, placeOf(target, true), ports);
  if (missed() <= nearFactor * reached()) return true;
  find(INSIDE_PEERS_AT, source, placeOf(target, false), ports);
  return missed() <= farFactor * reached();
}

/** Hosts that the source has tried in vain: farther around the target, or outside. */
export function missedAround(source: usize, target: usize, isInside: bool, ports: i32): u32 {
  if (isInside) find(INSIDE_PEERS_AT, source, placeOf(target, false), ports);
  else find(OUTSIDE_PEERS_AT, source, OUTSIDE, ports);
  return missed();
}

function note(source: usize, target: usize, isInside: bool, ports: i32, shift: u32): void {
  if (!isInside) return noteAt(OUTSIDE_PEERS_AT, source, OUTSIDE, ports, shift);
  noteAt(INSIDE_PEERS_AT, source, placeOf(target, true), ports, shift);
  noteAt(INSIDE_PEERS_AT, source, placeOf(target, false), ports, shift);
}

function noteAt(table: usize, source: usize, place: i32, ports: i32, shift: u32): void {
  find(table, source, place, ports);
  increment(cell0, shift);
  increment(cell1, shift);
}

function find(table: usize, source: usize, place: i32, ports: i32): void {
  cell0 = table + ((mix(hashAddress0(source), place, ports) & MASK) << 2);
  cell1 = table + ROW_BYTES + ((mix(hashAddress1(source), place, ports) & MASK) << 2);
}

function reached(): u32 {
  return min(load<u32>(cell0) & COUNT_MAX, load<u32>(cell1) & COUNT_MAX);
}

function missed(): u32 {
  return min(load<u32>(cell0) >> 16, load<u32>(cell1) >> 16);
}

function increment(cell: usize, shift: u32): void {
  const counts = load<u32>(cell);
  if ((counts >> shift & COUNT_MAX) < COUNT_MAX) store<u32>(cell, counts + (1 << shift));
}

/** A hash of the network that the address is in. */
function placeOf(address: usize, isNear: bool): i32 {
  const kind = isNear ? NEAR : FAR;
  if (isIpv4Address(address)) return kind ^ <i32> (load<u32>(address, 12) >> (isNear ? 8 : 16)) * 0x9e3779b1;
  const second = load<u32>(address, 4) >> (isNear ? 0 : 16);
  return kind ^ load<i32>(address) * 0x9e3779b1 ^ <i32> second * 0x85ebca77;
}

function halve(table: usize): void {
  for (let at: usize = table; at < table + TABLE_BYTES; at += 8) {
    store<u64>(at, load<u64>(at) >> 1 & 0x7fff7fff7fff7fff);
  }
}
