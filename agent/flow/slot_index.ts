/**
 * Finds the slot of a flow key: open addressing with linear probing over the hash, at most half full, deletion by
 * shifting back (Knuth, TAOCP volume 3, section 6.4, algorithm R), so that there are no tombstones.
 */
import { IPV4_KEY_WORDS, KEY_META, KEY_WORDS, META_IS_IPV6 } from "./five_tuple.ts";
import { type FlowSlots, M_HASH, M_KEY, MAIN_WORDS } from "./flow_slots.ts";

const sizeAtStart = 2048;

export class SlotIndex {
  /** Slot + 1; 0 is empty. The length is a power of two. */
  #places = new Int32Array(sizeAtStart);
  #mask = sizeAtStart - 1;
  #count = 0;
  readonly #slots: FlowSlots;

  constructor(slots: FlowSlots) {
    this.#slots = slots;
  }

  /** The slot of the key with these words, whose hash is `hash`; -1 when there is none. */
  find(words: Int32Array, hash: number): number {
    const places = this.#places;
    const main = this.#slots.main;
    let place = hash & this.#mask;
    for (;;) {
      const slot = places[place] - 1;
      if (slot < 0) return -1;
      if (main[slot * MAIN_WORDS + M_HASH] === hash && hasKey(main, slot, words)) return slot;
      place = place + 1 & this.#mask;
    }
  }

  /** Adds a slot that has its key and hash and is not in the index. */
  add(slot: number): void {
    if (this.#count * 2 >= this.#places.length) this.#grow();
    this.#put(slot);
    this.#count++;
  }

  remove(slot: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let hole = this.#slots.main[slot * MAIN_WORDS + M_HASH] & mask;
    while (places[hole] !== slot + 1) hole = hole + 1 & mask;
    for (let place = hole + 1 & mask; places[place] !== 0; place = place + 1 & mask) {
      const home = this.#slots.main[(places[place] - 1) * MAIN_WORDS + M_HASH] & mask;
      if ((place - home & mask) < (place - hole & mask)) continue;
      places[hole] = places[place];
      hole = place;
    }
    places[hole] = 0;
    this.#count--;
  }

  #put(slot: number): void {
    let place = this.#slots.main[slot * MAIN_WORDS + M_HASH] & this.#mask;
    while (this.#places[place] !== 0) place = place + 1 & this.#mask;
    this.#places[place] = slot + 1;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Int32Array(old.length * 2);
    this.#mask = this.#places.length - 1;
    for (const place of old) {
      if (place !== 0) this.#put(place - 1);
    }
    old.buffer.transfer(0);
  }
}

/** True when the slot has the key with these words. */
export function hasKey(main: Int32Array, slot: number, words: Int32Array): boolean {
  const base = slot * MAIN_WORDS + M_KEY;
  for (let i = 0; i < IPV4_KEY_WORDS; i++) {
    if (main[base + i] !== words[i]) return false;
  }
  if ((words[KEY_META] & META_IS_IPV6) === 0) return true;
  for (let i = IPV4_KEY_WORDS; i < KEY_WORDS; i++) {
    if (main[base + i] !== words[i]) return false;
  }
  return true;
}
