/** IPv6 and its extension headers (RFC 8200, RFC 4302 for the authentication header, RFC 2675 for jumbograms). */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readInt32, readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, stop } from "./cursor.ts";
import { beginIp, endIp, setIpProtocol } from "./ip.ts";
import { Step } from "./step.ts";

const LAYER = Layer.ipv6;
const EXTENSION_LAYER = Layer["ipv6-extension"];
const HEADER_LENGTH = 40;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

/** Reads the header, bounds what follows by its payload length, walks the extensions and goes on to the protocol. */
export function decodeIpv6(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, LAYER, HEADER_LENGTH)) return Step.done;
  const { bytes, position } = cursor;
  if (bytes[position] >> 4 !== 6) {
    return stop(packet, LAYER, StopReason.malformed, HEADER_LENGTH, 0);
  }
  const available = cursor.declaredEnd - position;
  // Zero means a jumbogram or segmentation offload: the link's length is all there is.
  const payloadLength = readUint16(bytes, position + 4) || available - HEADER_LENGTH;
  const ipLength = HEADER_LENGTH + payloadLength;
  if (ipLength < available) cursor.declaredEnd = position + ipLength;
  beginIp(cursor, packet);
  packet.ipLength = ipLength;
  setAddresses(cursor, packet);
  cursor.position = position + HEADER_LENGTH;
  const nextHeader = bytes[position + 6];
  if (isExtension(nextHeader)) return walkExtensions(cursor, packet, nextHeader);
  return endIp(cursor, packet, nextHeader, LAYER);
}

function isExtension(nextHeader: number): boolean {
  return nextHeader === HOP_BY_HOP || nextHeader === ROUTING || nextHeader === FRAGMENT ||
    nextHeader === DESTINATION_OPTIONS || nextHeader === AUTHENTICATION;
}

function walkExtensions(cursor: Cursor, packet: Packet, first: number): number {
  let nextHeader = first;
  while (isExtension(nextHeader)) {
    if (!hasBytes(cursor, packet, EXTENSION_LAYER, 8)) break;
    const length = extensionLength(cursor, nextHeader);
    if (!hasBytes(cursor, packet, EXTENSION_LAYER, length)) break;
    const at = cursor.position;
    cursor.position = at + length;
    if (nextHeader === FRAGMENT) readFragment(packet, cursor.bytes, at);
    nextHeader = cursor.bytes[at];
    if (packet.isLaterFragment === 1) return endIp(cursor, packet, nextHeader, LAYER);
  }
  if (packet.stopReason !== StopReason.complete) {
    setIpProtocol(cursor, packet, nextHeader);
    return Step.done;
  }
  return endIp(cursor, packet, nextHeader, LAYER);
}

function extensionLength(cursor: Cursor, nextHeader: number): number {
  const length = cursor.bytes[cursor.position + 1];
  if (nextHeader === FRAGMENT) return 8;
  return nextHeader === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
}

/** The fragment header at `at` (RFC 8200 section 4.5). */
function readFragment(packet: Packet, bytes: Uint8Array, at: number): void {
  const offsetAndMore = readUint16(bytes, at + 2);
  packet.isFragment = (offsetAndMore & 0xfff9) !== 0 ? 1 : 0;
  packet.isLaterFragment = (offsetAndMore & 0xfff8) !== 0 ? 1 : 0;
  packet.ipIdentification = packet.isFragment === 1 ? readInt32(bytes, at + 4) : -1;
}

function setAddresses(cursor: Cursor, packet: Packet): void {
  const { bytes, position } = cursor;
  packet.ipVersion = 6;
  packet.ttl = bytes[position + 7];
  packet.source0 = readInt32(bytes, position + 8);
  packet.source1 = readInt32(bytes, position + 12);
  packet.source2 = readInt32(bytes, position + 16);
  packet.source3 = readInt32(bytes, position + 20);
  packet.destination0 = readInt32(bytes, position + 24);
  packet.destination1 = readInt32(bytes, position + 28);
  packet.destination2 = readInt32(bytes, position + 32);
  packet.destination3 = readInt32(bytes, position + 36);
  if (cursor.isOuter === 1) {
    packet.outerIpVersion = 6;
    packet.outerSourceOffset = position + 8;
    packet.outerDestinationOffset = position + 24;
  }
}
