/**
 * The history letters of a flow, with Zeek's meaning (conn.log `history`): upper case when the originator sent it,
 * lower case the responder.
 *
 *     S SYN      H SYN-ACK   A pure ACK   D payload     F FIN      R RST     I FIN and RST together
 *     Q SYN with FIN or RST  T retransmitted payload    W zero window        G content gap
 *     ^ (first) the roles were turned round: the first packet came from the responder
 *
 * A, D, I, Q come once a direction, S, H, F, R again when their sequence number differs from the last one's; T, W, G
 * at the first, tenth, hundredth … instance. Not as in Zeek: C (bad checksum) is not recorded, because offloading
 * makes checksums of captured packets meaningless; at most HISTORY_LENGTH_MAX letters are kept.
 */
import {
  type FlowSlots,
  HISTORY_LENGTH_MAX,
  M_HISTORY,
  M_HISTORY_LENGTH,
  M_SEEN,
  M_STATE,
  MAIN_WORDS,
  STATE_IS_FLIPPED,
} from "./flow_slots.ts";

/** Letters of the originator as character codes; the responder's are 32 higher. */
export const Letter = {
  syn: 0x53,
  synAck: 0x48,
  ack: 0x41,
  data: 0x44,
  fin: 0x46,
  rst: 0x52,
  finRst: 0x49,
  multiFlag: 0x51,
  retransmission: 0x54,
  zeroWindow: 0x57,
  gap: 0x47,
} as const;

/** Bits of M_SEEN for the originator; the responder's are 8 higher. A SYN and a SYN-ACK share one, as in Zeek. */
export const Seen = {
  syn: 0x01,
  fin: 0x02,
  rst: 0x04,
  ack: 0x08,
  data: 0x10,
  finRst: 0x20,
  multiFlag: 0x40,
} as const;

/** Appends a letter. */
export function addLetter(
  slots: FlowSlots,
  slot: number,
  isOriginator: boolean,
  letter: number,
): void {
  const base = slot * MAIN_WORDS;
  const length = slots.main[base + M_HISTORY_LENGTH];
  if (length >= HISTORY_LENGTH_MAX) return;
  slots.mainBytes[(base + M_HISTORY) * 4 + length] = isOriginator ? letter : letter + 32;
  slots.main[base + M_HISTORY_LENGTH] = length + 1;
}

/** Appends a letter the first time its direction shows `seen`; says whether it was there before. */
export function addLetterOnce(
  slots: FlowSlots,
  slot: number,
  isOriginator: boolean,
  seen: number,
  letter: number,
): boolean {
  const place = slot * MAIN_WORDS + M_SEEN;
  const bit = isOriginator ? seen : seen << 8;
  const word = slots.main[place];
  if ((word & bit) !== 0) return true;
  slots.main[place] = word | bit;
  addLetter(slots, slot, isOriginator, letter);
  return false;
}

/** True for 1, 10, 100 …: the counts at which T, W and G are recorded. */
export function isRecordedCount(count: number): boolean {
  return count === 1 || count === 10 || count === 100 || count === 1000 || count === 10_000 ||
    count === 100_000 || count === 1_000_000;
}

export function historyText(slots: FlowSlots, slot: number): string {
  const base = slot * MAIN_WORDS;
  const start = (base + M_HISTORY) * 4;
  const letters = slots.mainBytes.subarray(start, start + slots.main[base + M_HISTORY_LENGTH]);
  const flip = (slots.main[base + M_STATE] & STATE_IS_FLIPPED) !== 0 ? "^" : "";
  return flip + String.fromCharCode(...letters);
}
