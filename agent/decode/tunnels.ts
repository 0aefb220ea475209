/** Tunnels: GRE (RFC 2784, 2890, 2637), ERSPAN, VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380), LISP, MPLS in UDP. */
import { Layer, type Packet } from "../records.ts";
import { readInt32, readUint16 } from "./bytes.ts";
import { type Cursor, enterTunnel, hasBytes, readableBytes, setPayload } from "./cursor.ts";
import { stopUnsupported } from "./cursor.ts";
import {
  FRAME_NEEDED,
  isCutOff,
  isFrameAt,
  stepOfIpAt,
  stepOfWholeIpAt,
  stopShort,
} from "./inner.ts";
import { stepOfNextProtocol } from "./nsh.ts";
import { Step, stepOfEtherType } from "./step.ts";
import { networkOfId } from "./virtual_network.ts";

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
const IPV6_LENGTH = 40;
const LISP_LENGTH = 8;
const IS_LISP_ENCRYPTED = 0x03;
const LABELS_MAX = 8;
/** Of a pseudowire, before its frame (RFC 4385). */
const CONTROL_WORD_LENGTH = 4;

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

/** Bits of VXLAN's first byte: group policy; in VXLAN-GPE version, next protocol, OAM. */
const HAS_GROUP = 0x80;
const GPE_VERSION = 0x30;
const HAS_NETWORK = 0x08;
const HAS_NEXT_PROTOCOL = 0x04;
const IS_OAM = 0x01;
/** The first four bytes with nothing but a network id, as nearly all have them. */
const PLAIN_VXLAN = 0x08000000;

/**
 * VXLAN, its group policies (draft-smith-vxlan-group-policy), and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), whose fourth byte
 * tells what is inside: flags, three bytes that depend on them, network id, zero. What does not look like it is a UDP payload
 * like any other; other flags than the usual must have a frame behind them that can be read.
 */
export function decodeVxlan(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, Layer.vxlan, 8);
  const flags = bytes[position];
  const isPlain = readInt32(bytes, position) === PLAIN_VXLAN;
  const mayBe = (flags & (HAS_NETWORK | GPE_VERSION | IS_OAM)) === HAS_NETWORK;
  if (!mayBe || bytes[position + 7] !== 0) return Step.done;
  let step: number = Step.ethernet;
  const isGpe = (flags & (HAS_NEXT_PROTOCOL | HAS_GROUP)) === HAS_NEXT_PROTOCOL;
  if (isGpe && readUint16(bytes, position + 1) === 0) {
    step = stepOfNextProtocol(bytes[position + 3]);
    if (step === Step.unknown) return stopUnsupported(packet, Layer.vxlan);
  } else if (!isPlain) {
    const needed = 8 + FRAME_NEEDED;
    if (readableBytes(cursor) < needed) return stopShort(cursor, packet, Layer.vxlan, needed);
    if (!isFrameAt(cursor, packet, position + 8)) return Step.done;
  }
  cursor.network = networkOfId(bytes, position + 4);
  cursor.position = position + 8;
  return enterTunnel(cursor, packet, Layer.vxlan, step);
}

/** Geneve: version and option words, two flags, EtherType (or transparent Ethernet), network id; what is reserved is zero. */
export function decodeGeneve(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, Layer.geneve, 8);
  const isPlausible = bytes[position] >> 6 === 0 && (bytes[position + 1] & 0x3f) === 0 &&
    bytes[position + 7] === 0;
  if (!isPlausible) return Step.done;
  const length = 8 + (bytes[position] & 0x3f) * 4;
  if (readableBytes(cursor) < length) return stopShort(cursor, packet, Layer.geneve, length);
  const protocol = readUint16(bytes, position + 2);
  const step = protocol === TRANSPARENT_ETHERNET ? Step.ethernet : stepOfEtherType(protocol);
  if (step === Step.unknown) return stopUnsupported(packet, Layer.geneve, protocol);
  cursor.network = networkOfId(bytes, position + 4);
  cursor.position = position + length;
  return enterTunnel(cursor, packet, Layer.geneve, step);
}

/** Teredo: an authentication part and an origin part may stand before the IPv6 packet (RFC 4380 section 5.1.1). */
export function decodeTeredo(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  const readable = readableBytes(cursor);
  if (readable < 4) return stopShort(cursor, packet, Layer.teredo, 4);
  let length = readUint16(bytes, position) === 1
    ? 13 + bytes[position + 2] + bytes[position + 3]
    : 0;
  if (readable >= length + 2 && readUint16(bytes, position + length) === 0) length += 8;
  const needed = length + IPV6_LENGTH;
  if (readable < needed) return stopShort(cursor, packet, Layer.teredo, needed);
  if (stepOfIpAt(cursor, packet, position + length) !== Step.ipv6) return Step.done;
  cursor.position = position + length;
  return enterTunnel(cursor, packet, Layer.teredo, Step.ipv6);
}

/** LISP (RFC 9300 section 5.2): flags, of which two say that the rest is encrypted, nonce or map version; locators; IP. */
export function decodeLisp(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (isCutOff(cursor, packet, Layer.lisp, LISP_LENGTH + FRAME_NEEDED)) return Step.done;
  if ((bytes[position] & IS_LISP_ENCRYPTED) !== 0) return Step.done;
  const step = stepOfWholeIpAt(cursor, packet, position + LISP_LENGTH);
  if (step === Step.unknown) return Step.done;
  cursor.position += LISP_LENGTH;
  return enterTunnel(cursor, packet, Layer.lisp, step);
}

/** MPLS in UDP (RFC 7510): labels, of which some bit says which is the last, and IP or a pseudowire's frame. */
export function decodeMplsInUdp(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  for (let length = 4; length <= LABELS_MAX * 4; length += 4) {
    const needed = length + CONTROL_WORD_LENGTH + FRAME_NEEDED;
    if (isCutOff(cursor, packet, Layer.mpls, needed)) return Step.done;
    if (readableBytes(cursor) < length) return Step.done;
    if ((bytes[position + length - 2] & 1) === 0) continue;
    const at = position + length;
    const isPlausible = stepOfWholeIpAt(cursor, packet, at) !== Step.unknown ||
      isFrameAt(cursor, packet, at) || isFrameAt(cursor, packet, at + CONTROL_WORD_LENGTH);
    return isPlausible ? enterTunnel(cursor, packet, Layer.mpls, Step.mpls) : Step.done;
  }
  return Step.done;
}
