/** What a row of kind "dns" holds of a DNS message, see agent/detect/observation.ts; without allocation. */
import { readInt32 } from "../decode/bytes.ts";
import {
  dnsAnswerCount,
  dnsHeaderLength,
  dnsQuestionCount,
  dnsRcode,
  expandDnsName,
  expandedName,
  isDnsResponse,
  readDnsHeader,
  skipDnsName,
} from "../decode/dns.ts";
import { type Packet, Transport } from "../records.ts";

const addressesMax = 8;
/** Answers looked at. */
const answersMax = 32;
const typeA = 1;
const typeAaaa = 28;

/** Writes the words from 14 on at `at`; returns how many, or -1 for what is no DNS message with a question. */
export function writeDnsObservation(
  bytes: Uint8Array,
  packet: Packet,
  words: Int32Array,
  at: number,
): number {
  // Over TCP a length of two bytes comes first (RFC 1035 section 4.2.2).
  const message = packet.payloadOffset + (packet.transport === Transport.tcp ? 2 : 0);
  const end = packet.payloadOffset + packet.payloadCapturedLength;
  const header = readDnsHeader(bytes, message, end);
  if (header < 0 || dnsQuestionCount(header) === 0) return -1;
  const nameAt = message + dnsHeaderLength;
  const length = expandDnsName(bytes, message, end, nameAt);
  const typeAt = skipDnsName(bytes, nameAt, end);
  if (length < 0 || typeAt < 0 || typeAt + 4 > end) return -1;
  const isResponse = isDnsResponse(header);
  const type = bytes[typeAt] << 8 | bytes[typeAt + 1];
  words[at] = (isResponse ? -0x80000000 : 0) | dnsRcode(header) << 24 | length << 16 | type;
  const nameWords = length + 3 >> 2;
  writeName(words, at + 2, length);
  const count = isResponse && dnsQuestionCount(header) === 1
    ? writeAddresses(bytes, typeAt + 4, end, dnsAnswerCount(header), words, at + 2 + nameWords)
    : 0;
  words[at + 1] = count;
  return 2 + nameWords + count * 4;
}

/** The name that expandDnsName() put together, in lower case. */
function writeName(words: Int32Array, at: number, length: number): void {
  words.fill(0, at, at + (length + 3 >> 2));
  for (let index = 0; index < length; index++) {
    const byte = expandedName[index];
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
    words[at + (index >> 2)] |= lower << (index & 3) * 8;
  }
}

/** Addresses of the A and AAAA records from `next` on; returns how many were written. */
function writeAddresses(
  bytes: Uint8Array,
  next: number,
  end: number,
  answerCount: number,
  words: Int32Array,
  at: number,
): number {
  let written = 0;
  const count = Math.min(answerCount, answersMax);
  for (let answer = 0; answer < count && written < addressesMax; answer++) {
    const fields = skipDnsName(bytes, next, end);
    if (fields < 0 || fields + 10 > end) break;
    const type = bytes[fields] << 8 | bytes[fields + 1];
    const length = bytes[fields + 8] << 8 | bytes[fields + 9];
    const data = fields + 10;
    next = data + length;
    if (next > end) break;
    const place = at + written * 4;
    if (type === typeA && length === 4) {
      words[place] = 0;
      words[place + 1] = 0;
      words[place + 2] = 0xffff;
      words[place + 3] = readInt32(bytes, data);
      written++;
    } else if (type === typeAaaa && length === 16) {
      for (let word = 0; word < 4; word++) words[place + word] = readInt32(bytes, data + word * 4);
      written++;
    }
  }
  return written;
}
