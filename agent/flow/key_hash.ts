/**
 * HalfSipHash-1-3 (Aumasson and Bernstein 2012; the 32-bit variant, one round a word and three at the end) of a flow
 * key. Without the seed nobody can choose addresses and ports that fall into one place of the table.
 */
import { IPV4_KEY_WORDS, KEY_META, KEY_WORDS, META_IS_IPV6 } from "./five_tuple.ts";

const finalRounds = 3;

/**
 * A 32-bit signed integer for the words of a FlowKey. The seed is two 32-bit words: random ones for a live capture,
 * fixed ones make a file repeat exactly.
 */
export function hashFlowKey(words: Int32Array, seed0: number, seed1: number): number {
  const count = (words[KEY_META] & META_IS_IPV6) !== 0 ? KEY_WORDS : IPV4_KEY_WORDS;
  let v0 = seed0 | 0;
  let v1 = seed1 | 0;
  let v2 = seed0 ^ 0x6c796765;
  let v3 = seed1 ^ 0x74656462;
  for (let i = 0; i < count + finalRounds; i++) {
    const word = i < count ? words[i] : 0;
    if (i === count) v2 ^= 0xff;
    v3 ^= word;
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
    v0 ^= word;
  }
  return v1 ^ v3;
}
