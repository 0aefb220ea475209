/**
 * Hashes of the two ends of a contact, computed once for all tables that look it up: two for each address, which are
 * independent of each other. An address is hashed as the exclusive or of its words, each times an odd number (the primes of
 * xxHash and MurmurHash3); what is mixed of several is spread over all bits as in MurmurHash3 (Appleby).
 */
import type { Observation } from "../observation.ts";

/** One object is filled again for every contact. */
export class EndsHash {
  source0 = 0;
  source1 = 0;
  destination0 = 0;
  destination1 = 0;

  ofRow({ words, at }: Observation): void {
    this.source0 = hashAddress0(words, at + 3);
    this.source1 = hashAddress1(words, at + 3);
    this.destination0 = hashAddress0(words, at + 7);
    this.destination1 = hashAddress1(words, at + 7);
  }
}

/** First hash of the address in the four words from `at` on. */
export function hashAddress0(words: Int32Array, at: number): number {
  return Math.imul(words[at], 0x9e3779b1) ^ Math.imul(words[at + 1], 0x85ebca77) ^
    Math.imul(words[at + 2], 0xc2b2ae3d) ^ Math.imul(words[at + 3], 0x27d4eb2f);
}
/** Second hash of it. */
export function hashAddress1(words: Int32Array, at: number): number {
  return Math.imul(words[at], 0xcc9e2d51) ^ Math.imul(words[at + 1], 0x1b873593) ^
    Math.imul(words[at + 2], 0xe6546b65) ^ Math.imul(words[at + 3], 0x165667b1);
}

/** Mixes two hashes and a word into one hash: never the same for two words, where the rest is the same. */
export function mix(first: number, second: number, word: number): number {
  let hash = Math.imul(first ^ word, 0x9e3779b1);
  hash = Math.imul(hash ^ hash >>> 15 ^ second, 0x85ebca6b);
  return hash ^ hash >>> 16;
}
