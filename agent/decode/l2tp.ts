/** L2TP: version 2 over UDP (RFC 2661), version 3 over UDP and over IP (RFC 3931). */
import { Layer, type Packet } from "../records.ts";
import { readInt32, readUint16 } from "./bytes.ts";
import {
  type Cursor,
  enterTunnel,
  hasBytes,
  readableBytes,
  setPayload,
  stopUnsupported,
} from "./cursor.ts";
import {
  FRAME_NEEDED,
  isCutOff,
  isFrameAt,
  stepOfIpAt,
  stepOfWholeIpAt,
  stopShort,
} from "./inner.ts";
import { Step, stepOfPppProtocol } from "./step.ts";

const LAYER = Layer.l2tp;
const IS_CONTROL = 0x8000;
const HAS_LENGTH = 0x4000;
const HAS_SEQUENCE = 0x0800;
const HAS_OFFSET = 0x0200;
/** Must be zero (RFC 2661 section 3.1). */
const RESERVED = 0x34f0;
const VERSION = 0x000f;
/** Session, the longest cookie, sequence numbers, and a frame with two tags. */
const SESSION_NEEDED = 4 + 8 + 4 + FRAME_NEEDED + 8;

/** What comes to port 1701: flags and version. Control messages are signalling. */
export function decodeL2tp(cursor: Cursor, packet: Packet): number {
  if (readableBytes(cursor) < 8) return stopShort(cursor, packet, LAYER, 8);
  const flags = readUint16(cursor.bytes, cursor.position);
  if ((flags & (IS_CONTROL | RESERVED)) !== 0) return Step.done;
  if ((flags & VERSION) === 2) return decodeVersion2(cursor, packet, flags);
  if (flags !== 3 || readUint16(cursor.bytes, cursor.position + 2) !== 0) return Step.done;
  cursor.position += 4;
  return enterSession(cursor, packet);
}

/** Length, tunnel, session, two sequence numbers and an offset, of which the flags say whether they are there; then PPP. */
function decodeVersion2(cursor: Cursor, packet: Packet, flags: number): number {
  const { bytes } = cursor;
  let at = cursor.position + 2;
  if ((flags & HAS_LENGTH) !== 0) {
    const length = readUint16(bytes, at);
    const left = cursor.declaredEnd - cursor.position;
    if (length !== left && (packet.isFragment === 0 || length < left)) return Step.done;
    at += 2;
  }
  const hasSequence = (flags & HAS_SEQUENCE) !== 0;
  const offsetAt = at + (hasSequence ? 8 : 4);
  let pppAt = offsetAt;
  if ((flags & HAS_OFFSET) !== 0) {
    const needed = offsetAt + 2 - cursor.position;
    if (readableBytes(cursor) < needed) return stopShort(cursor, packet, LAYER, needed);
    pppAt += 2 + readUint16(bytes, offsetAt);
  }
  const needed = pppAt + 4 - cursor.position;
  if (readableBytes(cursor) < needed) return stopShort(cursor, packet, LAYER, needed);
  if (readUint16(bytes, at) === 0 || readUint16(bytes, at + 2) === 0) return Step.done;
  return enterPpp(cursor, packet, pppAt);
}

/** PPP protocols without IP that sessions have (IANA PPP numbers): multilink, encryption, compression, control. */
const PPP_PROTOCOLS: ReadonlySet<number> = new Set(
  [0x3d, 0x53, 0xfd, 0x281, 0x8021, 0x8053, 0x8057, 0x80fd, 0x8281, 0xc021, 0xc023, 0xc025, 0xc223],
);

/** Enters the PPP frame at `at`, with address and control or not, and with a protocol number of two bytes or one. */
function enterPpp(cursor: Cursor, packet: Packet, at: number): number {
  const { bytes } = cursor;
  const protocolAt = readUint16(bytes, at) === 0xff03 ? at + 2 : at;
  const isShort = (bytes[protocolAt] & 1) === 1;
  const protocol = isShort ? bytes[protocolAt] : readUint16(bytes, protocolAt);
  const step = stepOfPppProtocol(protocol);
  if (step === Step.ipv4 || step === Step.ipv6) {
    const ipAt = protocolAt + (isShort ? 1 : 2);
    const needed = ipAt + FRAME_NEEDED - cursor.position;
    if (readableBytes(cursor) < needed) return stopShort(cursor, packet, LAYER, needed);
    if (stepOfIpAt(cursor, packet, ipAt) !== step) return Step.done;
  } else if (!PPP_PROTOCOLS.has(protocol)) return Step.done;
  cursor.position = at;
  return enterTunnel(cursor, packet, LAYER, Step.ppp);
}

/** Over IP: a session number; that of control messages is zero. */
export function decodeL2tpOverIp(cursor: Cursor, packet: Packet): number {
  setPayload(cursor, packet, cursor.position);
  if (!hasBytes(cursor, packet, LAYER, 4)) return Step.done;
  if (readInt32(cursor.bytes, cursor.position) === 0) return Step.done;
  return enterSession(cursor, packet);
}

/**
 * A data message of version 3: session, a cookie of 0, 4 or 8 bytes, perhaps 4 bytes of sequence numbers. Only the two ends
 * know which; so it is entered where a whole frame or IP packet begins, and else told as unread.
 */
function enterSession(cursor: Cursor, packet: Packet): number {
  const start = cursor.position + 4;
  if (readInt32(cursor.bytes, cursor.position) === 0) return Step.done;
  if (isCutOff(cursor, packet, LAYER, SESSION_NEEDED)) return Step.done;
  for (let at = start; at <= start + 12; at += 4) {
    const step = isFrameAt(cursor, packet, at)
      ? Step.ethernet
      : stepOfWholeIpAt(cursor, packet, at);
    if (step === Step.unknown) continue;
    cursor.position = at;
    return enterTunnel(cursor, packet, LAYER, step);
  }
  return stopUnsupported(packet, LAYER);
}
