/** 64-bit hashes of addresses, numbers and names: multiplications by odd constants, and MurmurHash3's finalizer. */

const FIRST: u64 = 0x9e3779b97f4a7c15;
const SECOND: u64 = 0xc2b2ae3d27d4eb4f;

/** Of the four words of an address. */
@inline
export function hashAddress(address: usize): u64 {
  return finish(load<u64>(address) * FIRST ^ rotl<u64>(load<u64>(address, 8) * SECOND, 29));
}

/** Of `length` words. */
export function hashWords(at: usize, length: i32): u64 {
  let hash = FIRST;
  for (let index = 0; index < length; index++) {
    hash = (hash ^ load<u32>(at + (index << 2))) * SECOND;
    hash ^= hash >> 32;
  }
  return hash;
}

/**
 * The fingerprint of something that has a hash and a number, of what a kind and an owner say. Its upper word is never 0: see
 * fingerprints.ts.
 */
@inline
export function fingerprint(kind: i32, owner: i32, hash: u64, number: i32): u64 {
  const whose = (<u64> <u32> owner << 4 | <u64> kind) * FIRST;
  return finish((hash ^ whose) + <u64> <u32> number * SECOND) | <u64> 1 << 32;
}

/** (Appleby, public domain.) */
@inline
function finish(hash: u64): u64 {
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  return hash ^ hash >> 33;
}
