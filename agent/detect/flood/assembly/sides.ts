/**
 * Whether both directions of the traffic are captured. Where mirror ports or routes show one direction only, TCP data goes
 * to ends that have never sent a packet; what nothing answers there says nothing.
 */
import { has, origPackets, respPackets } from "../../common/assembly/row";
import { MARK_SENT_BY_ORIGINATOR } from "../../common/row_layout";

/** Connections looked at before anything is said, and how many to one with both sides. */
const ONE_SIDED_MIN: i32 = 8;
const ONE_SIDED_TO_ONE: i32 = 8;
/** Both counts are halved at so many, so that what is newer counts more. */
const COUNT_MAX: i32 = 4096;

let oneSided: i32 = 0;
let twoSided: i32 = 0;

/** The row has the first payload of one side of a TCP connection. */
export function noteFirstPayload(): void {
  const others = has(MARK_SENT_BY_ORIGINATOR) ? respPackets() : origPackets();
  if (others == 0) oneSided++;
  else twoSided++;
  if (oneSided + twoSided < COUNT_MAX) return;
  oneSided >>= 1;
  twoSided >>= 1;
}

export function isOneSided(): bool {
  return oneSided >= ONE_SIDED_MIN && oneSided >= twoSided * ONE_SIDED_TO_ONE;
}
