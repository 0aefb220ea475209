/**
 * The table of flows: a packet in, its flow's slot out. What a flow is, when it ends and who is its originator is told in
 * agent/flow/flow_table.ts, which is the door to this from TypeScript.
 */
import {
  CLASS_COUNT,
  CLASS_ICMP,
  CLASS_OTHER,
  CLASS_TCP_ATTEMPT,
  CLASS_TCP_CLOSED,
  CLASS_TCP_IDLE,
  CLASS_UDP,
  END_ACTIVE,
  END_CLOSED,
  END_EVICTED,
  END_IDLE,
  END_INPUT,
  F_BYTES,
  F_COPIES,
  F_GAPS,
  F_HASH,
  F_ID,
  F_INTERFACE,
  F_KIND,
  F_LAST_US,
  F_META,
  F_NEXT,
  F_PACKETS,
  F_RETRANSMISSIONS,
  F_SEEN,
  F_START_US,
  F_STATE,
  F_WIRE_BYTES,
  F_ZERO_WINDOWS,
  HOT_WINDOW_US,
  JUMP_US,
  KIND_CLASS_SHIFT,
  P_IP_VERSION,
  P_PAYLOAD_LENGTH,
  P_TCP_FLAGS,
  P_TRANSPORT,
  P_VLAN_ID,
  S_ACTIVE_COUNT,
  S_ACTIVE_US,
  S_COPIES,
  S_CUT_COUNT,
  S_EVICTED_COUNT,
  S_FLOW_ID_BASE,
  S_FLOW_ID_STEP,
  S_IS_NEW,
  S_IS_ORIGINATOR,
  S_TIMEOUT_MIN_US,
  S_TOTAL_COUNT,
  S_TURN,
  S_WINDOW_START_US,
  SEEN_BUDGET_SHIFT,
  SEEN_IS_CONTINUED,
  SEEN_IS_FOLLOWED,
  SEEN_IS_INSPECTED,
  SLOT_BYTES,
  SLOT_SHIFT,
  STATE_AT,
  STATE_IS_FLIPPED,
  STATE_ORIGINATOR_IS_LOW,
  STATE_TCP_MASK,
  TIMEOUTS_AT,
  TRANSPORT_ICMP,
  TRANSPORT_ICMPV6,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
  TURN_HAS_DOUBLED,
  TURN_HAS_TCP_STATE_MOVED,
  TURN_IS_CONTINUED,
  TURN_IS_FIRST_IN_WINDOW,
  TURN_IS_FIRST_OF_SIDE,
  TURN_IS_FIRST_PAYLOAD,
  TURN_IS_NEW,
  TURN_IS_RESUMED,
} from "../layout";
import { addToIndex, indexBytes, makeIndex, removeFromIndex } from "./flow_index";
import {
  findOriginal,
  isLooking,
  mistaken,
  noteMoment,
  rememberOriginal,
  slotOfMistaken,
} from "./copies";
import { hasKey, isSwapped, putKey, readKey } from "./flow_key";
import { findFlow, hashOfNext, noteRecent, startNetworks, takePlaceOf } from "./flow_lookup";
import { addLetterOnce, clearHistory, LETTER_DATA, SEEN_DATA } from "./history";
import { flowEnded, inspect } from "./imports";
import { wantsFlows, wantsObservations, writeEnd } from "./observations";
import { isTcpAttempt, isTcpClosed, SYN, SYN_SENT } from "./tcp_states";
import { directionOf, isSentByResponder } from "./roles";
import { addBytes } from "./tcp_sequence";
import { isPortReuse, startTcp, trackTcp } from "./tcp_tracking";
import { append, first, makeLists, touch, unlink } from "./timeout_lists";
import { advanceClock, now, seeTime } from "./traffic_clock";
import { field } from "./words";


/** Payload packets of a flow that may be inspected. */
const INSPECTIONS: i32 = 12;
/** What F_SEEN tells of them. */
const INSPECTION_MASK: i32 = 0xff << SEEN_BUDGET_SHIFT | SEEN_IS_INSPECTED | SEEN_IS_FOLLOWED;
/** Silence after which a packet counts as resuming its flow, and the packets from which doublings count. */
const RESUMED_US: f64 = 1_000_000;
const DOUBLED_MIN: i32 = 64;
/** State of a flow's originator among its TCP states. */
const TCP_END_MASK: i32 = 7;

let slotsAt: usize = 0;
let slotCountMax: i32 = 0;
/** Slots ever handed out; those below it are in use or free. */
let used: i32 = 0;
/** The slot given back last, + 1. */
let free: i32 = 0;

@inline
function setState(index: i32, value: i32): void {
  store<i32>(STATE_AT + (index << 2), value);
}

@inline
function addToState(index: i32, value: f64): f64 {
  const sum = load<f64>(STATE_AT + (index << 2)) + value;
  store<f64>(STATE_AT + (index << 2), sum);
  return sum;
}

/** Lays the table out from `at`, a multiple of 256; returns the address behind it. */
export function makeFlows(at: usize, flowCountMax: i32): usize {
  slotCountMax = flowCountMax;
  const index = indexBytes(flowCountMax);
  slotsAt = at + index;
  makeIndex(at, slotsAt);
  makeLists();
  return slotsAt + (<usize> flowCountMax << SLOT_SHIFT);
}

export function flowSlotsAt(): usize {
  return slotsAt;
}

@inline
export function flowAt(slot: i32): usize {
  return slotsAt + (<usize> slot << SLOT_SHIFT);
}

@inline
function slotOf(flow: usize): i32 {
  return <i32> (flow - slotsAt >> SLOT_SHIFT);
}

/** Takes the packet in hand into its flow; the flow's slot, or -1 for a packet without an IP header. */
export function updateFlow(timestampUs: f64, wireLength: f64, interfaceId: i32): i32 {
  seeFlowTime(timestampUs);
  clearTurn();
  if (field(P_IP_VERSION) == 0) return -1;
  readKey();
  return addToOwnFlow(timestampUs, wireLength, interfaceId);
}

/** Takes a packet's time, and begins the window that it is in. */
export function seeFlowTime(timestampUs: f64): void {
  seeTime(timestampUs);
  setWindow();
}

/**
 * As updateFlow(), of a packet whose time has been taken, and whose record begins at `recordAt`; the offsets in it count from
 * `base`. Of a copy of another packet it returns -2 - the slot; that adds nothing to its flow but itself.
 */
export function addToFlow(
  timestampUs: f64,
  wireLength: f64,
  interfaceId: i32,
  base: usize,
  recordAt: usize,
): i32 {
  clearTurn();
  if (field(P_IP_VERSION) == 0) return -1;
  readKey();
  if (!isLooking()) return addToOwnFlow(timestampUs, wireLength, interfaceId);
  return addLookedAt(timestampUs, wireLength, interfaceId, base, recordAt);
}

@inline
function clearTurn(): void {
  setState(S_IS_NEW, 0);
  setState(S_TURN, 0);
}

function addLookedAt(
  timestampUs: f64,
  wireLength: f64,
  interfaceId: i32,
  base: usize,
  recordAt: usize,
): i32 {
  const original = findOriginal(timestampUs, interfaceId, base, recordAt);
  if (original >= 0 && hasKey(flowAt(original))) return addCopy(flowAt(original), wireLength);
  if (mistaken > 0 && hasKey(flowAt(slotOfMistaken()))) takeBack(flowAt(slotOfMistaken()));
  const slot = addToOwnFlow(timestampUs, wireLength, interfaceId);
  rememberOriginal(slot);
  return slot;
}

function addCopy(flow: usize, wireLength: f64): i32 {
  const direction = directionOf(flow);
  setState(S_IS_ORIGINATOR, direction ^ 1);
  const copies = flow + (direction << 2);
  store<i32>(copies, load<i32>(copies, F_COPIES << 2) + 1, F_COPIES << 2);
  const bytes = flow + (direction << 3);
  store<f64>(bytes, load<f64>(bytes, F_WIRE_BYTES << 2) + wireLength, F_WIRE_BYTES << 2);
  addToState(S_COPIES, 1);
  return -2 - slotOf(flow);
}

/** Packets like the one in hand, taken for copies, were none. */
function takeBack(flow: usize): void {
  const direction = directionOf(flow);
  const own = flow + (direction << 2);
  const copies = load<i32>(own, F_COPIES << 2);
  // Those of the piece before have been told.
  const count = min(mistaken, copies);
  store<i32>(own, copies - count, F_COPIES << 2);
  store<i32>(own, load<i32>(own, F_PACKETS << 2) + count, F_PACKETS << 2);
  if (load<u8>(flow, F_KIND << 2) != TRANSPORT_TCP) {
    addBytes(flow, direction, <f64> count * <f64> field(P_PAYLOAD_LENGTH));
  }
  addToState(S_COPIES, -<f64> count);
}

function addToOwnFlow(timestampUs: f64, wireLength: f64, interfaceId: i32): i32 {
  let flow = findFlow();
  if (flow == 0 || isOver(flow, timestampUs)) flow = begin(timestampUs, interfaceId);
  count(flow, timestampUs, wireLength);
  return slotOf(flow);
}

function setWindow(): void {
  const inWindowUs = now() - load<f64>(STATE_AT, S_WINDOW_START_US << 2);
  if (inWindowUs >= 0 && inWindowUs < <f64> HOT_WINDOW_US) return;
  const start = Math.floor(now() / <f64> HOT_WINDOW_US) * <f64> HOT_WINDOW_US;
  store<f64>(STATE_AT, start, S_WINDOW_START_US << 2);
}

/** Where the window ends. */
export function windowEndUs(): f64 {
  return load<f64>(STATE_AT, S_WINDOW_START_US << 2) + <f64> HOT_WINDOW_US;
}

/** Ends a flow that the packet is not part of any more; cuts one that is too old. */
@inline
function isOver(flow: usize, timestampUs: f64): bool {
  if (!isRecent(flow, timestampUs) && isSilent(flow, timestampUs)) {
    takePlaceOf(flow);
    end(flow, endReasonOf(timeoutClassOf(flow)));
    return true;
  }
  const flags = field(P_TCP_FLAGS);
  if (flags > 0 && (flags & SYN) != 0 && isPortReuse(flow, directionOf(flow))) {
    takePlaceOf(flow);
    end(flow, END_CLOSED);
    return true;
  }
  const ageUs = timestampUs - load<f64>(flow, F_START_US << 2);
  if (ageUs > load<f64>(STATE_AT, S_ACTIVE_US << 2)) cut(flow, timestampUs);
  return false;
}

/** Heard of so lately that no timeout can be over. */
@inline
function isRecent(flow: usize, timestampUs: f64): bool {
  const ageUs = timestampUs - load<f64>(flow, F_LAST_US << 2);
  return ageUs >= 0 && ageUs <= load<f64>(STATE_AT, S_TIMEOUT_MIN_US << 2);
}

function isSilent(flow: usize, timestampUs: f64): bool {
  const ageUs = timestampUs - load<f64>(flow, F_LAST_US << 2);
  const timeoutUs = load<f64>(TIMEOUTS_AT + (timeoutClassOf(flow) << 3));
  return ageUs > timeoutUs || ageUs < -(timeoutUs + <f64> JUMP_US);
}

@inline
function timeoutClassOf(flow: usize): i32 {
  return load<u8>(flow, (F_KIND << 2) + (KIND_CLASS_SHIFT >> 3));
}

function endReasonOf(timeoutClass: i32): i32 {
  return timeoutClass == CLASS_TCP_CLOSED ? END_CLOSED : END_IDLE;
}

function begin(timestampUs: f64, interfaceId: i32): usize {
  let slot = takeSlot();
  if (slot < 0) {
    evict();
    slot = takeSlot();
  }
  const flow = flowAt(slot);
  putKey(flow);
  startNetworks(flow);
  store<i32>(flow, hashOfNext, F_HASH << 2);
  const isFlipped = isSentByResponder();
  const roles = (isFlipped == isSwapped ? STATE_ORIGINATOR_IS_LOW : 0) |
    (isFlipped ? STATE_IS_FLIPPED : 0);
  store<i32>(flow, roles, F_STATE << 2);
  const transport = field(P_TRANSPORT);
  const timeoutClass = firstTimeoutClass(transport);
  // Applications are known over these only.
  if (transport == TRANSPORT_TCP || transport == TRANSPORT_UDP) {
    store<i32>(flow, INSPECTIONS << SEEN_BUDGET_SHIFT, F_SEEN << 2);
  }
  store<i32>(flow, transport | timeoutClass << KIND_CLASS_SHIFT, F_KIND << 2);
  store<i32>(flow, interfaceId & 0xffff | (field(P_VLAN_ID) & 0xffff) << 16, F_INTERFACE << 2);
  if (transport == TRANSPORT_TCP) startTcp(flow);
  startPiece(flow, timestampUs);
  setState(S_TURN, TURN_IS_NEW | TURN_IS_FIRST_IN_WINDOW);
  addToIndex(slot, used);
  append(flow, timeoutClass);
  noteRecent(flow);
  return flow;
}

function startPiece(flow: usize, timestampUs: f64): void {
  const number = addToState(S_TOTAL_COUNT, 1);
  const id = number * load<f64>(STATE_AT + (S_FLOW_ID_STEP << 2)) +
    load<f64>(STATE_AT + (S_FLOW_ID_BASE << 2));
  store<f64>(flow, id, F_ID << 2);
  store<f64>(flow, timestampUs, F_START_US << 2);
  store<f64>(flow, timestampUs, F_LAST_US << 2);
  setState(S_IS_NEW, 1);
}

/** Ends the piece so far and begins the next one in the same slot, with what belongs to the connection. */
function cut(flow: usize, timestampUs: f64): void {
  report(flow, END_ACTIVE);
  addToState(S_CUT_COUNT, 1);
  store<i64>(flow, 0, F_PACKETS << 2);
  memory.fill(flow + (F_BYTES << 2), 0, 32);
  clearHistory(flow);
  const seen = load<i32>(flow, F_SEEN << 2) & INSPECTION_MASK | SEEN_IS_CONTINUED;
  store<i32>(flow, seen, F_SEEN << 2);
  store<i64>(flow, 0, F_COPIES << 2);
  store<i64>(flow, 0, F_RETRANSMISSIONS << 2);
  store<i32>(flow, 0, F_ZERO_WINDOWS << 2);
  store<i32>(flow, 0, F_GAPS << 2);
  startTcp(flow);
  startPiece(flow, timestampUs);
  setState(S_TURN, TURN_IS_CONTINUED);
}

/** Adds the packet. The end of a flow is its latest packet: one that came late does not move it. */
@inline
function count(flow: usize, timestampUs: f64, wireLength: f64): void {
  const direction = directionOf(flow);
  setState(S_IS_ORIGINATOR, direction ^ 1);
  const seen = load<i32>(flow, F_SEEN << 2);
  const lastUs = load<f64>(flow, F_LAST_US << 2);
  const own = flow + (direction << 2);
  const ownDoubles = flow + (direction << 3);
  const packets = load<i32>(own, F_PACKETS << 2) + 1;
  store<i32>(own, packets, F_PACKETS << 2);
  const wireBytes = load<f64>(ownDoubles, F_WIRE_BYTES << 2) + wireLength;
  store<f64>(ownDoubles, wireBytes, F_WIRE_BYTES << 2);
  if (timestampUs > lastUs) store<f64>(flow, timestampUs, F_LAST_US << 2);
  let turn = load<i32>(STATE_AT, S_TURN << 2);
  if (lastUs < load<f64>(STATE_AT, S_WINDOW_START_US << 2)) turn |= TURN_IS_FIRST_IN_WINDOW;
  if (timestampUs - lastUs >= RESUMED_US) turn |= TURN_IS_RESUMED;
  const transport = load<u8>(flow, F_KIND << 2);
  if (transport == TRANSPORT_TCP) {
    if (field(P_TCP_FLAGS) >= 0 && trackTcp(flow, direction, timestampUs)) {
      setTcpTimeoutClass(flow);
      turn |= TURN_HAS_TCP_STATE_MOVED;
    }
  } else {
    noteMoment();
    addBytes(flow, direction, <f64> field(P_PAYLOAD_LENGTH));
    if (transport == TRANSPORT_UDP) addLetterOnce(flow, direction, SEEN_DATA, LETTER_DATA);
  }
  const added = load<i32>(flow, F_SEEN << 2) & ~seen;
  if ((added & (SEEN_DATA | SEEN_DATA << 8)) != 0) turn |= TURN_IS_FIRST_PAYLOAD;
  if (packets == 1) turn |= TURN_IS_FIRST_OF_SIDE;
  else if ((packets & packets - 1) == 0 && isDoubling(flow, direction, transport, packets)) {
    turn |= TURN_HAS_DOUBLED;
  }
  setState(S_TURN, turn);
  touch(flow, timeoutClassOf(flow));
}

/** Whether a count that is a power of two is told: from 64 on, and 4 and 8 datagrams that the other side has left unanswered. */
function isDoubling(flow: usize, direction: i32, transport: i32, packets: i32): bool {
  if (packets >= DOUBLED_MIN) return true;
  if (transport != TRANSPORT_UDP || packets != 4 && packets != 8) return false;
  return load<i32>(flow + (direction == 0 ? 4 : 0), F_PACKETS << 2) == 0;
}

function setTcpTimeoutClass(flow: usize): void {
  const states = load<i32>(flow, F_STATE << 2) & STATE_TCP_MASK;
  let timeoutClass = CLASS_TCP_IDLE;
  if (isTcpClosed(states)) timeoutClass = CLASS_TCP_CLOSED;
  else if (isTcpAttempt(states)) timeoutClass = CLASS_TCP_ATTEMPT;
  store<u8>(flow, timeoutClass, (F_KIND << 2) + (KIND_CLASS_SHIFT >> 3));
}

/** The class of a new flow. */
function firstTimeoutClass(transport: i32): i32 {
  if (transport == TRANSPORT_TCP) return CLASS_TCP_IDLE;
  if (transport == TRANSPORT_UDP) return CLASS_UDP;
  const isIcmp = transport == TRANSPORT_ICMP || transport == TRANSPORT_ICMPV6;
  return isIcmp ? CLASS_ICMP : CLASS_OTHER;
}

/** True when a payload of the flow may be looked at: for the first few calls, while the flow is not settled. */
@inline
export function takeInspection(slot: i32): bool {
  const place = flowAt(slot) + (F_SEEN << 2) + (SEEN_BUDGET_SHIFT >> 3);
  const left = load<u8>(place);
  if (left == 0) return false;
  store<u8>(place, left - 1);
  return true;
}

/** TypeScript looks at the payload of the packet in hand. */
@inline
export function inspectFlow(row: i32, slot: i32): void {
  const place = flowAt(slot) + (F_SEEN << 2);
  store<i32>(place, load<i32>(place) | SEEN_IS_INSPECTED);
  inspect(row, slot);
}

/** Nothing more is to be looked at. */
@inline
export function settle(slot: i32): void {
  store<u8>(flowAt(slot) + (F_SEEN << 2) + (SEEN_BUDGET_SHIFT >> 3), 0);
}

/** Ends flows whose time is over; `timestampUs` is traffic time. */
export function advanceFlows(timestampUs: f64): void {
  advanceClock(timestampUs);
  const nowUs = now();
  for (let timeoutClass = 0; timeoutClass < CLASS_COUNT; timeoutClass++) {
    for (;;) {
      const flow = first(timeoutClass);
      if (flow == 0 || !isSilent(flow, nowUs)) break;
      end(flow, endReasonOf(timeoutClass));
    }
  }
}

/** Ends at most `countMax` flows because the input is over; whether there are more. */
export function endFlows(countMax: f64): bool {
  let count: f64 = 0;
  for (let timeoutClass = 0; timeoutClass < CLASS_COUNT; timeoutClass++) {
    for (;;) {
      const flow = first(timeoutClass);
      if (flow == 0) break;
      if (count == countMax) return true;
      count++;
      end(flow, END_INPUT);
    }
  }
  return false;
}

function end(flow: usize, reason: i32): void {
  const slot = slotOf(flow);
  report(flow, reason);
  removeFromIndex(slot);
  unlink(flow);
  giveBack(slot);
}

function report(flow: usize, reason: i32): void {
  if (wantsObservations() && isWorthTelling(flow)) writeEnd(flow, reason);
  const isInspected = (load<i32>(flow, F_SEEN << 2) & SEEN_IS_INSPECTED) != 0;
  if (isInspected || wantsFlows()) flowEnded(slotOf(flow), reason);
}

/** Flows with payload, and those whose last counts are not known otherwise: with doublings, or with more than one SYN. */
function isWorthTelling(flow: usize): bool {
  if (load<f64>(flow, F_BYTES << 2) + load<f64>(flow, (F_BYTES + 2) << 2) > 0) return true;
  const sent = load<i32>(flow, F_PACKETS << 2);
  if (sent >= DOUBLED_MIN || load<i32>(flow, (F_PACKETS + 1) << 2) >= DOUBLED_MIN) return true;
  return sent > 1 && load<u8>(flow, F_KIND << 2) == TRANSPORT_TCP &&
    (load<i32>(flow, F_STATE << 2) & TCP_END_MASK) == SYN_SENT;
}

/** Ends the flow that has been silent longest. */
function evict(): void {
  let oldest: usize = 0;
  for (let timeoutClass = 0; timeoutClass < CLASS_COUNT; timeoutClass++) {
    const flow = first(timeoutClass);
    if (flow == 0) continue;
    const isOlder = oldest == 0 ||
      load<f64>(flow, F_LAST_US << 2) < load<f64>(oldest, F_LAST_US << 2);
    if (isOlder) oldest = flow;
  }
  addToState(S_EVICTED_COUNT, 1);
  end(oldest, END_EVICTED);
}

/** A slot with all words 0, or -1 when all are in use. */
function takeSlot(): i32 {
  if (free > 0) {
    const slot = free - 1;
    free = load<i32>(flowAt(slot), F_NEXT << 2);
    memory.fill(flowAt(slot), 0, SLOT_BYTES);
    countActive(1);
    return slot;
  }
  if (used == slotCountMax) return -1;
  countActive(1);
  return used++;
}

/** A free slot has no key: a hint may still point to it. */
function giveBack(slot: i32): void {
  store<i32>(flowAt(slot), -1, F_META << 2);
  store<i32>(flowAt(slot), free, F_NEXT << 2);
  free = slot + 1;
  countActive(-1);
}

@inline
function countActive(step: i32): void {
  store<i32>(STATE_AT, load<i32>(STATE_AT, S_ACTIVE_COUNT << 2) + step, S_ACTIVE_COUNT << 2);
}
