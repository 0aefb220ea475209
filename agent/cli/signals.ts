/** What signals ask for: SIGINT and SIGTERM the end, SIGHUP the configuration to be read again, or, of a terminal that is closed, the end. */
import type { Log } from "../log.ts";

interface Signals {
  /** Resolves at the first that asks for the end; the second ends the process. */
  readonly end: Promise<void>;
  /** Called at SIGHUP. */
  onReload: () => void;
}

export function listenToSignals(log: Log): Signals {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const signals: Signals = { end, onReload: () => {} };
  let count = 0;
  const onEnd = () => {
    if (++count === 1) return resolve();
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
    else if (count === 0) onEnd();
  });
  return signals;
}
