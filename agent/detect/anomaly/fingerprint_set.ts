/**
 * A bounded set of things known by 64 bits of their hash: who has met whom. Two different things share a fingerprint with
 * a chance of one in 10^9 even when the set is full. Open addressing, linear probing, at most half full; then it takes
 * no more.
 */
export class FingerprintSet {
  readonly #capacity: number;
  readonly #entries: Int32Array;
  readonly #mask: number;
  #count = 0;
  #high = 0;
  #low = 0;

  /** `capacity`: a power of two, most entries. 16 bytes each. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#entries = new Int32Array(capacity * 4);
    this.#mask = capacity * 2 - 1;
  }

  get stateBytes(): number {
    return this.#entries.byteLength;
  }

  get isFull(): boolean {
    return this.#count === this.#capacity;
  }

  clear(): void {
    if (this.#count > 0) this.#entries.fill(0);
    this.#count = 0;
  }

  /** Begins a fingerprint with a number that says what kind of thing it is of. */
  begin(kind: number): this {
    this.#high = 0x2f0b4c47;
    this.#low = 0x165667b1;
    return this.mix(kind);
  }

  mix(word: number): this {
    const high = Math.imul(this.#high ^ word, 0xcc9e2d51);
    const low = Math.imul(this.#low + word | 0, 0x85ebca6b);
    this.#high = high << 15 ^ high >>> 17 ^ low;
    this.#low = low << 13 ^ low >>> 19;
    return this;
  }

  /** Whether the fingerprint is in the set. */
  get has(): boolean {
    return this.#entries[this.#place() * 2 + 1] !== 0;
  }

  /** Adds the fingerprint; false when it was there, or when the set is full. */
  add(): boolean {
    if (this.isFull) return false;
    const at = this.#place() * 2;
    if (this.#entries[at + 1] !== 0) return false;
    this.#entries[at] = this.#finalHigh();
    this.#entries[at + 1] = this.#finalLow();
    this.#count++;
    return true;
  }

  /** Where the fingerprint is or belongs. */
  #place(): number {
    const entries = this.#entries;
    const high = this.#finalHigh();
    const low = this.#finalLow();
    let place = high & this.#mask;
    while (entries[place * 2 + 1] !== 0) {
      if (entries[place * 2] === high && entries[place * 2 + 1] === low) return place;
      place = place + 1 & this.#mask;
    }
    return place;
  }

  #finalHigh(): number {
    return finish(this.#high);
  }

  /** Never 0, which marks an empty place. */
  #finalLow(): number {
    return finish(this.#low ^ this.#high << 7) | 1;
  }
}

/** MurmurHash3's finalizer (Appleby, public domain). */
function finish(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
