/**
 * Who has lately sent something to whom, and of its own accord: by that a stream in one direction is told from a flood, whose
 * target never speaks to its sender (iperf and cameras by their control connection, tunnels whose two directions have ports
 * of their own).
 *
 * A place for each pair of a hash, which the next pair of it takes over: a mark of the pair, 0 in a place never used, and
 * the second in which it was seen << 1, the lowest bit set when the one who sends has begun it.
 */
import { word } from "../../common/assembly/row";
import { TALKS_AT, TALKS_MAX } from "../arrivals_layout";

/** What is not seen again is over after so long: as a TCP connection's idle time. */
const SECONDS: i32 = 300;

export const SILENT: i32 = 0;
export const ANSWERED: i32 = 1;
export const BEGUN: i32 = 2;

/** The one whose address begins at a word of the row has sent something to the other. */
export function noteTalk(from: i32, to: i32, hasBegun: bool): void {
  note(pairOf(from, to), hasBegun);
}

/** Whether the one sends to the other, up to the moment of the row. */
export function talkOf(from: i32, to: i32): i32 {
  return find(pairOf(from, to));
}

/** The one whose address begins at a word of the row has asked all others for a service. */
export function noteAsking(from: i32, service: i32): void {
  note(askingOf(from, service), true);
}

/** Whether it has, up to the moment of the row. */
export function wasAsking(from: i32, service: i32): bool {
  return find(askingOf(from, service)) != SILENT;
}

function note(hash: u64, hasBegun: bool): void {
  const place = placeOf(hash);
  const second = <i32> word(1);
  const before = load<u32>(place) == markOf(hash) ? load<i32>(place, 4) : 0;
  const isKnown = isLately(before >>> 1, second);
  store<u32>(place, markOf(hash));
  store<i32>(place, second << 1 | <i32> (hasBegun || isKnown && (before & 1) != 0), 4);
}

function find(hash: u64): i32 {
  const place = placeOf(hash);
  if (load<u32>(place) != markOf(hash)) return SILENT;
  const talk = load<i32>(place, 4);
  if (!isLately(talk >>> 1, <i32> word(1))) return SILENT;
  return (talk & 1) != 0 ? BEGUN : ANSWERED;
}

@inline
function isLately(before: i32, second: i32): bool {
  return (second - before & 0x7fffffff) <= SECONDS;
}

@inline
function placeOf(hash: u64): usize {
  return TALKS_AT + (<usize> (<i32> hash & TALKS_MAX - 1) << 3);
}

@inline
function markOf(hash: u64): u32 {
  return <u32> (hash >> 32) | 1;
}

function pairOf(from: i32, to: i32): u64 {
  return mixed(from, wide(to), wide(to + 2));
}

/** Services are no addresses, so that none of these is a pair. */
function askingOf(from: i32, service: i32): u64 {
  return mixed(from, ~(<u64> service), 0);
}

function mixed(from: i32, high: u64, low: u64): u64 {
  let hash = wide(from) * 0x9e3779b97f4a7c15 ^ wide(from + 2);
  hash = (hash ^ hash >> 32) * 0xc2b2ae3d27d4eb4f ^ high;
  hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15 ^ low;
  hash = (hash ^ hash >> 32) * 0xc2b2ae3d27d4eb4f;
  return hash ^ hash >> 29;
}

@inline
function wide(index: i32): u64 {
  return <u64> word(index) << 32 | <u64> word(index + 1);
}
