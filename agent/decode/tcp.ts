/** TCP (RFC 9293). */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16, readUint32 } from "./bytes.ts";
import { type Cursor, hasBytes, readableBytes, setPayload, setPorts, stop } from "./cursor.ts";
import { Step } from "./step.ts";

const LAYER = Layer.tcp;
const HEADER_LENGTH_MIN = 20;

/** Reads as much of the header as there is: ports and flags of a cut-off one still count. */
export function decodeTcp(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  const readable = readableBytes(cursor);
  if (readable < HEADER_LENGTH_MIN) return decodeShortTcp(cursor, packet, readable);
  setPorts(cursor, packet, readUint16(bytes, position), readUint16(bytes, position + 2));
  setFlags(cursor, packet);
  packet.tcpSequence = readUint32(bytes, position + 4);
  packet.tcpAcknowledgement = readUint32(bytes, position + 8);
  packet.tcpWindow = readUint16(bytes, position + 14);
  const headerLength = (bytes[position + 12] >> 4) * 4;
  if (headerLength < HEADER_LENGTH_MIN) {
    return stop(packet, LAYER, StopReason.malformed, HEADER_LENGTH_MIN, headerLength);
  }
  const end = position + headerLength;
  if (end <= cursor.declaredEnd) setPayload(cursor, packet, end);
  if (headerLength > readable) hasBytes(cursor, packet, LAYER, headerLength);
  return Step.done;
}

function setFlags(cursor: Cursor, packet: Packet): void {
  const flags = readUint16(cursor.bytes, cursor.position + 12);
  packet.tcpFlags = flags & 0x01ff;
  if (cursor.isOuter === 1) packet.outerTcpFlags = flags & 0x0fff;
}

function decodeShortTcp(cursor: Cursor, packet: Packet, readable: number): number {
  const { bytes, position } = cursor;
  if (readable >= 4) {
    setPorts(cursor, packet, readUint16(bytes, position), readUint16(bytes, position + 2));
  }
  if (readable >= 8) packet.tcpSequence = readUint32(bytes, position + 4);
  if (readable >= 12) packet.tcpAcknowledgement = readUint32(bytes, position + 8);
  if (readable >= 14) setFlags(cursor, packet);
  hasBytes(cursor, packet, LAYER, HEADER_LENGTH_MIN);
  return Step.done;
}
