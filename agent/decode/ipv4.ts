/** IPv4 (RFC 791). */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readInt32, readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, stop } from "./cursor.ts";
import { beginIp, endIp, setIpProtocol } from "./ip.ts";
import { Step } from "./step.ts";

const LAYER = Layer.ipv4;
const HEADER_LENGTH_MIN = 20;

/** Reads the header, bounds what follows by its total length and goes on to the protocol. */
export function decodeIpv4(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, LAYER, HEADER_LENGTH_MIN)) return Step.done;
  const { bytes, position } = cursor;
  const headerLength = (bytes[position] & 0x0f) * 4;
  const available = cursor.declaredEnd - position;
  // Segmentation offload hands over packets before their length is filled in.
  const totalLength = readUint16(bytes, position + 2) || available;
  if (bytes[position] >> 4 !== 4 || headerLength < HEADER_LENGTH_MIN) {
    return stop(packet, LAYER, StopReason.malformed, HEADER_LENGTH_MIN, headerLength);
  }
  if (totalLength < headerLength) {
    return stop(packet, LAYER, StopReason.malformed, headerLength, totalLength);
  }
  if (totalLength < available) cursor.declaredEnd = position + totalLength;
  beginIp(cursor, packet);
  packet.ipLength = totalLength;
  setAddresses(cursor, packet);
  const fragment = readUint16(bytes, position + 6);
  packet.isFragment = (fragment & 0x3fff) !== 0 ? 1 : 0;
  packet.isLaterFragment = (fragment & 0x1fff) !== 0 ? 1 : 0;
  if (packet.isFragment === 1) packet.ipIdentification = readUint16(bytes, position + 4);
  const protocol = bytes[position + 9];
  if (headerLength > HEADER_LENGTH_MIN && !hasBytes(cursor, packet, LAYER, headerLength)) {
    setIpProtocol(cursor, packet, protocol);
    return Step.done;
  }
  cursor.position = position + headerLength;
  return endIp(cursor, packet, protocol, LAYER);
}

function setAddresses(cursor: Cursor, packet: Packet): void {
  const { bytes, position } = cursor;
  packet.ipVersion = 4;
  packet.ttl = bytes[position + 8];
  packet.source0 = 0;
  packet.source1 = 0;
  packet.source2 = 0xffff;
  packet.source3 = readInt32(bytes, position + 12);
  packet.destination0 = 0;
  packet.destination1 = 0;
  packet.destination2 = 0xffff;
  packet.destination3 = readInt32(bytes, position + 16);
  if (cursor.isOuter === 1) {
    packet.outerIpVersion = 4;
    packet.outerSourceOffset = position + 12;
    packet.outerDestinationOffset = position + 16;
  }
}
