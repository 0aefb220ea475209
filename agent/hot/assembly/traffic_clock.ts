/**
 * What time it is in the traffic. Timestamps of packets mostly rise, but files are joined, clocks are set, and single
 * packets carry nonsense; no single packet may end every flow.
 *
 * - Forward by up to a minute: believed at once. Back by up to a minute: ignored, the clock stands.
 * - Further in either direction: believed when that many packets in a row (JUMP_PACKETS) agree within a minute.
 * - advanceClock(), with which the owner lets time pass when there are no packets, is believed when it is later than
 *   every packet seen; an earlier time only repeats what the packets have said.
 */
import { JUMP_US, S_NOW_US, STATE_AT } from "../layout";

export const JUMP_PACKETS: i32 = 8;

let newestUs: f64 = -Infinity;
/** Nothing is due before it; see isBrief(). */
let dueUs: f64 = -Infinity;
let jumpUs: f64 = 0;
let jumpCount: i32 = 0;

@inline
export function now(): f64 {
  return load<f64>(STATE_AT, S_NOW_US << 2);
}

@inline
function setNow(timestampUs: f64): void {
  store<f64>(STATE_AT, timestampUs, S_NOW_US << 2);
}

/** Takes a packet's time. */
@inline
export function seeTime(timestampUs: f64): void {
  const step = timestampUs - now();
  if (step >= -<f64> JUMP_US && step <= <f64> JUMP_US) {
    if (step > 0) setNow(timestampUs);
    jumpCount = 0;
  } else jump(timestampUs);
  if (timestampUs > newestUs) newestUs = timestampUs;
}

/**
 * Takes the time of a packet that came in order and before anything is due, as nearly all do, and returns true; or returns
 * false: then seeTime() takes it, and whatever is due has to be done.
 */
@inline
export function isBrief(timestampUs: f64): bool {
  if (timestampUs < now() || timestampUs >= dueUs) return false;
  setNow(timestampUs);
  newestUs = timestampUs;
  return true;
}

/** Nothing has to be done before `timestampUs`; -Infinity when that is not known. */
export function setDue(timestampUs: f64): void {
  const isInOrder = jumpCount == 0 && now() >= newestUs;
  dueUs = isInOrder ? min(timestampUs, now() + <f64> JUMP_US) : -Infinity;
}

/** Lets time pass to `timestampUs` without a packet. */
export function advanceClock(timestampUs: f64): void {
  if (timestampUs > newestUs && timestampUs > now()) setNow(timestampUs);
}

function jump(timestampUs: f64): void {
  const isFirst = now() == -Infinity;
  const isAgreed = jumpCount > 0 && abs(timestampUs - jumpUs) <= <f64> JUMP_US;
  jumpCount = isAgreed ? jumpCount + 1 : 1;
  jumpUs = timestampUs;
  if (!isFirst && jumpCount < JUMP_PACKETS) return;
  setNow(timestampUs);
  jumpCount = 0;
}
