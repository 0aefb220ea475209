/**
 * Who has met whom, bounded: two generations of pairs. When the younger is full it becomes the elder and the elder is
 * forgotten, so a pair is remembered for as long as at least 65,536 newer ones take to come.
 */
import { ELDER_AT, ELDER_SET_AT, PAIRS_MAX, YOUNGER_AT, YOUNGER_SET_AT } from "../activity_layout";
import { addTo, clearSet, has, isFull, makeSet } from "./fingerprints";
import { fingerprint } from "./hashes";

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

/** Remembers that two addresses have met, given by their hashes; true when they had not before. */
export function meet(one: u64, other: u64): bool {
  // A sum is the same for both directions.
  const print = fingerprint(0, 0, one + other, 0);
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
