/**
 * HalfSipHash-1-3 (Aumasson and Bernstein 2012; the 32-bit variant, one round a word and three at the end) of a flow
 * key. Without the seed nobody can choose addresses and ports that fall into one place of the table.
 */
import { type FlowKey, META_IS_IPV6 } from "./five_tuple.ts";

export class KeyHash {
  readonly #seed0: number;
  readonly #seed1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** Two 32-bit words. A live capture passes random ones, a file replays the same with fixed ones. */
  constructor(seed0: number, seed1: number) {
    this.#seed0 = seed0 | 0;
    this.#seed1 = seed1 | 0;
  }

  /** A 32-bit signed integer. Of IPv4 addresses only the word that differs is read. */
  hash(key: FlowKey): number {
    this.#v0 = this.#seed0;
    this.#v1 = this.#seed1;
    this.#v2 = this.#seed0 ^ 0x6c796765;
    this.#v3 = this.#seed1 ^ 0x74656462;
    this.#mix(key.low3);
    this.#mix(key.high3);
    this.#mix(key.ports);
    this.#mix(key.meta);
    if ((key.meta & META_IS_IPV6) !== 0) {
      this.#mix(key.low0);
      this.#mix(key.low1);
      this.#mix(key.low2);
      this.#mix(key.high0);
      this.#mix(key.high1);
      this.#mix(key.high2);
    }
    this.#v2 ^= 0xff;
    this.#round();
    this.#round();
    this.#round();
    return this.#v1 ^ this.#v3;
  }

  #mix(word: number): void {
    this.#v3 ^= word;
    this.#round();
    this.#v0 ^= word;
  }

  #round(): void {
    let v0 = this.#v0, v1 = this.#v1, v2 = this.#v2, v3 = this.#v3;
    v0 = v0 + v1 | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = v2 + v3 | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = v0 + v3 | 0;
    v3 = (v3 << 7 | v3 >>> 25) ^ v0;
    v2 = v2 + v1 | 0;
    v1 = (v1 << 13 | v1 >>> 19) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
