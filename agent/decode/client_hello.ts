/**
 * The ClientHello (RFC 8446 section 4.1.2; RFC 6066 section 3 for the server's name, RFC 7301 for ALPN), as it stands in
 * TLS, in QUIC (RFC 9001) and in DTLS (RFC 9147 section 5.3):
 *
 *     version:16 random:256 session_id<8> [DTLS: cookie<8>] ciphers<16> compression<8> extensions<16>
 *     extension   type:16 length:16 | data
 *
 * `<n>` is a vector behind its length of n bits.
 */
import type { TlsDetails } from "../records.ts";
import { readText, readUint24 } from "./app_text.ts";
import { readUint16 } from "./bytes.ts";
import { formatJa4, type HelloCarrier, type HelloShape, isGrease } from "./ja4.ts";
import {
  clientHelloType,
  dtlsRecordHeaderLength,
  handshakeHeaderLength,
  handshakeLength,
  TlsRecord,
} from "./tls.ts";

/** Longest ClientHello that is read, in bytes. */
export const helloLengthMax = 16384;
const dtlsHandshakeHeaderLength = 12;
const randomEnd = 34;
const serverNameMax = 255;
const alpnCountMax = 16;
const alpnLengthMax = 64;

const Extension = {
  serverName: 0,
  signatureAlgorithms: 13,
  applicationProtocols: 16,
  supportedVersions: 43,
} as const;

const versionNames = new Map<number, string>([
  [0x0002, "SSL 2.0"],
  [0x0300, "SSL 3.0"],
  [0x0301, "TLS 1.0"],
  [0x0302, "TLS 1.1"],
  [0x0303, "TLS 1.2"],
  [0x0304, "TLS 1.3"],
  [0xfeff, "DTLS 1.0"],
  [0xfefd, "DTLS 1.2"],
  [0xfefc, "DTLS 1.3"],
]);

/** What is read of one hello; the same instance serves the next. */
class HelloReading implements HelloShape {
  carrier: HelloCarrier = "t";
  version = 0;
  hasServerName = false;
  readonly ciphers = new Uint16Array(helloLengthMax / 2);
  cipherCount = 0;
  readonly extensions = new Uint16Array(helloLengthMax / 4);
  extensionCount = 0;
  readonly signatureAlgorithms = new Uint16Array(helloLengthMax / 2);
  signatureAlgorithmCount = 0;
  alpnStart = -1;
  alpnEnd = -1;
  bytes: Uint8Array = new Uint8Array(0);
  serverName = "";
  alpn: string[] = [];
  versionOffered = 0;

  reset(bytes: Uint8Array, carrier: HelloCarrier, version: number): void {
    this.bytes = bytes;
    this.carrier = carrier;
    this.version = version;
    this.hasServerName = false;
    this.cipherCount = 0;
    this.extensionCount = 0;
    this.signatureAlgorithmCount = 0;
    this.alpnStart = -1;
    this.alpnEnd = -1;
    this.serverName = "";
    this.alpn = [];
    this.versionOffered = 0;
  }
}
const reading = new HelloReading();

/**
 * Reads a ClientHello whose handshake header is at `at`, as far as `end`. When it goes on behind `end`, `ja4` is left out
 * and so is what was not reached. Null when it is no ClientHello or too short to say anything.
 */
export function readClientHello(
  bytes: Uint8Array,
  at: number,
  end: number,
  carrier: HelloCarrier,
): TlsDetails | null {
  if (end - at < handshakeHeaderLength || bytes[at] !== clientHelloType) return null;
  const helloEnd = at + handshakeLength(bytes, at);
  return readHello(bytes, at + handshakeHeaderLength, { end, helloEnd, carrier });
}

/** Reads the ClientHello of a DTLS record at `at`; null when it is in fragments (RFC 9147 section 5.5). */
export function readDtlsClientHello(
  bytes: Uint8Array,
  at: number,
  end: number,
): TlsDetails | null {
  const header = at + dtlsRecordHeaderLength;
  const body = header + dtlsHandshakeHeaderLength;
  if (body > end || bytes[at] !== TlsRecord.handshake) return null;
  const length = readUint24(bytes, header + 1);
  const isWhole = readUint24(bytes, header + 6) === 0 && readUint24(bytes, header + 9) === length;
  if (bytes[header] !== clientHelloType || !isWhole) return null;
  return readHello(bytes, body, { end, helloEnd: body + length, carrier: "d" });
}

interface HelloBounds {
  /** End of what is there. */
  readonly end: number;
  /** End by the hello's own length. */
  readonly helloEnd: number;
  readonly carrier: HelloCarrier;
}

function readHello(bytes: Uint8Array, at: number, bounds: HelloBounds): TlsDetails | null {
  const end = Math.min(bounds.end, bounds.helloEnd, at + helloLengthMax);
  if (end - at <= randomEnd) return null;
  reading.reset(bytes, bounds.carrier, readUint16(bytes, at));
  const isWhole = readFields(at, end) && bounds.helloEnd === end;
  const details = { alpn: reading.alpn, version: nameVersion(reading.version) };
  const named = reading.serverName === ""
    ? details
    : { ...details, serverName: reading.serverName };
  return isWhole ? { ...named, ja4: formatJa4(reading) } : named;
}

/** Reads what follows the version; true when all of it was there. */
function readFields(at: number, end: number): boolean {
  const { bytes } = reading;
  let next = skipVector8(at + randomEnd, end);
  if (reading.carrier === "d") next = skipVector8(next, end);
  if (next + 2 > end) return false;
  const ciphersEnd = next + 2 + readUint16(bytes, next);
  reading.cipherCount = readNumbers(next + 2, Math.min(ciphersEnd, end), reading.ciphers);
  next = skipVector8(ciphersEnd, end);
  if (next === end) return true;
  if (next + 2 > end) return false;
  const extensionsEnd = next + 2 + readUint16(bytes, next);
  const isWhole = readExtensions(next + 2, Math.min(extensionsEnd, end));
  if (reading.versionOffered > 0) reading.version = reading.versionOffered;
  return isWhole && extensionsEnd <= end;
}

/** Position after a vector with an 8-bit length; behind `end` when it is cut off. */
function skipVector8(at: number, end: number): number {
  return at < end ? at + 1 + reading.bytes[at] : end + 1;
}

/** 16-bit numbers without GREASE into `numbers`; how many. */
function readNumbers(at: number, end: number, numbers: Uint16Array): number {
  let count = 0;
  for (let i = at; i + 2 <= end && count < numbers.length; i += 2) {
    const value = readUint16(reading.bytes, i);
    if (!isGrease(value)) numbers[count++] = value;
  }
  return count;
}

function readExtensions(at: number, end: number): boolean {
  const { bytes, extensions } = reading;
  let next = at;
  while (next + 4 <= end) {
    const type = readUint16(bytes, next);
    const dataEnd = next + 4 + readUint16(bytes, next + 2);
    if (!isGrease(type) && reading.extensionCount < extensions.length) {
      extensions[reading.extensionCount++] = type;
    }
    readExtension(type, next + 4, Math.min(dataEnd, end));
    next = dataEnd;
  }
  return next === end;
}

function readExtension(type: number, at: number, end: number): void {
  switch (type) {
    case Extension.serverName:
      reading.hasServerName = true;
      return readServerName(at, end);
    case Extension.applicationProtocols:
      return readProtocols(at, end);
    case Extension.supportedVersions:
      return readVersions(at, end);
    case Extension.signatureAlgorithms:
      reading.signatureAlgorithmCount = readNumbers(at + 2, end, reading.signatureAlgorithms);
  }
}

/** length:16 | type:8 (0 host name) length:16 | name. */
function readServerName(at: number, end: number): void {
  const { bytes } = reading;
  if (at + 5 > end || bytes[at + 2] !== 0) return;
  const nameEnd = at + 5 + readUint16(bytes, at + 3);
  if (nameEnd <= end) reading.serverName = readText(bytes, at + 5, nameEnd, serverNameMax);
}

/** length:16 | names, each behind its 8-bit length. */
function readProtocols(at: number, end: number): void {
  const { bytes, alpn } = reading;
  let next = at + 2;
  while (next < end && alpn.length < alpnCountMax) {
    const nameEnd = next + 1 + bytes[next];
    if (nameEnd > end) return;
    if (alpn.length === 0) {
      reading.alpnStart = next + 1;
      reading.alpnEnd = nameEnd;
    }
    alpn.push(readText(bytes, next + 1, nameEnd, alpnLengthMax));
    next = nameEnd;
  }
}

/** length:8 | versions, RFC 8446 section 4.2.1. DTLS counts downwards. */
function readVersions(at: number, end: number): void {
  for (let i = at + 1; i + 2 <= end; i += 2) {
    const version = readUint16(reading.bytes, i);
    if (isGrease(version)) continue;
    const best = reading.versionOffered;
    const isHigher = reading.carrier === "d" ? version < best : version > best;
    if (best === 0 || isHigher) reading.versionOffered = version;
  }
}

/** Drafts of TLS 1.3 are 0x7f and their number, Facebook's 0xfb. */
function nameVersion(version: number): string {
  const high = version >> 8;
  if (high === 0x7f || high === 0xfb) return `TLS 1.3 draft ${version & 0xff}`;
  return versionNames.get(version) ?? `0x${version.toString(16).padStart(4, "0")}`;
}
