/**
 * Headers and names of DNS messages (RFC 1035 section 4), as mDNS (RFC 6762), LLMNR (RFC 4795) and NBNS (RFC 1002) use
 * them too, as numbers and without allocation; dns_message.ts makes text of them.
 *
 *     id:16 | QR:1 opcode:4 AA TC RD RA Z AD CD rcode:4 | QDCOUNT:16 ANCOUNT:16 NSCOUNT:16 ARCOUNT:16
 *     questions: name, type:16, class:16     records: name, type:16, class:16, TTL:32, length:16, data
 *
 * A name is labels of up to 63 bytes, ended by an empty one or by a pointer to another place in the message. Pointers
 * are followed a limited number of times, so loops end; names are at most 255 bytes, so the work is bounded.
 */
import { readUint16 } from "./bytes.ts";

/** Bytes before the first question. */
export const dnsHeaderLength = 12;
/** Bytes of a name, RFC 1035 section 2.3.4. */
export const dnsNameLengthMax = 255;
const pointersMax = 32;
/** Where a name is put together before it becomes a string. */
const nameBytes = new Uint8Array(dnsNameLengthMax + 64);

/** Record types by number (IANA's list, the ones that are seen). */
const typeNames = new Map<number, string>([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [10, "NULL"],
  [12, "PTR"],
  [13, "HINFO"],
  [15, "MX"],
  [16, "TXT"],
  [17, "RP"],
  [24, "SIG"],
  [25, "KEY"],
  [28, "AAAA"],
  [29, "LOC"],
  [33, "SRV"],
  [35, "NAPTR"],
  [39, "DNAME"],
  [41, "OPT"],
  [43, "DS"],
  [44, "SSHFP"],
  [46, "RRSIG"],
  [47, "NSEC"],
  [48, "DNSKEY"],
  [50, "NSEC3"],
  [51, "NSEC3PARAM"],
  [52, "TLSA"],
  [59, "CDS"],
  [60, "CDNSKEY"],
  [61, "OPENPGPKEY"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [99, "SPF"],
  [108, "EUI48"],
  [109, "EUI64"],
  [249, "TKEY"],
  [250, "TSIG"],
  [251, "IXFR"],
  [252, "AXFR"],
  [255, "ANY"],
  [256, "URI"],
  [257, "CAA"],
]);

/**
 * Flags, QDCOUNT and ANCOUNT (both cut off at 255) in one number: `flags << 16 | qdcount << 8 | ancount`, unsigned;
 * -1 when there is no room for a header.
 */
export function readDnsHeader(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < dnsHeaderLength) return -1;
  const questions = Math.min(255, readUint16(bytes, at + 4));
  const answers = Math.min(255, readUint16(bytes, at + 6));
  return (readUint16(bytes, at + 2) << 16 | questions << 8 | answers) >>> 0;
}

/** True for a response, of a number from readDnsHeader. */
export function isDnsResponse(header: number): boolean {
  return header >>> 31 === 1;
}

/** RCODE of a number from readDnsHeader: 0 no error, 2 server failure, 3 no such name. */
export function dnsRcode(header: number): number {
  return header >>> 16 & 0xf;
}

/** QDCOUNT of a number from readDnsHeader, at most 255. */
export function dnsQuestionCount(header: number): number {
  return header >>> 8 & 0xff;
}

/** ANCOUNT of a number from readDnsHeader, at most 255. */
export function dnsAnswerCount(header: number): number {
  return header & 0xff;
}

/**
 * True for what looks like a DNS message: a known opcode, and counts that fit into `length` bytes, by which random
 * bytes hardly ever pass.
 */
export function isDnsShaped(bytes: Uint8Array, at: number, end: number, length: number): boolean {
  if (end - at < dnsHeaderLength) return false;
  const opcode = bytes[at + 2] >> 3 & 0xf;
  if (opcode === 3 || opcode > 8) return false;
  const questions = readUint16(bytes, at + 4);
  const records = readUint16(bytes, at + 6) + readUint16(bytes, at + 8) +
    readUint16(bytes, at + 10);
  return questions + records > 0 && dnsHeaderLength + questions * 5 + records * 11 <= length;
}

/**
 * True for a plain query of one question (class IN or ANY) that says nothing else: strict enough to tell DNS on a port
 * that is not its own.
 */
export function isDnsQueryStrict(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < dnsHeaderLength + 5) return false;
  const flags = readUint16(bytes, at + 2);
  const isPlain = (flags & 0xfa4f) === 0 && readUint16(bytes, at + 4) === 1 &&
    readUint16(bytes, at + 6) === 0 && readUint16(bytes, at + 8) === 0 &&
    readUint16(bytes, at + 10) <= 2;
  if (!isPlain) return false;
  const next = skipDnsName(bytes, at + dnsHeaderLength, end);
  if (next < at + dnsHeaderLength + 3 || next + 4 > end) return false;
  const classCode = readUint16(bytes, next + 2);
  return typeNames.has(readUint16(bytes, next)) && (classCode === 1 || classCode === 255);
}

/** Position after the name at `at`, -1 when it is cut off or malformed. Pointers are not followed. */
export function skipDnsName(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end) {
    const length = bytes[next];
    if (length === 0) return next + 1;
    if (length >= 0xc0) return next + 2 <= end ? next + 2 : -1;
    if (length > 63) return -1;
    next += length + 1;
  }
  return -1;
}

/**
 * Puts the name at `at` together, labels with dots between them, in the buffer that `expandedName` shows, and returns
 * its length (0 for the root); -1 when it is cut off, too long, or its pointers lead nowhere.
 */
export function expandDnsName(
  bytes: Uint8Array,
  message: number,
  end: number,
  at: number,
): number {
  let length = 0;
  let pointers = 0;
  let next = at;
  while (next < end) {
    const label = bytes[next];
    if (label === 0) return length;
    if (label >= 0xc0) {
      if (next + 2 > end || ++pointers > pointersMax) return -1;
      next = message + (readUint16(bytes, next) & 0x3fff);
      continue;
    }
    if (label > 63 || next + 1 + label > end || length + label + 1 > dnsNameLengthMax) return -1;
    if (length > 0) nameBytes[length++] = 0x2e;
    for (let i = next + 1; i <= next + label; i++) nameBytes[length++] = bytes[i];
    next += label + 1;
  }
  return -1;
}

/** What expandDnsName put together; overwritten by its next call. */
export const expandedName: Uint8Array = nameBytes;

/** The name of a record type, "TYPE65280" where it has none (RFC 3597). */
export function dnsTypeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}
