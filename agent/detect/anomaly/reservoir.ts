/**
 * Windows kept to learn from: a random sample of those seen (Vitter 1985, algorithm R) that forgets: past eight times
 * its size the chance to get in falls no further, so the sample follows the network as it changes.
 */
import type { Prng } from "../common/prng.ts";
import { FEATURE_COUNT } from "./features.ts";

const rowsMax = 4096;
const fadingFrom = 8 * rowsMax;

export class Reservoir {
  /** Windows offered so far. */
  seenCount = 0;
  readonly #rows = new Float64Array(rowsMax * FEATURE_COUNT);
  readonly #prng: Prng;
  #count = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get stateBytes(): number {
    return this.#rows.byteLength;
  }

  get count(): number {
    return this.#count;
  }

  /** The rows in use; valid until the next add(). */
  get rows(): Float64Array {
    return this.#rows.subarray(0, this.#count * FEATURE_COUNT);
  }

  /** Offers a row, which is copied. */
  add(row: Float64Array): void {
    this.seenCount++;
    const isFull = this.#count === rowsMax;
    const place = isFull ? this.#prng.below(Math.min(this.seenCount, fadingFrom)) : this.#count++;
    if (place < rowsMax) this.#rows.set(row, place * FEATURE_COUNT);
  }

  /** Takes up the rows of an earlier run, in place of all. */
  restore(rows: Float32Array, seenCount: number): void {
    this.#rows.set(rows);
    this.#count = rows.length / FEATURE_COUNT;
    this.seenCount = seenCount;
  }
}

export const RESERVOIR_ROWS_MAX = rowsMax;
