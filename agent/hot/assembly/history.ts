/** The history letters of a flow; their meaning is told in agent/flow/history.ts. */
import {
  F_HISTORY,
  F_SEEN,
  F_STATE,
  HISTORY_LENGTH_MAX,
  STATE_HISTORY_SHIFT,
} from "../layout";

/** Letters of the originator as character codes; the responder's are 32 higher. */
export const LETTER_SYN: i32 = 0x53;
export const LETTER_SYN_ACK: i32 = 0x48;
export const LETTER_ACK: i32 = 0x41;
export const LETTER_DATA: i32 = 0x44;
export const LETTER_FIN: i32 = 0x46;
export const LETTER_RST: i32 = 0x52;
export const LETTER_FIN_RST: i32 = 0x49;
export const LETTER_MULTI_FLAG: i32 = 0x51;
export const LETTER_RETRANSMISSION: i32 = 0x54;
export const LETTER_ZERO_WINDOW: i32 = 0x57;
export const LETTER_GAP: i32 = 0x47;

/** Bits of F_SEEN for the originator; the responder's are 8 higher. A SYN and a SYN-ACK share one, as in Zeek. */
export const SEEN_SYN: i32 = 0x01;
export const SEEN_FIN: i32 = 0x02;
export const SEEN_RST: i32 = 0x04;
export const SEEN_ACK: i32 = 0x08;
export const SEEN_DATA: i32 = 0x10;
export const SEEN_FIN_RST: i32 = 0x20;
export const SEEN_MULTI_FLAG: i32 = 0x40;

/** Byte of a slot. */
const LENGTH_AT: i32 = (F_STATE << 2) + (STATE_HISTORY_SHIFT >> 3);

/** Begins the history anew. */
export function clearHistory(flow: usize): void {
  store<u8>(flow, 0, LENGTH_AT);
}

/** Appends a letter of a direction (0 originator, 1 responder). */
export function addLetter(flow: usize, direction: i32, letter: i32): void {
  const length = <i32> load<u8>(flow, LENGTH_AT);
  if (length >= HISTORY_LENGTH_MAX) return;
  store<u8>(flow + length, letter + (direction << 5), F_HISTORY << 2);
  store<u8>(flow, length + 1, LENGTH_AT);
}

/** Appends a letter the first time its direction shows `seen`; says whether it was there before. */
@inline
export function addLetterOnce(flow: usize, direction: i32, seen: i32, letter: i32): bool {
  const bit = seen << (direction << 3);
  const word = load<i32>(flow, F_SEEN << 2);
  if ((word & bit) != 0) return true;
  store<i32>(flow, word | bit, F_SEEN << 2);
  addLetter(flow, direction, letter);
  return false;
}

/** True for 1, 10, 100 …: the counts at which T, W and G are recorded. */
export function isRecordedCount(count: i32): bool {
  for (let power = 1; power <= 1_000_000; power *= 10) {
    if (count == power) return true;
  }
  return false;
}

/** Counts up one half of a word, the originator's being the upper; stays at 65,535 and then returns 0. */
export function countHalf(place: usize, direction: i32): i32 {
  const shift = direction == 0 ? 16 : 0;
  const count = load<i32>(place) >>> shift & 0xffff;
  if (count == 0xffff) return 0;
  store<i32>(place, load<i32>(place) + (1 << shift));
  return count + 1;
}
