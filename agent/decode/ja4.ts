/**
 * JA4, the fingerprint of a TLS client, after FoxIO's public description (github.com/FoxIO-LLC/ja4,
 * technical_details/JA4.md; JA4 itself is under BSD 3-clause, the rest of JA4+ is not used here):
 *
 *     t13d1516h2_8daaf6152771_b186095e22b6
 *     |||  | |    |            hash of sorted extensions (without server name and ALPN) _ signature algorithms
 *     |||  | |    hash of sorted ciphers
 *     |||  | first and last character of the first ALPN value
 *     |||  number of ciphers, number of extensions
 *     ||server name given (d) or not (i)
 *     |version
 *     carrier: t TCP, q QUIC, d DTLS
 *
 * GREASE values (RFC 8701) count nowhere. A hash is the first 12 hexadecimal digits of SHA-256 over the numbers as four
 * lower-case digits with commas between them, twelve zeros over nothing.
 */
import { hash } from "node:crypto";

/** How the hello travels: t TCP, q QUIC, d DTLS. */
export type HelloCarrier = "t" | "q" | "d";

/** The numbers of a ClientHello that JA4 is made of, without GREASE. The arrays are sorted in place. */
export interface HelloShape {
  readonly carrier: HelloCarrier;
  /** Highest of supported_versions, or the hello's own. */
  readonly version: number;
  readonly hasServerName: boolean;
  readonly ciphers: Uint16Array;
  readonly cipherCount: number;
  /** Types in the order they were sent. */
  readonly extensions: Uint16Array;
  readonly extensionCount: number;
  readonly signatureAlgorithms: Uint16Array;
  readonly signatureAlgorithmCount: number;
  /** The first ALPN value in `bytes`; -1 when there is none. */
  readonly alpnStart: number;
  readonly alpnEnd: number;
  readonly bytes: Uint8Array;
}

const versionCodes = new Map<number, string>([
  [0x0100, "s1"],
  [0x0002, "s2"],
  [0x0200, "s2"],
  [0x0300, "s3"],
  [0x0301, "10"],
  [0x0302, "11"],
  [0x0303, "12"],
  [0x0304, "13"],
  [0xfeff, "d1"],
  [0xfefd, "d2"],
  [0xfefc, "d3"],
]);
const emptyHash = "000000000000";
const serverNameType = 0x0000;
const alpnType = 0x0010;
const hexDigits = new TextEncoder().encode("0123456789abcdef");
/** The text that is hashed: five characters a number, a hello's 16 KiB at most. */
const hashed = new Uint8Array(16384 / 2 * 5 * 2);

const latin1 = new TextDecoder("latin1");
/** Clients are few and their lists are the same each time, so most hashes are looked up: 1,024 of 200 bytes or so. */
const hashes = new Map<string, string>();
const hashCountMax = 1024;

/** True for a GREASE value (RFC 8701): 0x0a0a, 0x1a1a … 0xfafa. */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** The JA4 of a whole ClientHello. Sorts the arrays of `hello`. */
export function formatJa4(hello: HelloShape): string {
  const version = versionCodes.get(hello.version) ?? "00";
  const ciphers = formatCount(hello.cipherCount);
  const extensions = formatCount(hello.extensionCount);
  const start = `${hello.carrier}${version}${hello.hasServerName ? "d" : "i"}`;
  return `${start}${ciphers}${extensions}${formatAlpn(hello)}_${hashCiphers(hello)}_${
    hashExtensions(hello)
  }`;
}

function formatCount(count: number): string {
  return count > 99 ? "99" : count < 10 ? `0${count}` : `${count}`;
}

/** First and last character; of the value in hexadecimal when one of them is no letter or digit. */
function formatAlpn({ bytes, alpnStart, alpnEnd }: HelloShape): string {
  if (alpnStart >= alpnEnd) return "00";
  const first = bytes[alpnStart];
  const last = bytes[alpnEnd - 1];
  if (isAlphanumeric(first) && isAlphanumeric(last)) return String.fromCharCode(first, last);
  return String.fromCharCode(hexDigits[first >> 4], hexDigits[last & 0xf]);
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a);
}

function hashCiphers(hello: HelloShape): string {
  hello.ciphers.subarray(0, hello.cipherCount).sort();
  return hashText(writeNumbers(hello.ciphers, hello.cipherCount, 0));
}

function hashExtensions(hello: HelloShape): string {
  const { extensions } = hello;
  let count = 0;
  for (let i = 0; i < hello.extensionCount; i++) {
    const type = extensions[i];
    if (type !== serverNameType && type !== alpnType) extensions[count++] = type;
  }
  extensions.subarray(0, count).sort();
  let length = writeNumbers(extensions, count, 0);
  if (length > 0 && hello.signatureAlgorithmCount > 0) {
    hashed[length++] = 0x5f;
    length = writeNumbers(hello.signatureAlgorithms, hello.signatureAlgorithmCount, length);
  }
  return hashText(length);
}

/** Writes "002f,0035" to `hashed` from `at` on; returns where it ends. */
function writeNumbers(numbers: Uint16Array, count: number, at: number): number {
  let next = at;
  for (let i = 0; i < count; i++) {
    const value = numbers[i];
    if (i > 0) hashed[next++] = 0x2c;
    hashed[next++] = hexDigits[value >> 12];
    hashed[next++] = hexDigits[value >> 8 & 0xf];
    hashed[next++] = hexDigits[value >> 4 & 0xf];
    hashed[next++] = hexDigits[value & 0xf];
  }
  return next;
}

function hashText(length: number): string {
  if (length === 0) return emptyHash;
  const text = latin1.decode(hashed.subarray(0, length));
  const known = hashes.get(text);
  if (known !== undefined) return known;
  if (hashes.size === hashCountMax) hashes.clear();
  const digits = hash("sha256", text, "hex").slice(0, 12);
  hashes.set(text, digits);
  return digits;
}
