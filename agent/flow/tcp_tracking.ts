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
 */
import type { Packet } from "../records.ts";
import {
  nextTcpStates,
  originatorState,
  responderState,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  TcpEnd,
} from "./conn_state.ts";
import {
  D_START,
  type FlowSlots,
  M_SEEN,
  M_STATE,
  MAIN_WORDS,
  STATE_TCP_MASK,
  T_GAPS,
  T_HIGHEST,
  T_HOLE_END,
  T_HOLE_START,
  T_LAST_FIN,
  T_LAST_RST,
  T_ORIG_RETRANSMISSIONS,
  T_ORIGINATOR,
  T_RESP_RETRANSMISSIONS,
  T_RESPONDER,
  T_RTT,
  T_START,
  T_SYN_DELTA,
  T_ZERO_WINDOWS,
  TCP_WORDS,
} from "./flow_slots.ts";
import { addLetter, addLetterOnce, isRecordedCount, Letter, Seen } from "./history.ts";

const controlFlags = TCP_FIN | TCP_SYN | TCP_RST;
/** Sequence numbers of SYN and RST further off than this are not believed (Zeek's TOO_LARGE_SEQ_DELTA). */
const believableJump = 1 << 20;
const microsecondsMax = 0x7fffffff;

/** Prepares the TCP words of a new flow. */
export function startTcp(slots: FlowSlots, slot: number): void {
  slots.tcp[slot * TCP_WORDS + T_SYN_DELTA] = -1;
  slots.tcp[slot * TCP_WORDS + T_RTT] = -1;
}

/** Takes one segment into its flow. `packet.tcpFlags` must not be -1. True when an end's state has changed. */
export function trackTcp(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
  timestampUs: number,
): boolean {
  if (isNextInOrder(slots, slot, packet, isOriginator)) {
    const own = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER);
    slots.tcp[own + T_HIGHEST] = packet.tcpSequence + packet.payloadLength | 0;
    return false;
  }
  return trackAnyTcp(slots, slot, packet, isOriginator, timestampUs);
}

/**
 * The usual segment, of which only the highest sequence number needs to be kept: no SYN, FIN or RST, from an end
 * that is established, starting where its last one ended, acknowledging what was seen, its letter there already.
 */
function isNextInOrder(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
): boolean {
  const flags = packet.tcpFlags;
  const base = slot * MAIN_WORDS;
  const direction = isOriginator ? 0 : 1;
  const state = slots.main[base + M_STATE] >>> direction * 6 & 7;
  const seen = slots.main[base + M_SEEN] >>> direction * 8;
  const letter = packet.payloadLength > 0 ? Seen.data : Seen.ack;
  if ((flags & (controlFlags | TCP_ACK)) !== TCP_ACK || (seen & letter) === 0) return false;
  if (packet.tcpWindow === 0 || (state !== TcpEnd.established && state !== TcpEnd.partial)) {
    return false;
  }
  const tcp = slots.tcp;
  const own = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER);
  const peer = slot * TCP_WORDS + (isOriginator ? T_RESPONDER : T_ORIGINATOR);
  return tcp[own + T_HIGHEST] === (packet.tcpSequence | 0) &&
    tcp[peer + T_HOLE_START] === tcp[peer + T_HOLE_END] &&
    (packet.tcpAcknowledgement - tcp[peer + T_HIGHEST] | 0) <= 1;
}

function trackAnyTcp(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
  timestampUs: number,
): boolean {
  const flags = packet.tcpFlags;
  const stateIndex = slot * MAIN_WORDS + M_STATE;
  const states = slots.main[stateIndex] & STATE_TCP_MASK;
  const own = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER);
  const ownState = isOriginator ? originatorState(states) : responderState(states);
  const peerState = isOriginator ? responderState(states) : originatorState(states);
  if ((flags & TCP_SYN) !== 0) measureRoundTrip(slots, slot, flags, isOriginator, timestampUs);
  const start = slots.tcp[own + T_START];
  if (ownState === TcpEnd.inactive || (flags & TCP_SYN) !== 0) {
    startSequence(slots, own, packet, ownState);
  }
  addSegmentLetter(slots, slot, packet, isOriginator, start);
  const isZeroWindow = packet.tcpWindow === 0 && (flags & TCP_RST) === 0 &&
    peerState !== TcpEnd.closed && ownState !== TcpEnd.reset;
  if (isZeroWindow) countZeroWindow(slots, slot, isOriginator);
  advanceSequence(slots, slot, packet, isOriginator, ownState);
  const next = nextTcpStates(states, isOriginator, flags, packet.payloadLength > 0);
  if (next !== states) slots.main[stateIndex] = slots.main[stateIndex] & ~STATE_TCP_MASK | next;
  if ((flags & TCP_ACK) !== 0 && peerState !== TcpEnd.inactive) {
    findGap(slots, slot, packet, isOriginator, peerState);
  }
  return next !== states;
}

/** Bytes of sequence space that a segment takes; payload of a RST is not part of the stream. */
function segmentLength(packet: Packet): number {
  const flags = packet.tcpFlags;
  const length = (flags & TCP_RST) !== 0 ? 0 : packet.payloadLength;
  return length + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
}

/** Sets where a direction's numbers start, at its first packet and at a SYN that says otherwise. */
function startSequence(slots: FlowSlots, own: number, packet: Packet, ownState: number): void {
  const tcp = slots.tcp;
  const sequence = packet.tcpSequence | 0;
  const isSyn = (packet.tcpFlags & TCP_SYN) !== 0;
  if (ownState >= TcpEnd.closed) return;
  if (ownState !== TcpEnd.inactive && sequence === tcp[own + T_START]) return;
  tcp[own + T_START] = isSyn ? sequence : sequence - 1;
  tcp[own + T_HIGHEST] = sequence;
  tcp[own + T_HOLE_START] = 0;
  tcp[own + T_HOLE_END] = 0;
}

function addSegmentLetter(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
  start: number,
): void {
  const flags = packet.tcpFlags;
  const control = flags & controlFlags;
  if (control === 0) {
    if (packet.payloadLength > 0) addLetterOnce(slots, slot, isOriginator, Seen.data, Letter.data);
    else if ((flags & TCP_ACK) !== 0) {
      addLetterOnce(slots, slot, isOriginator, Seen.ack, Letter.ack);
    }
  } else if (control === TCP_SYN) {
    const letter = (flags & TCP_ACK) !== 0 ? Letter.synAck : Letter.syn;
    const isRepeated = addLetterOnce(slots, slot, isOriginator, Seen.syn, letter);
    if (isRepeated && start !== (packet.tcpSequence | 0)) {
      addLetter(slots, slot, isOriginator, letter);
    }
  } else if (control === TCP_FIN) {
    const sequence = packet.tcpSequence + packet.payloadLength | 0;
    addNumbered(slots, slot, isOriginator, Letter.fin, sequence);
  } else if (control === TCP_RST) {
    addNumbered(slots, slot, isOriginator, Letter.rst, packet.tcpSequence | 0);
  } else if ((control & (TCP_FIN | TCP_RST)) === (TCP_FIN | TCP_RST)) {
    addLetterOnce(slots, slot, isOriginator, Seen.finRst, Letter.finRst);
  } else {
    addLetterOnce(slots, slot, isOriginator, Seen.multiFlag, Letter.multiFlag);
  }
}

/** F or R: again only with another sequence number than the last one. */
function addNumbered(
  slots: FlowSlots,
  slot: number,
  isOriginator: boolean,
  letter: number,
  sequence: number,
): void {
  const isFin = letter === Letter.fin;
  const place = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER) +
    (isFin ? T_LAST_FIN : T_LAST_RST);
  const seen = isFin ? Seen.fin : Seen.rst;
  const isRepeated = addLetterOnce(slots, slot, isOriginator, seen, letter);
  if (isRepeated && slots.tcp[place] !== sequence) addLetter(slots, slot, isOriginator, letter);
  slots.tcp[place] = sequence;
}

/** Moves a direction's highest number on, remembers the hole of a jump, counts what was there before. */
function advanceSequence(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
  ownState: number,
): void {
  const tcp = slots.tcp;
  const own = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER);
  const flags = packet.tcpFlags;
  const sequence = packet.tcpSequence | 0;
  const end = sequence + segmentLength(packet) | 0;
  const highest = tcp[own + T_HIGHEST];
  const advance = end - highest | 0;
  if ((flags & (TCP_SYN | TCP_RST)) !== 0) {
    if (advance > believableJump || advance < -believableJump) return;
  }
  if ((flags & TCP_FIN) !== 0 && highest === (tcp[own + T_START] + 1 | 0)) {
    tcp[own + T_HIGHEST] = end;
  } else if (ownState === TcpEnd.reset) {
    return;
  } else if (advance > 0) {
    if ((sequence - highest | 0) > 0 && tcp[own + T_HOLE_START] === tcp[own + T_HOLE_END]) {
      tcp[own + T_HOLE_START] = highest;
      tcp[own + T_HOLE_END] = sequence;
    }
    tcp[own + T_HIGHEST] = end;
  } else if (packet.payloadLength > 0 && !fillHole(tcp, own, sequence, end)) {
    const isKeepAlive = packet.payloadLength === 1 && sequence === (highest - 1 | 0) &&
      (flags & controlFlags) === 0;
    if (!isKeepAlive) countRetransmission(slots, slot, isOriginator);
  }
}

/** Takes a segment out of the remembered hole; false when it does not lie in it. */
function fillHole(tcp: Int32Array, own: number, sequence: number, end: number): boolean {
  const holeStart = tcp[own + T_HOLE_START];
  const holeEnd = tcp[own + T_HOLE_END];
  if (holeStart === holeEnd) return false;
  if ((sequence - holeStart | 0) < 0 || (holeEnd - end | 0) < 0) return false;
  if (sequence === holeStart) tcp[own + T_HOLE_START] = end;
  else tcp[own + T_HOLE_END] = sequence;
  return true;
}

function countRetransmission(slots: FlowSlots, slot: number, isOriginator: boolean): void {
  const place = slot * TCP_WORDS + (isOriginator ? T_ORIG_RETRANSMISSIONS : T_RESP_RETRANSMISSIONS);
  const count = slots.tcp[place] + 1;
  slots.tcp[place] = count;
  if (isRecordedCount(count)) addLetter(slots, slot, isOriginator, Letter.retransmission);
}

function countZeroWindow(slots: FlowSlots, slot: number, isOriginator: boolean): void {
  const count = countHalf(slots.tcp, slot * TCP_WORDS + T_ZERO_WINDOWS, isOriginator);
  if (isRecordedCount(count)) addLetter(slots, slot, isOriginator, Letter.zeroWindow);
}

/** Counts up one half of a word, the originator's being the upper; stays at 65,535 and then returns 0. */
function countHalf(tcp: Int32Array, place: number, isOriginator: boolean): number {
  const shift = isOriginator ? 16 : 0;
  const count = tcp[place] >>> shift & 0xffff;
  if (count === 0xffff) return 0;
  tcp[place] = tcp[place] + (1 << shift);
  return count + 1;
}

/** Looks whether an acknowledgement covers bytes of the peer that were never seen. */
function findGap(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
  peerState: number,
): void {
  const tcp = slots.tcp;
  const peer = slot * TCP_WORDS + (isOriginator ? T_RESPONDER : T_ORIGINATOR);
  const acknowledgement = packet.tcpAcknowledgement | 0;
  const holeStart = tcp[peer + T_HOLE_START];
  const hasHole = holeStart !== tcp[peer + T_HOLE_END];
  const beyond = acknowledgement - tcp[peer + T_HIGHEST] | 0;
  const isBeyond = beyond > 1 && peerState === TcpEnd.established &&
    (packet.tcpFlags & controlFlags) === 0;
  if (isBeyond) tcp[peer + T_HIGHEST] = acknowledgement;
  else if (!hasHole || beyond > 0 || (acknowledgement - holeStart | 0) <= 0) return;
  tcp[peer + T_HOLE_START] = tcp[peer + T_HOLE_END];
  const count = countHalf(tcp, slot * TCP_WORDS + T_GAPS, !isOriginator);
  if (isRecordedCount(count)) addLetter(slots, slot, !isOriginator, Letter.gap);
}

function measureRoundTrip(
  slots: FlowSlots,
  slot: number,
  flags: number,
  isOriginator: boolean,
  timestampUs: number,
): void {
  const base = slot * TCP_WORDS;
  const sinceStart = timestampUs - slots.mainDoubles[slot * (MAIN_WORDS / 2) + D_START];
  const isAnswer = (flags & TCP_ACK) !== 0;
  if (isOriginator && !isAnswer && slots.tcp[base + T_RTT] === -1) {
    slots.tcp[base + T_SYN_DELTA] = Math.min(Math.max(sinceStart, 0), microsecondsMax);
  } else if (!isOriginator && isAnswer && slots.tcp[base + T_RTT] === -1) {
    const synDelta = slots.tcp[base + T_SYN_DELTA];
    if (synDelta < 0 || sinceStart < synDelta) return;
    slots.tcp[base + T_RTT] = Math.min(sinceStart - synDelta, microsecondsMax);
  }
}

/** True when a SYN in a flow that exists begins another connection of the same ports; see FlowTable. */
export function isPortReuse(
  slots: FlowSlots,
  slot: number,
  packet: Packet,
  isOriginator: boolean,
): boolean {
  const flags = packet.tcpFlags;
  const states = slots.main[slot * MAIN_WORDS + M_STATE] & STATE_TCP_MASK;
  const originator = originatorState(states);
  const responder = responderState(states);
  const own = slot * TCP_WORDS + (isOriginator ? T_ORIGINATOR : T_RESPONDER);
  const isSameStart = slots.tcp[own + T_START] === (packet.tcpSequence | 0);
  if ((flags & TCP_ACK) !== 0) {
    return originator === TcpEnd.inactive && !isOriginator && !isSameStart;
  }
  if (originator >= TcpEnd.closed && responder >= TcpEnd.closed) return true;
  if (isOriginator) {
    if (originator !== TcpEnd.inactive) return !isSameStart;
    return responder !== TcpEnd.established;
  }
  if (responder !== TcpEnd.inactive) return !isSameStart;
  return originator !== TcpEnd.synSent;
}
