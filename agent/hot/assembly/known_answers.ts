/**
 * Addresses that DNS answers named last, and how: an answer that would say the same of all of its addresses is not given to
 * TypeScript again. A place for each hash of an address, which the next one of it takes over; it has a hash of address and name.
 *
 * What is read here is what agent/decode/dns_message.ts reads; of other messages TypeScript learns names unseen, and so all is
 * forgotten.
 */
import {
  DNS_MESSAGE_AT,
  KNOWN_ANSWERS_AT,
  KNOWN_ANSWERS_BITS,
  P_IS_LATER_FRAGMENT,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_OFFSET,
  P_TRANSPORT,
  TRANSPORT_UDP,
} from "../layout";
import {
  ANSWERS_MAX,
  expandName,
  HEADER_LENGTH,
  QUESTION_LENGTH,
  RECORD_LENGTH,
  skipName,
  TYPE_A,
  TYPE_AAAA,
} from "./dns_observation";
import { field, read16 } from "./words";

/** NetBIOS' address, as the name service of RFC 1002 has it. */
const TYPE_NB: i32 = 32;
/** A pointer to the first question's name, as most names of records are. */
const QUESTION_POINTER: i32 = 0xc00c;
/** Of the version of DTLS (RFC 9147 section 4), where DNS has its flags. */
const DTLS_MINOR: i32 = 0xfc;
const FIRST: u64 = 0x9e3779b97f4a7c15;
const SECOND: u64 = 0xff51afd7ed558ccd;

/** Whether the message in hand, of a flow of DNS, names nothing but what is known; else it is known from now on. */
export function isKnownAnswer(base: usize): bool {
  const message = base + field(P_PAYLOAD_OFFSET);
  const end = message + field(P_PAYLOAD_CAPTURED_LENGTH);
  if (field(P_TRANSPORT) == TRANSPORT_UDP && field(P_IS_LATER_FRAGMENT) == 0) {
    const known = readAnswer(message, end);
    if (known >= 0) return known != 0;
  }
  forgetAnswers();
  return false;
}

export function forgetAnswers(): void {
  memory.fill(KNOWN_ANSWERS_AT, 0, <usize> 8 << KNOWN_ANSWERS_BITS);
}

/** 1 when all that it names is known, else 0; -1 when it is no answer as most are. */
function readAnswer(message: usize, end: usize): i32 {
  const nameAt = message + HEADER_LENGTH;
  if (nameAt > end) return -1;
  // A response to one question, and no record of DTLS.
  const flags = <i32> load<u8>(message, 2);
  if (flags < 0x80 || flags >= DTLS_MINOR || read16(message + 4) != 1) return -1;
  const typeAt = skipName(nameAt, end);
  if (typeAt == 0 || typeAt + QUESTION_LENGTH > end) return -1;
  // Neither the root nor with pointers.
  const length = expandName(message, end, nameAt, DNS_MESSAGE_AT);
  if (length <= 0 || typeAt - nameAt != length + 2) return -1;
  const name = hashBytes(nameAt, typeAt, FIRST);
  const answers = read16(message + 6);
  if (answers > ANSWERS_MAX) return -1;
  let isKnown = 1;
  let record = typeAt + QUESTION_LENGTH;
  for (let answer = 0; answer < answers; answer++) {
    const fields = skipName(record, end);
    if (fields == 0 || fields + RECORD_LENGTH > end) return -1;
    if (read16(record) != QUESTION_POINTER && expandName(message, end, record, DNS_MESSAGE_AT) < 0) {
      return -1;
    }
    const type = read16(fields);
    const data = fields + RECORD_LENGTH;
    record = data + read16(fields + 8);
    if (record > end || type == TYPE_NB) return -1;
    if (type != TYPE_A && type != TYPE_AAAA) continue;
    if (record - data != <usize> (type == TYPE_A ? 4 : 16)) return -1;
    const address = hashBytes(data, record, SECOND);
    const place = KNOWN_ANSWERS_AT + (<usize> (address >> 64 - KNOWN_ANSWERS_BITS) << 3);
    const named = mix(address, name) | 1;
    if (load<u64>(place) == named) continue;
    store<u64>(place, named);
    isKnown = 0;
  }
  return isKnown;
}

function hashBytes(at: usize, end: usize, seed: u64): u64 {
  let hash = seed ^ <u64> (end - at);
  let next = at;
  for (; next + 8 <= end; next += 8) hash = mix(hash, load<u64>(next));
  for (; next < end; next++) hash = mix(hash, load<u8>(next));
  return mix(hash, FIRST);
}

@inline
function mix(hash: u64, word: u64): u64 {
  hash = (hash ^ word) * SECOND;
  return hash ^ hash >> 33;
}
