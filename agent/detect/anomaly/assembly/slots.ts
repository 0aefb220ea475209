/**
 * Slots of hosts by address: KeyedSlots (agent/detect/keyed_slots.ts) with keys of four words,
 * and their hashes given.
 */
import {
  HOSTS_MAX,
  SLOT_FREE_AT,
  SLOT_HASHES_AT,
  SLOT_INDEX_AT,
  SLOT_KEYS_AT,
  SLOT_LINKS_AT,
} from "../activity_layout";

/** At most half of the places of the index are taken. */
const MASK: i32 = HOSTS_MAX * 2 - 1;

let freeCount: i32 = 0;
let forgotten: i32 = 0;
let isAdded: bool = false;

@inline
function word(array: usize, index: i32): i32 {
  return load<i32>(array + (index << 2));
}

@inline
function setWord(array: usize, index: i32, value: i32): void {
  store<i32>(array + (index << 2), value);
}

export function makeSlots(): void {
  memory.fill(SLOT_INDEX_AT, 0xff, <usize> (MASK + 1) << 2);
  setWord(SLOT_LINKS_AT, HOSTS_MAX * 2, HOSTS_MAX);
  setWord(SLOT_LINKS_AT, HOSTS_MAX * 2 + 1, HOSTS_MAX);
  for (let index = 0; index < HOSTS_MAX; index++) {
    setWord(SLOT_FREE_AT, index, HOSTS_MAX - 1 - index);
  }
  freeCount = HOSTS_MAX;
}

/** Slots taken over because the table was full. */
export function forgottenSlots(): i32 {
  return forgotten;
}

@inline
export function slotCount(): i32 {
  return HOSTS_MAX - freeCount;
}

/** Whether the last addSlot() added the address. */
@inline
export function isSlotNew(): bool {
  return isAdded;
}

/** Slot of the address at `key`, -1 when it is not there. Does not count as use. */
export function findSlot(key: usize, hash: u64): i32 {
  return word(SLOT_INDEX_AT, place(key, <i32> hash));
}

/** Slot of the address at `key`, added when it is not there, and now the one used last. */
export function addSlot(key: usize, hash: u64): i32 {
  const hashed = <i32> hash;
  let at = place(key, hashed);
  const found = word(SLOT_INDEX_AT, at);
  isAdded = found < 0;
  if (found >= 0) {
    if (word(SLOT_LINKS_AT, HOSTS_MAX * 2) != found) {
      unlink(found);
      append(found);
    }
    return found;
  }
  if (freeCount == 0) {
    forgotten++;
    remove(word(SLOT_LINKS_AT, HOSTS_MAX * 2 + 1));
    // Removing shifts the index.
    at = place(key, hashed);
  }
  return insert(at, hashed, key);
}

/** Place in the index of the address, or the empty one where it belongs. */
function place(key: usize, hashed: i32): i32 {
  const high = load<i64>(key);
  const low = load<i64>(key, 8);
  let at = hashed & MASK;
  while (true) {
    const slot = word(SLOT_INDEX_AT, at);
    if (slot < 0) return at;
    const own = SLOT_KEYS_AT + (slot << 4);
    if (load<i64>(own, 8) == low && load<i64>(own) == high) return at;
    at = at + 1 & MASK;
  }
}

function insert(at: i32, hashed: i32, key: usize): i32 {
  const slot = word(SLOT_FREE_AT, --freeCount);
  const own = SLOT_KEYS_AT + (slot << 4);
  store<i64>(own, load<i64>(key));
  store<i64>(own, load<i64>(key, 8), 8);
  setWord(SLOT_HASHES_AT, slot, hashed);
  setWord(SLOT_INDEX_AT, at, slot);
  append(slot);
  return slot;
}

function remove(slot: i32): void {
  unlink(slot);
  removeFromIndex(slot);
  setWord(SLOT_FREE_AT, freeCount++, slot);
}

/** Backward-shift deletion (Knuth, TAOCP vol. 3, section 6.4, algorithm R). */
function removeFromIndex(slot: i32): void {
  let hole = word(SLOT_HASHES_AT, slot) & MASK;
  while (word(SLOT_INDEX_AT, hole) != slot) hole = hole + 1 & MASK;
  let next = hole;
  while (true) {
    next = next + 1 & MASK;
    const other = word(SLOT_INDEX_AT, next);
    if (other < 0) break;
    const home = word(SLOT_HASHES_AT, other) & MASK;
    if ((next - home & MASK) >= (next - hole & MASK)) {
      setWord(SLOT_INDEX_AT, hole, other);
      hole = next;
    }
  }
  setWord(SLOT_INDEX_AT, hole, -1);
}

/** Links are previous and next in order of use; node HOSTS_MAX is the head: next is the oldest, previous the newest. */
function unlink(slot: i32): void {
  const previous = word(SLOT_LINKS_AT, slot * 2);
  const next = word(SLOT_LINKS_AT, slot * 2 + 1);
  setWord(SLOT_LINKS_AT, previous * 2 + 1, next);
  setWord(SLOT_LINKS_AT, next * 2, previous);
}

function append(slot: i32): void {
  const last = word(SLOT_LINKS_AT, HOSTS_MAX * 2);
  setWord(SLOT_LINKS_AT, slot * 2, last);
  setWord(SLOT_LINKS_AT, slot * 2 + 1, HOSTS_MAX);
  setWord(SLOT_LINKS_AT, last * 2 + 1, slot);
  setWord(SLOT_LINKS_AT, HOSTS_MAX * 2, slot);
}
