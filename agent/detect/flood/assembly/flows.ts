/**
 * Flows in swing, of which rows come only now and then: how many packets came since it was last judged. A stretch shorter
 * than a second that is below the limit says nothing yet, and is judged together with what follows.
 */
import { durationMs, flowId, timestampUs } from "../../common/assembly/row";
import { findKey, insertKey } from "../../common/assembly/keyed_slots";
import { isFull, makeTable, oldestOf, removeFrom, touch } from "../../common/assembly/slots";
import {
  FLOW_INDEX_AT,
  FLOW_KEY_WORDS,
  FLOW_LINKS_AT,
  FLOW_TABLE_AT,
  FLOW_WORDS,
  FLOWS_AT,
  FLOWS_MAX,
  KEY_AT,
  L_IS_HOT,
  L_LAST_US,
  L_PACKETS,
} from "../arrivals_layout";

/** Of the stretch judged last: its packets, how many a second that is, and when it began. */
export let packets: f64 = 0;
export let rate: f64 = 0;
export let sinceUs: f64 = 0;
/** Whether the flow's first packet is in it. */
export let isFromStart: bool = false;

export function makeFlows(): void {
  makeTable(
    FLOW_TABLE_AT,
    FLOWS_AT,
    FLOW_WORDS << 2,
    FLOW_KEY_WORDS << 2,
    FLOW_INDEX_AT,
    FLOW_LINKS_AT,
    FLOWS_MAX,
  );
}

/** The row's flow; 0 when it is not there. */
export function findFlow(): usize {
  store<u64>(KEY_AT, flowId());
  return findKey(FLOW_TABLE_AT, KEY_AT, FLOW_KEY_WORDS);
}

/** The row's flow, now the one used last; a new one begins with its first packet. */
export function useFlow(): usize {
  const found = findFlow();
  if (found != 0) {
    touch(FLOW_TABLE_AT, found);
    return found;
  }
  if (isFull(FLOW_TABLE_AT)) forgetFlow(oldestOf(FLOW_TABLE_AT));
  const flow = insertKey(FLOW_TABLE_AT, KEY_AT, FLOW_KEY_WORDS);
  memory.fill(flow + (L_PACKETS << 2), 0, FLOW_WORDS - L_PACKETS << 2);
  store<f64>(flow, timestampUs() - <f64> durationMs() * 1000, L_LAST_US << 2);
  return flow;
}

export function forgetFlow(flow: usize): void {
  removeFrom(FLOW_TABLE_AT, flow);
}

/**
 * Judges what has come since the last time, the flow having had so many packets; whether it counts: above a limit of packets
 * a second, or (at the flow's end) a rest of what was.
 */
export function takeStretch(flow: usize, sent: u32, limit: f64, isEnd: bool): bool {
  const nowUs = timestampUs();
  const before = load<u32>(flow, L_PACKETS << 2);
  sinceUs = load<f64>(flow, L_LAST_US << 2);
  const seconds = (nowUs - sinceUs) / 1e6;
  packets = <f64> sent - <f64> before;
  rate = packets / max(1, seconds);
  isFromStart = before == 0;
  const isHot = rate >= limit;
  const isOpen = !isHot && seconds < 1;
  const isRest = isEnd && isOpen && load<i32>(flow, L_IS_HOT << 2) != 0;
  if (isOpen && !isEnd) return false;
  setJudged(flow, sent);
  store<i32>(flow, <i32> isHot, L_IS_HOT << 2);
  return packets > 0 && (isHot || isRest);
}

/** The same of a flow that is over and was never judged: all but its first packet, which counted when it came. */
export function takeShort(sent: u32): bool {
  sinceUs = timestampUs() - <f64> durationMs() * 1000;
  packets = <f64> sent;
  rate = 0;
  isFromStart = true;
  return packets > 1;
}

/** What has come so far is no matter. */
export function setJudged(flow: usize, sent: u32): void {
  store<f64>(flow, timestampUs(), L_LAST_US << 2);
  store<u32>(flow, sent, L_PACKETS << 2);
}
