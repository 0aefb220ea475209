/**
 * Slots of bounded tables: KeyedSlots (agent/detect/keyed_slots.ts) in linear memory. A table is known by the address of its
 * words, a slot by the address of its record, of which only the owner knows the key. An index holds numbers of slots + 1
 * at the places of their hashes (linear probing, at most half full; 0 is an empty place), and a list their order of use.
 *
 * The index has room for all slots, and only its first part is used while there are fewer: the cache holds what is small.
 */
const RECORDS: usize = 0;
const RECORD_BYTES: usize = 4;
/** Where in a record its hash lies, in bytes. */
const HASH: usize = 8;
const INDEX: usize = 12;
const LINKS: usize = 16;
const CAPACITY: usize = 20;
const COUNT: usize = 24;
/** Slots from here on were never used. */
const UNUSED: usize = 28;
/** Number + 1 of the slot removed last, linked to the one removed before; 0 when all used slots are in use. */
const REMOVED: usize = 32;
/** Places of the index in use - 1. */
const MASK: usize = 36;
const PLACES_AT_START: i32 = 1024;
/** Of a link. */
const PREVIOUS: usize = 0;
const NEXT: usize = 4;

/** An empty table of `capacity` slots (a power of two); the link after the last one is the head of the list. */
export function makeTable(
  table: usize,
  records: usize,
  recordBytes: i32,
  hash: i32,
  index: usize,
  links: usize,
  capacity: i32,
): void {
  store<usize>(table, records, RECORDS);
  store<i32>(table, recordBytes, RECORD_BYTES);
  store<i32>(table, hash, HASH);
  store<usize>(table, index, INDEX);
  store<usize>(table, links, LINKS);
  store<i32>(table, capacity, CAPACITY);
  store<i32>(table, min(PLACES_AT_START, capacity << 1) - 1, MASK);
  store<i32>(links + (capacity << 3), capacity, PREVIOUS);
  store<i32>(links + (capacity << 3), capacity, NEXT);
}

@inline
export function countOf(table: usize): i32 {
  return load<i32>(table, COUNT);
}

@inline
export function isFull(table: usize): bool {
  return countOf(table) == load<i32>(table, CAPACITY);
}

/** The slot untouched for longest; 0 when the table is empty. */
export function oldestOf(table: usize): usize {
  const capacity = load<i32>(table, CAPACITY);
  const slot = load<i32>(load<usize>(table, LINKS) + (capacity << 3), NEXT);
  return slot == capacity ? 0 : recordOf(table, slot);
}

/**
 * A slot, now the one used last, for the key with this hash, whose place in the index is at `place`; the table must not be
 * full. Places in the index may shift.
 */
export function insertAt(table: usize, place: usize, hash: i32): usize {
  const slot = freeSlot(table);
  const record = recordOf(table, slot);
  store<i32>(record + load<usize>(table, HASH), hash);
  store<i32>(place, slot + 1);
  const count = countOf(table) + 1;
  store<i32>(table, count, COUNT);
  append(table, slot);
  if (count << 1 > maskOf(table) + 1) grow(table);
  return record;
}

/** Makes a slot the one used last. */
export function touch(table: usize, record: usize): void {
  const slot = slotOf(table, record);
  if (newestOf(table) == slot) return;
  unlink(table, slot);
  append(table, slot);
}

/** Forgets a slot; places in the index may shift. */
export function removeFrom(table: usize, record: usize): void {
  const slot = slotOf(table, record);
  unlink(table, slot);
  removeFromIndex(table, slot);
  store<i32>(load<usize>(table, LINKS) + (slot << 3), load<i32>(table, REMOVED), NEXT);
  store<i32>(table, slot + 1, REMOVED);
  store<i32>(table, countOf(table) - 1, COUNT);
}

/** Address of the index, and the number of its places in use - 1. */
@inline
export function indexOf(table: usize): usize {
  return load<usize>(table, INDEX);
}

@inline
export function maskOf(table: usize): i32 {
  return load<i32>(table, MASK);
}

/** The slot of a number. */
@inline
export function recordOf(table: usize, slot: i32): usize {
  return load<usize>(table, RECORDS) + slot * load<i32>(table, RECORD_BYTES);
}

@inline
function newestOf(table: usize): i32 {
  return load<i32>(load<usize>(table, LINKS) + (load<i32>(table, CAPACITY) << 3), PREVIOUS);
}

@inline
function slotOf(table: usize, record: usize): i32 {
  return <i32> (record - load<usize>(table, RECORDS)) / load<i32>(table, RECORD_BYTES);
}

function freeSlot(table: usize): i32 {
  const slot = load<i32>(table, REMOVED) - 1;
  if (slot >= 0) {
    store<i32>(table, load<i32>(load<usize>(table, LINKS) + (slot << 3), NEXT), REMOVED);
    return slot;
  }
  const unused = load<i32>(table, UNUSED);
  store<i32>(table, unused + 1, UNUSED);
  return unused;
}

/** Doubles the part of the index in use and puts every slot into it anew. */
function grow(table: usize): void {
  const index = indexOf(table);
  const size = maskOf(table) + 1;
  memory.fill(index, 0, <usize> size << 2);
  const mask = (size << 1) - 1;
  store<i32>(table, mask, MASK);
  const links = load<usize>(table, LINKS);
  const head = load<i32>(table, CAPACITY);
  for (let slot = load<i32>(links + (head << 3), NEXT); slot != head; slot = load<i32>(links + (slot << 3), NEXT)) {
    let place = hashOf(table, slot) & mask;
    while (load<i32>(index + (place << 2)) != 0) place = place + 1 & mask;
    store<i32>(index + (place << 2), slot + 1);
  }
}

/** Backward-shift deletion (Knuth, TAOCP vol. 3, section 6.4, algorithm R). */
function removeFromIndex(table: usize, slot: i32): void {
  const index = indexOf(table);
  const mask = maskOf(table);
  let hole = hashOf(table, slot) & mask;
  while (load<i32>(index + (hole << 2)) != slot + 1) hole = hole + 1 & mask;
  let next = hole;
  while (true) {
    next = next + 1 & mask;
    const other = load<i32>(index + (next << 2));
    if (other == 0) break;
    const home = hashOf(table, other - 1) & mask;
    if ((next - home & mask) >= (next - hole & mask)) {
      store<i32>(index + (hole << 2), other);
      hole = next;
    }
  }
  store<i32>(index + (hole << 2), 0);
}

@inline
function hashOf(table: usize, slot: i32): i32 {
  return load<i32>(recordOf(table, slot) + load<usize>(table, HASH));
}

function unlink(table: usize, slot: i32): void {
  const links = load<usize>(table, LINKS);
  const previous = load<i32>(links + (slot << 3), PREVIOUS);
  const next = load<i32>(links + (slot << 3), NEXT);
  store<i32>(links + (previous << 3), next, NEXT);
  store<i32>(links + (next << 3), previous, PREVIOUS);
}

function append(table: usize, slot: i32): void {
  const links = load<usize>(table, LINKS);
  const head = load<i32>(table, CAPACITY);
  const last = load<i32>(links + (head << 3), PREVIOUS);
  store<i32>(links + (slot << 3), last, PREVIOUS);
  store<i32>(links + (slot << 3), head, NEXT);
  store<i32>(links + (last << 3), slot, NEXT);
  store<i32>(links + (head << 3), slot, PREVIOUS);
}
