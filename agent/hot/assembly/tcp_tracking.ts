/**
 * What a TCP segment does to its flow: endpoint states, history letters, round trip, retransmissions.
 *
 * Sequence numbers are compared as signed 32-bit differences (RFC 9293 section 3.4), so they may wrap.
 *
 * - A segment is a retransmission when it carries payload and ends at or before the highest sequence number that its
 *   direction has shown (Zeek's rule), except: a keep-alive or zero-window probe (at most one byte, just below the
 *   highest; RFC 9293 section 3.8.4), and a segment inside the hole that a jump left (its first copy was reordered or
 *   lost before the capture point). One hole a direction is remembered, the oldest.
 * - A gap is counted for a direction when its peer acknowledges bytes that were not seen: past the start of the hole,
 *   or, in an established connection, more than one byte (a lost FIN) past the highest.
 * - The round trip is the time from the last SYN before the first SYN-ACK to it, at the capture point.
 *
 * Not as in Zeek: byte counts elsewhere are sums of payload lengths, not sequence differences; windows are not scaled
 * (a zero window is zero at any scale); gaps are found without reassembly, from acknowledgements.
 *
 * `direction` is 0 for the originator and 1 for the responder.
 */
import {
  F_GAPS,
  F_HIGHEST,
  F_HOLE_LENGTH,
  F_HOLE_START,
  F_LAST_FIN,
  F_LAST_RST,
  F_RETRANSMISSIONS,
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
import {
  addLetter,
  addLetterOnce,
  isRecordedCount,
  LETTER_ACK,
  LETTER_DATA,
  LETTER_FIN,
  LETTER_FIN_RST,
  LETTER_GAP,
  LETTER_MULTI_FLAG,
  LETTER_RETRANSMISSION,
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
import { field } from "./words";

const CONTROL_FLAGS: i32 = FIN | SYN | RST;
/** Sequence numbers of SYN and RST further off than this are not believed (Zeek's TOO_LARGE_SEQ_DELTA). */
const BELIEVABLE_JUMP: i32 = 1 << 20;
const MICROSECONDS_MAX: f64 = 0x7fffffff;

/** The state of one end, from the flow's state word. */
@inline
function endState(states: i32, direction: i32): i32 {
  return states >>> (direction * 6) & 7;
}

/** Prepares the TCP words of a new flow or piece of one. */
@inline
export function startTcp(flow: usize): void {
  store<i64>(flow, -1, F_SYN_DELTA << 2);
}

/** Takes one segment, whose flags are known, into its flow. True when an end's state has changed. */
@inline
export function trackTcp(flow: usize, direction: i32, timestampUs: f64): bool {
  if (!isNextInOrder(flow, direction)) return trackAnyTcp(flow, direction, timestampUs);
  const highest = field(P_TCP_SEQUENCE) + field(P_PAYLOAD_LENGTH);
  store<i32>(flow + (direction << 2), highest, F_HIGHEST << 2);
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
  if (next != states) store<i32>(flow, word & ~STATE_TCP_MASK | next, F_STATE << 2);
  if ((flags & ACK) != 0 && peerState != INACTIVE) findGap(flow, direction, flags, peerState);
  return next != states;
}

/** Bytes of sequence space that a segment takes; payload of a RST is not part of the stream. */
function segmentLength(flags: i32): i32 {
  const length = (flags & RST) != 0 ? 0 : field(P_PAYLOAD_LENGTH);
  return length + ((flags & SYN) != 0 ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
}

/** Sets where a direction's numbers start, at its first packet and at a SYN that says otherwise. */
function startSequence(flow: usize, direction: i32, flags: i32, ownState: i32): void {
  const own = flow + (direction << 4);
  const sequence = field(P_TCP_SEQUENCE);
  if (ownState >= CLOSED) return;
  if (ownState != INACTIVE && sequence == load<i32>(own, F_TCP_START << 2)) return;
  store<i32>(own, (flags & SYN) != 0 ? sequence : sequence - 1, F_TCP_START << 2);
  store<i32>(own, 0, F_HOLE_START << 2);
  store<i32>(flow + (direction << 2), sequence, F_HIGHEST << 2);
  store<i32>(flow + (direction << 2), 0, F_HOLE_LENGTH << 2);
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
    addFin(flow, direction);
  } else if (control == RST) {
    addRst(flow, direction);
  } else if ((control & (FIN | RST)) == (FIN | RST)) {
    addLetterOnce(flow, direction, SEEN_FIN_RST, LETTER_FIN_RST);
  } else {
    addLetterOnce(flow, direction, SEEN_MULTI_FLAG, LETTER_MULTI_FLAG);
  }
}

/** F: again only with another sequence number than the last one. */
function addFin(flow: usize, direction: i32): void {
  const own = flow + (direction << 4);
  const sequence = field(P_TCP_SEQUENCE) + field(P_PAYLOAD_LENGTH);
  const isRepeated = addLetterOnce(flow, direction, SEEN_FIN, LETTER_FIN);
  const isOther = load<i32>(own, F_LAST_FIN << 2) != sequence;
  if (isRepeated && isOther) addLetter(flow, direction, LETTER_FIN);
  store<i32>(own, sequence, F_LAST_FIN << 2);
}

/** R: the same. */
function addRst(flow: usize, direction: i32): void {
  const own = flow + (direction << 4);
  const sequence = field(P_TCP_SEQUENCE);
  const isRepeated = addLetterOnce(flow, direction, SEEN_RST, LETTER_RST);
  const isOther = load<i32>(own, F_LAST_RST << 2) != sequence;
  if (isRepeated && isOther) addLetter(flow, direction, LETTER_RST);
  store<i32>(own, sequence, F_LAST_RST << 2);
}

/** Moves a direction's highest number on, remembers the hole of a jump, counts what was there before. */
function advanceSequence(flow: usize, direction: i32, flags: i32, ownState: i32): void {
  const own = flow + (direction << 2);
  const payloadLength = field(P_PAYLOAD_LENGTH);
  const sequence = field(P_TCP_SEQUENCE);
  const end = sequence + segmentLength(flags);
  const highest = load<i32>(own, F_HIGHEST << 2);
  const advance = end - highest;
  if ((flags & (SYN | RST)) != 0 && (advance > BELIEVABLE_JUMP || advance < -BELIEVABLE_JUMP)) {
    return;
  }
  const start = load<i32>(flow + (direction << 4), F_TCP_START << 2);
  if ((flags & FIN) != 0 && highest == start + 1) {
    store<i32>(own, end, F_HIGHEST << 2);
  } else if (ownState == RESET) {
    return;
  } else if (advance > 0) {
    const jump = sequence - highest;
    if (jump > 0 && load<i32>(own, F_HOLE_LENGTH << 2) == 0) {
      store<i32>(flow + (direction << 4), highest, F_HOLE_START << 2);
      store<i32>(own, jump, F_HOLE_LENGTH << 2);
    }
    store<i32>(own, end, F_HIGHEST << 2);
  } else if (payloadLength > 0 && !fillHole(flow, direction, sequence, end)) {
    const isKeepAlive = payloadLength == 1 && sequence == highest - 1 &&
      (flags & CONTROL_FLAGS) == 0;
    if (!isKeepAlive) countRetransmission(flow, direction);
  }
}

/** Takes a segment out of the remembered hole; false when it does not lie in it. */
function fillHole(flow: usize, direction: i32, sequence: i32, end: i32): bool {
  const own = flow + (direction << 2);
  const holeStart = load<i32>(flow + (direction << 4), F_HOLE_START << 2);
  const length = load<i32>(own, F_HOLE_LENGTH << 2);
  if (length == 0) return false;
  const holeEnd = holeStart + length;
  if (sequence - holeStart < 0 || holeEnd - end < 0) return false;
  if (sequence == holeStart) {
    store<i32>(flow + (direction << 4), end, F_HOLE_START << 2);
    store<i32>(own, holeEnd - end, F_HOLE_LENGTH << 2);
  } else store<i32>(own, sequence - holeStart, F_HOLE_LENGTH << 2);
  return true;
}

function countRetransmission(flow: usize, direction: i32): void {
  const own = flow + (direction << 2);
  const count = load<i32>(own, F_RETRANSMISSIONS << 2) + 1;
  store<i32>(own, count, F_RETRANSMISSIONS << 2);
  if (isRecordedCount(count)) addLetter(flow, direction, LETTER_RETRANSMISSION);
}

function countZeroWindow(flow: usize, direction: i32): void {
  const count = countHalf(flow + (F_ZERO_WINDOWS << 2), direction);
  if (isRecordedCount(count)) addLetter(flow, direction, LETTER_ZERO_WINDOW);
}

/** Counts up one half of a word, the originator's being the upper; stays at 65,535 and then returns 0. */
function countHalf(place: usize, direction: i32): i32 {
  const shift = direction == 0 ? 16 : 0;
  const count = load<i32>(place) >>> shift & 0xffff;
  if (count == 0xffff) return 0;
  store<i32>(place, load<i32>(place) + (1 << shift));
  return count + 1;
}

/** Looks whether an acknowledgement covers bytes of the peer that were never seen. */
function findGap(flow: usize, direction: i32, flags: i32, peerState: i32): void {
  const other = direction ^ 1;
  const peer = flow + (other << 2);
  const acknowledgement = field(P_TCP_ACKNOWLEDGEMENT);
  const holeLength = load<i32>(peer, F_HOLE_LENGTH << 2);
  const beyond = acknowledgement - load<i32>(peer, F_HIGHEST << 2);
  const isBeyond = beyond > 1 && peerState == ESTABLISHED && (flags & CONTROL_FLAGS) == 0;
  if (isBeyond) store<i32>(peer, acknowledgement, F_HIGHEST << 2);
  else {
    const holeStart = load<i32>(flow + (other << 4), F_HOLE_START << 2);
    if (holeLength == 0 || beyond > 0 || acknowledgement - holeStart <= 0) return;
  }
  store<i32>(peer, 0, F_HOLE_LENGTH << 2);
  const count = countHalf(flow + (F_GAPS << 2), other);
  if (isRecordedCount(count)) addLetter(flow, other, LETTER_GAP);
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
