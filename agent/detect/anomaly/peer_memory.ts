/**
 * Who has met whom, bounded: two generations of pairs. When the younger is full it becomes the elder and the elder is
 * forgotten, so a pair is remembered for as long as at least 65,536 newer ones take to come.
 */
import type { Observation } from "../observation.ts";
import { FingerprintSet } from "./fingerprint_set.ts";

const pairsMax = 1 << 16;

export class PeerMemory {
  #younger = new FingerprintSet(pairsMax);
  #elder = new FingerprintSet(pairsMax);
  forgottenCount = 0;

  get stateBytes(): number {
    return this.#younger.stateBytes + this.#elder.stateBytes;
  }

  /** Remembers that the two ends of the row have met; true when they had not before. */
  meet(observation: Observation): boolean {
    const { words, at } = observation;
    const isKnown = mixPair(this.#elder, words, at).has;
    if (this.#younger.isFull) this.#turn();
    const isAdded = mixPair(this.#younger, words, at).add();
    return isAdded && !isKnown;
  }

  #turn(): void {
    const elder = this.#elder;
    elder.clear();
    this.#elder = this.#younger;
    this.#younger = elder;
    this.forgottenCount += pairsMax;
  }
}

/** The same fingerprint for both directions. */
function mixPair(set: FingerprintSet, words: Int32Array, at: number): FingerprintSet {
  const isUpward = isBelow(words, at + 3, at + 7);
  const first = isUpward ? at + 3 : at + 7;
  const second = isUpward ? at + 7 : at + 3;
  set.begin(0);
  for (let word = 0; word < 4; word++) set.mix(words[first + word]);
  for (let word = 0; word < 4; word++) set.mix(words[second + word]);
  return set;
}

function isBelow(words: Int32Array, one: number, other: number): boolean {
  for (let word = 0; word < 4; word++) {
    if (words[one + word] !== words[other + word]) return words[one + word] < words[other + word];
  }
  return false;
}
