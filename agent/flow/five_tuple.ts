/**
 * What makes two packets one flow: innermost addresses, ports and IP protocol, the same for both directions.
 *
 * The two ends are put into a fixed order (the lower one first), so that a packet and its answer have one key;
 * `isSwapped` says that the source is the higher end. VLAN tags and interfaces are left out, because the two
 * directions of a connection may carry different ones. ICMP has no ports: as in Zeek and Community ID, the type of
 * the message and the type of its answer stand for them (echo request 8 pairs with echo reply 0), and messages that
 * nothing answers have type and code, and a direction. The echo identifier is no part of the key, as in Zeek.
 */
import type { Packet } from "../records.ts";

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;
export const PROTOCOL_SCTP = 132;

/** Answer to each ICMP message type that has one (RFC 792, 950, 1256). */
const icmpCounterparts = pairs([[8, 0], [13, 14], [15, 16], [10, 9], [17, 18]]);
/** Answer to each ICMPv6 message type that has one (RFC 4443, 4861, 2710, 4620, 6275). */
const icmpv6Counterparts = pairs([[128, 129], [133, 134], [135, 136], [130, 131], [139, 140], [
  144,
  145,
]]);

function pairs(list: readonly (readonly [number, number])[]): Int16Array {
  const counterparts = new Int16Array(256).fill(-1);
  for (const [request, reply] of list) {
    counterparts[request] = reply;
    counterparts[reply] = request;
  }
  return counterparts;
}

/** The ICMP or ICMPv6 type that answers `type`, or -1 when nothing does. */
export function icmpCounterpart(protocol: number, type: number): number {
  const counterparts = protocol === PROTOCOL_ICMP ? icmpCounterparts : icmpv6Counterparts;
  return counterparts[type & 0xff] ?? -1;
}

/** Bits of a key's meta word: the IP protocol is its low byte. */
export const META_IS_IPV6 = 0x100;
export const META_HAS_PORTS = 0x200;
/** An ICMP message without counterpart: the ends are source and destination, never swapped. */
export const META_IS_ONE_WAY = 0x400;

/** Words of a key. */
export const KEY_WORDS = 10;
/** Of an IPv4 key only the first words are filled and compared. */
export const IPV4_KEY_WORDS = 4;
export const KEY_LOW_3 = 0;
export const KEY_HIGH_3 = 1;
/** Port of the low end in the upper half, of the high end in the lower; 0 without ports. */
export const KEY_PORTS = 2;
export const KEY_META = 3;
/** Words 0 to 2 of the low end's address, then of the high end's. */
export const KEY_LOW_REST = 4;
export const KEY_HIGH_REST = 7;

/** A flow's identity; one instance is filled again for every packet. */
export class FlowKey {
  readonly words = new Int32Array(KEY_WORDS);
  /** True when the packet went from the high to the low end. */
  isSwapped = false;
}

/**
 * Fills `key` from a packet with an IP header. The ports (type and code for ICMP) are arguments because a later
 * fragment takes those of its first; -1 means that there are none.
 */
export function readFlowKey(
  key: FlowKey,
  packet: Packet,
  sourcePort: number,
  destinationPort: number,
): void {
  const protocol = packet.ipProtocol & 0xff;
  let meta = protocol | (packet.ipVersion === 6 ? META_IS_IPV6 : 0);
  if (sourcePort < 0) {
    sourcePort = 0;
    destinationPort = 0;
  } else {
    meta |= META_HAS_PORTS;
    if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
      const counterpart = icmpCounterpart(protocol, sourcePort);
      if (counterpart < 0) meta |= META_IS_ONE_WAY;
      else destinationPort = counterpart;
    }
  }
  const isSwapped = (meta & META_IS_ONE_WAY) === 0 &&
    isSourceHigher(packet, sourcePort, destinationPort);
  key.isSwapped = isSwapped;
  key.words[KEY_META] = meta;
  key.words[KEY_PORTS] = isSwapped
    ? destinationPort << 16 | sourcePort
    : sourcePort << 16 | destinationPort;
  key.words[KEY_LOW_3] = isSwapped ? packet.destination3 : packet.source3;
  key.words[KEY_HIGH_3] = isSwapped ? packet.source3 : packet.destination3;
  if ((meta & META_IS_IPV6) !== 0) fillRest(key.words, packet, isSwapped);
}

/** Any total order does here, so the words are compared as the signed integers they are. */
function isSourceHigher(packet: Packet, sourcePort: number, destinationPort: number): boolean {
  if (packet.source3 !== packet.destination3) return packet.source3 > packet.destination3;
  if (packet.source2 !== packet.destination2) return packet.source2 > packet.destination2;
  if (packet.source1 !== packet.destination1) return packet.source1 > packet.destination1;
  if (packet.source0 !== packet.destination0) return packet.source0 > packet.destination0;
  return sourcePort > destinationPort;
}

function fillRest(words: Int32Array, packet: Packet, isSwapped: boolean): void {
  const source = isSwapped ? KEY_HIGH_REST : KEY_LOW_REST;
  const destination = isSwapped ? KEY_LOW_REST : KEY_HIGH_REST;
  words[source] = packet.source0;
  words[source + 1] = packet.source1;
  words[source + 2] = packet.source2;
  words[destination] = packet.destination0;
  words[destination + 1] = packet.destination1;
  words[destination + 2] = packet.destination2;
}
