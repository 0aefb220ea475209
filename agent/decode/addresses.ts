/** Addresses as text and back: IPv4, IPv6 in the form of RFC 5952, and MAC. */

const DECIMAL = Array.from({ length: 256 }, (_, value) => String(value));
const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

/** Text of the four bytes at `at`. */
export function formatIpv4(bytes: Uint8Array, at: number): string {
  return DECIMAL[bytes[at]] + "." + DECIMAL[bytes[at + 1]] + "." + DECIMAL[bytes[at + 2]] + "." +
    DECIMAL[bytes[at + 3]];
}

/** Text of the sixteen bytes at `at`. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  const groups = new Array<number>(8);
  for (let i = 0; i < 8; i++) groups[i] = (bytes[at + 2 * i] << 8) | bytes[at + 2 * i + 1];
  return formatGroups(groups);
}

/** Text of an address as `Packet` holds it: four big-endian words, signed or not. */
export function formatIpWords(
  ipVersion: number,
  words: readonly [number, number, number, number],
): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return ipVersion === 4 ? formatDotted(groups[6], groups[7]) : formatGroups(groups);
}

/** As formatIpWords(), by the words alone: IPv4-mapped ones (RFC 4291 section 2.5.5.2) are IPv4. */
export function formatAddressWords(...words: [number, number, number, number]): string {
  const isIpv4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return formatIpWords(isIpv4 ? 4 : 6, words);
}

/** Text of the six bytes at `at`, as `00:1a:2b:3c:4d:5e`. */
export function formatMac(bytes: Uint8Array, at: number): string {
  let text = HEX[bytes[at]];
  for (let i = 1; i < 6; i++) text += ":" + HEX[bytes[at + i]];
  return text;
}

function formatGroups(groups: readonly number[]): string {
  const { start, end } = longestZeroRun(groups);
  const isMapped = start === 0 && end === 5 && groups[5] === 0xffff;
  if (isMapped) return "::ffff:" + formatDotted(groups[6], groups[7]);
  const hex = groups.map((group) => group.toString(16));
  if (end - start < 2) return hex.join(":");
  return hex.slice(0, start).join(":") + "::" + hex.slice(end).join(":");
}

function formatDotted(high: number, low: number): string {
  return DECIMAL[high >> 8] + "." + DECIMAL[high & 0xff] + "." + DECIMAL[low >> 8] + "." +
    DECIMAL[low & 0xff];
}

/** The first of the longest runs of zeros (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; end: number } {
  const longest = { start: 0, end: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.end - longest.start) {
      longest.start = start;
      longest.end = index + 1;
    }
  });
  return longest;
}

/** Bytes of an IPv4 (4) or IPv6 (16) address; null when the text is neither. */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** An address as the four words of a Packet (IPv4 as 0, 0, 0x0000ffff, address); null when the text is none. */
export function parseIpWords(text: string): [number, number, number, number] | null {
  const bytes = parseIp(text);
  if (bytes === null) return null;
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) return [0, 0, 0xffff, view.getInt32(0)];
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}

/**
 * Whether an address means another host at each site: private (RFC 1918), shared (RFC 6598), unique local (RFC 4193), site-local
 * (RFC 3513), link-local (RFC 3927, RFC 4291) and loopback addresses.
 */
export function isOfSite(text: string): boolean {
  const words = parseIpWords(text);
  if (words === null) return false;
  const [word0, word1, word2, word3] = words;
  if ((word0 | word1) === 0 && word2 === 0xffff) {
    return [10, 127].includes(word3 >>> 24) || [0xc0a8, 0xa9fe].includes(word3 >>> 16) ||
      word3 >>> 20 === 0xac1 || word3 >>> 22 === 0x191;
  }
  if ((word0 | word1 | word2) === 0) return word3 === 1;
  return word0 >>> 25 === 0x7e || word0 >>> 22 === 0x3fa || word0 >>> 22 === 0x3fb;
}

/** What tells hosts of several sites apart: the address, and for one that each site has, its site behind a space. */
export function addressAt(address: string, site: string): string {
  return site !== "" && isOfSite(address) ? `${address} ${site}` : address;
}

/** A network in the words of a Packet, in which IPv4 addresses have 96 bits before their own. */
export interface Network {
  readonly words: readonly [number, number, number, number];
  /** 0 to 128. */
  readonly prefixLength: number;
}

/** A network as `192.0.2.0/24`, or an address, which is one of its own; null when the text is neither. Host bits are left out. */
export function parseNetwork(text: string): Network | null {
  const [, addressText, lengthText] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const words = parseIpWords(addressText ?? "");
  if (words === null) return null;
  const isIpv4 = !addressText.includes(":");
  const bits = lengthText === undefined ? (isIpv4 ? 32 : 128) : Number(lengthText);
  if (bits > (isIpv4 ? 32 : 128)) return null;
  const prefixLength = isIpv4 ? 96 + bits : bits;
  const [word0, word1, word2, word3] = words.map((word, index) =>
    word & maskOf(prefixLength - 32 * index)
  );
  return { words: [word0, word1, word2, word3], prefixLength };
}

/** `::/0` is all of IPv6, and no IPv4 address is in it. */
export function isInNetwork(
  { words, prefixLength }: Network,
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (prefixLength < 96 && (word0 | word1) === 0 && word2 === 0xffff) return false;
  return (word0 & maskOf(prefixLength)) === words[0] &&
    (word1 & maskOf(prefixLength - 32)) === words[1] &&
    (word2 & maskOf(prefixLength - 64)) === words[2] &&
    (word3 & maskOf(prefixLength - 96)) === words[3];
}

/** Loopback, link-local, unspecified, multicast and broadcast addresses. */
export function staysOnLink(
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (isIpv4(word0, word1, word2)) {
    const first = word3 >>> 24;
    return first === 127 || first === 0 || first >= 224 || word3 >>> 16 === 0xa9fe;
  }
  if ((word0 | word1 | word2) === 0 && (word3 >>> 0) <= 1) return true;
  return word0 >>> 24 === 0xff || word0 >>> 22 === 0x3fa;
}

/** RFC 1918, shared (RFC 6598), unique local (RFC 4193) and site-local (RFC 3513) addresses. */
export function isPrivate(
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (!isIpv4(word0, word1, word2)) return word0 >>> 25 === 0x7e || word0 >>> 22 === 0x3fb;
  return word3 >>> 24 === 10 || word3 >>> 16 === 0xc0a8 || word3 >>> 20 === 0xac1 ||
    word3 >>> 22 === 0x191;
}

export function isIpv4(word0: number, word1: number, word2: number): boolean {
  return (word0 | word1) === 0 && word2 === 0xffff;
}

/** A word whose first `bits` bits are set; none below 0, all from 32 on. */
export function maskOf(bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << 32 - bits;
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split(".");
  const isAddress = parts.length === 4 &&
    parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return isAddress ? Uint8Array.from(parts, Number) : null;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  const isComplete = halves.length === 2 ? missing >= 2 : missing === 0;
  if (!isComplete) return null;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** Bytes of colon-separated groups, of which the very last may be an IPv4 address. */
function parseGroups(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const result: number[] = [];
  for (const [index, part] of parts.entries()) {
    const isLast = isEnd && index === parts.length - 1;
    const dotted = isLast && part.includes(".") ? parseIpv4(part) : null;
    if (dotted !== null) {
      result.push(...dotted);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
    const group = parseInt(part, 16);
    result.push(group >> 8, group & 0xff);
  }
  return result;
}

/** An IP address as we write it (RFC 5952, in lower case); null when the text is none. */
export function canonicalIp(text: string): string | null {
  const words = parseIpWords(text);
  return words && formatIpWords(text.includes(":") ? 6 : 4, words);
}

/** The six bytes of a MAC address written with `:` or `-`; null when the text is none. */
export function parseMac(text: string): Uint8Array | null {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return null;
  return Uint8Array.from(text.split(/[:-]/), (part) => parseInt(part, 16));
}
