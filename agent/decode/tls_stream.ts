/**
 * Finding the ClientHello at the start of a TLS stream. Usually it is in one record; RFC 8446 section 5.1 lets a client
 * spread it over several, which are joined here.
 */
import { readUint16 } from "./bytes.ts";
import { helloLengthMax } from "./client_hello.ts";
import { handshakeHeaderLength, handshakeLength, TlsRecord, tlsRecordHeaderLength } from "./tls.ts";

/** A whole hello: its handshake header is at `at` of `bytes`. */
interface HelloPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}
/** More bytes of the stream are needed. */
export const helloCutOff = 0;
/** The stream is no ClientHello in the clear, or one that is too long. */
export const helloUnreadable = -1;

/**
 * Where the whole ClientHello is in the stream that starts with a record at `at` and is known to `end`; helloCutOff or
 * helloUnreadable when it is not there.
 */
export function findHello(bytes: Uint8Array, at: number, end: number): HelloPlace | number {
  const hello = at + tlsRecordHeaderLength;
  if (bytes[at] !== TlsRecord.handshake) return helloUnreadable;
  if (end - hello < handshakeHeaderLength) return helloCutOff;
  const recordLength = readUint16(bytes, at + 3);
  if (recordLength < handshakeHeaderLength) return helloUnreadable;
  const length = handshakeLength(bytes, hello);
  if (length > helloLengthMax) return helloUnreadable;
  if (length > recordLength) return joinRecords(bytes, at, end, length);
  return hello + length <= end ? { bytes, at: hello, end: hello + length } : helloCutOff;
}

/** Copies the fragments of the records from `at` on until there are `length` bytes. */
function joinRecords(
  bytes: Uint8Array,
  at: number,
  end: number,
  length: number,
): HelloPlace | number {
  const joined = new Uint8Array(length);
  let filled = 0;
  let record = at;
  while (filled < length) {
    const fragment = record + tlsRecordHeaderLength;
    if (fragment > end) return helloCutOff;
    const fragmentLength = readUint16(bytes, record + 3);
    if (bytes[record] !== TlsRecord.handshake || fragmentLength === 0) return helloUnreadable;
    const wanted = Math.min(fragmentLength, length - filled);
    if (fragment + wanted > end) return helloCutOff;
    joined.set(bytes.subarray(fragment, fragment + wanted), filled);
    filled += wanted;
    record = fragment + fragmentLength;
  }
  return { bytes: joined, at: 0, end: length };
}
