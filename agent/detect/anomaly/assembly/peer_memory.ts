/**
 * Who has met whom, bounded: two generations of pairs. When the younger is full it becomes the elder and the elder is
 * forgotten, so a pair is remembered for as long as at least 65,536 newer ones take to come.
 */
import { ELDER_AT, ELDER_SET_AT, PAIRS_MAX, YOUNGER_AT, YOUNGER_SET_AT } from "../activity_layout";
import { addTo, begin, clearSet, fingerprint, has, isFull, makeSet, mixAddress } from "./fingerprints";

let younger: usize = YOUNGER_SET_AT;
let elder: usize = ELDER_SET_AT;
let forgotten: f64 = 0;

export function makePeerMemory(): void {
  makeSet(younger, YOUNGER_AT, PAIRS_MAX);
  makeSet(elder, ELDER_AT, PAIRS_MAX);
}

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
  const isKnown = has(elder, print);
  if (isFull(younger)) turn();
  return addTo(younger, print) && !isKnown;
}

function turn(): void {
  clearSet(elder);
  const former = elder;
  elder = younger;
  younger = former;
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
