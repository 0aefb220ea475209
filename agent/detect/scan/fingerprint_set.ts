/**
 * A set that remembers keys for a while, four bytes each: of two independent hashes of a key, which the caller gives, one
 * says where and the other is stored. Two generations; when
 * the younger one is old or nearly full it becomes the older one, whose keys are forgotten. A key is remembered for one
 * to two periods. Two keys are taken for one with a chance of about 1 in 10^9 a look-up.
 */
export interface FingerprintSetOptions {
  /** Places of a generation; a power of two. */
  readonly capacity: number;
  readonly periodUs: number;
}

export class FingerprintSet {
  /** Times that a generation was full before its time. */
  forgottenCount = 0;
  readonly #periodUs: number;
  readonly #mask: number;
  readonly #countMax: number;
  #young: Int32Array;
  #old: Int32Array;
  #count = 0;
  #oldCount = 0;
  #startUs = -Infinity;

  constructor({ capacity, periodUs }: FingerprintSetOptions) {
    if (capacity < 2 || (capacity & capacity - 1) !== 0) {
      throw new RangeError(`Cannot make set: capacity must be a power of two, got ${capacity}`);
    }
    this.#periodUs = periodUs;
    this.#mask = capacity - 1;
    this.#countMax = capacity * 3 / 4;
    this.#young = new Int32Array(capacity);
    this.#old = new Int32Array(capacity);
  }

  get stateBytes(): number {
    return this.#young.byteLength + this.#old.byteLength;
  }

  /** Lets time pass; times that go back by more than a period (joined files) forget too. */
  advance(nowUs: number): void {
    if (this.#startUs === -Infinity) this.#startUs = nowUs;
    if (Math.abs(nowUs - this.#startUs) < this.#periodUs) return;
    if (Math.abs(nowUs - this.#startUs) >= 2 * this.#periodUs) this.#turn();
    this.#turn();
    this.#startUs = nowUs;
  }

  has(placeHash: number, fingerprint: number): boolean {
    const stored = fingerprint || 1;
    return this.#count > 0 && this.#find(this.#young, placeHash, stored) < 0 ||
      this.#oldCount > 0 && this.#find(this.#old, placeHash, stored) < 0;
  }

  /** Remembers the key; returns whether it was there before. */
  add(placeHash: number, fingerprint: number): boolean {
    const stored = fingerprint || 1;
    let place = this.#find(this.#young, placeHash, stored);
    if (place < 0) return true;
    const wasKnown = this.#oldCount > 0 && this.#find(this.#old, placeHash, stored) < 0;
    if (this.#count >= this.#countMax) {
      this.forgottenCount++;
      this.#turn();
      place = placeHash & this.#mask;
    }
    this.#young[place] = stored;
    this.#count++;
    return wasKnown;
  }

  /** -1 when the fingerprint is there, else the empty place where it belongs. */
  #find(generation: Int32Array, placeHash: number, fingerprint: number): number {
    const mask = this.#mask;
    let place = placeHash & mask;
    for (;;) {
      const stored = generation[place];
      if (stored === 0) return place;
      if (stored === fingerprint) return -1;
      place = place + 1 & mask;
    }
  }

  #turn(): void {
    const old = this.#old;
    this.#old = this.#young;
    this.#young = old.fill(0);
    this.#oldCount = this.#count;
    this.#count = 0;
  }
}
