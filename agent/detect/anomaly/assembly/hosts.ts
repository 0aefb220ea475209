/** The hosts of the window in progress: their slots, counters, what is different among their things, flows and peers. */
import {
  ACTIVE_AT,
  BEGUN_IN_AT,
  COUNT_WIDTH,
  COUNTS_AT,
  DISTINCT_AT,
  DISTINCT_MAX,
  DISTINCT_SET_AT,
  DOOR_AT,
  DOOR_BYTES,
  FLOW_COUNTS_AT,
  FLOW_IDS_AT,
  FLOWS_KEPT,
  HOSTS_MAX,
  PEER_WORDS,
  PEERS_AT,
  PEERS_KEPT,
  TENANTS_AT,
} from "../activity_layout";
import { addTo, clearSet, makeSet } from "./fingerprints";
import { fingerprint } from "./hashes";
import { addSlot, findSlot, isSlotNew, slotCount } from "./slots";

/** Slot of all hosts together. */
export const LINK: i32 = HOSTS_MAX;
/** Fuller than this, a new host needs a second contact, so that forged sources do not push out the others. */
const CROWDED_AT: i32 = HOSTS_MAX / 2;

let window: i32 = 1;
let activeCount: i32 = 0;
/** Tells apart the hosts that had the same slot in one window. */
let tenantCount: i32 = 0;

export function makeHosts(): void {
  makeSet(DISTINCT_SET_AT, DISTINCT_AT, DISTINCT_MAX);
}

/** Number of the window in progress. */
export function windowNumber(): i32 {
  return window;
}

export function hostCount(): i32 {
  return activeCount;
}

/** Forgets the window. */
export function clear(): void {
  activeCount = 0;
  window++;
  clearSet(DISTINCT_SET_AT);
  memory.fill(DOOR_AT, 0, DOOR_BYTES);
  beginSlot(LINK);
}

/** Slot of the host at `address`, begun in this window; -1 while it is crowded and the host was seen only once. */
export function enter(address: usize, hash: u64): i32 {
  if (slotCount() <= CROWDED_AT || findSlot(address, hash) >= 0) return add(address, hash);
  return isAtDoorAgain(address) ? add(address, hash) : -1;
}

function isAtDoorAgain(address: usize): bool {
  const mixed = (load<u32>(address, 12) ^ load<u32>(address, 4) * 0x85ebca6b) * 0x9e3779b1 ^
    load<u32>(address, 8) * 0xc2b2ae35 ^ load<u32>(address);
  const bit = mixed >> 12;
  const at = DOOR_AT + (bit >> 5 << 2);
  const bits = load<u32>(at);
  store<u32>(at, bits | <u32> 1 << (bit & 31));
  return (bits >> (bit & 31) & 1) != 0;
}

/** Slot of the host, begun in this window. */
export function add(address: usize, hash: u64): i32 {
  const slot = addSlot(address, hash);
  const wasActive = isBegun(slot);
  if (!isSlotNew() && wasActive) return slot;
  if (!wasActive) store<i32>(ACTIVE_AT + (activeCount++ << 2), slot);
  store<i32>(BEGUN_IN_AT + (slot << 2), window);
  beginSlot(slot);
  return slot;
}

@inline
export function isBegun(slot: i32): bool {
  return slot >= 0 && load<i32>(BEGUN_IN_AT + (slot << 2)) == window;
}

function beginSlot(slot: i32): void {
  memory.fill(COUNTS_AT + slot * COUNT_WIDTH * 8, 0, COUNT_WIDTH * 8);
  memory.fill(PEERS_AT + slot * PEERS_KEPT * PEER_WORDS * 4, 0, PEERS_KEPT * PEER_WORDS * 4);
  store<u8>(FLOW_COUNTS_AT + slot, 0);
  store<i32>(TENANTS_AT + (slot << 2), ++tenantCount);
}

@inline
export function count(slot: i32, counter: i32, more: f64 = 1): void {
  const at = COUNTS_AT + (slot * COUNT_WIDTH + counter) * 8;
  store<f64>(at, load<f64>(at) + more);
}

@inline
export function setCount(slot: i32, counter: i32, value: f64): void {
  store<f64>(COUNTS_AT + (slot * COUNT_WIDTH + counter) * 8, value);
}

/** Whether the host has had nothing of that kind, hash and number in this window; false when there is no room for more. */
export function isDifferent(slot: i32, kind: i32, hash: u64, number: i32): bool {
  const tenant = load<i32>(TENANTS_AT + (slot << 2));
  return addTo(DISTINCT_SET_AT, fingerprint(kind, tenant, hash, number));
}

export function keepFlow(slot: i32, flowId: i32): void {
  if (slot < 0 || flowId == 0) return;
  const kept = <i32> load<u8>(FLOW_COUNTS_AT + slot);
  if (kept == FLOWS_KEPT) return;
  store<i32>(FLOW_IDS_AT + (slot * FLOWS_KEPT + kept << 2), flowId);
  store<u8>(FLOW_COUNTS_AT + slot, <u8> (kept + 1));
}

/** Keeps the peers with most connections, about (space saving; Metwally et al. 2005). */
export function keepPeer(slot: i32, address: usize): void {
  const high = load<i64>(address);
  const low = load<i64>(address, 8);
  let place: usize = PEERS_AT + slot * PEERS_KEPT * PEER_WORDS * 4;
  let least = place;
  for (let peer = 0; peer < PEERS_KEPT; peer++) {
    const connections = load<i32>(place, 16);
    const isSame = load<i64>(place, 8) == low && load<i64>(place) == high;
    if (isSame && connections > 0) {
      store<i32>(place, connections + 1, 16);
      return;
    }
    if (connections < load<i32>(least, 16)) least = place;
    place += PEER_WORDS * 4;
  }
  store<i64>(least, high);
  store<i64>(least, low, 8);
  store<i32>(least, load<i32>(least, 16) + 1, 16);
}

