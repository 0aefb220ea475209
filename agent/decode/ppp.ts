/** PPP (RFC 1661), PPP in HDLC framing (RFC 1662), PPPoE sessions (RFC 2516), and the two other serial links. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, stop, stopUnsupported } from "./cursor.ts";
import { stepOrUnsupported } from "./ethernet.ts";
import { Step, stepOfPppProtocol } from "./step.ts";

/** Version and type 0x11, code 0, session, length: then PPP without framing. */
export function decodePppoe(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.pppoe, 6)) return Step.done;
  const { bytes, position } = cursor;
  if (bytes[position] !== 0x11) return stop(packet, Layer.pppoe, StopReason.malformed, 0, 0);
  cursor.position = position + 6;
  const end = cursor.position + readUint16(bytes, position + 4);
  if (end < cursor.declaredEnd) cursor.declaredEnd = end;
  return Step.ppp;
}

/** Address and control (left out or not), then a protocol number of one byte when it is odd, else of two. */
export function decodePpp(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.ppp, 2)) return Step.done;
  const { bytes } = cursor;
  if (readUint16(bytes, cursor.position) === 0xff03) cursor.position += 2;
  if (!hasBytes(cursor, packet, Layer.ppp, 2)) return Step.done;
  const first = bytes[cursor.position];
  const isCompressed = (first & 1) === 1;
  const protocol = isCompressed ? first : readUint16(bytes, cursor.position);
  cursor.position += isCompressed ? 1 : 2;
  const step = stepOfPppProtocol(protocol);
  return step === Step.unknown ? stopUnsupported(packet, Layer.ppp, protocol) : step;
}

/** A serial link: PPP, with FF 03 before it or not, or Cisco HDLC, whose addresses are no protocols of PPP. */
export function decodePppHdlc(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.ppp, 1)) return Step.done;
  const address = cursor.bytes[cursor.position];
  return address === 0x0f || address === 0x8f ? Step.ciscoHdlc : Step.ppp;
}

/** LINKTYPE_PPP_PPPD: direction in the place of the address, then the control byte 03. */
export function decodePppPppd(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.ppp, 2)) return Step.done;
  cursor.position += cursor.bytes[cursor.position + 1] === 0x03 ? 2 : 1;
  return Step.ppp;
}

/** A byte that says who sent the packet, before its link header. */
export function skipDirection(cursor: Cursor, packet: Packet, next: number): number {
  if (!hasBytes(cursor, packet, Layer.link, 1)) return Step.done;
  cursor.position++;
  return next;
}

/** Address, control, EtherType. */
export function decodeCiscoHdlc(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.hdlc, 4)) return Step.done;
  const etherType = readUint16(cursor.bytes, cursor.position + 2);
  cursor.position += 4;
  return stepOrUnsupported(packet, etherType, Layer.hdlc);
}

/** Frame relay (Q.922, RFC 2427): address until its last byte is odd, then 03 and an NLPID, or an EtherType. */
export function decodeFrameRelay(cursor: Cursor, packet: Packet): number {
  const { bytes } = cursor;
  let isLast = false;
  while (!isLast) {
    if (!hasBytes(cursor, packet, Layer["frame-relay"], 1)) return Step.done;
    isLast = (bytes[cursor.position++] & 1) === 1;
  }
  if (!hasBytes(cursor, packet, Layer["frame-relay"], 2)) return Step.done;
  const value = readUint16(bytes, cursor.position);
  cursor.position += 2;
  if (value === 0x03cc) return Step.ipv4;
  if (value === 0x038e) return Step.ipv6;
  return stepOrUnsupported(packet, value, Layer["frame-relay"]);
}
