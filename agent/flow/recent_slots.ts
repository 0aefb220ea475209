/**
 * A hint where the flow of a key may be, so that flows with many packets need neither the keyed hash nor the index.
 * Its own hash is quick and can be made to collide, which costs only the hint: whoever asks compares the key.
 */
import { KEY_HIGH_3, KEY_LOW_3, KEY_PORTS } from "./five_tuple.ts";

const placeBits = 13;

export class RecentSlots {
  readonly #slots = new Int32Array(1 << placeBits).fill(-1);

  /** A slot that had this key once, or had another, or -1. */
  slot(words: Int32Array): number {
    return this.#slots[placeOf(words)];
  }

  put(words: Int32Array, slot: number): void {
    this.#slots[placeOf(words)] = slot;
  }
}

function placeOf(words: Int32Array): number {
  const mixed = Math.imul(words[KEY_LOW_3], 0x9e3779b1) ^ Math.imul(words[KEY_HIGH_3], 0x85ebca6b) ^
    words[KEY_PORTS];
  return Math.imul(mixed, 0xc2b2ae35) >>> 32 - placeBits;
}
