/**
 * The header that a proxy or balancer puts in front of a connection's first message (PROXY protocol, HAProxy's
 * proxy-protocol.txt, sections 2.1 and 2.2):
 *
 *     version 1   PROXY SP TCP4|TCP6|UNKNOWN … CRLF                                              (at most 107 bytes)
 *     version 2   0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a  2:4 command:4  family:8  length:16  addresses and TLVs
 */
import { findLineEnd } from "./app_text.ts";
import { assemblyLengthMax } from "./assembly.ts";
import { readUint16 } from "./bytes.ts";

const lineMax = 107;
const lineStarts = ["PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN"] as const;
const signature = "\r\n\r\n\0\r\nQUIT\n";
const fixedLength = 16;
/** One that leaves no room for a message behind it is not waited for. */
const headerMax = assemblyLengthMax / 2;

/** Where the stream goes on behind a header at `at`: `at` itself when there is none, -1 when it is cut off at `end`. */
export function skipProxyHeader(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === 0x50) return skipLine(bytes, at, end);
  return bytes[at] === 0x0d ? skipBinary(bytes, at, end) : at;
}

function skipLine(bytes: Uint8Array, at: number, end: number): number {
  const start = lineStarts.find((text) => isStartOf(bytes, at, end, text));
  if (start === undefined) return at;
  const limit = Math.min(end, at + lineMax);
  const lineEnd = findLineEnd(bytes, at, limit);
  if (lineEnd === limit) return end - at < lineMax ? -1 : at;
  return bytes[lineEnd - 1] === 0x0d && lineEnd - at > start.length ? lineEnd + 1 : at;
}

function skipBinary(bytes: Uint8Array, at: number, end: number): number {
  if (!isStartOf(bytes, at, end, signature)) return at;
  if (end - at < fixedLength) return -1;
  if (bytes[at + 12] >> 4 !== 2) return at;
  const length = fixedLength + readUint16(bytes, at + 14);
  if (length > headerMax) return at;
  return at + length <= end ? at + length : -1;
}

/** Whether `text` stands at `at`, or as much of it as there is room for. */
function isStartOf(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  const there = Math.min(end - at, text.length);
  for (let i = 0; i < there; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return there > 0;
}
