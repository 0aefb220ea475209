/**
 * Bounded sets of things known by 64 bits of their hash. Two different things share a fingerprint with a chance of one in
 * 10^9 even when a set is full. Open addressing, linear probing, at most half full; an entry is 8 bytes, its upper word is
 * never 0. A set uses no more places than it needs, so that it stays in the processor's cache.
 *
 * A set is known by the address of its four words: where its places are, their number - 1, entries, most entries.
 */
import { SCRATCH_AT } from "../activity_layout";

const MASK: usize = 4;
const COUNT: usize = 8;
const COUNT_MAX: usize = 12;
const PLACES_MIN: i32 = 2048;

/** An empty set with room at `places` for twice `countMax` entries, a power of two. */
export function makeSet(set: usize, places: usize, countMax: i32): void {
  store<usize>(set, places);
  store<i32>(set, PLACES_MIN - 1, MASK);
  store<i32>(set, 0, COUNT);
  store<i32>(set, countMax, COUNT_MAX);
}

@inline
export function isFull(set: usize): bool {
  return load<i32>(set, COUNT) == load<i32>(set, COUNT_MAX);
}

export function has(set: usize, print: u64): bool {
  return load<u64>(placeOf(load<usize>(set), load<i32>(set, MASK), print)) != 0;
}

/** Adds a fingerprint; false when it was there, or when the set is full. */
export function addTo(set: usize, print: u64): bool {
  const count = load<i32>(set, COUNT);
  if (count == load<i32>(set, COUNT_MAX)) return false;
  const mask = load<i32>(set, MASK);
  const place = placeOf(load<usize>(set), mask, print);
  if (load<u64>(place) != 0) return false;
  store<u64>(place, print);
  store<i32>(set, count + 1, COUNT);
  if (count << 1 >= mask && count + 1 < load<i32>(set, COUNT_MAX)) grow(set);
  return true;
}

/** Leaves about as many places as it needed. */
export function clearSet(set: usize): void {
  const count = load<i32>(set, COUNT);
  if (count == 0) return;
  let size = load<i32>(set, MASK) + 1;
  memory.fill(load<usize>(set), 0, <usize> size << 3);
  while (size > PLACES_MIN && size > count << 2) size >>= 1;
  store<i32>(set, size - 1, MASK);
  store<i32>(set, 0, COUNT);
}

/** Doubles the places; those beyond them are empty at all times. */
function grow(set: usize): void {
  const places = load<usize>(set);
  const size = load<i32>(set, MASK) + 1;
  const bytes = <usize> size << 3;
  memory.copy(SCRATCH_AT, places, bytes);
  memory.fill(places, 0, bytes);
  const mask = (size << 1) - 1;
  store<i32>(set, mask, MASK);
  const end: usize = <usize> SCRATCH_AT + bytes;
  for (let at: usize = SCRATCH_AT; at < end; at += 8) {
    const print = load<u64>(at);
    if (print != 0) store<u64>(placeOf(places, mask, print), print);
  }
}

/** Where the fingerprint is or belongs. */
@inline
function placeOf(places: usize, mask: i32, print: u64): usize {
  let place = <i32> print & mask;
  while (true) {
    const at = places + (place << 3);
    const entry = load<u64>(at);
    if (entry == 0 || entry == print) return at;
    place = place + 1 & mask;
  }
}
