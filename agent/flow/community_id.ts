/**
 * Community ID version 1 (github.com/corelight/community-id-spec): a name for a flow that other tools compute alike.
 *
 *     "1:" + base64(SHA-1(seed, address, address, protocol, 0, port, port))
 *
 * in network byte order, the lower address and port first; ports only for TCP, UDP, SCTP and ICMP, whose ports are
 * the message type and its counterpart, or type and code (never swapped) where there is none.
 */
import { createHash } from "node:crypto";
import {
  icmpCounterpart,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./five_tuple.ts";

interface CommunityTuple {
  /** 4 or 16 bytes each. */
  readonly sourceAddress: Uint8Array;
  readonly destinationAddress: Uint8Array;
  readonly protocol: number;
  /** ICMP: type. -1 when the packet shows no ports. */
  readonly sourcePort: number;
  /** ICMP: the type's counterpart, or the code of a message that has none. */
  readonly destinationPort: number;
}

const seed = 0;
const portProtocols: readonly number[] = [
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
];

export function communityId(tuple: CommunityTuple): string {
  const { sourceAddress, destinationAddress, protocol, sourcePort, destinationPort } = tuple;
  const isSwapped = !isOneWay(tuple) && isSourceHigher(tuple);
  const size = sourceAddress.length;
  const bytes = new Uint8Array(8 + 2 * size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, seed);
  bytes.set(isSwapped ? destinationAddress : sourceAddress, 2);
  bytes.set(isSwapped ? sourceAddress : destinationAddress, 2 + size);
  bytes[2 + 2 * size] = protocol;
  const hasPorts = sourcePort >= 0 && portProtocols.includes(protocol);
  if (hasPorts) {
    view.setUint16(4 + 2 * size, isSwapped ? destinationPort : sourcePort);
    view.setUint16(6 + 2 * size, isSwapped ? sourcePort : destinationPort);
  }
  const hashed = hasPorts ? bytes : bytes.subarray(0, 4 + 2 * size);
  return `1:${createHash("sha1").update(hashed).digest("base64")}`;
}

function isOneWay({ protocol, sourcePort }: CommunityTuple): boolean {
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  return isIcmp && sourcePort >= 0 && icmpCounterpart(protocol, sourcePort) < 0;
}

function isSourceHigher(tuple: CommunityTuple): boolean {
  const { sourceAddress, destinationAddress } = tuple;
  for (let i = 0; i < sourceAddress.length; i++) {
    const difference = sourceAddress[i] - destinationAddress[i];
    if (difference !== 0) return difference > 0;
  }
  return tuple.sourcePort > tuple.destinationPort;
}
