/** The hot path: everything that nearly every packet needs, over one memory (layout.ts) that is as large as it gets. */
import {
  DYNAMIC_AT,
  S_HOST_EPOCH,
  S_NEWEST_US,
  S_NOW_US,
  S_OLDEST_US,
  S_SECOND_END_US,
  S_TICK_AT_US,
  S_WINDOW_START_US,
  SLOT_BYTES,
  STATE_AT,
} from "../layout";
import { makeFlows } from "./flows";
import { makeHosts } from "./hosts";

export { commonApplication } from "./common_application";
export { decodeCommon } from "./common_packet";
export { writeStreamDns } from "./dns_observation";
export { hashKey, isKeySwapped, readKey } from "./flow_key";
export { advanceFlows, endFlows, flowSlotsAt, takeInspection, updateFlow } from "./flows";
export { isTcpAttempt, isTcpClosed, nextTcpStates } from "./tcp_states";
export {
  addReceived,
  addSent,
  endHostWindow,
  findHost,
  hostAddressesAt,
  hostRow,
  hostRowsAt,
  hostWindowTakenAt,
  indexHosts,
} from "./hosts";
export { forgetAnswers } from "./known_answers";
export { takePcap } from "./pcap_records";
export { processRows } from "./rows";

const PAGE_BITS: i32 = 16;

/**
 * Lays the memory out, once and before anything else: so many flows and hosts at most, and `freeBytes` for the caller;
 * returns the address of those. What is not touched costs no memory, so nothing ever has to grow.
 */
export function setUp(flowCountMax: i32, hostCountMax: i32, freeBytes: i32): usize {
  const freeAt = aligned(makeHosts(DYNAMIC_AT, hostCountMax));
  const end = makeFlows(aligned(freeAt + freeBytes), flowCountMax);
  const pages = <i32> (end + 0xffff >> PAGE_BITS) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return 0;
  setTime(S_NOW_US, -Infinity);
  setTime(S_WINDOW_START_US, -Infinity);
  setTime(S_NEWEST_US, -Infinity);
  setTime(S_OLDEST_US, Infinity);
  setTime(S_SECOND_END_US, -Infinity);
  setTime(S_TICK_AT_US, Infinity);
  store<i32>(STATE_AT, 1, S_HOST_EPOCH << 2);
  return freeAt;
}

/** Up to a whole slot, so that a flow begins with a line of the processor's cache. */
function aligned(at: usize): usize {
  return at + SLOT_BYTES - 1 & ~<usize> (SLOT_BYTES - 1);
}

function setTime(index: i32, value: f64): void {
  store<f64>(STATE_AT + (index << 2), value);
}
