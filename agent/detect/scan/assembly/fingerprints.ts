/**
 * Sets that remember keys for a while, four bytes each: of two independent hashes of a key one says where and the other is
 * stored. Two generations; when the younger one is old or nearly full it becomes the older one, whose keys are forgotten.
 * A key is remembered for one to two periods; two are taken for one with a chance of about 1 in 10^9 a look-up.
 *
 * A set is known by the address of its words: its younger and its elder generation, their places - 1, most entries,
 * entries of the two, and how often a generation was full before its time; then two doubles: the period, and when the
 * younger one began.
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

/** An empty set whose generations have `size` places (a power of two), the first of them at `places`. */
export function makeSet(set: usize, places: usize, size: i32, periodUs: f64): void {
  store<usize>(set, places, YOUNG);
  store<usize>(set, places + (size << 2), OLD);
  store<i32>(set, size - 1, MASK);
  store<i32>(set, size / 4 * 3, COUNT_MAX);
  store<f64>(set, periodUs, PERIOD_US);
  store<f64>(set, -Infinity, START_US);
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
  const mask = load<i32>(set, MASK);
  return load<i32>(set, COUNT) > 0 && find(load<usize>(set, YOUNG), mask, hash, stored) == 0 ||
    load<i32>(set, OLD_COUNT) > 0 && find(load<usize>(set, OLD), mask, hash, stored) == 0;
}

/** Remembers the key; returns whether it was there before. */
export function addTo(set: usize, hash: i32, fingerprint: i32): bool {
  const stored = fingerprint == 0 ? 1 : fingerprint;
  const mask = load<i32>(set, MASK);
  let place = find(load<usize>(set, YOUNG), mask, hash, stored);
  if (place == 0) return true;
  const wasKnown = load<i32>(set, OLD_COUNT) > 0 &&
    find(load<usize>(set, OLD), mask, hash, stored) == 0;
  if (load<i32>(set, COUNT) >= load<i32>(set, COUNT_MAX)) {
    store<i32>(set, load<i32>(set, FORGOTTEN) + 1, FORGOTTEN);
    turn(set);
    place = load<usize>(set, YOUNG) + ((hash & mask) << 2);
  }
  store<i32>(place, stored);
  store<i32>(set, load<i32>(set, COUNT) + 1, COUNT);
  return wasKnown;
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
  memory.fill(old, 0, <usize> (load<i32>(set, MASK) + 1) << 2);
  store<usize>(set, load<usize>(set, YOUNG), OLD);
  store<usize>(set, old, YOUNG);
  store<i32>(set, load<i32>(set, COUNT), OLD_COUNT);
  store<i32>(set, 0, COUNT);
}
