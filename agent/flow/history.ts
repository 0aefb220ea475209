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
import { F_HISTORY, F_STATE, STATE_HISTORY_SHIFT, STATE_IS_FLIPPED } from "../hot/layout.ts";

/** The history of the flow whose slot begins at word `base`. */
export function historyText(words: Int32Array, bytes: Uint8Array, base: number): string {
  const start = (base + F_HISTORY) * 4;
  const state = words[base + F_STATE];
  const letters = bytes.subarray(start, start + (state >> STATE_HISTORY_SHIFT & 0xff));
  const flip = (state & STATE_IS_FLIPPED) !== 0 ? "^" : "";
  return flip + String.fromCharCode(...letters);
}
