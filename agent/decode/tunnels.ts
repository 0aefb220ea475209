/** Tunnels: GRE (RFC 2784, 2890, 2637), ERSPAN, VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380). */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, enterTunnel, hasBytes, readableBytes, setPayload, stop } from "./cursor.ts";
import { stopUnsupported } from "./cursor.ts";
import { Step, stepOfEtherType } from "./step.ts";

const GRE_LAYER = Layer.gre;
const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGEMENT = 0x0080;
const TRANSPARENT_ETHERNET = 0x6558;
const PPP = 0x880b;
const ERSPAN = 0x88be;
const ERSPAN_3 = 0x22eb;

/** GRE version 0, or 1 (PPTP). */
export function decodeGre(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, GRE_LAYER, 4)) return Step.done;
  const { bytes, position } = cursor;
  const flags = readUint16(bytes, position);
  const version = flags & 0x0007;
  if (version > 1 || (flags & ROUTING) !== 0) return stopUnsupported(packet, GRE_LAYER);
  let length = 4;
  if ((flags & CHECKSUM) !== 0) length += 4;
  if ((flags & KEY) !== 0) length += 4;
  if ((flags & SEQUENCE) !== 0) length += 4;
  if (version === 1 && (flags & ACKNOWLEDGEMENT) !== 0) length += 4;
  if (!hasBytes(cursor, packet, GRE_LAYER, length)) return Step.done;
  cursor.position = position + length;
  setPayload(cursor, packet, cursor.position);
  if (packet.payloadLength === 0) return Step.done;
  const hasSequence = (flags & SEQUENCE) !== 0;
  const step = stepOfGreProtocol(cursor, packet, readUint16(bytes, position + 2), hasSequence);
  return step === Step.done ? step : enterTunnel(cursor, packet, GRE_LAYER, step);
}

function stepOfGreProtocol(
  cursor: Cursor,
  packet: Packet,
  protocol: number,
  hasSequence: boolean,
): number {
  if (protocol === 0) return Step.done; // keepalive
  if (protocol === TRANSPARENT_ETHERNET) return Step.ethernet;
  if (protocol === PPP) return Step.ppp;
  // Type I has neither sequence number nor header (draft-foschiano-erspan-03 section 4.1).
  if (protocol === ERSPAN) return hasSequence ? skipToEthernet(cursor, packet, 8) : Step.ethernet;
  if (protocol === ERSPAN_3) return decodeErspan3(cursor, packet);
  const step = stepOfEtherType(protocol);
  return step === Step.unknown ? stopUnsupported(packet, GRE_LAYER, protocol) : step;
}

function skipToEthernet(cursor: Cursor, packet: Packet, length: number): number {
  if (!hasBytes(cursor, packet, GRE_LAYER, length)) return Step.done;
  cursor.position += length;
  return Step.ethernet;
}

/** Type III: 12 bytes, 8 more when the last bit is set; bits 10 to 14 of the last word tell the frame type. */
function decodeErspan3(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, GRE_LAYER, 12)) return Step.done;
  const last = readUint16(cursor.bytes, cursor.position + 10);
  if (((last >> 10) & 0x1f) !== 0) return stopUnsupported(packet, GRE_LAYER);
  return skipToEthernet(cursor, packet, (last & 1) === 1 ? 20 : 12);
}

/** VXLAN: flags with the I bit, network id. What does not look like it is a UDP payload like any other. */
export function decodeVxlan(cursor: Cursor, packet: Packet): number {
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, Layer.vxlan, 8);
  return enterVxlan(cursor, packet, Step.ethernet);
}

/** VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): with the P bit the fourth byte tells what is inside. */
export function decodeVxlanGpe(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, Layer.vxlan, 8);
  const protocol = (bytes[position] & 0x04) === 0 ? 3 : bytes[position + 3];
  if (protocol === 1) return enterVxlan(cursor, packet, Step.ipv4);
  if (protocol === 2) return enterVxlan(cursor, packet, Step.ipv6);
  return protocol === 3 ? enterVxlan(cursor, packet, Step.ethernet) : Step.done;
}

function enterVxlan(cursor: Cursor, packet: Packet, next: number): number {
  const { bytes, position } = cursor;
  if ((bytes[position] & 0x08) === 0 || bytes[position + 7] !== 0) return Step.done;
  cursor.position = position + 8;
  return enterTunnel(cursor, packet, Layer.vxlan, next);
}

/** Geneve: version and option words, flags, EtherType (or transparent Ethernet), network id. */
export function decodeGeneve(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, Layer.geneve, 8);
  if (bytes[position] >> 6 !== 0 || bytes[position + 7] !== 0) return Step.done;
  const length = 8 + (bytes[position] & 0x3f) * 4;
  if (!hasBytes(cursor, packet, Layer.geneve, length)) return Step.done;
  const protocol = readUint16(bytes, position + 2);
  const step = protocol === TRANSPARENT_ETHERNET ? Step.ethernet : stepOfEtherType(protocol);
  if (step === Step.unknown) return stopUnsupported(packet, Layer.geneve, protocol);
  cursor.position = position + length;
  return enterTunnel(cursor, packet, Layer.geneve, step);
}

/** Teredo: an authentication part and an origin part may stand before the IPv6 packet (RFC 4380 section 5.1.1). */
export function decodeTeredo(cursor: Cursor, packet: Packet): number {
  const { bytes } = cursor;
  let position = cursor.position;
  let readable = readableBytes(cursor);
  if (readable >= 13 && readUint16(bytes, position) === 1) {
    const length = 13 + bytes[position + 2] + bytes[position + 3];
    position += length;
    readable -= length;
  }
  if (readable >= 8 && readUint16(bytes, position) === 0) {
    position += 8;
    readable -= 8;
  }
  if (readable < 40 || bytes[position] >> 4 !== 6) return Step.done;
  cursor.position = position;
  return enterTunnel(cursor, packet, Layer.teredo, Step.ipv6);
}

/** A tunnel's port with too little behind it: only what the capture cut off is worth a stop. */
function stopShort(cursor: Cursor, packet: Packet, layer: number, needed: number): number {
  if (cursor.declaredEnd - cursor.position < needed) return Step.done;
  return stop(packet, layer, StopReason.truncated, needed, readableBytes(cursor));
}
