/**
 * Totals of hosts: the look-up, what a packet adds, and what the detectors are told at the end of a window.
 * agent/pipeline/host_table.ts is their owner: it fills the flags, makes room and reads them.
 */
import {
  F_HOST_EPOCH,
  F_HOSTS,
  F_PACKETS,
  F_STATE,
  H_BYTES_IN,
  H_BYTES_OUT,
  H_FLAGS,
  H_LAST_SEEN_US,
  H_MAC,
  H_PACKETS_IN,
  H_PACKETS_OUT,
  HOST_BYTES,
  HOST_COUNTERS_BYTES,
  HOST_IS_GUESSED,
  HOST_IS_LISTED,
  HOST_IS_LOCAL,
  HOST_IS_RECEIVER_KNOWN,
  HOST_IS_SENDER_KNOWN,
  MAC_IS_SETTLED,
  ORIGINATOR_IS_LOCAL,
  ORIGINATOR_MAC_SEEN,
  P_DESTINATION,
  P_IP_VERSION,
  P_LINK_OFFSET,
  P_SOURCE,
  P_TUNNEL_DEPTH,
  RESPONDER_IS_LOCAL,
  RESPONDER_MAC_SEEN,
  S_HOST_COUNT,
  S_HOST_EPOCH,
  S_IS_NEW,
  S_IS_ORIGINATOR,
  STATE_AT,
  STATE_HOST_FLAGS_SHIFT,
} from "../layout";
import { hostAdded, hostsFull, macsSeen } from "./imports";
import { flagsOfMac } from "./known_macs";
import { writeHostWindow } from "./observations";
import { field, read16, read32, state } from "./words";

/** Direction of second_counter.ts. */
export const PASSING: i32 = 0;
const IN: i32 = 1;
const OUT: i32 = 2;
const INTERNAL: i32 = 3;

const SIZE_AT_START: i32 = 1024;

let rowsAt: usize = 0;
let windowTakenAt: usize = 0;
let addressesAt: usize = 0;
let placesAt: usize = 0;
/** Only the first part of the places is used while there are fewer hosts: the cache holds what is small. */
let mask: i32 = SIZE_AT_START - 1;
let hostCountMax: i32 = 0;

/**
 * Lays the table out from `at`, a multiple of 64: rows (at most 65,536), counters taken, addresses, places; returns the address
 * behind it.
 */
export function makeHosts(at: usize, countMax: i32): usize {
  hostCountMax = countMax;
  let size = SIZE_AT_START;
  while (size < countMax * 2) size *= 2;
  rowsAt = at;
  windowTakenAt = rowsAt + <usize> countMax * HOST_BYTES;
  addressesAt = windowTakenAt + <usize> countMax * HOST_COUNTERS_BYTES;
  placesAt = addressesAt + (<usize> countMax << 4);
  return placesAt + (<usize> size << 2);
}

export function hostRowsAt(): usize {
  return rowsAt;
}

/** The four counters of each host as they were when the detectors' window began. */
export function hostWindowTakenAt(): usize {
  return windowTakenAt;
}

export function hostAddressesAt(): usize {
  return addressesAt;
}

/** Row of a host, -1 when it is not in the table. */
export function findHost(word0: i32, word1: i32, word2: i32, word3: i32): i32 {
  let index = hash(word0, word1, word2, word3) & mask;
  while (true) {
    const row = load<i32>(placesAt + (index << 2)) - 1;
    if (row < 0) return -1;
    const address = addressesAt + (row << 4);
    const isSame = load<i32>(address, 12) == word3 && load<i32>(address, 8) == word2 &&
      load<i32>(address, 4) == word1 && load<i32>(address) == word0;
    if (isSame) return row;
    index = index + 1 & mask;
  }
}

/** Row of a host, added when new. */
export function hostRow(word0: i32, word1: i32, word2: i32, word3: i32, timestampUs: f64): i32 {
  const found = findHost(word0, word1, word2, word3);
  if (found >= 0) return found;
  if (state(S_HOST_COUNT) == hostCountMax) hostsFull();
  const row = state(S_HOST_COUNT);
  store<i32>(STATE_AT, row + 1, S_HOST_COUNT << 2);
  const address = addressesAt + (row << 4);
  store<i32>(address, word0);
  store<i32>(address, word1, 4);
  store<i32>(address, word2, 8);
  store<i32>(address, word3, 12);
  const at = rowsAt + <usize> row * HOST_BYTES;
  memory.fill(at, 0, HOST_BYTES);
  memory.fill(windowTakenAt + <usize> row * HOST_COUNTERS_BYTES, 0, HOST_COUNTERS_BYTES);
  store<f64>(at, timestampUs, H_LAST_SEEN_US << 2);
  hostAdded(row, timestampUs);
  if (row + 1 << 1 > mask + 1) grow();
  else put(row);
  return row;
}

function grow(): void {
  mask = (mask << 1) + 1;
  indexHosts();
}

/** Fills the index anew, after rows have moved. */
export function indexHosts(): void {
  memory.fill(placesAt, 0, <usize> (mask + 1) << 2);
  for (let row = 0; row < state(S_HOST_COUNT); row++) put(row);
}

function put(row: i32): void {
  const address = addressesAt + (row << 4);
  let index = hash(
    load<i32>(address),
    load<i32>(address, 4),
    load<i32>(address, 8),
    load<i32>(address, 12),
  ) & mask;
  while (load<i32>(placesAt + (index << 2)) != 0) index = index + 1 & mask;
  store<i32>(placesAt + (index << 2), row + 1);
}

@inline
export function addSent(row: i32, wireLength: f64, timestampUs: f64): void {
  const at = rowsAt + <usize> row * HOST_BYTES;
  store<f64>(at, load<f64>(at, H_PACKETS_OUT << 2) + 1, H_PACKETS_OUT << 2);
  store<f64>(at, load<f64>(at, H_BYTES_OUT << 2) + wireLength, H_BYTES_OUT << 2);
  store<f64>(at, timestampUs, H_LAST_SEEN_US << 2);
}

@inline
export function addReceived(row: i32, wireLength: f64, timestampUs: f64): void {
  const at = rowsAt + <usize> row * HOST_BYTES;
  store<f64>(at, load<f64>(at, H_PACKETS_IN << 2) + 1, H_PACKETS_IN << 2);
  store<f64>(at, load<f64>(at, H_BYTES_IN << 2) + wireLength, H_BYTES_IN << 2);
  store<f64>(at, timestampUs, H_LAST_SEEN_US << 2);
}

/** Writes a row for the detectors of each listed host that sent or received in the window that began at `startUs`. */
export function endHostWindow(startUs: f64): void {
  const count = state(S_HOST_COUNT);
  for (let row = 0; row < count; row++) {
    const counters = rowsAt + <usize> row * HOST_BYTES + (H_PACKETS_OUT << 2);
    const taken = windowTakenAt + <usize> row * HOST_COUNTERS_BYTES;
    // Packets sent, then received.
    const isQuiet = load<f64>(counters) == load<f64>(taken) &&
      load<f64>(counters, 16) == load<f64>(taken, 16);
    if (isQuiet || (flagsOf(row) & HOST_IS_LISTED) == 0) continue;
    writeHostWindow(startUs, addressesAt + (row << 4), counters, taken);
    for (let at = 0; at < HOST_COUNTERS_BYTES; at += 8) {
      store<f64>(taken + at, load<f64>(counters + at));
    }
  }
}

/** Adds the packet in hand to the hosts of its flow; returns the packet's Direction. */
@inline
export function countHosts(
  base: usize,
  row: i32,
  flow: usize, timestampUs: f64, wireLength: f64): i32 {
  const isOriginator = state(S_IS_ORIGINATOR);
  const isUnknown = state(S_IS_NEW) != 0 ||
    load<i32>(flow, F_HOST_EPOCH << 2) != state(S_HOST_EPOCH);
  if (isUnknown) findHosts(flow, isOriginator, timestampUs);
  const own = isOriginator ^ 1;
  addSent(hostOf(flow, own), wireLength, timestampUs);
  addReceived(hostOf(flow, own ^ 1), wireLength, timestampUs);
  const flags = hostFlags(flow);
  const macFlag = isOriginator != 0 ? ORIGINATOR_MAC_SEEN : RESPONDER_MAC_SEEN;
  if ((flags & macFlag) != 0) return directionOf(flags, isOriginator);
  seeMacs(base, row, flow, isOriginator, flags | macFlag);
  // It may have shown what is local.
  if (load<i32>(flow, F_HOST_EPOCH << 2) != state(S_HOST_EPOCH)) {
    findHosts(flow, isOriginator, timestampUs);
  }
  return directionOf(hostFlags(flow), isOriginator);
}

/** Direction of a packet that is not counted. */
export function directionOfCopy(flow: usize): i32 {
  return directionOf(hostFlags(flow), state(S_IS_ORIGINATOR));
}

/** Row of the originator (end 0) or responder. */
@inline
function hostOf(flow: usize, end: i32): i32 {
  return load<u16>(flow + (end << 1), F_HOSTS << 2);
}

@inline
export function hostFlags(flow: usize): i32 {
  return load<u8>(flow, (F_STATE << 2) + (STATE_HOST_FLAGS_SHIFT >> 3));
}

@inline
function setHostFlags(flow: usize, flags: i32): void {
  store<u8>(flow, flags, (F_STATE << 2) + (STATE_HOST_FLAGS_SHIFT >> 3));
}

@inline
function directionOf(flags: i32, isOriginator: i32): i32 {
  const areLocal = flags & (ORIGINATOR_IS_LOCAL | RESPONDER_IS_LOCAL);
  if (areLocal == 0) return PASSING;
  if (areLocal == (ORIGINATOR_IS_LOCAL | RESPONDER_IS_LOCAL)) return INTERNAL;
  return areLocal == ORIGINATOR_IS_LOCAL == (isOriginator != 0) ? OUT : IN;
}

/** Looks both hosts up and remembers their rows, the table's epoch, and which of them are local. */
function findHosts(flow: usize, isOriginator: i32, timestampUs: f64): void {
  // The second look-up may evict and move the first row, so the first is looked up again.
  packetHost(P_SOURCE, timestampUs);
  const destination = packetHost(P_DESTINATION, timestampUs);
  const source = packetHost(P_SOURCE, timestampUs);
  const originator = isOriginator != 0 ? source : destination;
  const responder = isOriginator != 0 ? destination : source;
  store<i32>(flow, responder << 16 | originator, F_HOSTS << 2);
  store<i32>(flow, state(S_HOST_EPOCH), F_HOST_EPOCH << 2);
  const flags = (isLocal(originator) ? ORIGINATOR_IS_LOCAL : 0) |
    (isLocal(responder) ? RESPONDER_IS_LOCAL : 0);
  setHostFlags(flow, flags);
}

function packetHost(address: i32, timestampUs: f64): i32 {
  return hostRow(
    field(address),
    field(address + 1),
    field(address + 2),
    field(address + 3),
    timestampUs,
  );
}

@inline
function flagsOf(row: i32): i32 {
  return load<i32>(rowsAt + <usize> row * HOST_BYTES, H_FLAGS << 2);
}

function isLocal(row: i32): bool {
  return (flagsOf(row) & HOST_IS_LOCAL) != 0;
}

/** Has the MAC addresses looked at the first time that a side of the flow sends, if they may tell something. */
function seeMacs(base: usize, row: i32, flow: usize, isOriginator: i32, flags: i32): void {
  setHostFlags(flow, flags);
  if (field(P_LINK_OFFSET) < 0 || field(P_TUNNEL_DEPTH) > 0) return;
  const own = isOriginator ^ 1;
  const source = hostOf(flow, own);
  const destination = hostOf(flow, own ^ 1);
  const sender = flagsOf(source);
  if ((sender & HOST_IS_LISTED) == 0) return;
  const isAnswered = load<i32>(flow, F_PACKETS << 2) != 0 && load<i32>(flow, (F_PACKETS + 1) << 2) != 0;
  const isOutside = (sender & HOST_IS_LOCAL) == 0;
  const isUnsure = isOutside || (sender & HOST_IS_GUESSED) != 0;
  const isTold = isUnsure && isOfLink(isAnswered);
  const receiver = flagsOf(destination) & (HOST_IS_LISTED | HOST_IS_LOCAL | HOST_IS_RECEIVER_KNOWN);
  let isSenderKnown = (sender & HOST_IS_SENDER_KNOWN) != 0;
  let isReceiverKnown = receiver != HOST_IS_LISTED;
  if (!isTold && isSenderKnown && isReceiverKnown) return;
  const link = base + field(P_LINK_OFFSET);
  if (!isSenderKnown) keepMac(source, link + 6);
  if (!isSenderKnown && (!isOutside || isSettled(link + 6))) {
    isSenderKnown = true;
    setFlags(source, HOST_IS_SENDER_KNOWN);
  }
  if (!isReceiverKnown && isSettled(link)) {
    isReceiverKnown = true;
    setFlags(destination, HOST_IS_RECEIVER_KNOWN);
  }
  if (isTold || !isSenderKnown || !isReceiverKnown) macsSeen(row, source, destination, isAnswered);
}

/** The host's MAC address is the one that it is seen with first. */
function keepMac(row: i32, mac: usize): void {
  const at = rowsAt + <usize> row * HOST_BYTES + (H_MAC << 2);
  if (load<i64>(at) != 0) return;
  store<i32>(at, read16(mac));
  store<i32>(at, read32(mac + 2), 4);
}

@inline
function setFlags(row: i32, flags: i32): void {
  store<i32>(rowsAt + <usize> row * HOST_BYTES, flagsOf(row) | flags, H_FLAGS << 2);
}

function isSettled(mac: usize): bool {
  return (flagsOfMac(mac) & MAC_IS_SETTLED) != 0;
}

/** Whether only a neighbour sends so: to a group of the link, or in answer to one with the same /64. */
function isOfLink(isAnswered: bool): bool {
  if (field(P_IP_VERSION) == 4) return <u32> field(P_DESTINATION + 3) >> 8 == 0xe00000;
  if (<u32> field(P_DESTINATION) >> 16 == 0xff02) return true;
  return isAnswered && field(P_SOURCE) == field(P_DESTINATION) &&
    field(P_SOURCE + 1) == field(P_DESTINATION + 1);
}

/** Murmur3's mixing of four words; addresses of one network differ in few bits. */
function hash(word0: i32, word1: i32, word2: i32, word3: i32): i32 {
  let h: u32 = word3 * <i32> 0xcc9e2d51 ^ word2 * <i32> 0x1b873593 ^ word1 * <i32> 0x85ebca6b ^
    word0 * <i32> 0xc2b2ae35;
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return <i32> (h ^ h >> 16);
}
