/** SCTP (RFC 9260) and DCCP (RFC 4340): ports and the extent of the header. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, readableBytes, setPayload, setPorts, stop } from "./cursor.ts";
import { Step } from "./step.ts";

const HEADER_LENGTH = 12;

/** The common header; what follows are chunks. */
export function decodeSctp(cursor: Cursor, packet: Packet): number {
  readPorts(cursor, packet);
  if (!hasBytes(cursor, packet, Layer.sctp, HEADER_LENGTH)) return Step.done;
  setPayload(cursor, packet, cursor.position + HEADER_LENGTH);
  return Step.done;
}

/** The generic header; its data offset counts words of four bytes, options included. */
export function decodeDccp(cursor: Cursor, packet: Packet): number {
  readPorts(cursor, packet);
  if (!hasBytes(cursor, packet, Layer.dccp, HEADER_LENGTH)) return Step.done;
  const headerLength = cursor.bytes[cursor.position + 4] * 4;
  if (headerLength < HEADER_LENGTH) {
    return stop(packet, Layer.dccp, StopReason.malformed, HEADER_LENGTH, headerLength);
  }
  if (!hasBytes(cursor, packet, Layer.dccp, headerLength)) return Step.done;
  setPayload(cursor, packet, cursor.position + headerLength);
  return Step.done;
}

function readPorts(cursor: Cursor, packet: Packet): void {
  if (readableBytes(cursor) < 4) return;
  const { bytes, position } = cursor;
  setPorts(cursor, packet, readUint16(bytes, position), readUint16(bytes, position + 2));
}
