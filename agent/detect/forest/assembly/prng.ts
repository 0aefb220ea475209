/** The same numbers as agent/detect/prng.ts, where it says what they are. */
let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let d: u32 = 0;
let state: u32 = 0;

export function seedPrng(seed: i32): void {
  state = seed;
  a = word();
  b = word();
  c = word();
  d = word() | 1;
}

/** In [0, 1), in steps of 2^-32. */
@inline
export function fraction(): f64 {
  return <f64> next() / 4294967296;
}

/** A whole number in [0, limit). */
@inline
export function below(limit: i32): i32 {
  return <i32> (fraction() * <f64> limit);
}

function word(): u32 {
  state += 0x9e3779b9;
  let mixed = (state ^ state >> 16) * 0x21f0aaad;
  mixed = (mixed ^ mixed >> 15) * 0x735a2d97;
  return mixed ^ mixed >> 15;
}

function next(): u32 {
  const result = rotl<u32>(b * 5, 7) * 9;
  const shifted = b << 9;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = rotl<u32>(d, 11);
  return result;
}
