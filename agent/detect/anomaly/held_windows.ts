/**
 * The windows of a file that wait to be judged at its end: the features of all of them, and of those that can be anomalous
 * what is to be told.
 */
import { FEATURE_COUNT } from "./features.ts";
import type { JudgedWindow } from "./judged_window.ts";

/** About what a described window takes. */
const describedBytes = 1000;

export class HeldWindows {
  #count = 0;
  #vectors = new Float64Array(1024 * FEATURE_COUNT);
  #times = new Float64Array(1024);
  #areLinks = new Uint8Array(1024);
  readonly #described = new Map<number, JudgedWindow>();

  get count(): number {
    return this.#count;
  }

  get stateBytes(): number {
    return this.#vectors.byteLength + this.#times.byteLength + this.#areLinks.byteLength +
      this.#described.size * describedBytes;
  }

  /** Holds a window; `vector` is copied. */
  add(tsUs: number, isLink: boolean, vector: Float64Array, described: JudgedWindow | null): void {
    const index = this.#count++;
    if (index === this.#times.length) this.#grow();
    const base = index * FEATURE_COUNT;
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      this.#vectors[base + feature] = vector[feature];
    }
    this.#times[index] = tsUs;
    this.#areLinks[index] = isLink ? 1 : 0;
    if (described !== null) this.#described.set(index, described);
  }

  tsUs(index: number): number {
    return this.#times[index];
  }

  /** Whether it is a window of all hosts together. */
  isLink(index: number): boolean {
    return this.#areLinks[index] === 1;
  }

  /** The features of all that are held, one window after the other; valid until the next add(). */
  get vectors(): Float64Array {
    return this.#vectors;
  }

  /** Null for one that cannot be anomalous. */
  described(index: number): JudgedWindow | null {
    return this.#described.get(index) ?? null;
  }

  #grow(): void {
    const size = this.#times.length * 2;
    const [vectors, times, areLinks] = [this.#vectors, this.#times, this.#areLinks];
    this.#vectors = new Float64Array(size * FEATURE_COUNT);
    this.#vectors.set(vectors);
    this.#times = new Float64Array(size);
    this.#times.set(times);
    this.#areLinks = new Uint8Array(size);
    this.#areLinks.set(areLinks);
  }
}
