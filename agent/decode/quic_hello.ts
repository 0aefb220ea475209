/**
 * The ClientHello in the CRYPTO frames of a datagram's Initial packets (RFC 9000 sections 12.2, 12.4 and 19.6). Frames may
 * come in any order and in several datagrams; the caller keeps the assembly and the keys between them.
 */
import type { Assembly } from "./assembly.ts";
import { createQuicPacket, QuicType, readQuicPacket, readVarint, varintLength } from "./quic.ts";
import { deriveClientKeys, type InitialKeys, openInitial } from "./quic_crypto.ts";

/** Long packets looked at in one datagram. */
const packetsMax = 8;

const Frame = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  ackEcn: 0x03,
  crypto: 0x06,
} as const;

const quicPacket = createQuicPacket();

/**
 * Puts the CRYPTO frames of the client's Initial packets between `at` and `end` into `assembly`. `keys` are those of an
 * earlier datagram of the flow; without them, or when they do not fit, the packet's own connection id is tried. Returns the
 * keys that opened a packet, null when none did.
 */
export function collectCrypto(
  bytes: Uint8Array,
  bounds: { readonly at: number; readonly end: number },
  keys: InitialKeys | null,
  assembly: Assembly,
): InitialKeys | null {
  const { end } = bounds;
  let { at } = bounds;
  let opened: InitialKeys | null = null;
  for (let i = 0; i < packetsMax && readQuicPacket(bytes, at, end, quicPacket); i++) {
    if (quicPacket.end > end) break;
    if (quicPacket.type === QuicType.initial) {
      opened = collectPacket(bytes, at, opened ?? keys, assembly) ?? opened;
    }
    at = quicPacket.end;
  }
  return opened;
}

function collectPacket(
  bytes: Uint8Array,
  at: number,
  keys: InitialKeys | null,
  assembly: Assembly,
): InitialKeys | null {
  const known = keys === null ? null : openInitial(bytes, at, quicPacket, keys);
  if (known !== null) {
    collectFrames(known, assembly);
    return keys;
  }
  const { version, destinationIdStart, destinationIdEnd } = quicPacket;
  const own = deriveClientKeys(version, bytes.subarray(destinationIdStart, destinationIdEnd));
  const frames = openInitial(bytes, at, quicPacket, own);
  if (frames === null) return null;
  collectFrames(frames, assembly);
  return own;
}

/** Walks the frames that an Initial packet may hold; stops at any other. */
function collectFrames(frames: Uint8Array, assembly: Assembly): void {
  let at = 0;
  while (at >= 0 && at < frames.length) {
    const type = frames[at];
    if (type === Frame.padding || type === Frame.ping) at++;
    else if (type === Frame.ack || type === Frame.ackEcn) at = skipAck(frames, at);
    else if (type === Frame.crypto) at = collectFrame(frames, at, assembly);
    else return;
  }
}

/** type, offset, length, data. Returns the position behind it, -1 when it is cut off. */
function collectFrame(frames: Uint8Array, at: number, assembly: Assembly): number {
  const end = frames.length;
  const offset = readVarint(frames, at + 1, end);
  const lengthAt = at + 1 + varintLength(frames, at + 1, end);
  const length = readVarint(frames, lengthAt, end);
  const data = lengthAt + varintLength(frames, lengthAt, end);
  if (offset < 0 || length < 0 || data + length > end) return -1;
  assembly.add(offset, frames, data, data + length);
  return data + length;
}

/** type, largest, delay, ranges, first range, then gap and range each; with ECN three counts. */
function skipAck(frames: Uint8Array, at: number): number {
  const end = frames.length;
  let next = at + 1;
  for (let i = 0; i < 2; i++) next += varintLength(frames, next, end);
  const ranges = readVarint(frames, next, end);
  next += varintLength(frames, next, end);
  const counts = 1 + 2 * ranges + (frames[at] === Frame.ackEcn ? 3 : 0);
  if (ranges < 0 || counts > end - next) return -1;
  for (let i = 0; i < counts; i++) next += varintLength(frames, next, end);
  return next;
}
