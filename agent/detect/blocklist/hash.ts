/**
 * 64-bit hashes of a list's entries, as two lanes of 32 bits. Two of millions of entries share one by chance once in a million
 * lists; the seed, drawn anew for each program, keeps others from choosing such entries.
 */
export class EntryHash {
  lane0 = 0;
  lane1 = 0;
  readonly #seed0: number;
  readonly #seed1: number;
  #state0 = 0;
  #state1 = 0;

  constructor(seed: number) {
    this.#seed0 = Math.imul(seed | 1, 0x9e3779b1);
    this.#seed1 = Math.imul(seed ^ 0x85ebca6b, 0xc2b2ae35);
  }

  begin(kind: number): void {
    this.#state0 = this.#seed0 ^ kind;
    this.#state1 = this.#seed1 + kind | 0;
  }

  /** Takes a word or a byte. */
  add(word: number): void {
    const state0 = Math.imul(this.#state0 ^ word, 0x01000193);
    this.#state0 = state0 ^ state0 >>> 15;
    const state1 = Math.imul(this.#state1 + word | 0, 0x85ebca6b);
    this.#state1 = (state1 << 13 | state1 >>> 19) + 0x38b34ae5 | 0;
  }

  /** Puts the hash of what has been taken into the lanes; more may follow. */
  read(): void {
    this.lane0 = mix(this.#state0 ^ this.#state1 >>> 7);
    this.lane1 = mix(this.#state1 + Math.imul(this.#state0, 0x27d4eb2f) | 0);
  }
}

/** The finaliser of MurmurHash3 (Appleby). */
function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
