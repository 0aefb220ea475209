/**
 * Rows of DNS messages for the detectors (agent/detect/observation.ts draws them); agent/decode/dns.ts says how a message is
 * built.
 */
import {
  DNS_MESSAGE_AT,
  O_DNS_WORDS,
  O_KIND_DNS,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_OFFSET,
} from "../layout";
import { flowAt } from "./flows";
import { beginPacketRow, dropRow, growRow, packetMarks, set } from "./observations";
import { field, read16, read32 } from "./words";

export const HEADER_LENGTH: usize = 12;
/** Type and class behind a question's name; type, class, TTL and length behind a record's. */
export const QUESTION_LENGTH: usize = 4;
export const RECORD_LENGTH: usize = 10;
const LABEL_MAX: u32 = 63;
const POINTER: u32 = 0xc0;
const NAME_LENGTH_MAX: i32 = 255;
const POINTERS_MAX: i32 = 32;
/** Answers looked at, and addresses told. */
export const ANSWERS_MAX: i32 = 32;
const ADDRESSES_MAX: i32 = 8;
export const TYPE_A: i32 = 1;
const TYPE_TXT: i32 = 16;
export const TYPE_AAAA: i32 = 28;
/** Word 15: behind the addresses stands what the other answers carry. */
const HAS_DATA: i32 = 0x100;
/** Bytes of an answer's data that are shown, and those that its hash is of. */
const SAMPLE_MAX: i32 = 32;
const HASHED_MAX: i32 = 256;

/** Of the answers read last that are of the type asked for: bytes of data, a hash, and where the first one's text begins and ends. */
let dataBytes: i32 = 0;
let dataHash: u32 = 0;
let sampleAt: usize = 0;
let sampleEnd: usize = 0;

/** Of the packet in hand, for messages that TypeScript puts together. */
let packetBase: usize = 0;
let isPacketEthernet: bool = false;

@inline
export function setDnsPacket(base: usize, isEthernet: bool): void {
  packetBase = base;
  isPacketEthernet = isEthernet;
}

/** The DNS message in the datagram in hand. */
export function writeDns(base: usize, flow: usize, timestampUs: f64, isEthernet: bool): void {
  const message = base + field(P_PAYLOAD_OFFSET);
  const end = message + field(P_PAYLOAD_CAPTURED_LENGTH);
  writeMessage(message, end, flow, timestampUs, packetMarks(base, isEthernet));
}

/** The DNS message of `length` bytes at DNS_MESSAGE_AT, which the segment in hand has completed. */
export function writeStreamDns(slot: i32, length: i32, timestampUs: f64): void {
  const marks = packetMarks(packetBase, isPacketEthernet);
  writeMessage(DNS_MESSAGE_AT, DNS_MESSAGE_AT + length, flowAt(slot), timestampUs, marks);
}

/** What is no whole message with a question is left out. */
function writeMessage(
  message: usize,
  end: usize,
  flow: usize,
  timestampUs: f64,
  marks: i32,
): void {
  const nameAt = message + HEADER_LENGTH;
  if (nameAt > end) return;
  const questions = read16(message + 4);
  const typeAt = skipName(nameAt, end);
  if (questions == 0 || typeAt == 0 || typeAt + QUESTION_LENGTH > end) return;
  const at = beginPacketRow(O_DNS_WORDS, O_KIND_DNS, flow, timestampUs, marks);
  if (at == 0) return;
  const text = at + (O_DNS_WORDS << 2);
  const length = expandName(message, end, nameAt, text);
  if (length < 0) return dropRow(O_DNS_WORDS);
  for (let byte = length; (byte & 3) != 0; byte++) store<u8>(text + byte, 0);
  const nameWords = length + 3 >> 2;
  const flags = read16(message + 2);
  const isResponse = flags >> 15;
  set(at, 14, isResponse << 31 | (flags & 0xf) << 24 | length << 16 | read16(typeAt));
  const more = text + (nameWords << 2);
  let count = 0;
  dataBytes = 0;
  if (isResponse != 0 && questions == 1) {
    const answers = min(read16(message + 6), ANSWERS_MAX);
    count = readAnswers(typeAt + QUESTION_LENGTH, end, answers, read16(typeAt), more);
  }
  set(at, 15, dataBytes > 0 ? count | HAS_DATA : count);
  const dataWords = dataBytes > 0 ? writeData(more + (count << 4)) : 0;
  growRow(at, nameWords + count * 4 + dataWords);
}

/** Address behind the name at `at`, 0 when it is cut off or malformed. Pointers are not followed. */
export function skipName(at: usize, end: usize): usize {
  let next = at;
  while (next < end) {
    const label = <u32> load<u8>(next);
    if (label == 0) return next + 1;
    if (label >= POINTER) return next + 2 <= end ? next + 2 : 0;
    if (label > LABEL_MAX) return 0;
    next += label + 1;
  }
  return 0;
}

/** Writes the name at `at` in lower case, with dots, to `to`; its length, -1 when it is cut off, too long or leads nowhere. */
export function expandName(message: usize, end: usize, at: usize, to: usize): i32 {
  let length: i32 = 0;
  let pointers = 0;
  let next = at;
  while (next < end) {
    const label = <u32> load<u8>(next);
    if (label == 0) return length;
    if (label >= POINTER) {
      if (next + 2 > end || ++pointers > POINTERS_MAX) return -1;
      next = message + (read16(next) & 0x3fff);
      continue;
    }
    const after = next + 1 + label;
    const isTooLong = length + <i32> label + 1 > NAME_LENGTH_MAX;
    if (label > LABEL_MAX || after > end || isTooLong) return -1;
    if (length > 0) store<u8>(to + length++, 0x2e);
    for (next++; next < after; next++) {
      const byte = <u32> load<u8>(next);
      store<u8>(to + length++, byte - 0x41 < 26 ? byte + 32 : byte);
    }
  }
  return -1;
}

/** Writes the addresses of the A and AAAA records from `next` on to `to`, how many; takes up the data of those of `asked` type. */
function readAnswers(next: usize, end: usize, answers: i32, asked: i32, to: usize): i32 {
  let count = 0;
  dataHash = 0x811c9dc5;
  for (let answer = 0; answer < answers; answer++) {
    const fields = skipName(next, end);
    if (fields == 0 || fields + RECORD_LENGTH > end) break;
    const type = read16(fields);
    const length = read16(fields + 8);
    const data = fields + RECORD_LENGTH;
    next = data + length;
    if (next > end) break;
    const isAddress = type == TYPE_A && length == 4 || type == TYPE_AAAA && length == 16;
    if (isAddress) {
      if (count < ADDRESSES_MAX) writeAddress(to + (count++ << 4), data, type == TYPE_A);
    } else if (type == asked && length > 0) addData(data, length, type == TYPE_TXT);
  }
  return count;
}

function writeAddress(place: usize, data: usize, isIpv4: bool): void {
  if (!isIpv4) {
    for (let word = 0; word < 4; word++) set(place, word, read32(data + (word << 2)));
    return;
  }
  set(place, 0, 0);
  set(place, 1, 0);
  set(place, 2, 0xffff);
  set(place, 3, read32(data));
}

/** Takes up the data of an answer; text begins with its length (RFC 1035 section 3.3.14). */
function addData(data: usize, length: i32, isText: bool): void {
  if (dataBytes == 0) {
    sampleAt = isText ? data + 1 : data;
    sampleEnd = data + min(length, isText ? SAMPLE_MAX + 1 : SAMPLE_MAX);
  }
  dataBytes = min(dataBytes + length, 0xffff);
  const hashedEnd = data + min(length, HASHED_MAX);
  for (let byte = data; byte < hashedEnd; byte++) {
    dataHash = (dataHash ^ load<u8>(byte)) * 0x01000193;
  }
}

/** Writes what has been taken up; how many words. */
function writeData(to: usize): i32 {
  const length = <i32> (sampleEnd - sampleAt);
  const words = length + 3 >> 2;
  set(to, 0, dataBytes << 16 | length);
  set(to, 1, dataHash);
  if (words > 0) set(to, 1 + words, 0);
  memory.copy(to + 8, sampleAt, length);
  return 2 + words;
}
