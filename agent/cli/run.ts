/**
 * `tapwatch run` and `tapwatch replay FILE`: the results folder, the dashboard, the worker threads, and their end. The
 * dashboard's port is bound before anything is captured, so that a wrong start changes nothing.
 */
import { chooseDefaultDevice, listCaptureDevices, readRouteTables } from "../capture/devices.ts";
import type { Config } from "../config.ts";
import { MissingError, RunError } from "../errors.ts";
import { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import { requireFfiConsent } from "./ffi_consent.ts";
import { type DashboardServer, startDashboard } from "./serve.ts";
import { type Input, Supervisor } from "./supervisor.ts";
import { watchUsage } from "./usage.ts";

/** Runs until a signal. Throws TapwatchError. */
export async function runLive(config: Config, log: Log): Promise<void> {
  const input = chooseInput(config, log);
  prepareResults(config.resultsFolder);
  const live = new LiveState(input.kind === "live" ? "live" : "replay");
  const server = startDashboard(config, input, live);
  const stopUsage = watchUsage(live);
  const supervisor = new Supervisor({ config, input, live, log });
  const signal = waitForSignal(log);
  try {
    await supervisor.start();
    log.info(startLine(config, input, server));
    if (input.kind === "file") supervisor.drained.then(() => finishReplay(supervisor, live, log));
    await Promise.race([signal, supervisor.failure]);
    log.info("Stopping: writing what is in flight. A second signal ends at once.");
  } finally {
    await Promise.all([supervisor.stop(), server.stop()]);
    stopUsage();
  }
}

function chooseInput(config: Config, log: Log): Input {
  if (config.command === "replay") {
    return { kind: "file", path: config.operands[0], speed: config.speed };
  }
  requireFfiConsent(config);
  if (config.interfaces.length > 0) {
    return { kind: "live", devices: [...new Set(config.interfaces)] };
  }
  const device = chooseDefaultDevice(listCaptureDevices(), readRouteTables());
  if (device === null) {
    throw new MissingError(
      "libpcap shows no capture device. It hides what it may not open: start tapwatch as root, or see tapwatch doctor.",
    );
  }
  if (device.note !== "") log.warning(`${device.note}; name another with -i.`);
  return { kind: "live", devices: [device.name] };
}

function prepareResults(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
    const probe = Deno.makeTempFileSync({ dir: folder, prefix: ".tapwatch-" });
    Deno.removeSync(probe);
  } catch (error) {
    throw new RunError(
      `Cannot write to the results folder ${folder}: ${(error as Error).message}. ` +
        "Give it to the user that runs tapwatch, or name another with --results DIR.",
      { cause: error },
    );
  }
}

function startLine(config: Config, input: Input, server: DashboardServer): string {
  const what = input.kind === "live"
    ? `Capturing on ${input.devices.join(", ")}`
    : `Replaying ${input.path} at ${
      config.speed === 0 ? "full" : `${config.speed} times its`
    } speed`;
  return `${what}. Dashboard: ${server.url}. Results: ${config.resultsFolder}. Ctrl-C stops.`;
}

/** The file is at its end: everything is written now, and the dashboard stays to be looked at. */
async function finishReplay(supervisor: Supervisor, live: LiveState, log: Log): Promise<void> {
  await supervisor.stop();
  live.note("info", "The file is at its end; everything is written.");
  log.info(
    "The file is at its end; everything is written. The dashboard stays up; Ctrl-C ends it.",
  );
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process. */
function waitForSignal(log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = () => {
    if (++count === 1) return resolve();
    log.warning("Second signal: ending at once.");
    Deno.exit(1);
  };
  Deno.addSignalListener("SIGINT", onSignal);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);
  return promise;
}
