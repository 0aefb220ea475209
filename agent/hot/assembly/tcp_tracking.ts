/**
 * What a TCP segment does to its flow: endpoint states, history letters, round trip; its numbers go to tcp_sequence.ts.
 *
 * The round trip is the time from the last SYN before the first SYN-ACK to it, at the capture point. Not as in Zeek: windows
 * are not scaled (a zero window is zero at any scale).
 *
 * `direction` is 0 for the originator and 1 for the responder.
 */
import {
  F_HIGHEST,
  F_HOLE_LENGTH,
  F_LAST_FIN_RST,
  F_RTT,
  F_SEEN,
  F_START_US,
  F_STATE,
  F_SYN_DELTA,
  F_TCP_START,
  F_ZERO_WINDOWS,
  P_PAYLOAD_LENGTH,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  P_TCP_WINDOW,
  STATE_TCP_MASK,
} from "../layout";
import { noteMoment } from "./copies";
import {
  addLetter,
  addLetterOnce,
  countHalf,
  isRecordedCount,
  LETTER_ACK,
  LETTER_DATA,
  LETTER_FIN,
  LETTER_FIN_RST,
  LETTER_MULTI_FLAG,
  LETTER_RST,
  LETTER_SYN,
  LETTER_SYN_ACK,
  LETTER_ZERO_WINDOW,
  SEEN_ACK,
  SEEN_DATA,
  SEEN_FIN,
  SEEN_FIN_RST,
  SEEN_MULTI_FLAG,
  SEEN_RST,
  SEEN_SYN,
} from "./history";
import {
  ACK,
  CLOSED,
  endState,
  ESTABLISHED,
  FIN,
  INACTIVE,
  nextTcpStates,
  PARTIAL,
  RESET,
  RST,
  SYN,
  SYN_SENT,
} from "./tcp_states";
import {
  advanceInOrder,
  advanceSequence,
  seeAcknowledgement,
  startSequence,
} from "./tcp_sequence";
import { field } from "./words";

const CONTROL_FLAGS: i32 = FIN | SYN | RST;
const MICROSECONDS_MAX: f64 = 0x7fffffff;

/** Prepares the TCP words of a new flow or piece of one. */
@inline
export function startTcp(flow: usize): void {
  store<i64>(flow, -1, F_SYN_DELTA << 2);
}

/** Takes one segment, whose flags are known, into its flow. True when an end's state has changed. */
@inline
export function trackTcp(flow: usize, direction: i32, timestampUs: f64): bool {
  if (!isNextInOrder(flow, direction)) return trackAnyTcp(flow, direction, timestampUs);
  advanceInOrder(flow, direction);
  return false;
}

/**
 * The usual segment, of which only the highest sequence number needs to be kept: no SYN, FIN or RST, from an end that is
 * established, starting where its last one ended, acknowledging what was seen, its letter there already.
 */
@inline
function isNextInOrder(flow: usize, direction: i32): bool {
  const own = flow + (direction << 2);
  const peer = flow + ((direction ^ 1) << 2);
  const state = endState(load<i32>(flow, F_STATE << 2), direction);
  const seen = load<i32>(flow, F_SEEN << 2) >>> (direction << 3);
  const letter = field(P_PAYLOAD_LENGTH) > 0 ? SEEN_DATA : SEEN_ACK;
  return (field(P_TCP_FLAGS) & (CONTROL_FLAGS | ACK)) == ACK && (seen & letter) != 0 &&
    field(P_TCP_WINDOW) != 0 && (state == ESTABLISHED || state == PARTIAL) &&
    load<i32>(own, F_HIGHEST << 2) == field(P_TCP_SEQUENCE) &&
    load<i32>(peer, F_HOLE_LENGTH << 2) == 0 &&
    field(P_TCP_ACKNOWLEDGEMENT) - load<i32>(peer, F_HIGHEST << 2) <= 1;
}

function trackAnyTcp(flow: usize, direction: i32, timestampUs: f64): bool {
  noteMoment();
  const flags = field(P_TCP_FLAGS);
  const word = load<i32>(flow, F_STATE << 2);
  const states = word & STATE_TCP_MASK;
  const ownState = endState(states, direction);
  const peerState = endState(states, direction ^ 1);
  if ((flags & SYN) != 0) measureRoundTrip(flow, flags, direction, timestampUs);
  const start = load<i32>(flow + (direction << 4), F_TCP_START << 2);
  if (ownState == INACTIVE || (flags & SYN) != 0) startSequence(flow, direction, flags, ownState);
  addSegmentLetter(flow, direction, flags, start);
  const isZeroWindow = field(P_TCP_WINDOW) == 0 && (flags & RST) == 0 && peerState != CLOSED &&
    ownState != RESET;
  if (isZeroWindow) countZeroWindow(flow, direction);
  advanceSequence(flow, direction, flags, ownState);
  const next = nextTcpStates(states, direction == 0, flags, field(P_PAYLOAD_LENGTH) > 0);
  // The upper half has changed with the letters.
  if (next != states) store<u16>(flow, <u16> (word & ~STATE_TCP_MASK | next), F_STATE << 2);
  if ((flags & ACK) != 0 && peerState != INACTIVE) {
    seeAcknowledgement(flow, direction, flags, peerState);
  }
  return next != states;
}

function addSegmentLetter(flow: usize, direction: i32, flags: i32, start: i32): void {
  const control = flags & CONTROL_FLAGS;
  if (control == 0) {
    if (field(P_PAYLOAD_LENGTH) > 0) addLetterOnce(flow, direction, SEEN_DATA, LETTER_DATA);
    else if ((flags & ACK) != 0) addLetterOnce(flow, direction, SEEN_ACK, LETTER_ACK);
  } else if (control == SYN) {
    const letter = (flags & ACK) != 0 ? LETTER_SYN_ACK : LETTER_SYN;
    const isRepeated = addLetterOnce(flow, direction, SEEN_SYN, letter);
    if (isRepeated && start != field(P_TCP_SEQUENCE)) addLetter(flow, direction, letter);
  } else if (control == FIN) {
    addEndLetter(flow, direction, field(P_TCP_SEQUENCE) + field(P_PAYLOAD_LENGTH), 0);
  } else if (control == RST) {
    addEndLetter(flow, direction, field(P_TCP_SEQUENCE), 1);
  } else if ((control & (FIN | RST)) == (FIN | RST)) {
    addLetterOnce(flow, direction, SEEN_FIN_RST, LETTER_FIN_RST);
  } else {
    addLetterOnce(flow, direction, SEEN_MULTI_FLAG, LETTER_MULTI_FLAG);
  }
}

/** F (half 0) or R (half 1): again only with another sequence number than the last one, of which 16 bits are kept. */
function addEndLetter(flow: usize, direction: i32, sequence: i32, half: i32): void {
  const place = flow + (direction << 4) + (F_LAST_FIN_RST << 2) + (half << 1);
  const mixed = (sequence ^ sequence >>> 16) & 0xffff;
  const letter = half == 0 ? LETTER_FIN : LETTER_RST;
  const isRepeated = addLetterOnce(flow, direction, half == 0 ? SEEN_FIN : SEEN_RST, letter);
  if (isRepeated && load<u16>(place) != mixed) addLetter(flow, direction, letter);
  store<u16>(place, <u16> mixed);
}

function countZeroWindow(flow: usize, direction: i32): void {
  const count = countHalf(flow + (F_ZERO_WINDOWS << 2), direction);
  if (isRecordedCount(count)) addLetter(flow, direction, LETTER_ZERO_WINDOW);
}

function measureRoundTrip(flow: usize, flags: i32, direction: i32, timestampUs: f64): void {
  if (load<i32>(flow, F_RTT << 2) != -1) return;
  const sinceStart = timestampUs - load<f64>(flow, F_START_US << 2);
  const isAnswer = (flags & ACK) != 0;
  if (direction == 0 && !isAnswer) {
    const delta = <i32> min<f64>(max<f64>(sinceStart, 0), MICROSECONDS_MAX);
    store<i32>(flow, delta, F_SYN_DELTA << 2);
  } else if (direction == 1 && isAnswer) {
    const delta = load<i32>(flow, F_SYN_DELTA << 2);
    if (delta < 0 || sinceStart < <f64> delta) return;
    store<i32>(flow, <i32> min<f64>(sinceStart - <f64> delta, MICROSECONDS_MAX), F_RTT << 2);
  }
}

/** True when a SYN in a flow that exists begins another connection of the same ports; see agent/flow/flow_table.ts. */
export function isPortReuse(flow: usize, direction: i32): bool {
  const flags = field(P_TCP_FLAGS);
  const states = load<i32>(flow, F_STATE << 2);
  const originator = endState(states, 0);
  const responder = endState(states, 1);
  const start = load<i32>(flow + (direction << 4), F_TCP_START << 2);
  const isSameStart = start == field(P_TCP_SEQUENCE);
  if ((flags & ACK) != 0) return originator == INACTIVE && direction == 1 && !isSameStart;
  if (originator >= CLOSED && responder >= CLOSED) return true;
  if (direction == 0) {
    if (originator != INACTIVE) return !isSameStart;
    return responder != ESTABLISHED;
  }
  if (responder != INACTIVE) return !isSameStart;
  return originator != SYN_SENT;
}
