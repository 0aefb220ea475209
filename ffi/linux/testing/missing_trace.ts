import { openPerfTrace } from "../perf_trace.ts";

/** Why the system lets nobody trace, "" when it does. Throws Error when it would, and we fail. */
export function missingTrace(): string {
  if (Deno.build.os !== "linux") return "needs Linux";
  try {
    openPerfTrace("sock/inet_sock_set_state", "protocol == 6");
    return "";
  } catch (error) {
    const reason = String(error);
    if (!/not permitted|denied|not implemented|fsopen|fsconfig/.test(reason)) throw error;
    return `no tracepoints here: ${reason}`;
  }
}
