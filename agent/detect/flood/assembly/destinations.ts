/**
 * What is known of each destination and kind of flood: a bounded table of records (D_ of the layout), each known by its
 * address; 0 is none. Counts of the present second and of the run of seconds that were above the limit, the commonest port and
 * source (Boyer and Moore's majority vote), and how many sources there were (linear counting, Whang, Vander-Zanden and
 * Taylor 1990).
 *
 *     2,048 records of (544 + 16) bytes    1.1 MB
 */
import { findKey, insertKey } from "../../common/assembly/keyed_slots";
import { timestampUs, wordAt } from "../../common/assembly/row";
import { isFull, makeTable, oldestOf, removeFrom, touch } from "../../common/assembly/slots";
import {
  BIT_COUNT,
  D_ARRIVED,
  D_BEGUN_US,
  D_BITS,
  D_BITS_SET,
  D_BYTES,
  D_DONE,
  D_HOT_SECONDS,
  D_HOT_US,
  D_KIND,
  D_LAST_US,
  D_PEAK,
  D_PORT,
  D_PORT_VOTES,
  D_REFUSALS,
  D_REFUSED_PORT,
  D_REFUSED_SECOND,
  D_SAMPLES,
  D_SECOND,
  D_SOURCE,
  D_SOURCE_VOTES,
  D_TOTAL,
  DESTINATION_TABLE_AT,
  DESTINATION_WORDS,
  DESTINATIONS_AT,
  DESTINATIONS_MAX,
  FLOOD_DHCP,
  INDEX_AT,
  KEY_AT,
  KEY_WORDS,
  LINKS_AT,
  OPEN_AT,
  SAMPLES_MAX,
} from "../arrivals_layout";
import { forgotten } from "./imports";

const RECORD_BYTES: i32 = DESTINATION_WORDS << 2;

let forgottenCount: i32 = 0;

export function makeDestinations(): void {
  makeTable(
    DESTINATION_TABLE_AT,
    DESTINATIONS_AT,
    RECORD_BYTES,
    KEY_WORDS << 2,
    INDEX_AT,
    LINKS_AT,
    DESTINATIONS_MAX,
  );
}

/** Destinations taken over because the table was full. */
export function forgottenDestinations(): i32 {
  return forgottenCount;
}

/** The destination whose address begins at a word of the row; 0 when it is not there. Does not count as use. */
export function findDestination(kind: i32, word: i32, service: i32 = 0): usize {
  setKey(kind, word, service);
  return findKey(DESTINATION_TABLE_AT, KEY_AT, KEY_WORDS);
}

/** The same, now the one used last, added when it is not there. */
export function useDestination(kind: i32, word: i32, service: i32 = 0): usize {
  const found = findDestination(kind, word, service);
  if (found != 0) {
    touch(DESTINATION_TABLE_AT, found);
    return found;
  }
  if (isFull(DESTINATION_TABLE_AT)) forgetOldest();
  const destination = insertKey(DESTINATION_TABLE_AT, KEY_AT, KEY_WORDS);
  store<f64>(destination, -1, D_SECOND << 2);
  store<f64>(destination, -1, D_REFUSED_SECOND << 2);
  store<i32>(destination, -1, D_REFUSED_PORT << 2);
  store<i32>(destination, 0, D_ARRIVED << 2);
  store<i32>(destination, 0, D_DONE << 2);
  endRun(destination);
  return destination;
}

@inline
export function numberOf(destination: usize): i32 {
  return <i32> (destination - DESTINATIONS_AT) / RECORD_BYTES;
}

@inline
export function hasEpisode(destination: usize): bool {
  return load<u8>(OPEN_AT + numberOf(destination)) != 0;
}

/** Forgets the run of seconds above the limit. */
export function endRun(destination: usize): void {
  store<i32>(destination, 0, D_HOT_SECONDS << 2);
  store<f64>(destination, 0, D_TOTAL << 2);
  store<f64>(destination, timestampUs(), D_BEGUN_US << 2);
  store<f64>(destination, 0, D_HOT_US << 2);
  store<f64>(destination, 0, D_BYTES << 2);
  store<i32>(destination, 0, D_REFUSALS << 2);
  store<f64>(destination, 0, D_LAST_US << 2);
  store<i32>(destination, 0, D_PEAK << 2);
  store<i32>(destination, 0, D_PORT_VOTES << 2);
  store<i32>(destination, 0, D_SOURCE_VOTES << 2);
  if (load<i32>(destination, D_BITS_SET << 2) == 0) return;
  store<i32>(destination, 0, D_BITS_SET << 2);
  for (let at = 0; at < BIT_COUNT >> 3; at += 8) store<i64>(destination + at, 0, D_BITS << 2);
}

export function votePort(destination: usize, port: i32, weight: i32): void {
  const votes = load<i32>(destination, D_PORT_VOTES << 2);
  if (votes <= 0) store<i32>(destination, port, D_PORT << 2);
  const isSame = load<i32>(destination, D_PORT << 2) == port;
  store<i32>(destination, isSame ? votes + weight : votes - weight, D_PORT_VOTES << 2);
}

/** Counts the source at an address. */
export function voteSource(destination: usize, source: usize, weight: i32): void {
  const high = load<i64>(source);
  const low = load<i64>(source, 8);
  const isSame = load<i64>(destination, (D_SOURCE << 2) + 8) == low &&
    load<i64>(destination, D_SOURCE << 2) == high;
  const votes = load<i32>(destination, D_SOURCE_VOTES << 2);
  if (isSame && votes > 0) {
    store<i32>(destination, votes + weight, D_SOURCE_VOTES << 2);
    return;
  }
  if (votes <= 0) {
    store<i64>(destination, high, D_SOURCE << 2);
    store<i64>(destination, low, (D_SOURCE << 2) + 8);
  }
  store<i32>(destination, votes <= 0 ? weight : votes - weight, D_SOURCE_VOTES << 2);
  countSource(destination, source);
}

/** Whether at least half of what came went to one port. */
export function isOnePort(destination: usize): bool {
  const votes = <f64> load<i32>(destination, D_PORT_VOTES << 2);
  return votes * 2 >= load<f64>(destination, D_TOTAL << 2);
}

/** Whether at least half of what came is of one source. */
export function isOneSource(destination: usize): bool {
  const votes = <f64> load<i32>(destination, D_SOURCE_VOTES << 2);
  return votes * 2 >= load<f64>(destination, D_TOTAL << 2);
}

function countSource(destination: usize, source: usize): void {
  const bit = bitOf(source);
  const at = destination + (D_BITS << 2) + (bit >> 5 << 2);
  const bits = load<u32>(at);
  if ((bits >> (bit & 31) & 1) != 0) return;
  store<u32>(at, bits | <u32> 1 << (bit & 31));
  const count = load<i32>(destination, D_BITS_SET << 2);
  store<i32>(destination, count + 1, D_BITS_SET << 2);
  if (count >= SAMPLES_MAX) return;
  const sample = destination + (D_SAMPLES << 2) + (count << 4);
  store<i64>(sample, load<i64>(source));
  store<i64>(sample, load<i64>(source, 8), 8);
}

function bitOf(source: usize): u32 {
  let hash = (load<u32>(source) ^ load<u32>(source, 12)) * 0x9e3779b1 ^ load<u32>(source, 4);
  hash = (hash ^ hash >> 15 ^ load<u32>(source, 8)) * 0x85ebca6b;
  return (hash ^ hash >> 13) & BIT_COUNT - 1;
}

function forgetOldest(): void {
  const oldest = oldestOf(DESTINATION_TABLE_AT);
  forgottenCount++;
  if (hasEpisode(oldest)) forgotten(numberOf(oldest));
  removeFrom(DESTINATION_TABLE_AT, oldest);
}

function setKey(kind: i32, word: i32, service: i32): void {
  const isDhcp = kind == FLOOD_DHCP;
  store<i64>(KEY_AT, isDhcp ? 0 : load<i64>(wordAt(word)));
  store<i64>(KEY_AT, load<i64>(wordAt(isDhcp ? 24 : word + 2)), 8);
  store<i64>(KEY_AT, <i64> kind | <i64> service << 32, D_KIND << 2);
}
