/** Flows in swing, of which rows come only now and then: how many packets a second came since the last one. */
import { durationMs, flowId, origPackets, timestampUs } from "../../common/assembly/row";
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
  L_LAST_US,
  L_PACKETS,
} from "../arrivals_layout";

/** Of the flow taken up last: packets since its row before, and how many a second that is. */
export let packets: f64 = 0;
export let rate: f64 = 0;

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

/** Takes up the row's flow. */
export function takeFlow(): void {
  const flow = useFlow();
  const nowUs = timestampUs();
  const seconds = Math.max(1, (nowUs - load<f64>(flow, L_LAST_US << 2)) / 1e6);
  packets = <f64> origPackets() - <f64> load<u32>(flow, L_PACKETS << 2);
  rate = packets / seconds;
  store<f64>(flow, nowUs, L_LAST_US << 2);
  store<u32>(flow, origPackets(), L_PACKETS << 2);
}

/** The row's flow, now the one used last; a new one begins with its first packet. */
function useFlow(): usize {
  store<u64>(KEY_AT, flowId());
  const found = findKey(FLOW_TABLE_AT, KEY_AT, FLOW_KEY_WORDS);
  if (found != 0) {
    touch(FLOW_TABLE_AT, found);
    return found;
  }
  if (isFull(FLOW_TABLE_AT)) removeFrom(FLOW_TABLE_AT, oldestOf(FLOW_TABLE_AT));
  const flow = insertKey(FLOW_TABLE_AT, KEY_AT, FLOW_KEY_WORDS);
  store<f64>(flow, timestampUs() - <f64> durationMs() * 1000, L_LAST_US << 2);
  store<u32>(flow, 0, L_PACKETS << 2);
  return flow;
}
