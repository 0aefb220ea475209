/** What ARP packets and neighbour discovery (RFC 4861) tell of who is on the link. */
import { isInNetwork, type Network } from "../decode/addresses.ts";
import { readInt32, readUint16 } from "../decode/bytes.ts";
import { type Packet, Transport } from "../records.ts";
import { type Address, isUnicast } from "./home_network.ts";
import type { LinkView, MacWords } from "./link_view.ts";
import type { MacBook } from "./mac_book.ts";

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

/** Who listens. */
interface LinkListeners {
  readonly view: LinkView;
  readonly macs: MacBook;
}

/** Takes a packet if it is one of ARP or neighbour discovery; returns whether it is. */
export function hearLink(
  { view, macs }: LinkListeners,
  bytes: Uint8Array,
  packet: Packet,
  frameEnd: number,
): boolean {
  // What is in a tunnel is on another link.
  const fromMac = packet.linkOffset >= 0 && packet.tunnelDepth === 0
    ? macAt(bytes, packet.linkOffset + 6)
    : null;
  if (packet.arpOffset >= 0) {
    if (!isArpWhole(bytes, packet.arpOffset, frameEnd)) return false;
    if (fromMac !== null) bindArp(macs, fromMac, bytes, packet.arpOffset);
    view.seeArp(ipv4At(bytes, packet.arpOffset + 14), ipv4At(bytes, packet.arpOffset + 24));
    return true;
  }
  const isNeighbours = packet.transport === Transport.icmpv6 && packet.tunnelDepth === 0 &&
    packet.ttl === 255 && packet.sourcePort >= 133 && packet.sourcePort <= redirect;
  if (!isNeighbours) return false;
  hearNeighbour(view, bytes, packet);
  if (fromMac !== null) bindNeighbour(macs, fromMac, bytes, packet);
  return true;
}

/** Of Ethernet and IPv4 addresses. */
function isArpWhole(bytes: Uint8Array, at: number, end: number): boolean {
  return at + arpLength <= end && bytes[at + 4] === 6 && bytes[at + 5] === 4;
}

/** Who asks or answers has the address that it names; a probe (RFC 5227) names none, and nobody speaks for another. */
function bindArp(macs: MacBook, fromMac: MacWords, bytes: Uint8Array, at: number): void {
  const ofSender = macAt(bytes, at + 8);
  const sender = ipv4At(bytes, at + 14);
  const isOwn = ofSender[0] === fromMac[0] && ofSender[1] === fromMac[1];
  if (isOwn && isUnicast(sender)) macs.bind(fromMac, sender);
}

/** Who speaks has its source address, and what it advertises (section 4.4). */
function bindNeighbour(macs: MacBook, fromMac: MacWords, bytes: Uint8Array, packet: Packet): void {
  const { source0, source1, source2, source3, payloadOffset: body } = packet;
  const source: Address = [source0, source1, source2, source3];
  if (isUnicast(source)) macs.bind(fromMac, source);
  const hasTarget = packet.sourcePort === neighbourAdvertisement &&
    packet.payloadCapturedLength >= 16;
  const target = hasTarget ? ipv6At(bytes, body) : source;
  if (hasTarget && isUnicast(target)) macs.bind(fromMac, target);
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
  return [
    readInt32(bytes, at),
    readInt32(bytes, at + 4),
    readInt32(bytes, at + 8),
    readInt32(bytes, at + 12),
  ];
}
