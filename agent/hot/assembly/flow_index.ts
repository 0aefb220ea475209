/**
 * Finds the slot of the flow key in hand: open addressing with linear probing over the hash, at most half full, deletion
 * by shifting back (Knuth, TAOCP volume 3, section 6.4, algorithm R), so that there are no tombstones.
 *
 * The places have room for the most flows from the start, and only their first part is used while there are fewer: what
 * was never touched costs no memory.
 */
import { F_HASH, F_META, SLOT_SHIFT } from "../layout";
import { hasKey } from "./flow_key";

const SIZE_AT_START: i32 = 2048;

let placesAt: usize = 0;
let slotsAt: usize = 0;
let mask: i32 = SIZE_AT_START - 1;
let count: i32 = 0;

/** Bytes of the places for `flowCountMax` flows. */
export function indexBytes(flowCountMax: i32): usize {
  let size = SIZE_AT_START;
  while (size < flowCountMax * 2) size *= 2;
  return <usize> size << 2;
}

export function makeIndex(at: usize, slots: usize): void {
  placesAt = at;
  slotsAt = slots;
}

@inline
function hashOf(slot: i32): i32 {
  return load<i32>(slotsAt + (<usize> slot << SLOT_SHIFT), F_HASH << 2);
}

/** Slot + 1; 0 is empty. */
@inline
function place(index: i32): usize {
  return placesAt + (<usize> index << 2);
}

/** The flow that has the key and was added under `hash`; 0 when there is none. */
export function findIndexed(hash: i32): usize {
  let index = hash & mask;
  while (true) {
    const slot = load<i32>(place(index)) - 1;
    if (slot < 0) return 0;
    const flow = slotsAt + (<usize> slot << SLOT_SHIFT);
    if (hasKey(flow) && load<i32>(flow, F_HASH << 2) == hash) return flow;
    index = index + 1 & mask;
  }
}

/** Adds a slot that has its key and hash and is not in the index; `used` slots were handed out so far. */
export function addToIndex(slot: i32, used: i32): void {
  if (++count * 2 > mask + 1) grow(used);
  else put(slot);
}

export function removeFromIndex(slot: i32): void {
  let hole = hashOf(slot) & mask;
  while (load<i32>(place(hole)) != slot + 1) hole = hole + 1 & mask;
  for (let index = hole + 1 & mask;; index = index + 1 & mask) {
    const other = load<i32>(place(index));
    if (other == 0) break;
    const home = hashOf(other - 1) & mask;
    if ((index - home & mask) < (index - hole & mask)) continue;
    store<i32>(place(hole), other);
    hole = index;
  }
  store<i32>(place(hole), 0);
  count--;
}

function put(slot: i32): void {
  let index = hashOf(slot) & mask;
  while (load<i32>(place(index)) != 0) index = index + 1 & mask;
  store<i32>(place(index), slot + 1);
}

/** Doubles the part in use and puts every flow that stands into it anew. */
function grow(used: i32): void {
  memory.fill(placesAt, 0, <usize> (mask + 1) << 2);
  mask = mask * 2 + 1;
  for (let slot = 0; slot < used; slot++) {
    const isFree = load<i32>(slotsAt + (<usize> slot << SLOT_SHIFT), F_META << 2) == -1;
    if (!isFree) put(slot);
  }
}
