/** Rows of DNS messages, beside a model that reads them with agent/decode/dns.ts, from a payload of its own. */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { readInt32 } from "../decode/bytes.ts";
import {
  dnsAnswerCount,
  dnsHeaderLength,
  dnsQuestionCount,
  dnsRcode,
  expandDnsName,
  expandedName,
  isDnsResponse,
  isDnsShaped,
  readDnsHeader,
  skipDnsName,
} from "../decode/dns.ts";
import { ethernet, ipv4, join, tcp, udp, uint16, uint32 } from "../decode/packet_builder.ts";
import { ObservationKind } from "../detect/observation.ts";
import { observe } from "./testing.ts";

const addressesMax = 8;
/** Bytes of data that are shown, and that the hash is of. */
const shownMax = 32;
const hashedMax = 256;
const typeTxt = 16;
/** Answers looked at. */
const answersMax = 32;
const typeA = 1;
const typeAaaa = 28;

const label = fc.constantFrom([], [1, 0x41], [3, 0x57, 0x77, 0x5a], [63, ...Array(63).fill(0x62)]);
const nameEnd = fc.oneof(
  fc.constant([0]),
  fc.constantFrom([0xc0, 12], [0xc0, 14], [0xc0, 255], [0xff, 0xff], [64], []),
);
const name = fc.tuple(fc.array(label, { maxLength: 5 }), nameEnd).map(([labels, end]) => [
  ...labels.flat(),
  ...end,
]);
const question = fc.tuple(name, fc.constantFrom(1, 16, 28, 65_399))
  .map(([text, type]) => [...text, ...uint16(type), ...uint16(1)]);
const data = fc.oneof(
  fc.constantFrom([192, 0, 2, 80], Array(16).fill(0x20), [1, 2, 3], [], [0]),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 }),
);
const answer = fc.tuple(name, fc.constantFrom(1, 5, 16, 16, 28), data).map((
  [text, type, bytes],
) => [
  ...text,
  ...uint16(type),
  ...[0, 1, 0, 0, 0, 9],
  ...uint16(bytes.length),
  ...bytes,
]);
const message = fc.record({
  flags: fc.constantFrom(0x0100, 0x8180, 0x8583),
  questions: fc.constantFrom(1, 1, 1, 0, 2, 256),
  answers: fc.constantFrom(0, 1, 3, 40, 300),
  question,
  records: fc.array(answer, { maxLength: 40 }),
  left: fc.integer({ min: 0, max: 5000 }),
}).map(({ flags, questions, answers, question, records, left }) =>
  join(
    [0x12, 0x34],
    ...[flags, questions, answers, 0, 0].map(uint16),
    question,
    records.flat(),
  ).subarray(0, 5000 - left)
);

Deno.test("rows of DNS messages, whole and broken ones, are those of the model", () => {
  let rows = 0;
  fc.assert(
    fc.property(message, fc.array(fc.nat(800), { maxLength: 5 }), (bytes, cuts) => {
      const expected = modelRow(bytes);
      deepStrictEqual(rowOf(bytes, datagram), expected);
      // Without a header what is cut off is not waited for.
      const isWaitedFor = bytes.length >= dnsHeaderLength &&
        isDnsShaped(bytes, 0, bytes.length, bytes.length);
      deepStrictEqual(rowOf(bytes, segments(isWaitedFor ? cuts : [])), expected);
      if (expected !== null) rows++;
    }),
    { numRuns: 400 },
  );
  ok(rows > 40, String(rows));
});

/** The frames of a message that begins at byte `start` of its stream. */
type Carrier = (bytes: Uint8Array, start: number) => readonly Uint8Array[];

/** The words from 14 on of the row that a message makes, which comes behind another of its flow; null when it makes none. */
function rowOf(bytes: Uint8Array, carry: Carrier): number[] | null {
  const known = join([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0], uint16(1), uint16(1));
  const frames = [...carry(known, 0), ...carry(bytes, known.length + 2)];
  const found = observe(
    frames.map((bytes, index) => ({ timestampUs: 1_700_000_000_000_000 + index, bytes })),
    (row) => {
      const end = row.at + (row.words[row.at] >>> 16);
      return row.kind === ObservationKind.dns ? [...row.words.subarray(row.at + 14, end)] : null;
    },
  ).filter((words) => words !== null);
  return found[1] ?? null;
}

function datagram(bytes: Uint8Array): Uint8Array[] {
  return [ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 53 }, bytes)))];
}

/** Segments that end at `cuts` of a message behind its length. */
function segments(cuts: readonly number[]): Carrier {
  return (bytes, start) => {
    const stream = join(uint16(bytes.length), bytes);
    const ends = [...new Set(cuts.map((cut) => 1 + cut % stream.length)), stream.length];
    ends.sort((a, b) => a - b);
    return ends.map((end, index) => {
      const from = ends[index - 1] ?? 0;
      const segment = tcp({ flags: 0x18 }, stream.subarray(from, end));
      segment.set(uint16(53), 2);
      segment.set(uint32(1000 + start + from), 4);
      return ethernet(0x0800, ipv4({ protocol: 6 }, segment));
    });
  };
}

function modelRow(bytes: Uint8Array): number[] | null {
  const words = new Int32Array(200);
  const length = bytes.length === 0 ? -1 : writeDnsObservation(bytes, words);
  return length < 0 ? null : [...words.subarray(0, length)];
}

/** Writes the words from 14 on; returns how many, or -1 for what is no DNS message with a question. */
function writeDnsObservation(bytes: Uint8Array, words: Int32Array): number {
  const message = 0;
  const at = 0;
  const end = bytes.length;
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
  const isRead = isResponse && dnsQuestionCount(header) === 1;
  const answers = isRead ? readAnswers(bytes, typeAt + 4, end, dnsAnswerCount(header)) : [];
  const addresses = answers.filter(isAddress).slice(0, addressesMax);
  const texts = answers.filter((answer) => !isAddress(answer) && answer.type === type)
    .map(({ data }) => data).filter((data) => data.length > 0);
  words[at + 1] = addresses.length | (texts.length > 0 ? 0x100 : 0);
  addresses.forEach((address, index) => {
    words.set(addressWords(address.data), at + 2 + nameWords + index * 4);
  });
  const dataAt = at + 2 + nameWords + addresses.length * 4;
  return texts.length === 0 ? dataAt : writeData(texts, type, words, dataAt);
}

interface Answer {
  readonly type: number;
  readonly data: Uint8Array;
}

function isAddress({ type, data }: Answer): boolean {
  return type === typeA && data.length === 4 || type === typeAaaa && data.length === 16;
}

function addressWords(data: Uint8Array): number[] {
  if (data.length === 4) return [0, 0, 0xffff, readInt32(data, 0)];
  return [0, 4, 8, 12].map((from) => readInt32(data, from));
}

function writeData(
  texts: readonly Uint8Array[],
  type: number,
  words: Int32Array,
  at: number,
): number {
  const [first] = texts;
  const shown = type === typeTxt ? first.subarray(1, 1 + shownMax) : first.subarray(0, shownMax);
  const size = texts.reduce((sum, { length }) => sum + length, 0);
  words[at] = Math.min(size, 0xffff) << 16 | shown.length;
  words[at + 1] = texts.flatMap((text) => [...text.subarray(0, hashedMax)])
    .reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
  shown.forEach((byte, index) => words[at + 2 + (index >> 2)] |= byte << (index & 3) * 8);
  return at + 2 + (shown.length + 3 >> 2);
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

/** The records from `next` on, as far as they are whole. */
function readAnswers(bytes: Uint8Array, next: number, end: number, answerCount: number): Answer[] {
  const answers: Answer[] = [];
  while (answers.length < Math.min(answerCount, answersMax)) {
    const fields = skipDnsName(bytes, next, end);
    if (fields < 0 || fields + 10 > end) break;
    const type = bytes[fields] << 8 | bytes[fields + 1];
    const length = bytes[fields + 8] << 8 | bytes[fields + 9];
    next = fields + 10 + length;
    if (next > end) break;
    answers.push({ type, data: bytes.subarray(fields + 10, next) });
  }
  return answers;
}
