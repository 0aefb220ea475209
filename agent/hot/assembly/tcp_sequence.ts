/**
 * Where the directions of a TCP flow stand in their sequence numbers, and what that says of payload bytes, retransmissions
 * and gaps. Numbers are compared as signed 32-bit differences (RFC 9293 section 3.4), so they may wrap.
 *
 * - The payload bytes of a direction are how far its numbers have come, by its own segments or by what its peer
 *   acknowledges, without SYN and FIN (Zeek's TCP_Endpoint::Size). So bytes that are sent twice count once, and bytes that
 *   were never captured count too.
 * - The number of a RST need not be where its sender stood, so it moves nothing. A number further ahead than
 *   BELIEVABLE_JUMP moves it only once a second one is near it: of another segment, or acknowledged by the peer.
 * - A segment is a retransmission when it carries payload and ends at or before the highest sequence number that its
 *   direction has shown (Zeek's rule), except: a keep-alive or zero-window probe (at most one byte, just below the
 *   highest; RFC 9293 section 3.8.4), and a segment inside the hole that a jump left (its first copy was reordered or
 *   lost before the capture point). One hole a direction is remembered, the oldest.
 * - A gap is counted for a direction when its peer acknowledges bytes that were not seen: past the start of the hole,
 *   or, in an established connection, more than one byte (a lost FIN) past the highest.
 *
 * Not as in Zeek: it believes every number of a segment that is no SYN or RST, and takes a RST's when it is near; gaps are
 * found without reassembly, from acknowledgements. Later fragments have no sequence number; their bytes are counted when
 * the next segment or an acknowledgement shows them.
 *
 * `direction` is 0 for the originator and 1 for the responder.
 */
import {
  F_BYTES,
  F_FAR,
  F_GAPS,
  F_HIGHEST,
  F_HOLE_LENGTH,
  F_HOLE_START,
  F_RETRANSMISSIONS,
  F_TCP_START,
  P_PAYLOAD_LENGTH,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_SEQUENCE,
} from "../layout";
import { addLetter, countHalf, isRecordedCount, LETTER_GAP, LETTER_RETRANSMISSION } from "./history";
import { CLOSED, ESTABLISHED, FIN, INACTIVE, PARTIAL, RESET, RST, SYN } from "./tcp_states";
import { field } from "./words";

const CONTROL_FLAGS: i32 = FIN | SYN | RST;
/** Numbers further ahead than this need a witness (Zeek's TOO_LARGE_SEQ_DELTA). */
const BELIEVABLE_JUMP: f64 = 0x100000;
/** How near two numbers are that bear each other out: packets of a capture that shows few of them are far apart. */
const WITNESS_DISTANCE: i32 = 0x4000000;
/** Who named the number at F_FAR, in its lowest bit. */
const BY_SEGMENT: i32 = 0;
const BY_ACKNOWLEDGEMENT: i32 = 1;

@inline
export function addBytes(flow: usize, direction: i32, count: f64): void {
  const own = flow + (direction << 3);
  store<f64>(own, load<f64>(own, F_BYTES << 2) + count, F_BYTES << 2);
}

/** Takes the usual segment, which starts where its direction's last one ended. */
@inline
export function advanceInOrder(flow: usize, direction: i32): void {
  const payloadLength = field(P_PAYLOAD_LENGTH);
  const highest = field(P_TCP_SEQUENCE) + payloadLength;
  store<i32>(flow + (direction << 2), highest, F_HIGHEST << 2);
  addBytes(flow, direction, <f64> payloadLength);
}

/** Sets where a direction's numbers start, at its first packet and at a SYN that says otherwise. */
export function startSequence(flow: usize, direction: i32, flags: i32, ownState: i32): void {
  const own = flow + (direction << 4);
  const sequence = field(P_TCP_SEQUENCE);
  if (ownState >= CLOSED) return;
  if (ownState != INACTIVE && sequence == load<i32>(own, F_TCP_START << 2)) return;
  store<i32>(own, (flags & SYN) != 0 ? sequence : sequence - 1, F_TCP_START << 2);
  store<i32>(own, 0, F_HOLE_START << 2);
  store<i32>(own, 0, F_FAR << 2);
  store<i32>(flow + (direction << 2), sequence, F_HIGHEST << 2);
  store<i32>(flow + (direction << 2), 0, F_HOLE_LENGTH << 2);
}

/** Moves a direction's highest number on, remembers the hole of a jump, counts what was there before. */
export function advanceSequence(flow: usize, direction: i32, flags: i32, ownState: i32): void {
  if ((flags & RST) != 0 || ownState == RESET) return;
  const own = flow + (direction << 2);
  const sequence = field(P_TCP_SEQUENCE);
  // SYN and FIN have a number each.
  const controls = ((flags & SYN) != 0 ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
  const end = sequence + field(P_PAYLOAD_LENGTH) + controls;
  const advance = aheadOfHighest(flow, direction, end, (flags & FIN) != 0);
  if (advance > BELIEVABLE_JUMP && !isWitnessed(flow, direction, end, BY_SEGMENT)) return;
  if (advance > 0) {
    const highest = load<i32>(own, F_HIGHEST << 2);
    const jump = sequence - highest;
    if (jump > 0 && load<i32>(own, F_HOLE_LENGTH << 2) == 0) {
      store<i32>(flow + (direction << 4), highest, F_HOLE_START << 2);
      store<i32>(own, jump, F_HOLE_LENGTH << 2);
    }
    store<i32>(own, end, F_HIGHEST << 2);
    addBytes(flow, direction, advance - <f64> controls);
  } else {
    // The peer's acknowledgement of this FIN has come before it, and its number has been taken for a byte.
    if (advance == 0 && (flags & FIN) != 0 && ownState != CLOSED) takeBackByte(flow, direction);
    countAgain(flow, direction, flags, end);
  }
}

/**
 * By how much a number is ahead of the highest of a direction; up to 4 GB if it is a FIN's and nothing but a SYN was seen,
 * as in captures of these alone.
 */
function aheadOfHighest(flow: usize, direction: i32, number: i32, isFin: bool): f64 {
  const highest = load<i32>(flow + (direction << 2), F_HIGHEST << 2);
  const start = load<i32>(flow + (direction << 4), F_TCP_START << 2);
  const difference = number - highest;
  // Numbers that have gone all the way round stand there again.
  const isOnlySynSeen = highest == start + 1 && load<f64>(flow + (direction << 3), F_BYTES << 2) == 0;
  return isFin && isOnlySynSeen ? <f64> <u32> difference : <f64> difference;
}

/** Whether a number far ahead is to be believed: else it is remembered, and the next one near it is. */
function isWitnessed(flow: usize, direction: i32, number: i32, source: i32): bool {
  const place = flow + (direction << 4) + (F_FAR << 2);
  const known = load<i32>(place);
  const named = nameOf(number, source);
  // The same packet once more is no other witness.
  const isOther = known != 0 && known != named;
  const isNear = <u32> (named - known + WITNESS_DISTANCE) <= 2 * <u32> WITNESS_DISTANCE;
  store<i32>(place, isOther && isNear ? 0 : named);
  return isOther && isNear;
}

/** A number as it is remembered: its lowest bit is the source, and 0 is none. */
function nameOf(number: i32, source: i32): i32 {
  const named = number & ~1 | source;
  return named == 0 ? 2 : named;
}

function takeBackByte(flow: usize, direction: i32): void {
  if (load<f64>(flow + (direction << 3), F_BYTES << 2) > 0) addBytes(flow, direction, -1);
}

/** A segment with nothing new. */
function countAgain(flow: usize, direction: i32, flags: i32, end: i32): void {
  const payloadLength = field(P_PAYLOAD_LENGTH);
  const sequence = field(P_TCP_SEQUENCE);
  if (payloadLength == 0 || fillHole(flow, direction, sequence, end)) return;
  const highest = load<i32>(flow + (direction << 2), F_HIGHEST << 2);
  const isKeepAlive = payloadLength == 1 && sequence == highest - 1 && (flags & CONTROL_FLAGS) == 0;
  if (!isKeepAlive) countRetransmission(flow, direction);
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

/** Takes what a segment acknowledges of its peer, whose state is `peerState`: bytes that were never seen are a gap. */
export function seeAcknowledgement(
  flow: usize,
  direction: i32,
  flags: i32,
  peerState: i32,
): void {
  const other = direction ^ 1;
  const peer = flow + (other << 2);
  const acknowledgement = field(P_TCP_ACKNOWLEDGEMENT);
  const beyond = aheadOfHighest(flow, other, acknowledgement, (flags & FIN) != 0);
  const isTold = peerState == ESTABLISHED && (flags & CONTROL_FLAGS) == 0;
  if (beyond > 1 && isCounted(flags, peerState)) {
    if (beyond > BELIEVABLE_JUMP && !isBelieved(flow, other, acknowledgement)) return;
    store<i32>(peer, acknowledgement, F_HIGHEST << 2);
    addBytes(flow, other, peerState == CLOSED ? beyond - 1 : beyond);
    store<i32>(peer, 0, F_HOLE_LENGTH << 2);
    if (isTold) countGap(flow, other);
    return;
  }
  const holeStart = load<i32>(flow + (other << 4), F_HOLE_START << 2);
  if (load<i32>(peer, F_HOLE_LENGTH << 2) == 0 || beyond > 0) return;
  if (acknowledgement - holeStart <= 0) return;
  store<i32>(peer, 0, F_HOLE_LENGTH << 2);
  countGap(flow, other);
}

/** Whether bytes that a segment with `flags` acknowledges of an end in `state` count. A RST's number may be anything. */
function isCounted(flags: i32, state: i32): bool {
  return (state == ESTABLISHED || state == PARTIAL || state == CLOSED) &&
    (flags & (SYN | RST)) == 0;
}

/** An acknowledgement of 0 far ahead is more likely broken (Zeek's rule). */
function isBelieved(flow: usize, direction: i32, acknowledgement: i32): bool {
  return acknowledgement != 0 &&
    isWitnessed(flow, direction, acknowledgement, BY_ACKNOWLEDGEMENT);
}

function countGap(flow: usize, direction: i32): void {
  const count = countHalf(flow + (F_GAPS << 2), direction);
  if (isRecordedCount(count)) addLetter(flow, direction, LETTER_GAP);
}
