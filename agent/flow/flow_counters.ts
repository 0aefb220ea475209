/** The counters of a flow in its slot: set at the start of each piece (see "active" in flow_table.ts), then added to. */
import {
  D_ID,
  D_LAST,
  D_ORIG_BYTES,
  D_ORIG_WIRE_BYTES,
  D_RESP_WIRE_BYTES,
  D_START,
  type FlowSlots,
  M_HISTORY_LENGTH,
  M_ORIG_PACKETS,
  M_RESP_PACKETS,
  M_SEEN,
  MAIN_WORDS,
  SEEN_BUDGET_SHIFT,
  T_GAPS,
  T_ORIG_RETRANSMISSIONS,
  T_RESP_RETRANSMISSIONS,
  T_RTT,
  T_SYN_DELTA,
  T_ZERO_WINDOWS,
  TCP_WORDS,
} from "./flow_slots.ts";

export function startPiece(slots: FlowSlots, slot: number, id: number, timestampUs: number): void {
  const doubles = slot * (MAIN_WORDS / 2);
  slots.mainDoubles[doubles + D_ID] = id;
  slots.mainDoubles[doubles + D_START] = timestampUs;
  slots.mainDoubles[doubles + D_LAST] = timestampUs;
}

/** Takes back what a piece has counted, and keeps what belongs to the connection. */
export function forgetPiece(slots: FlowSlots, slot: number): void {
  const { main, mainDoubles, tcp } = slots;
  const base = slot * MAIN_WORDS;
  main[base + M_ORIG_PACKETS] = 0;
  main[base + M_RESP_PACKETS] = 0;
  main[base + M_HISTORY_LENGTH] = 0;
  main[base + M_SEEN] &= 0xff << SEEN_BUDGET_SHIFT;
  const doubles = slot * (MAIN_WORDS / 2);
  mainDoubles.fill(0, doubles + D_ORIG_BYTES, doubles + D_RESP_WIRE_BYTES + 1);
  const tcpBase = slot * TCP_WORDS;
  tcp[tcpBase + T_ORIG_RETRANSMISSIONS] = 0;
  tcp[tcpBase + T_RESP_RETRANSMISSIONS] = 0;
  tcp[tcpBase + T_ZERO_WINDOWS] = 0;
  tcp[tcpBase + T_GAPS] = 0;
  tcp[tcpBase + T_SYN_DELTA] = -1;
  tcp[tcpBase + T_RTT] = -1;
}

/** Adds a packet. The end of a flow is its latest packet: one that came late does not move it. */
export function addPacket(
  slots: FlowSlots,
  slot: number,
  isOriginator: boolean,
  payloadLength: number,
  wireLength: number,
  timestampUs: number,
): void {
  const { main, mainDoubles } = slots;
  const doubles = slot * (MAIN_WORDS / 2);
  const direction = isOriginator ? 0 : 1;
  main[slot * MAIN_WORDS + M_ORIG_PACKETS + direction]++;
  mainDoubles[doubles + D_ORIG_BYTES + direction] += payloadLength;
  mainDoubles[doubles + D_ORIG_WIRE_BYTES + direction] += wireLength;
  if (timestampUs > mainDoubles[doubles + D_LAST]) mainDoubles[doubles + D_LAST] = timestampUs;
}
