/**
 * QUIC packets with a long header (RFC 9000 section 17.2, RFC 9369 for version 2, RFC 8999 for what all versions share),
 * and the names of older versions:
 *
 *     form:1 fixed:1 type:2 protected:4 | version:32 | dcid<8> | scid<8> | …
 *     Initial: … token<varint> | length varint | packet number, frames, tag (protected)
 */
import { readInt32 } from "./bytes.ts";

/** Long packet types by version 1's numbers. */
export const QuicType = { initial: 0, zeroRtt: 1, handshake: 2, retry: 3 } as const;
const connectionIdMax = 20;

export const quicVersion1 = 0x00000001;
export const quicVersion2 = 0x6b3343cf;

/** One packet of a datagram; a single instance is filled again for every packet. Offsets are those of the bytes. */
export interface QuicPacket {
  version: number;
  /** One of QuicType; -1 when the version is not one of the IETF's. */
  type: number;
  destinationIdStart: number;
  destinationIdEnd: number;
  /** The protected packet number and what follows; only of packets that have a length. */
  protectedStart: number;
  end: number;
}

export function createQuicPacket(): QuicPacket {
  return {
    version: 0,
    type: -1,
    destinationIdStart: 0,
    destinationIdEnd: 0,
    protectedStart: 0,
    end: 0,
  };
}

/**
 * Reads the long header at `at` into `packet`; false when there is none, or no whole one. A packet without a length
 * (Retry, or an unknown version) goes to `end`.
 */
export function readQuicPacket(
  bytes: Uint8Array,
  at: number,
  end: number,
  packet: QuicPacket,
): boolean {
  if (end - at < 7 || (bytes[at] & 0x80) === 0) return false;
  packet.version = readInt32(bytes, at + 1);
  packet.destinationIdStart = at + 6;
  packet.destinationIdEnd = at + 6 + bytes[at + 5];
  if (bytes[at + 5] > connectionIdMax || packet.destinationIdEnd >= end) return false;
  let next = packet.destinationIdEnd + 1 + bytes[packet.destinationIdEnd];
  packet.protectedStart = next;
  packet.end = end;
  packet.type = isIetfVersion(packet.version) ? typeOf(bytes[at], packet.version) : -1;
  if (packet.type < 0 || packet.type === QuicType.retry) return next <= end;
  if (packet.type === QuicType.initial) {
    const token = readVarint(bytes, next, end);
    next += varintLength(bytes, next, end) + token;
    if (token < 0 || next > end) return false;
  }
  const length = readVarint(bytes, next, end);
  if (length < 0) return false;
  packet.protectedStart = next + varintLength(bytes, next, end);
  packet.end = packet.protectedStart + length;
  return true;
}

/** Version 2 turned the types by one (RFC 9369 section 3.2). */
function typeOf(firstByte: number, version: number): number {
  const type = firstByte >> 4 & 3;
  return version === quicVersion2 ? type + 3 & 3 : type;
}

/** Versions whose packets look like version 1's: 1, 2, drafts 22 to 34, and Facebook's mvfst. */
function isIetfVersion(version: number): boolean {
  return version === quicVersion1 || version === quicVersion2 || draftOf(version) >= 22;
}

/** The draft that a version is of, 0 when it is none: 0xff0000NN, or mvfst's 0xfaceb00N. */
export function draftOf(version: number): number {
  const draft = version & 0xff;
  if (version >>> 8 === 0xff0000) return draft <= 34 ? draft : 0;
  if (version >>> 4 !== 0xfaceb00) return 0;
  return draft === 0x01 ? 22 : 27;
}

/**
 * True when a QUIC packet with a long header of a known or reserved version starts at `at`, a version negotiation, or a packet
 * of Google's QUIC (Q0NN, T05N; the older ones have a header of their own).
 */
export function isQuicLongHeader(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 7) return false;
  if ((bytes[at] & 0x80) === 0) return isGoogleQuic(bytes, at, end);
  const version = readInt32(bytes, at + 1);
  const idsEnd = at + 6 + bytes[at + 5];
  if (isGoogleVersion(version)) return true;
  if (idsEnd >= end) return false;
  // Other versions may have longer ids (RFC 8999 section 5.1).
  if (version === 0) return isVersionNegotiation(bytes, idsEnd + 1 + bytes[idsEnd], end);
  if (isReservedVersion(version)) return true;
  const isShort = bytes[at + 5] <= connectionIdMax && bytes[idsEnd] <= connectionIdMax;
  return isShort && (draftOf(version) > 0 || isIetfVersion(version));
}

/** A list of versions, at least one of them known or reserved (RFC 9000 section 17.2.1). */
function isVersionNegotiation(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end || (end - at) % 4 !== 0) return false;
  for (let i = at; i < end; i += 4) {
    const version = readInt32(bytes, i);
    const isKnown = isIetfVersion(version) || draftOf(version) > 0 || isGoogleVersion(version);
    if (isKnown || isReservedVersion(version)) return true;
  }
  return false;
}

/** 0x?a?a?a?a, which makes the other side negotiate (RFC 9000 section 15). */
function isReservedVersion(version: number): boolean {
  return (version & 0x0f0f0f0f) === 0x0a0a0a0a;
}

/** Q043 and older: flags, connection id, version in letters. */
function isGoogleQuic(bytes: Uint8Array, at: number, end: number): boolean {
  const flags = bytes[at];
  const hasVersion = (flags & 0x01) !== 0;
  const hasConnectionId = (flags & 0x08) !== 0;
  return hasVersion && hasConnectionId && end - at >= 14 &&
    isGoogleVersion(readInt32(bytes, at + 9));
}

/** "Q0NN" or "T05N" in ASCII. */
function isGoogleVersion(version: number): boolean {
  const start = version >>> 16;
  return (start === 0x5130 || start === 0x5430) && isDigit(version >> 8 & 0xff) &&
    isDigit(version & 0xff);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Bytes of the varint at `at` (RFC 9000 section 16); 1 when there is nothing. */
export function varintLength(bytes: Uint8Array, at: number, end: number): number {
  return at < end ? 1 << (bytes[at] >> 6) : 1;
}

/** The varint at `at`; -1 when it is cut off. Values above 2^53 lose their last bits, which no length here needs. */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  const length = varintLength(bytes, at, end);
  if (at + length > end) return -1;
  let value = bytes[at] & 0x3f;
  for (let i = 1; i < length; i++) value = value * 256 + bytes[at + i];
  return value;
}
