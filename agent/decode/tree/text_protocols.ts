/** Fields of HTTP heads (RFC 9112), and the first lines of other protocols that are text. */
import { findLineEnd, isTextAt, readText } from "../app_text.ts";
import { LineProtocol, readLineProtocol, skipEmptyLines } from "../http.ts";
import type { FieldBuilder } from "./builder.ts";

const space = 0x20;
const summaryMax = 120;
const linesMax = 64;

/** The same for SIP and RTSP, whose heads have the same form. */
export function httpFields(b: FieldBuilder): string {
  const start = skipEmptyLines(b.bytes, b.at, b.end);
  if (start > b.at) b.hex("http.empty", "Empty lines", start - b.at);
  if (readLineProtocol(b.bytes, b.at, b.end) === LineProtocol.none) {
    b.rest("http.file_data", "Data");
    return "";
  }
  const first = firstLine(b);
  while (b.left > 0 && !b.isCut) {
    const lineEnd = findLineEnd(b.bytes, b.at, b.end);
    const next = Math.min(b.end, lineEnd + 1);
    if (lineEnd - b.at < 2) {
      b.hex("http.empty", "End of the head", next - b.at);
      break;
    }
    headerField(b, trimmedEnd(b.bytes, b.at, lineEnd), next);
  }
  b.rest("http.file_data", "Data");
  return first;
}

/** Three parts with a space between. */
function firstLine(b: FieldBuilder): string {
  const { bytes, at } = b;
  const lineEnd = findLineEnd(bytes, at, b.end);
  const end = trimmedEnd(bytes, at, lineEnd);
  const isResponse = readText(bytes, at, Math.min(end, at + 5), 5) === "HTTP/";
  const parts = isResponse
    ? [["http.response.version", "Response Version"], ["http.response.code", "Status Code"], [
      "http.response.phrase",
      "Response Phrase",
    ]]
    : [["http.request.method", "Request Method"], ["http.request.uri", "Request URI"], [
      "http.request.version",
      "Request Version",
    ]];
  for (const [index, [name, label]] of parts.entries()) {
    const from = b.at;
    if (from >= end) break;
    let to = from;
    while (to < end && (index === 2 || bytes[to] !== space)) to++;
    b.text(name, label, to - from);
    while (b.at < end && bytes[b.at] === space) b.at++;
  }
  b.at = Math.min(b.end, lineEnd + 1);
  return readText(bytes, at, end, summaryMax);
}

/** Names of headers that Wireshark has a field for. */
const knownHeaders = new Set([
  "accept",
  "accept_encoding",
  "accept_language",
  "authorization",
  "cache_control",
  "connection",
  "content_encoding",
  "content_type",
  "cookie",
  "date",
  "host",
  "last_modified",
  "location",
  "referer",
  "server",
  "set_cookie",
  "transfer_encoding",
  "upgrade",
  "user_agent",
  "www_authenticate",
]);

function headerField(b: FieldBuilder, end: number, next: number): void {
  const { bytes, at } = b;
  let colon = at;
  while (colon < end && bytes[colon] !== 0x3a) colon++;
  const label = readText(bytes, at, colon, 64);
  const key = label.toLowerCase().replaceAll("-", "_");
  let value = Math.min(end, colon + 1);
  while (value < end && (bytes[value] === space || bytes[value] === 9)) value++;
  const name = key === "content_length"
    ? "http.content_length_header"
    : knownHeaders.has(key)
    ? `http.${key}`
    : "http.header";
  b.add(name, label, next - at, readText(bytes, value, end, 512));
}

/** Lines of text, then what is no text. */
export function lineFields(b: FieldBuilder): string {
  const first = b.at;
  const firstEnd = trimmedEnd(b.bytes, first, findLineEnd(b.bytes, first, b.end));
  for (let i = 0; i < linesMax && b.left > 0 && !b.isCut; i++) {
    const lineEnd = findLineEnd(b.bytes, b.at, b.end);
    const end = trimmedEnd(b.bytes, b.at, lineEnd);
    if (end > b.at && !isTextAt(b.bytes, b.at, end)) break;
    const next = Math.min(b.end, lineEnd + 1);
    b.add("data.line", "Line", next - b.at, readText(b.bytes, b.at, end, 512));
  }
  b.rest("data.data", "Data");
  return readText(b.bytes, first, firstEnd, summaryMax);
}

/** Without the CR of the line's end. */
function trimmedEnd(bytes: Uint8Array, at: number, lineEnd: number): number {
  return lineEnd > at && bytes[lineEnd - 1] === 0x0d ? lineEnd - 1 : lineEnd;
}
