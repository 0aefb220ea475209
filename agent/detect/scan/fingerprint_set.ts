/**
 * A set that remembers keys for a while, four bytes each: a hash says where, another is stored. Two generations; when
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
  #place = 0;
  #fingerprint = 0;

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

  /** Whether the key of the first `length` words is remembered. */
  has(key: Int32Array, length: number): boolean {
    if (this.#count + this.#oldCount === 0) return false;
    this.#hash(key, length);
    return this.#holds(this.#young) || this.#holds(this.#old);
  }

  /** Remembers the key; returns whether it was there before. */
  add(key: Int32Array, length: number): boolean {
    this.#hash(key, length);
    if (this.#holds(this.#young)) return true;
    const wasKnown = this.#holds(this.#old);
    if (this.#count >= this.#countMax) {
      this.forgottenCount++;
      this.#turn();
    }
    const young = this.#young;
    let place = this.#place;
    while (young[place] !== 0) place = place + 1 & this.#mask;
    young[place] = this.#fingerprint;
    this.#count++;
    return wasKnown;
  }

  #holds(generation: Int32Array): boolean {
    let place = this.#place;
    for (;;) {
      const stored = generation[place];
      if (stored === 0) return false;
      if (stored === this.#fingerprint) return true;
      place = place + 1 & this.#mask;
    }
  }

  #turn(): void {
    const old = this.#old;
    this.#old = this.#young;
    this.#young = old.fill(0);
    this.#oldCount = this.#count;
    this.#count = 0;
  }

  /** Two hashes of the key, mixed as in MurmurHash3 (Appleby, public domain). */
  #hash(key: Int32Array, length: number): void {
    let a = 0x2545f491;
    let b = 0x1b873593;
    for (let word = 0; word < length; word++) {
      const value = Math.imul(key[word], 0xcc9e2d51);
      a = Math.imul(a ^ (value << 15 | value >>> 17), 0x85ebca6b);
      a ^= a >>> 13;
      b = Math.imul(b ^ value, 0xc2b2ae35);
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ a >>> 16, 0x9e3779b1);
    b = Math.imul(b ^ b >>> 13, 0x27d4eb2f);
    this.#place = (a ^ a >>> 15) & this.#mask;
    this.#fingerprint = (b ^ b >>> 16) || 1;
  }
}
