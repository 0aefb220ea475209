/**
 * Sets that remember keys for a while, four bytes each: of two independent hashes of a key one says where and the other is
 * stored. Two generations; when the younger one is old or nearly full it becomes the older one, whose keys are forgotten.
 * A key is remembered for one to two periods; two are taken for one with a chance of about 1 in 10^9 a look-up.
 *
 * A generation is two tables: the small one, an eighth as large, is filled first. Most sets never need the other, and are
 * looked up in the processor's cache.
 *
 * A set is known by the address of its words: the tables of its younger and its elder generation, their places - 1, most
 * entries, entries of the two, and how often a generation was full before its time; then the small tables of the two, two
 * doubles, the period and when the younger one began, and the small tables' places - 1 and most entries.
 */
const YOUNG: usize = 0;
const OLD: usize = 4;
const MASK: usize = 8;
const COUNT_MAX: usize = 12;
const COUNT: usize = 16;
const OLD_COUNT: usize = 20;
const FORGOTTEN: usize = 24;
const PERIOD_US: usize = 32;
const START_US: usize = 40;
const SMALL_YOUNG: usize = 48;
const SMALL_OLD: usize = 52;
const SMALL_MASK: usize = 56;
const SMALL_COUNT_MAX: usize = 60;

/**
 * An empty set whose generations have `size` places (a power of two), the first of them at `places`, and an eighth as many in
 * small tables at `smallPlaces`.
 */
export function makeSet(
  set: usize,
  places: usize,
  smallPlaces: usize,
  size: i32,
  periodUs: f64,
): void {
  const smallSize = size >> 3;
  store<usize>(set, places, YOUNG);
  store<usize>(set, places + (size << 2), OLD);
  store<i32>(set, size - 1, MASK);
  store<i32>(set, size / 4 * 3, COUNT_MAX);
  store<f64>(set, periodUs, PERIOD_US);
  store<f64>(set, -Infinity, START_US);
  store<usize>(set, smallPlaces, SMALL_YOUNG);
  store<usize>(set, smallPlaces + (smallSize << 2), SMALL_OLD);
  store<i32>(set, smallSize - 1, SMALL_MASK);
  store<i32>(set, smallSize / 4 * 3, SMALL_COUNT_MAX);
}

export function forgottenOf(set: usize): i32 {
  return load<i32>(set, FORGOTTEN);
}

/** Lets time pass; times that go back by more than a period (joined files) forget too. */
export function advanceSet(set: usize, nowUs: f64): void {
  if (load<f64>(set, START_US) == -Infinity) store<f64>(set, nowUs, START_US);
  const passedUs = Math.abs(nowUs - load<f64>(set, START_US));
  const periodUs = load<f64>(set, PERIOD_US);
  if (passedUs < periodUs) return;
  if (passedUs >= 2 * periodUs) turn(set);
  turn(set);
  store<f64>(set, nowUs, START_US);
}

export function hasIn(set: usize, hash: i32, fingerprint: i32): bool {
  const stored = fingerprint == 0 ? 1 : fingerprint;
  return load<i32>(set, COUNT) > 0 && isInYoung(set, hash, stored) ||
    load<i32>(set, OLD_COUNT) > 0 && isInOld(set, hash, stored);
}

/** Remembers the key; returns whether it was there before. */
export function addTo(set: usize, hash: i32, fingerprint: i32): bool {
  const stored = fingerprint == 0 ? 1 : fingerprint;
  let place = find(load<usize>(set, SMALL_YOUNG), load<i32>(set, SMALL_MASK), hash, stored);
  if (place == 0) return true;
  const count = load<i32>(set, COUNT);
  if (count >= load<i32>(set, SMALL_COUNT_MAX)) {
    place = find(load<usize>(set, YOUNG), load<i32>(set, MASK), hash, stored);
    if (place == 0) return true;
  }
  const wasKnown = load<i32>(set, OLD_COUNT) > 0 && isInOld(set, hash, stored);
  if (count >= load<i32>(set, COUNT_MAX)) {
    store<i32>(set, load<i32>(set, FORGOTTEN) + 1, FORGOTTEN);
    turn(set);
    place = load<usize>(set, SMALL_YOUNG) + ((hash & load<i32>(set, SMALL_MASK)) << 2);
  }
  store<i32>(place, stored);
  store<i32>(set, load<i32>(set, COUNT) + 1, COUNT);
  return wasKnown;
}

@inline
function isInYoung(set: usize, hash: i32, stored: i32): bool {
  return find(load<usize>(set, SMALL_YOUNG), load<i32>(set, SMALL_MASK), hash, stored) == 0 ||
    load<i32>(set, COUNT) > load<i32>(set, SMALL_COUNT_MAX) &&
      find(load<usize>(set, YOUNG), load<i32>(set, MASK), hash, stored) == 0;
}

function isInOld(set: usize, hash: i32, stored: i32): bool {
  return find(load<usize>(set, SMALL_OLD), load<i32>(set, SMALL_MASK), hash, stored) == 0 ||
    load<i32>(set, OLD_COUNT) > load<i32>(set, SMALL_COUNT_MAX) &&
      find(load<usize>(set, OLD), load<i32>(set, MASK), hash, stored) == 0;
}

/** 0 when the fingerprint is there, else the empty place where it belongs. */
@inline
function find(generation: usize, mask: i32, hash: i32, fingerprint: i32): usize {
  let place = hash & mask;
  while (true) {
    const at = generation + (place << 2);
    const stored = load<i32>(at);
    if (stored == 0) return at;
    if (stored == fingerprint) return 0;
    place = place + 1 & mask;
  }
}

function turn(set: usize): void {
  const old = load<usize>(set, OLD);
  const smallOld = load<usize>(set, SMALL_OLD);
  if (load<i32>(set, OLD_COUNT) > 0) memory.fill(smallOld, 0, bytesOf(load<i32>(set, SMALL_MASK)));
  if (load<i32>(set, OLD_COUNT) > load<i32>(set, SMALL_COUNT_MAX)) {
    memory.fill(old, 0, bytesOf(load<i32>(set, MASK)));
  }
  store<usize>(set, load<usize>(set, YOUNG), OLD);
  store<usize>(set, old, YOUNG);
  store<usize>(set, load<usize>(set, SMALL_YOUNG), SMALL_OLD);
  store<usize>(set, smallOld, SMALL_YOUNG);
  store<i32>(set, load<i32>(set, COUNT), OLD_COUNT);
  store<i32>(set, 0, COUNT);
}

@inline
function bytesOf(mask: i32): usize {
  return <usize> (mask + 1) << 2;
}
