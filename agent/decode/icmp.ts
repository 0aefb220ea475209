/** ICMP (RFC 792), ICMPv6 (RFC 4443) and IGMP (RFC 2236): type, code, checksum and four bytes that vary. */
import { Layer, type Packet } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, readableBytes, setPayload } from "./cursor.ts";
import { Step } from "./step.ts";

const HEADER_LENGTH = 8;

/** Type and code stand where ports would; echo, timestamp, information and mask messages have an identifier. */
export function decodeIcmp(cursor: Cursor, packet: Packet): number {
  setTypeAndCode(cursor, packet);
  if (!hasBytes(cursor, packet, Layer.icmp, HEADER_LENGTH)) return Step.done;
  const type = packet.sourcePort;
  if (type === 0 || type === 8 || (type >= 13 && type <= 18)) setIdentifier(cursor, packet);
  setPayload(cursor, packet, cursor.position + HEADER_LENGTH);
  return Step.done;
}

/** As decodeIcmp(); echo messages are types 128 and 129. */
export function decodeIcmpv6(cursor: Cursor, packet: Packet): number {
  setTypeAndCode(cursor, packet);
  if (!hasBytes(cursor, packet, Layer.icmpv6, HEADER_LENGTH)) return Step.done;
  const type = packet.sourcePort;
  if (type === 128 || type === 129) setIdentifier(cursor, packet);
  setPayload(cursor, packet, cursor.position + HEADER_LENGTH);
  return Step.done;
}

/** Only the length is checked; nobody asks for more. */
export function decodeIgmp(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.igmp, HEADER_LENGTH)) return Step.done;
  setPayload(cursor, packet, cursor.position + HEADER_LENGTH);
  return Step.done;
}

function setTypeAndCode(cursor: Cursor, packet: Packet): void {
  if (readableBytes(cursor) < 2) return;
  packet.sourcePort = cursor.bytes[cursor.position];
  packet.destinationPort = cursor.bytes[cursor.position + 1];
}

function setIdentifier(cursor: Cursor, packet: Packet): void {
  packet.icmpIdentifier = readUint16(cursor.bytes, cursor.position + 4);
}
