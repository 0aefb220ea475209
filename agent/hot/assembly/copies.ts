/**
 * Packets that the capture sees twice: a bridge on `any`, a mirror port that gives both ports or both directions, devices that
 * are one above the other. A copy has the addresses, ports, numbers and lengths of its original, the same identification (which
 * a sender gives to no two packets within seconds, RFC 6864), and comes within 10 ms, perhaps after others; only link headers,
 * hop limit and checksums may differ. A packet that is sent again has another identification.
 *
 * Where there is no identification (0, as Linux writes it outside of connections; what tools write into all packets; IPv6; in
 * tunnels) the bytes decide: all of a TCP header, the first of another payload. Then the packet must have been seen elsewhere
 * (other link header, hop limit or device), or come within 1 ms, and without a TCP number of its own (acknowledgements, UDP) only
 * where copies are many. What comes ever again, as of who sends one packet over and over, is no copy, and what was taken
 * for one is given back.
 *
 * To look at each packet would be dear, so it is done for the first ones and as long as there are copies; otherwise for a few after
 * so many moments (packets other than TCP, or by which a TCP flow is not just going on, as each copy of data is). Counts of
 * packets and nothing else decide, so that batches make no difference.
 *
 * Not compared: ARP, fragments in tunnels and of IPv6, packets that could not be read to the end.
 *
 *     4,096 packets of 32 bytes, 128 KB, two to a place: fingerprint; us when it came last (elsewhere not counted); slot of the
 *                                                        flow << 8 | how often it came again; where it was seen; us when it came
 */
import {
  COPIES_AT,
  COPIES_BITS,
  F_META,
  F_PORTS,
  KEY_AT,
  P_IP_LENGTH,
  P_IP_VERSION,
  P_IS_FRAGMENT,
  P_OUTER_IP_VERSION,
  P_OUTER_SOURCE_OFFSET,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_STOP_REASON,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  P_TCP_WINDOW,
  P_TRANSPORT,
  P_TTL,
  P_TUNNEL_DEPTH,
  TRANSPORT_ICMP,
  TRANSPORT_ICMPV6,
  TRANSPORT_TCP,
} from "../layout";
import { isSwapped } from "./flow_key";
import { FIN, RST, SYN } from "./tcp_states";
import { field, read32 } from "./words";

const ENTRY_BYTES: usize = 32;
const LAST_US: usize = 4;
const COUNT: usize = 8;
const SEEN_AT: usize = 12;
const ORIGINAL_US: usize = 16;
const windowUs: i32 = 10_000;
const closeUs: i32 = 1_000;
/** A packet passes so many devices of one host at most (bond, VLAN, firewall bridge, tap). */
const copiesMax: i32 = 7;
const isEndless: i32 = 0xff;
/** A fourth of the packets are copies, for some time. */
const shareStep: i32 = 3;
const shareMax: i32 = 1000;
const shareMany: i32 = 60;
/** Packets looked at first, after a copy, and after so many moments. */
const firstLooks: i32 = 2048;
const looksAfterCopy: i32 = 512;
const looks: i32 = 64;
const momentsBetween: i32 = 8192;
/** Bytes of a payload that are compared, of the last of a TCP header, and of a link header. */
const payloadBytes: i32 = 32;
const optionBytes: i32 = 12;
const linkBytesMax: i32 = 32;
const icmpHeaderLength: i32 = 8;
const tcpHeaderLengthMin: i32 = 20;

let looksLeft: i32 = firstLooks;
let momentsLeft: i32 = momentsBetween;
/** How much the packets looked at lately were copies: each adds, the others take off. */
let share: i32 = 0;
/** How many that were taken for copies of the packet in hand were none. */
export let mistaken: i32 = 0;
/** Where the packet in hand is remembered; 0 is nowhere. */
let place: usize = 0;
/** Its time, and whether one like it was found there. */
let nowUs: i32 = 0;
let isOriginalKnown: bool = false;

@inline
export function isLooking(): bool {
  return looksLeft > 0;
}

/** Copies would bring more such moments than there are otherwise. */
@inline
export function noteMoment(): void {
  if (--momentsLeft == 0) look();
}

function look(): void {
  momentsLeft = momentsBetween;
  looksLeft = max(looksLeft, looks);
}

/** Slot of the flow whose packet the one in hand is a copy of, if that flow is still there; -1 when it is none. */
export function findOriginal(timestampUs: f64, interfaceId: i32, base: usize, recordAt: usize): i32 {
  looksLeft--;
  place = 0;
  mistaken = 0;
  if (share > 0) share--;
  const isOuter = field(P_TUNNEL_DEPTH) == 0;
  const isIpv4 = isOuter && field(P_IP_VERSION) == 4;
  if (field(P_STOP_REASON) != 0 || !isIpv4 && field(P_IS_FRAGMENT) != 0) return -1;
  const outer = base + field(P_OUTER_SOURCE_OFFSET);
  // Identification, flags and offset of a fragment.
  const identity = isIpv4 ? read32(outer - 8) : 0;
  const isIdentified = isIdentification(identity >>> 16);
  const fingerprint = fingerprintOf(base, identity);
  const seenAt = isIdentified ? 0 : placeOf(outer, recordAt, interfaceId);
  place = findPlace(fingerprint, <i32> (<i64> timestampUs));
  return isOriginalKnown ? judge(isIdentified, seenAt) : start(seenAt);
}

/** Where a packet with the fingerprint is, or is to be: of two places the one that was used last. */
function findPlace(fingerprint: i32, atUs: i32): usize {
  nowUs = atUs;
  const first: usize = COPIES_AT + (<usize> (<u32> fingerprint >> (32 - COPIES_BITS)) << 6);
  const second = first + ENTRY_BYTES;
  isOriginalKnown = true;
  if (isAt(first, fingerprint)) return first;
  if (isAt(second, fingerprint)) return second;
  isOriginalKnown = false;
  const older = load<i32>(first, LAST_US) - load<i32>(second, LAST_US) < 0 ? first : second;
  store<i32>(older, fingerprint);
  return older;
}

@inline
function isAt(at: usize, fingerprint: i32): bool {
  return load<i32>(at) == fingerprint && isWithin(load<i32>(at, LAST_US), windowUs);
}

@inline
function isWithin(otherUs: i32, limitUs: i32): bool {
  const laterUs = nowUs - otherUs;
  return laterUs < limitUs && laterUs > -limitUs;
}

/** The packet is the first of its kind. */
function start(seenAt: i32): i32 {
  store<i32>(place, nowUs, LAST_US);
  store<i32>(place, 0, COUNT);
  store<i32>(place, seenAt, SEEN_AT);
  store<i32>(place, nowUs, ORIGINAL_US);
  return -1;
}

/** One like the packet came a moment ago. */
function judge(isIdentified: bool, seenAt: i32): i32 {
  const isElsewhere = load<i32>(place, SEEN_AT) != seenAt;
  const isSure = isIdentified || isElsewhere;
  const limitUs = isSure ? windowUs : closeUs;
  const isLikely = isSure || share > shareMany || hasNumber();
  if (!isLikely || !isWithin(load<i32>(place, LAST_US), limitUs)) return start(seenAt);
  if (!isElsewhere) store<i32>(place, nowUs, LAST_US);
  const word = load<i32>(place, COUNT);
  const count = word & 0xff;
  if (count >= copiesMax || !isWithin(load<i32>(place, ORIGINAL_US), limitUs)) {
    if (count != isEndless) mistaken = count;
    store<i32>(place, word | isEndless, COUNT);
    return -1;
  }
  store<i32>(place, word + 1, COUNT);
  share = min(shareMax, share + 1 + shareStep);
  looksLeft = max(looksLeft, looksAfterCopy);
  return word >>> 8;
}

/** Slot of the flow in which some were mistaken for copies. */
export function slotOfMistaken(): i32 {
  return load<i32>(place, COUNT) >>> 8;
}

/** The packet in hand is in a flow, and no copy. */
export function rememberOriginal(slot: i32): void {
  if (place != 0) store<i32>(place, slot << 8 | load<u8>(place, COUNT), COUNT);
}

/** Scapy writes 1 into all packets, ZMap 54,321. */
@inline
function isIdentification(number: i32): bool {
  return number > 1 && number != 54_321;
}

/** Whether the packet has a number that no other one of its flow has, but when it is sent again. */
function hasNumber(): bool {
  if (field(P_TRANSPORT) != TRANSPORT_TCP) return false;
  const flags = field(P_TCP_FLAGS);
  return (flags & RST) == 0 && (field(P_PAYLOAD_LENGTH) > 0 || (flags & (SYN | FIN)) != 0);
}

/** Of all that stays the same on the way. */
function fingerprintOf(base: usize, identity: i32): i32 {
  let hash = hashBytes(identity, KEY_AT, 8);
  hash = mixIn(hash, load<i32>(KEY_AT, F_PORTS << 2) + <i32> isSwapped);
  hash = mixIn(hash, load<i32>(KEY_AT, F_META << 2));
  hash = mixIn(hash, field(P_PAYLOAD_LENGTH));
  const payload = base + field(P_PAYLOAD_OFFSET);
  const flags = field(P_TCP_FLAGS);
  if (field(P_TRANSPORT) == TRANSPORT_TCP && flags >= 0) return finish(hashTcp(hash, payload, flags));
  const header = isIcmp() ? icmpHeaderLength : 0;
  const shown = min(field(P_PAYLOAD_CAPTURED_LENGTH), payloadBytes) + header;
  return finish(hashBytes(hash, payload - header, max(shown, 0)));
}

function hashTcp(start: i32, payload: usize, flags: i32): i32 {
  let hash = mixIn(start, field(P_TCP_SEQUENCE));
  hash = mixIn(hash, field(P_TCP_ACKNOWLEDGEMENT));
  hash = mixIn(hash, field(P_TCP_WINDOW) << 16 | flags);
  const ipHeaderLength = field(P_IP_VERSION) == 4 ? 20 : 40;
  const headers = field(P_IP_LENGTH) - field(P_PAYLOAD_LENGTH);
  const hasOptions = headers >= ipHeaderLength + tcpHeaderLengthMin + optionBytes;
  // Time stamps, or what was received out of order.
  return hasOptions ? hashBytes(hash, payload - optionBytes, optionBytes) : hash;
}

@inline
function isIcmp(): bool {
  const transport = field(P_TRANSPORT);
  return transport == TRANSPORT_ICMP || transport == TRANSPORT_ICMPV6;
}

/** By what a packet shows of the way to where it was seen. */
function placeOf(outer: usize, recordAt: usize, interfaceId: i32): i32 {
  const ip = outer - (field(P_OUTER_IP_VERSION) == 4 ? 12 : 8);
  const length = min(<i32> (ip - recordAt), linkBytesMax);
  return finish(hashBytes(interfaceId << 8 | field(P_TTL) & 0xff, recordAt, max(length, 0)));
}

function hashBytes(start: i32, at: usize, length: i32): i32 {
  let hash = start;
  let next = 0;
  for (; next + 4 <= length; next += 4) hash = mixIn(hash, load<i32>(at + next));
  for (; next < length; next++) hash = mixIn(hash, load<u8>(at + next));
  return hash;
}

/** As MurmurHash3 (Appleby) takes a word, and ends. */
@inline
function mixIn(hash: i32, word: i32): i32 {
  const mixed = rotl<i32>(word * <i32> 0xcc9e2d51, 15) * 0x1b873593;
  return rotl<i32>(hash ^ mixed, 13) * 5 + <i32> 0xe6546b64;
}

function finish(hash: i32): i32 {
  let mixed: u32 = hash;
  mixed = (mixed ^ mixed >> 16) * 0x85ebca6b;
  mixed = (mixed ^ mixed >> 13) * 0xc2b2ae35;
  return <i32> (mixed ^ mixed >> 16);
}
