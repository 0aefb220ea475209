/** Flows added up by the minute of their ends, for a fleet that is not told each of them. */
import type { StoredFlow } from "../store/schema.ts";
import type { RollupRow } from "./wire.ts";

const minuteUs = 60_000_000;
/** Rows of a minute; what would be more is added up without the responder. */
const minuteRowsMax = 2000;
/** Nothing came back, or the other side refused (Zeek's names). */
const failedStates: readonly string[] = ["S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"];

const summed = [
  "orig_pkts",
  "orig_bytes",
  "orig_wire_bytes",
  "resp_pkts",
  "resp_bytes",
  "resp_wire_bytes",
] as const;
type Sums = { -readonly [name in keyof RollupRow]: RollupRow[name] };

export function rollUp(flows: readonly StoredFlow[]): RollupRow[] {
  const rows = new Map<string, Sums>();
  const rowsOfMinute = new Map<number, number>();
  for (const flow of flows) {
    const minute = Math.floor(flow.end_us / minuteUs);
    const isFull = (rowsOfMinute.get(minute) ?? 0) >= minuteRowsMax;
    const whole = keyOf(flow, minute);
    const part = !isFull || rows.has(whole) ? flow : withoutResponder(flow);
    const key = part === flow ? whole : keyOf(part, minute);
    let row = rows.get(key);
    if (row === undefined) {
      rows.set(key, row = emptyRow(part));
      rowsOfMinute.set(minute, (rowsOfMinute.get(minute) ?? 0) + 1);
    }
    row.start_us = Math.min(row.start_us, flow.start_us);
    row.end_us = Math.max(row.end_us, flow.end_us);
    const flows = flow.summed_flows ?? 1;
    row.flows += flows;
    // What was added up had no answer.
    if (flow.summed_flows || failedStates.includes(flow.conn_state)) row.failed_flows += flows;
    for (const name of summed) row[name] += flow[name];
  }
  return [...rows.values()];
}

function withoutResponder(flow: StoredFlow): StoredFlow {
  return { ...flow, resp_h: "", resp_p: 0, service: "", name: "", ja4: "", local_resp: null };
}

function keyOf(flow: StoredFlow, minute: number): string {
  const { orig_h, resp_h, resp_p, proto, service, name, ja4, local_orig, local_resp } = flow;
  return JSON.stringify(
    [minute, orig_h, resp_h, resp_p, proto, service, name, ja4, local_orig, local_resp],
  );
}

function emptyRow(flow: StoredFlow): Sums {
  const { orig_h, resp_h, resp_p, proto, service, name, ja4, local_orig, local_resp } = flow;
  return {
    start_us: flow.start_us,
    end_us: flow.end_us,
    ...{ orig_h, resp_h, resp_p, proto, service, name, ja4, local_orig, local_resp },
    flows: 0,
    failed_flows: 0,
    orig_pkts: 0,
    orig_bytes: 0,
    orig_wire_bytes: 0,
    resp_pkts: 0,
    resp_bytes: 0,
    resp_wire_bytes: 0,
  };
}
