/**
 * Bounded sets of things known by 64 bits of their hash. Two different things share a fingerprint with a chance of one in
 * 10^9 even when a set is full. Open addressing, linear probing, at most half full; an entry is 8 bytes, its upper word is
 * never 0. How many there are, and that there may be no more, is the owner's to know.
 */
let high: u32 = 0;
let low: u32 = 0;

/** Begins a fingerprint with a number that says what kind of thing it is of. */
@inline
export function begin(kind: i32): void {
  high = 0x2f0b4c47;
  low = 0x165667b1;
  mix(kind);
}

@inline
export function mix(word: i32): void {
  const mixedHigh = (high ^ <u32> word) * 0xcc9e2d51;
  const mixedLow = (low + <u32> word) * 0x85ebca6b;
  high = rotl<u32>(mixedHigh, 15) ^ mixedLow;
  low = rotl<u32>(mixedLow, 13);
}

@inline
export function mixAddress(address: usize): void {
  mix(load<i32>(address));
  mix(load<i32>(address, 4));
  mix(load<i32>(address, 8));
  mix(load<i32>(address, 12));
}

/** The finished fingerprint. */
@inline
export function fingerprint(): u64 {
  return <u64> finish(high) | <u64> (finish(low ^ high << 7) | 1) << 32;
}

/** Where the fingerprint is or belongs in the set of `mask` + 1 entries at `set`. */
export function placeOf(set: usize, mask: i32, print: u64): usize {
  let place = <i32> print & mask;
  while (true) {
    const at = set + (place << 3);
    const entry = load<u64>(at);
    if (entry == 0 || entry == print) return at;
    place = place + 1 & mask;
  }
}

/** MurmurHash3's finalizer (Appleby, public domain). */
@inline
function finish(hash: u32): u32 {
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  return hash ^ hash >> 16;
}
