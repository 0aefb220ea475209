/**
 * Rows for the detectors: what a packet meant to its flow, that a flow ended, ARP packets, and the volumes of a host; DNS
 * messages are next door. agent/detect/observation.ts draws them; agent/pipeline/observation_writer.ts writes those of other
 * kinds into the same buffer and hands it on.
 */
import {
  APPLICATION_HTTP,
  END_ACTIVE,
  END_CLOSED,
  END_EVICTED,
  END_INPUT,
  F_BYTES,
  F_HIGH_3,
  F_HIGH_REST,
  F_ID,
  F_KIND,
  F_LAST_US,
  F_LOW_3,
  F_LOW_REST,
  F_META,
  F_PACKETS,
  F_PORTS,
  F_SEEN,
  F_START_US,
  F_STATE,
  KIND_APPLICATION_SHIFT,
  MAC_IS_ROUTER,
  META_IS_IPV6,
  O_ARP_WORDS,
  O_CONTACT_WORDS,
  O_HOST_WINDOW_WORDS,
  O_KIND_ARP,
  O_KIND_CONTACT,
  O_KIND_END,
  O_KIND_HOST_WINDOW,
  O_MARK_HAS_HOST,
  O_KIND_NDP,
  O_MARK_ENDED_CLOSED,
  O_MARK_ENDED_EVICTED,
  O_MARK_ENDED_INPUT,
  O_MARK_IS_DESTINATION_LOCAL,
  O_MARK_IS_FRAGMENT,
  O_MARK_IS_LINK_BROADCAST,
  O_MARK_IS_SOURCE_LOCAL,
  O_MARK_IS_TO_MANY,
  O_MARK_IS_TUNNELLED,
  O_MARK_IS_SENT_BY_ROUTER,
  O_MARK_SENT_BY_ORIGINATOR,
  O_SAMPLE_WORDS,
  O_WORDS_MAX,
  OBSERVATION_BUFFER_WORDS,
  OBSERVATIONS_AT,
  ORIGINATOR_IS_LOCAL,
  P_ARP_OFFSET,
  P_DESTINATION_PORT,
  P_IP_LENGTH,
  P_IP_VERSION,
  P_IS_FRAGMENT,
  P_LINK_OFFSET,
  P_DESTINATION,
  P_OUTER_SOURCE_OFFSET,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_PAYLOAD_OFFSET,
  P_SOURCE,
  P_SOURCE_PORT,
  P_TCP_FLAGS,
  P_TCP_WINDOW,
  P_TRANSPORT,
  P_TTL,
  P_TUNNEL_DEPTH,
  PACKET_AT,
  RESPONDER_IS_LOCAL,
  S_IS_ORIGINATOR,
  S_OBSERVATIONS_COUNT,
  S_OBSERVATIONS_LENGTH,
  S_OBSERVATIONS_SHED,
  S_TURN,
  S_WANTS,
  STATE_AT,
  STATE_ORIGINATOR_IS_LOW,
  STATE_TCP_MASK,
  TRANSPORT_ARP,
  TRANSPORT_UDP,
  TURN_HAS_DOUBLED,
  SEEN_IS_CONTINUED,
  TURN_IS_CONTINUED,
  TURN_IS_FIRST_PAYLOAD,
  TURN_IS_NEW,
  WANTS_FLOWS,
  WANTS_OBSERVATIONS,
} from "../layout";
import { hostFlags } from "./hosts";
import { findHost, writeHost } from "./http_host";
import { observationsFull } from "./imports";
import { flagsOfMac } from "./known_macs";
import { isToMany } from "./roles";
import { field, read16, read32, state } from "./words";

export const NEIGHBOUR_SOLICITATION: i32 = 135;
export const NEIGHBOUR_ADVERTISEMENT: i32 = 136;
/** Of Ethernet and IPv4 addresses, with its header. */
const ARP_LENGTH: usize = 28;

@inline
export function wantsObservations(): bool {
  return (state(S_WANTS) & WANTS_OBSERVATIONS) != 0;
}

@inline
export function wantsFlows(): bool {
  return (state(S_WANTS) & WANTS_FLOWS) != 0;
}

/** A packet that meant something to its flow. `base` is the address that the packet's offsets count from. */
export function writeContact(
  base: usize,
  flow: usize,
  timestampUs: f64,
  wireLength: u32,
  isEthernet: bool,
): void {
  const turn = state(S_TURN);
  const hasSample = (turn & TURN_HAS_DOUBLED) != 0 && field(P_TRANSPORT) == TRANSPORT_UDP;
  const hostLength = isRequestToOutside(flow, turn) ? findHost(base) : 0;
  const more = hasSample ? O_SAMPLE_WORDS : hostLength + 3 >> 2;
  const hostMark = hostLength > 0 ? O_MARK_HAS_HOST : 0;
  const link = field(P_LINK_OFFSET);
  const isFirst = (turn & TURN_IS_NEW) != 0 && link >= 0;
  const sender = isFirst ? senderMarks(base + link + 6) : 0;
  const marks = turn | hostMark | sender | packetMarks(base, isEthernet);
  const at = beginPacketRow(O_CONTACT_WORDS + more, O_KIND_CONTACT, flow, timestampUs, marks);
  if (at == 0) return;
  set(at, 14, field(P_TCP_FLAGS) << 16 | field(P_TTL) & 0xffff);
  set(at, 15, field(P_TCP_WINDOW) << 16 | ipIdentification(base));
  const headerLength = field(P_IP_LENGTH) - field(P_PAYLOAD_LENGTH);
  set(at, 16, headerLength << 16 | <i32> min<u32>(wireLength, 0xffff));
  set(at, 17, field(P_PAYLOAD_LENGTH));
  writeTotals(at, flow, timestampUs);
  writeSenderMac(at, 24, base);
  if (hasSample) writeSample(at + (O_CONTACT_WORDS << 2), base);
  if (hostLength > 0) writeHost(at + (O_CONTACT_WORDS << 2), hostLength);
}

/** Whether the packet is the first that an HTTP client says to a server that is not local. */
function isRequestToOutside(flow: usize, turn: i32): bool {
  if ((turn & TURN_IS_FIRST_PAYLOAD) == 0 || state(S_IS_ORIGINATOR) == 0) return false;
  const application = load<u16>(flow, (F_KIND << 2) + (KIND_APPLICATION_SHIFT >> 3));
  if (application != APPLICATION_HTTP) return false;
  return (hostFlags(flow) & RESPONDER_IS_LOCAL) == 0;
}

/** The first bytes of the payload, zeros behind what was captured of it. */
function writeSample(at: usize, base: usize): void {
  const length = min(max(field(P_PAYLOAD_CAPTURED_LENGTH), 0), O_SAMPLE_WORDS << 2);
  memory.fill(at, 0, O_SAMPLE_WORDS << 2);
  memory.copy(at, base + field(P_PAYLOAD_OFFSET), length);
}

/**
 * Makes room for a row of the packet in hand and writes what such rows share, up to word 13, where what the flow says is
 * added to `marks`; its address, or 0.
 */
export function beginPacketRow(
  length: i32,
  kind: i32,
  flow: usize,
  timestampUs: f64,
  marks: i32,
): usize {
  const at = beginRow(length, kind, field(P_TRANSPORT), timestampUs);
  if (at == 0) return 0;
  memory.copy(at + (3 << 2), PACKET_AT + (P_SOURCE << 2), 32);
  const source = field(P_SOURCE_PORT);
  set(at, 11, source < 0 ? 0 : source << 16 | field(P_DESTINATION_PORT) & 0xffff);
  set(at, 12, idOf(flow));
  const isOriginator = state(S_IS_ORIGINATOR);
  const roleMark = isOriginator != 0 ? O_MARK_SENT_BY_ORIGINATOR : 0;
  const local = localMarks(hostFlags(flow), isOriginator);
  set(at, 13, marks | roleMark | local);
  return at;
}

/** An ARP packet with IPv4 addresses (RFC 826); `frameEnd` is the address behind its last captured byte. */
export function writeArp(
  base: usize,
  frameEnd: usize,
  timestampUs: f64,
  isEthernet: bool,
): void {
  const arp = base + field(P_ARP_OFFSET);
  // Lengths of the hardware and protocol addresses.
  if (arp + ARP_LENGTH > frameEnd || load<u8>(arp, 4) != 6 || load<u8>(arp, 5) != 4) return;
  const at = beginRow(O_ARP_WORDS, O_KIND_ARP, field(P_TRANSPORT), timestampUs);
  if (at == 0) return;
  for (let word = 3; word < 16; word++) set(at, word, 0);
  set(at, 5, 0xffff);
  set(at, 6, read32(arp + 14));
  set(at, 9, 0xffff);
  set(at, 10, read32(arp + 24));
  set(at, 13, packetMarks(base, isEthernet) | senderMarks(arp + 8));
  set(at, 14, read16(arp + 6));
  writeMac(at, 16, arp + 8);
  writeMac(at, 18, arp + 18);
  writeSenderMac(at, 20, base);
}

/** A neighbour solicitation or advertisement (RFC 4861 sections 4.3 and 4.4); one that a router passed on is none. */
export function writeNdp(base: usize, flow: usize, timestampUs: f64, isEthernet: bool): void {
  const isWhole = field(P_PAYLOAD_CAPTURED_LENGTH) >= 16;
  if (!isWhole || field(P_TTL) != 255 || field(P_TUNNEL_DEPTH) > 0) return;
  const at = beginRow(O_ARP_WORDS, O_KIND_NDP, TRANSPORT_ARP, timestampUs);
  if (at == 0) return;
  const isAsking = field(P_SOURCE_PORT) == NEIGHBOUR_SOLICITATION;
  const target = base + field(P_PAYLOAD_OFFSET);
  const other = isAsking ? P_SOURCE : P_DESTINATION;
  for (let word = 0; word < 4; word++) {
    set(at, (isAsking ? 3 : 7) + word, field(other + word));
    set(at, (isAsking ? 7 : 3) + word, read32(target + (word << 2)));
  }
  set(at, 11, 0);
  set(at, 12, idOf(flow));
  const link = field(P_LINK_OFFSET);
  set(at, 13, packetMarks(base, isEthernet) | (link >= 0 ? senderMarks(base + link + 6) : 0));
  set(at, 14, isAsking ? 1 : 2);
  set(at, 15, 0);
  writeSenderMac(at, 16, base);
  set(at, 18, 0);
  set(at, 19, 0);
  writeSenderMac(at, 20, base);
}

/** The MAC address that the frame came from, two words; 0 where there is none. */
@inline
function writeSenderMac(at: usize, word: i32, base: usize): void {
  const link = field(P_LINK_OFFSET);
  if (link >= 0) return writeMac(at, word, base + link + 6);
  set(at, word, 0);
  set(at, word + 1, 0);
}

@inline
function writeMac(at: usize, word: i32, mac: usize): void {
  set(at, word, read16(mac));
  set(at, word + 1, read32(mac + 2));
}

/** A flow with payload or with many packets that ends, for a reason as END_ of the layout: source is its originator. */
export function writeEnd(flow: usize, reason: i32): void {
  const lastUs = load<f64>(flow, F_LAST_US << 2);
  const at = beginRow(O_CONTACT_WORDS, O_KIND_END, load<u8>(flow, F_KIND << 2), lastUs);
  if (at == 0) return;
  writeEnds(at, flow);
  set(at, 12, idOf(flow));
  const local = localMarks(hostFlags(flow), 1);
  set(at, 13, local | O_MARK_SENT_BY_ORIGINATOR | endMark(flow, reason));
  memory.fill(at + (14 << 2), 0, (O_CONTACT_WORDS - 14) << 2);
  writeTotals(at, flow, lastUs);
}

/**
 * Volumes of a host in the window that began at `startUs`. `counters` and `taken` are four doubles each, packets and bytes
 * sent, then received: as they are, and as they were when the window began.
 */
export function writeHostWindow(startUs: f64, address: usize, counters: usize, taken: usize): void {
  const at = beginRow(O_HOST_WINDOW_WORDS, O_KIND_HOST_WINDOW, 0, startUs);
  if (at == 0) return;
  store<i64>(at, load<i64>(address), 3 << 2);
  store<i64>(at, load<i64>(address, 8), 5 << 2);
  for (let word = 7; word < 14; word++) set(at, word, 0);
  set(at, 14, <i32> added(counters, taken));
  set(at, 15, <i32> added(counters + 16, taken + 16));
  const bytesOut = added(counters + 8, taken + 8);
  const bytesIn = added(counters + 24, taken + 24);
  set(at, 16, <i32> (bytesOut >> 32));
  set(at, 17, <i32> bytesOut);
  set(at, 18, <i32> (bytesIn >> 32));
  set(at, 19, <i32> bytesIn);
}

/** By how much a counter is above what it was. */
@inline
function added(counter: usize, taken: usize): i64 {
  return <i64> (load<f64>(counter) - load<f64>(taken));
}

@inline
export function set(at: usize, word: i32, value: i32): void {
  store<i32>(at + (word << 2), value);
}

/** Makes room for a row of `length` words and writes its head and time; its address, or 0 when there is none. */
function beginRow(length: i32, kind: i32, transport: i32, timestampUs: f64): usize {
  if (state(S_OBSERVATIONS_LENGTH) > OBSERVATION_BUFFER_WORDS - O_WORDS_MAX) observationsFull();
  const written = state(S_OBSERVATIONS_LENGTH);
  if (written > OBSERVATION_BUFFER_WORDS - O_WORDS_MAX) {
    store<i32>(STATE_AT, state(S_OBSERVATIONS_SHED) + 1, S_OBSERVATIONS_SHED << 2);
    return 0;
  }
  store<i32>(STATE_AT, written + length, S_OBSERVATIONS_LENGTH << 2);
  store<i32>(STATE_AT, state(S_OBSERVATIONS_COUNT) + 1, S_OBSERVATIONS_COUNT << 2);
  const at: usize = OBSERVATIONS_AT + (written << 2);
  const seconds = Math.floor(timestampUs / 1e6);
  set(at, 0, length << 16 | transport << 8 | kind);
  set(at, 1, <i32> (<i64> seconds));
  set(at, 2, <i32> (timestampUs - seconds * 1e6));
  return at;
}

/** Adds words to the row begun last. */
export function growRow(at: usize, words: i32): void {
  set(at, 0, load<i32>(at) + (words << 16));
  store<i32>(STATE_AT, state(S_OBSERVATIONS_LENGTH) + words, S_OBSERVATIONS_LENGTH << 2);
}

/** Takes the row begun last back, which has `length` words. */
export function dropRow(length: i32): void {
  store<i32>(STATE_AT, state(S_OBSERVATIONS_LENGTH) - length, S_OBSERVATIONS_LENGTH << 2);
  store<i32>(STATE_AT, state(S_OBSERVATIONS_COUNT) - 1, S_OBSERVATIONS_COUNT << 2);
}

function idOf(flow: usize): i32 {
  return <i32> (<i64> load<f64>(flow, F_ID << 2));
}

/** Which ends are local, by whether the originator sent the packet. */
function localMarks(flags: i32, isOriginator: i32): i32 {
  const source = isOriginator != 0 ? ORIGINATOR_IS_LOCAL : RESPONDER_IS_LOCAL;
  const destination = isOriginator != 0 ? RESPONDER_IS_LOCAL : ORIGINATOR_IS_LOCAL;
  return ((flags & source) != 0 ? O_MARK_IS_SOURCE_LOCAL : 0) |
    ((flags & destination) != 0 ? O_MARK_IS_DESTINATION_LOCAL : 0);
}

/** What is known of the sender's MAC address. */
function senderMarks(mac: usize): i32 {
  return (flagsOfMac(mac) & MAC_IS_ROUTER) != 0 ? O_MARK_IS_SENT_BY_ROUTER : 0;
}

/** What the frame and the IP header add. */
export function packetMarks(base: usize, isEthernet: bool): i32 {
  const link = field(P_LINK_OFFSET);
  let marks = isToMany() ? O_MARK_IS_TO_MANY : 0;
  if (isEthernet && link >= 0 && (load<u8>(base + link) & 1) != 0) marks |= O_MARK_IS_LINK_BROADCAST;
  if (field(P_IS_FRAGMENT) != 0) marks |= O_MARK_IS_FRAGMENT;
  if (field(P_TUNNEL_DEPTH) > 0) marks |= O_MARK_IS_TUNNELLED;
  return marks;
}

/** IPv4 identification of a packet that is in no tunnel; else 0. */
function ipIdentification(base: usize): i32 {
  if (field(P_IP_VERSION) != 4 || field(P_TUNNEL_DEPTH) > 0) return 0;
  return read16(base + field(P_OUTER_SOURCE_OFFSET) - 8);
}

/** How it ended; a piece of a flow that goes on, or went before, is marked as continued. */
function endMark(flow: usize, reason: i32): i32 {
  if (reason == END_ACTIVE) return TURN_IS_CONTINUED;
  const isContinued = (load<i32>(flow, F_SEEN << 2) & SEEN_IS_CONTINUED) != 0;
  const marks = isContinued ? TURN_IS_CONTINUED : 0;
  if (reason == END_CLOSED) return marks | O_MARK_ENDED_CLOSED;
  if (reason == END_EVICTED) return marks | O_MARK_ENDED_EVICTED;
  return reason == END_INPUT ? marks | O_MARK_ENDED_INPUT : marks;
}

/** Addresses and ports of the flow, the originator's first. */
function writeEnds(at: usize, flow: usize): void {
  const isIpv6 = (load<i32>(flow, F_META << 2) & META_IS_IPV6) != 0;
  const isLowFirst = (load<i32>(flow, F_STATE << 2) & STATE_ORIGINATOR_IS_LOW) != 0;
  const low = at + (isLowFirst ? 3 << 2 : 7 << 2);
  const high = at + (isLowFirst ? 7 << 2 : 3 << 2);
  for (let word = 0; word < 3; word++) {
    const mapped = word == 2 ? 0xffff : 0;
    const from = flow + (word << 2);
    set(low, word, isIpv6 ? load<i32>(from, F_LOW_REST << 2) : mapped);
    set(high, word, isIpv6 ? load<i32>(from, F_HIGH_REST << 2) : mapped);
  }
  set(low, 3, load<i32>(flow, F_LOW_3 << 2));
  set(high, 3, load<i32>(flow, F_HIGH_3 << 2));
  const ports = load<i32>(flow, F_PORTS << 2);
  set(at, 11, isLowFirst ? ports : rotl<i32>(ports, 16));
}

/** Words 18 to 23. */
function writeTotals(at: usize, flow: usize, timestampUs: f64): void {
  store<i64>(at, load<i64>(flow, F_PACKETS << 2), 18 << 2);
  set(at, 20, cutOff(load<f64>(flow, F_BYTES << 2)));
  set(at, 21, cutOff(load<f64>(flow, (F_BYTES + 2) << 2)));
  set(at, 22, cutOff((timestampUs - load<f64>(flow, F_START_US << 2)) / 1000));
  const application = load<i32>(flow, F_KIND << 2) & -1 << KIND_APPLICATION_SHIFT;
  set(at, 23, application | load<i32>(flow, F_STATE << 2) & STATE_TCP_MASK);
}

/** As an unsigned word. */
function cutOff(value: f64): i32 {
  if (value > <f64> 0xffffffff) return -1;
  return value > 0 ? <i32> <u32> value : 0;
}
