/**
 * Whether both directions of the traffic are captured. Where mirror ports or routes show one direction only, TCP data goes
 * to ends that have never sent a packet; what nothing answers there says nothing.
 */
import { MARK_IS_NEW, MARK_SENT_BY_ORIGINATOR } from "../row_layout";
import { has, origPackets, respPackets } from "./row";

/** Connections looked at before anything is said, and how many to one with both sides. */
const ONE_SIDED_MIN: i32 = 4;
const ONE_SIDED_TO_ONE: i32 = 8;
/** Both counts are halved at so many, so that what is newer counts more. */
const COUNT_MAX: i32 = 4096;

let oneSided: i32 = 0;
let twoSided: i32 = 0;
let bothSides: bool = false;

/**
 * The row has the first payload of one side of a TCP connection. In a first packet it may be a probe's, or be told before the
 * other side has been seen.
 */
export function noteFirstPayload(): void {
  if (has(MARK_IS_NEW)) return;
  const others = has(MARK_SENT_BY_ORIGINATOR) ? respPackets() : origPackets();
  if (others == 0) oneSided++;
  else {
    twoSided++;
    bothSides = true;
  }
  if (oneSided + twoSided < COUNT_MAX) return;
  oneSided >>= 1;
  twoSided >>= 1;
}

/** A question over UDP has an answer. */
export function noteAnswer(): void {
  bothSides = true;
}

/** Whether any flow has been seen in which both sides speak. */
export function hasBothSides(): bool {
  return bothSides;
}

export function isOneSided(): bool {
  return oneSided >= ONE_SIDED_MIN && oneSided >= twoSided * ONE_SIDED_TO_ONE;
}
