/** The kernel's word on who begins connections: opened with the rights of the start, read by the thread that looks for processes. */
import { openPerfTrace, type PerfTrace } from "../../ffi/linux/perf_trace.ts";
import { CONNECT_FILTER, CONNECT_TRACEPOINT } from "./connect_events.ts";

export type ConnectTraceSource = PerfTrace;

/** Null where the kernel has no such tracepoint, or does not let us have it. */
export function openConnectTrace(): ConnectTraceSource | null {
  try {
    return openPerfTrace(CONNECT_TRACEPOINT, CONNECT_FILTER);
  } catch {
    return null;
  }
}
