/** Look-up in tables (slots.ts) whose records begin with their key, of an even number of words, and its hash. */
import { indexOf, insertAt, maskOf, recordOf } from "./slots";

/** The slot of the key at an address; 0 when it is not there. Does not count as use. */
export function findKey(table: usize, key: usize, keyWords: i32): usize {
  const slot = load<i32>(placeOf(table, key, keyWords, hashOf(key, keyWords))) - 1;
  return slot < 0 ? 0 : recordOf(table, slot);
}

/** A slot, now the one used last, for a key that is not there; the table must not be full. */
export function insertKey(table: usize, key: usize, keyWords: i32): usize {
  const hash = hashOf(key, keyWords);
  const record = insertAt(table, placeOf(table, key, keyWords, hash), hash);
  for (let at = 0; at < keyWords << 2; at += 8) store<i64>(record + at, load<i64>(key + at));
  return record;
}

/** Place in the index of the key, or the empty one where it belongs. */
function placeOf(table: usize, key: usize, keyWords: i32, hash: i32): usize {
  const index = indexOf(table);
  const mask = maskOf(table);
  let place = hash & mask;
  while (true) {
    const at = index + (place << 2);
    const slot = load<i32>(at) - 1;
    if (slot < 0) return at;
    const record = recordOf(table, slot);
    if (load<i32>(record + (keyWords << 2)) == hash && isKey(record, key, keyWords)) return at;
    place = place + 1 & mask;
  }
}

function isKey(record: usize, key: usize, keyWords: i32): bool {
  for (let at = 0; at < keyWords << 2; at += 8) {
    if (load<i64>(record + at) != load<i64>(key + at)) return false;
  }
  return true;
}

/** Two words at a time multiplied in and spread, as FNV-1a does with bytes. */
function hashOf(key: usize, keyWords: i32): i32 {
  let hash: u64 = 0x9e3779b97f4a7c15;
  for (let at = 0; at < keyWords << 2; at += 8) {
    hash = (hash ^ load<u64>(key + at)) * 0xc2b2ae3d27d4eb4f;
    hash ^= hash >> 32;
  }
  return <i32> hash;
}
