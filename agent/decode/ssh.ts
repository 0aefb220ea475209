/** The banner that both ends of SSH send first (RFC 4253 section 4.2): "SSH-2.0-software comment" and CRLF. */
import { findLineEnd, readText, startsWithAt } from "./app_text.ts";

const bannerMax = 255;

/** True when the banner starts at `at`. */
function isSshBanner(bytes: Uint8Array, at: number, end: number): boolean {
  return startsWithAt(bytes, at, end, "SSH-");
}

/** The banner without its line end; null when there is none. */
export function readSshBanner(bytes: Uint8Array, at: number, end: number): string | null {
  if (!isSshBanner(bytes, at, end)) return null;
  const lineEnd = findLineEnd(bytes, at, Math.min(end, at + bannerMax + 2));
  const stop = bytes[lineEnd - 1] === 0x0d ? lineEnd - 1 : lineEnd;
  return readText(bytes, at, stop, bannerMax);
}
