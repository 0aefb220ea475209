/**
 * The heads of HTTP/1 messages (RFC 9112), and telling HTTP from its relatives SIP (RFC 3261) and RTSP (RFC 7826), which
 * have the same first line:
 *
 *     request    METHOD SP target SP HTTP/1.1 CRLF   header: value CRLF …  CRLF
 *     response   HTTP/1.1 SP status SP reason CRLF   …
 */
import type { HttpDetails } from "../records.ts";
import { findLineEnd, isTextAt, readText, startsWithAt, wordOf } from "./app_text.ts";
import { readInt32 } from "./bytes.ts";

/**
 * As others do (RFC 9112 sections 2.2 and 3), empty lines before the first line are left out, and so are blanks around its
 * parts.
 */

/** What a first line says: one of these, by number. */
export const LineProtocol = { none: 0, http: 1, sip: 2, rtsp: 3 } as const;

const methodMax = 32;
const hostMax = 255;
const pathMax = 256;
const userAgentMax = 256;
const firstLineMax = 8192;
const headersMax = 128;
/** Bytes of CR and LF. */
const emptyLinesMax = 8;
const space = 0x20;

const httpWord = wordOf("HTTP");
const sipWord = wordOf("SIP/");
const rtspWord = wordOf("RTSP");
/** First four characters of the methods of RFC 9110, WebDAV and UPnP. */
const methodWords = new Set(
  [
    "GET ",
    "HEAD",
    "POST",
    "PUT ",
    "DELE",
    "OPTI",
    "CONN",
    "TRAC",
    "PATC",
    "PROP",
    "MKCO",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLO",
    "REPO",
    "SEAR",
    "NOTI",
    "M-SE",
    "SUBS",
    "UNSU",
    "PRI ",
  ].map(wordOf),
);

/**
 * What the message at `start` is by its first line: a LineProtocol. A line that is cut off at `end` counts as HTTP when its
 * method is one of HTTP's and a target follows.
 */
export function readLineProtocol(bytes: Uint8Array, start: number, end: number): number {
  const at = skipEmptyLines(bytes, start, end);
  if (end - at < 5) return LineProtocol.none;
  const word = readInt32(bytes, at);
  if (bytes[at + 4] === 0x2f && (word === httpWord || word === rtspWord)) {
    return word === httpWord ? LineProtocol.http : LineProtocol.rtsp;
  }
  if (word === sipWord) return LineProtocol.sip;
  const methodEnd = findMethodEnd(bytes, at, end);
  if (methodEnd < 0) return LineProtocol.none;
  const limit = Math.min(end, at + firstLineMax);
  const lineEnd = findLineEnd(bytes, methodEnd, limit);
  if (lineEnd < limit) return readLastToken(bytes, methodEnd, lineEnd);
  return methodWords.has(word) && isTextAt(bytes, at, Math.min(end, at + 64))
    ? LineProtocol.http
    : LineProtocol.none;
}

/** Position of the space behind a method of 3 to 32 letters, digits, `-` and `_`; -1 when there is none. */
function findMethodEnd(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + methodMax + 1);
  for (let i = at; i < limit; i++) {
    const byte = bytes[i];
    if (byte === space) return i - at >= 3 ? i : -1;
    const isMethod = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) ||
      (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
    if (!isMethod) return -1;
  }
  return -1;
}

/** Which protocol's version ends the request line. */
function readLastToken(bytes: Uint8Array, at: number, lineEnd: number): number {
  let tokenEnd = lineEnd;
  while (tokenEnd > at && isBlank(bytes[tokenEnd - 1])) tokenEnd--;
  let token = tokenEnd;
  while (token > at && bytes[token - 1] !== space) token--;
  if (token <= at + 1 || tokenEnd - token < 5) return LineProtocol.none;
  const word = readInt32(bytes, token);
  if (word === httpWord) return LineProtocol.http;
  if (word === rtspWord) return LineProtocol.rtsp;
  return word === sipWord ? LineProtocol.sip : LineProtocol.none;
}

/** Where the first line begins that is not empty: a few empty ones may come before it. */
export function skipEmptyLines(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + emptyLinesMax);
  let next = at;
  while (next < limit && (bytes[next] === 0x0d || bytes[next] === 0x0a)) next++;
  return next;
}

/** Position behind the empty line that ends the head of the message at `start`; -1 when it is not there. */
export function findHeadEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = skipEmptyLines(bytes, start, end);
  let line = findLineEnd(bytes, at, end) + 1;
  while (line < end) {
    const next = findLineEnd(bytes, line, end) + 1;
    const isEmpty = next === line + 1 || (next === line + 2 && bytes[line] === 0x0d);
    if (isEmpty && next <= end) return next;
    line = next;
  }
  return -1;
}

/** Position behind the last line that is there to its end; `at` when there is none. */
export function findLastLine(bytes: Uint8Array, at: number, end: number): number {
  let next = end;
  while (next > at && bytes[next - 1] !== 0x0a) next--;
  return next;
}

/** Reads the head at `start`, as far as it is there; null when it does not begin like HTTP. */
export function readHttp(bytes: Uint8Array, start: number, end: number): HttpDetails | null {
  const at = skipEmptyLines(bytes, start, end);
  if (readLineProtocol(bytes, at, end) !== LineProtocol.http) return null;
  const lineEnd = findLineEnd(bytes, at, end);
  const first = startsWithAt(bytes, at, end, "HTTP/")
    ? readStatus(bytes, at, lineEnd)
    : readRequestLine(bytes, at, lineEnd);
  return { ...first, ...readHeaders(bytes, lineEnd + 1, end) };
}

function readStatus(bytes: Uint8Array, at: number, lineEnd: number): HttpDetails {
  let next = at;
  while (next < lineEnd && bytes[next] !== space) next++;
  const status = Number(readText(bytes, next + 1, Math.min(lineEnd, next + 4), 3));
  return Number.isInteger(status) && status >= 100 ? { status } : {};
}

function readRequestLine(bytes: Uint8Array, at: number, lineEnd: number): HttpDetails {
  const methodEnd = findMethodEnd(bytes, at, lineEnd);
  let path = methodEnd + 1;
  while (path < lineEnd && bytes[path] === space) path++;
  let pathEnd = path;
  while (pathEnd < lineEnd && bytes[pathEnd] !== space && bytes[pathEnd] !== 0x0d) pathEnd++;
  return {
    method: readText(bytes, at, methodEnd, methodMax),
    path: readText(bytes, path, pathEnd, pathMax),
  };
}

/** Host and User-Agent, the first of each, up to the empty line or the end. */
function readHeaders(bytes: Uint8Array, at: number, end: number): HttpDetails {
  let host: string | undefined;
  let userAgent: string | undefined;
  let line = at;
  for (let i = 0; i < headersMax && line < end; i++) {
    const lineEnd = findLineEnd(bytes, line, end);
    if (lineEnd - line < 2) break;
    if (host === undefined && isHeader(bytes, line, lineEnd, "host:")) {
      host = readValue(bytes, line + 5, lineEnd, hostMax);
    } else if (userAgent === undefined && isHeader(bytes, line, lineEnd, "user-agent:")) {
      userAgent = readValue(bytes, line + 11, lineEnd, userAgentMax);
    }
    line = lineEnd + 1;
  }
  return {
    ...(host === undefined ? null : { host }),
    ...(userAgent === undefined ? null : { userAgent }),
  };
}

/** Compares without regard to case; `name` is lower case. */
function isHeader(bytes: Uint8Array, at: number, end: number, name: string): boolean {
  if (end - at < name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const byte = bytes[at + i];
    if (byte !== code && !((byte | 0x20) === code && code >= 0x61)) return false;
  }
  return true;
}

/** A header's value without the white space around it. */
function readValue(bytes: Uint8Array, at: number, end: number, lengthMax: number): string {
  let start = at;
  let stop = end;
  while (start < stop && isBlank(bytes[start])) start++;
  while (stop > start && isBlank(bytes[stop - 1])) stop--;
  return readText(bytes, start, stop, lengthMax);
}

/** Space, tab, or the CR of the line's end. */
function isBlank(byte: number): boolean {
  return byte === space || byte === 0x09 || byte === 0x0d;
}
