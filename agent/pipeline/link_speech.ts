/** What ARP packets and neighbour discovery (RFC 4861) tell of who is on the link. */
import { isInNetwork, type Network } from "../decode/addresses.ts";
import { readInt32, readUint16 } from "../decode/bytes.ts";
import { type Packet, Transport } from "../records.ts";
import type { Address } from "./home_network.ts";
import type { LinkView, MacWords } from "./link_view.ts";

/** Of Ethernet and IPv4 addresses, with its header. */
const arpLength = 28;
const routerAdvertisement = 134;
const neighbourAdvertisement = 136;
const redirect = 137;
const prefixOption = 3;
const prefixOptionLength = 32;
/** Shorter ones are no link's: who advertises them has the world pass through. */
const prefixLengthMin = 48;
/** RFC 4193, RFC 4291: addresses that are local anyway. */
const globalUnicast: Network = { words: [0x20000000, 0, 0, 0], prefixLength: 3 };

/** Takes a packet if it is one of ARP or neighbour discovery. */
export function hearLink(
  view: LinkView,
  bytes: Uint8Array,
  packet: Packet,
  frameEnd: number,
): void {
  if (packet.arpOffset >= 0) return hearArp(view, bytes, packet.arpOffset, frameEnd);
  const isNeighbours = packet.transport === Transport.icmpv6 && packet.tunnelDepth === 0 &&
    packet.ttl === 255 && packet.sourcePort >= 133 && packet.sourcePort <= redirect;
  if (isNeighbours) hearNeighbour(view, bytes, packet);
}

function hearArp(view: LinkView, bytes: Uint8Array, at: number, end: number): void {
  if (at + arpLength > end || bytes[at + 4] !== 6 || bytes[at + 5] !== 4) return;
  view.seeArp(ipv4At(bytes, at + 14), ipv4At(bytes, at + 24));
}

function hearNeighbour(view: LinkView, bytes: Uint8Array, packet: Packet): void {
  view.seeNeighbour([packet.source0, packet.source1, packet.source2, packet.source3]);
  const type = packet.sourcePort;
  const body = packet.payloadOffset;
  const isOfRouter = type === routerAdvertisement || type === redirect ||
    type === neighbourAdvertisement && body >= 4 && (bytes[body - 4] & 0x80) !== 0;
  if (isOfRouter && packet.linkOffset >= 0) view.setRouter(macAt(bytes, packet.linkOffset + 6));
  if (type === routerAdvertisement) {
    hearPrefixes(view, bytes, body + 8, body + packet.payloadCapturedLength);
  }
}

/** Options of a router advertisement: type, length in units of eight bytes, and for a prefix (section 4.6.2) its length and flags. */
function hearPrefixes(view: LinkView, bytes: Uint8Array, from: number, end: number): void {
  for (let at = from; at + 8 <= end && bytes[at + 1] > 0; at += bytes[at + 1] * 8) {
    const isPrefix = bytes[at] === prefixOption && bytes[at + 1] * 8 === prefixOptionLength &&
      at + prefixOptionLength <= end;
    if (!isPrefix || bytes[at + 2] < prefixLengthMin || bytes[at + 2] > 128) continue;
    const words = ipv6At(bytes, at + 16);
    if (isInNetwork(globalUnicast, ...words)) view.seePrefix(words, bytes[at + 2]);
  }
}

export function macAt(bytes: Uint8Array, at: number): MacWords {
  return [readUint16(bytes, at), readInt32(bytes, at + 2)];
}

function ipv4At(bytes: Uint8Array, at: number): Address {
  return [0, 0, 0xffff, readInt32(bytes, at)];
}

function ipv6At(bytes: Uint8Array, at: number): Address {
  return [0, 4, 8, 12].map((offset) => readInt32(bytes, at + offset)) as [
    number,
    number,
    number,
    number,
  ];
}
