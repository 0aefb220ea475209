/**
 * Who has met whom, bounded: two generations of pairs. When the younger is full it becomes the elder and the elder is
 * forgotten, so a pair is remembered for as long as at least 65,536 newer ones take to come.
 */
import { ELDER_AT, PAIRS_MAX, YOUNGER_AT } from "../activity_layout";
import { begin, fingerprint, mixAddress, placeOf } from "./fingerprints";

const MASK: i32 = PAIRS_MAX * 2 - 1;

let younger: usize = YOUNGER_AT;
let elder: usize = ELDER_AT;
let youngerCount: i32 = 0;
let forgotten: f64 = 0;

export function forgottenPairs(): f64 {
  return forgotten;
}

/** Remembers that the two addresses have met; true when they had not before. */
export function meet(one: usize, other: usize): bool {
  // The same fingerprint for both directions.
  const isUpward = isBelow(one, other);
  begin(0);
  mixAddress(isUpward ? one : other);
  mixAddress(isUpward ? other : one);
  const print = fingerprint();
  const isKnown = load<u64>(placeOf(elder, MASK, print)) != 0;
  if (youngerCount == PAIRS_MAX) {
    turn();
  }
  const place = placeOf(younger, MASK, print);
  if (load<u64>(place) != 0) return false;
  store<u64>(place, print);
  youngerCount++;
  return !isKnown;
}

function turn(): void {
  memory.fill(elder, 0, <usize> (MASK + 1) << 3);
  const former = elder;
  elder = younger;
  younger = former;
  youngerCount = 0;
  forgotten += PAIRS_MAX;
}

function isBelow(one: usize, other: usize): bool {
  for (let at: usize = 0; at < 16; at += 4) {
    const word = load<i32>(one + at);
    const otherWord = load<i32>(other + at);
    if (word != otherWord) return word < otherWord;
  }
  return false;
}
