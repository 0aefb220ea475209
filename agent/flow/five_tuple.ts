/**
 * What makes two packets one flow: innermost addresses, ports and IP protocol, the same for both directions.
 *
 * The two ends are put into a fixed order (the lower one first), so that a packet and its answer have one key;
 * `isSwapped` says that the source is the higher end. VLAN tags and interfaces are left out, because the two
 * directions of a connection may carry different ones. ICMP has no ports: as in Zeek and Community ID, the type of
 * the message and the type of its answer stand for them (echo request 8 pairs with echo reply 0), and messages that
 * nothing answers have type and code, and a direction. The echo identifier is no part of the key, as in Zeek.
 */
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

/** Both tables, ICMP's first: what the hot path pairs messages by (assembly/flow_key.ts). */
export const icmpPairs = new Int16Array([...icmpCounterparts, ...icmpv6Counterparts]);

/** The ICMP or ICMPv6 type that answers `type`, or -1 when nothing does. */
export function icmpCounterpart(protocol: number, type: number): number {
  const counterparts = protocol === PROTOCOL_ICMP ? icmpCounterparts : icmpv6Counterparts;
  return counterparts[type & 0xff] ?? -1;
}
