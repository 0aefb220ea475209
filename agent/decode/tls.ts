/**
 * TLS, DTLS and SSL 2.0 by their shape (RFC 8446 section 5.1, RFC 9147 section 4, RFC 5246 appendix E.2):
 *
 *     record     type:8 version:16 length:16 | fragment
 *     DTLS       type:8 version:16 epoch:16 sequence:48 length:16 | fragment
 *     handshake  type:8 length:24 | message
 *     SSL 2.0    1:1 length:15 type:8 version:16 ciphers:16 session:16 challenge:16 | …
 */
import { readUint24 } from "./app_text.ts";
import { readUint16 } from "./bytes.ts";

export const TlsRecord = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
} as const;
export const tlsRecordHeaderLength = 5;
export const dtlsRecordHeaderLength = 13;
export const handshakeHeaderLength = 4;
/** Handshake type of a ClientHello. */
export const clientHelloType = 1;
/** Largest record fragment, RFC 5246 section 6.2.3. */
const recordLengthMax = 16384 + 2048;
const sslv2HeaderLength = 11;

/** True when a TLS record starts at `at`, as far as its header tells. */
export function isTlsRecord(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < tlsRecordHeaderLength + 1) return false;
  const type = bytes[at];
  if (type < TlsRecord.changeCipherSpec || type > TlsRecord.applicationData) return false;
  if (bytes[at + 1] !== 3 || bytes[at + 2] > 4) return false;
  const length = readUint16(bytes, at + 3);
  if (length === 0 || length > recordLengthMax) return false;
  return type !== TlsRecord.changeCipherSpec || length === 1;
}

/** True when a TLS ClientHello starts at `at`; it may go on behind `end`. */
export function isClientHelloRecord(bytes: Uint8Array, at: number, end: number): boolean {
  return isTlsRecord(bytes, at, end) && bytes[at] === TlsRecord.handshake &&
    bytes[at + tlsRecordHeaderLength] === clientHelloType;
}

/** True when all there is, less than isTlsRecord() needs, may be the start of a record with a ClientHello. */
export function isCutHelloRecord(bytes: Uint8Array, at: number, end: number): boolean {
  const there = end - at;
  if (there > tlsRecordHeaderLength || there < 1 || bytes[at] !== TlsRecord.handshake) return false;
  if (there > 1 && bytes[at + 1] !== 3 || there > 2 && bytes[at + 2] > 4) return false;
  return there <= tlsRecordHeaderLength - 1 || readUint16(bytes, at + 3) <= recordLengthMax;
}

/** True when a ClientHello in SSL 2.0 form starts at `at`. */
export function isSslv2Hello(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < sslv2HeaderLength || (bytes[at] & 0x80) === 0) return false;
  if (bytes[at + 2] !== clientHelloType) return false;
  const version = readUint16(bytes, at + 3);
  if (version !== 0x0002 && (version < 0x0300 || version > 0x0304)) return false;
  const parts = readUint16(bytes, at + 5) + readUint16(bytes, at + 7) + readUint16(bytes, at + 9);
  return (readUint16(bytes, at) & 0x7fff) === sslv2HeaderLength - 2 + parts;
}

/** True when a DTLS record (1.0 to 1.3 with a plain header) starts at `at`. */
export function isDtlsRecord(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < dtlsRecordHeaderLength) return false;
  const type = bytes[at];
  if (type < TlsRecord.changeCipherSpec || type > 26 || bytes[at + 1] !== 0xfe) return false;
  return bytes[at + 2] >= 0xfc && readUint16(bytes, at + 11) <= recordLengthMax;
}

/** Length of the handshake message at `at` with its header, which the caller has checked to be there. */
export function handshakeLength(bytes: Uint8Array, at: number): number {
  return handshakeHeaderLength + readUint24(bytes, at + 1);
}
