/** What signals ask for: SIGINT and SIGTERM the end, SIGHUP the configuration to be read again, or, of a terminal that is closed, the end. */
import type { Log } from "../log.ts";

interface Signals {
  /** Resolves at the first that asks for the end; the second ends the process. */
  readonly end: Promise<void>;
  /** Called at SIGHUP. */
  onReload: () => void;
}

/** `timeout` and shells send a signal to a program and to its group: what comes so soon is the same one. */
const sameMs = 50;

export function listenToSignals(log: Log): Signals {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const signals: Signals = { end, onReload: () => {} };
  let endedMs: number | null = null;
  const onEnd = () => {
    if (endedMs === null) {
      endedMs = performance.now();
      return resolve();
    }
    if (performance.now() - endedMs < sameMs) return;
    log.warning("Second signal: ending at once.");
    Deno.exit(1);
  };
  Deno.addSignalListener("SIGINT", onEnd);
  if (Deno.build.os === "windows") return signals;
  Deno.addSignalListener("SIGTERM", onEnd);
  const terminal = [Deno.stdin, Deno.stderr].find((stream) => stream.isTerminal());
  Deno.addSignalListener("SIGHUP", () => {
    const isTerminalGone = terminal !== undefined && !terminal.isTerminal();
    if (!isTerminalGone) signals.onReload();
    else if (endedMs === null) onEnd();
  });
  return signals;
}
