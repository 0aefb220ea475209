/**
 * Random numbers that repeat: xoshiro128** 1.1 (Blackman and Vigna 2018), its state filled from one seed by SplitMix32.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Of `seed` the low 32 bits count. */
  constructor(seed: number) {
    let state = seed | 0;
    const word = () => {
      state = state + 0x9e3779b9 | 0;
      let mixed = Math.imul(state ^ state >>> 16, 0x21f0aaad);
      mixed = Math.imul(mixed ^ mixed >>> 15, 0x735a2d97);
      return mixed ^ mixed >>> 15;
    };
    this.#a = word();
    this.#b = word();
    this.#c = word();
    this.#d = word() | 1;
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const times5 = Math.imul(this.#b, 5);
    const result = Math.imul(times5 << 7 | times5 >>> 25, 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = this.#d << 11 | this.#d >>> 21;
    return result >>> 0;
  }

  /** In [0, 1), in steps of 2^-32. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number in [0, limit); `limit` at most 2^32. Its bias is below limit / 2^32. */
  below(limit: number): number {
    return Math.floor(this.next() / 2 ** 32 * limit);
  }
}
