/** Flows of TCP whose segments TypeScript follows, as numbers. */
import {
  F_SEEN,
  F_TCP_START,
  P_IS_LATER_FRAGMENT,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  S_IS_ORIGINATOR,
  SEEN_IS_FOLLOWED,
} from "../layout";
import { segmentSeen } from "./imports";
import { SYN } from "./tcp_states";
import { field, state } from "./words";

/** From the originator's TCP words in a slot to the responder's. */
const DIRECTION_BYTES: i32 = 16;

@inline
export function isFollowed(flow: usize): bool {
  return (load<i32>(flow, F_SEEN << 2) & SEEN_IS_FOLLOWED) != 0;
}

/** Tells the packet in hand, which has payload. */
export function tellSegment(slot: i32, flow: usize, timestampUs: f64): void {
  const length = field(P_PAYLOAD_LENGTH);
  if (field(P_IS_LATER_FRAGMENT) != 0 || length <= 0) return;
  const flags = field(P_TCP_FLAGS);
  const sequence = field(P_TCP_SEQUENCE) + (flags > 0 && (flags & SYN) != 0 ? 1 : 0);
  const own = state(S_IS_ORIGINATOR) != 0 ? 0 : DIRECTION_BYTES;
  const peer = DIRECTION_BYTES - own;
  segmentSeen(
    slot,
    sequence - load<i32>(flow + own, F_TCP_START << 2) - 1,
    length,
    field(P_PAYLOAD_OFFSET),
    min(field(P_PAYLOAD_CAPTURED_LENGTH), length),
    field(P_TCP_ACKNOWLEDGEMENT) - load<i32>(flow + peer, F_TCP_START << 2) - 1,
    timestampUs,
  );
}
