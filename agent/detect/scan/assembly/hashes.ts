/**
 * Hashes of the two ends of a contact, computed once for all tables that look it up: two for each address, which are
 * independent of each other. An address is hashed as the exclusive or of its words, each times an odd number (the primes of
 * xxHash and MurmurHash3); what is mixed of several is spread over all bits as in MurmurHash3 (Appleby).
 */

/** First hash of the address at `address`. */
@inline
export function hashAddress0(address: usize): i32 {
  return load<i32>(address) * 0x9e3779b1 ^ load<i32>(address, 4) * 0x85ebca77 ^
    load<i32>(address, 8) * 0xc2b2ae3d ^ load<i32>(address, 12) * 0x27d4eb2f;
}

/** Second hash of it. */
@inline
export function hashAddress1(address: usize): i32 {
  return load<i32>(address) * 0xcc9e2d51 ^ load<i32>(address, 4) * 0x1b873593 ^
    load<i32>(address, 8) * 0xe6546b65 ^ load<i32>(address, 12) * 0x165667b1;
}

/** Mixes two hashes and a word into one hash: never the same for two words, where the rest is the same. */
@inline
export function mix(first: i32, second: i32, word: i32): i32 {
  let hash = <u32> (first ^ word) * 0x9e3779b1;
  hash = (hash ^ hash >> 15 ^ <u32> second) * 0x85ebca6b;
  return <i32> (hash ^ hash >> 16);
}
