/**
 * `tapwatch run` and `tapwatch replay FILE`: the dashboard, the results folder, the worker threads, and their end. The
 * input is tried and the dashboard's port bound before anything is written, so that a wrong start changes nothing.
 */
import { checkBlocklists } from "../blocklist_files.ts";
import type { Config } from "../config.ts";
import { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import { StoreQueries } from "../store/queries.ts";
import { AlertHost } from "./alert_host.ts";
import { tellStory } from "./alert_story.ts";
import { makeChannels, policyOptions } from "./channels.ts";
import { watchDisk } from "./disk.ts";
import { hasFfiConsent, requireFfiConsent } from "./ffi_consent.ts";
import { GeoHost } from "./geo_host.ts";
import { chooseInput, type Input } from "./input.ts";
import { ReaderHost } from "./reader_host.ts";
import { claimResults, databasePath, handResultsOver } from "./results_folder.ts";
import { currentRights, giveUpRoot, userToBecome } from "./rights.ts";
import { type DashboardServer, startDashboard } from "./serve.ts";
import { Supervisor } from "./supervisor.ts";
import { tally } from "./tally.ts";
import { watchUsage } from "./usage.ts";

/** Runs until a signal. Throws TapwatchError. */
export async function runLive(config: Config, log: Log): Promise<void> {
  const signal = waitForSignal(log);
  if (config.user !== null) requireFfiConsent(config);
  const user = userToBecome(config.user);
  checkBlocklists(config.blocklists);
  const input = await chooseInput(config, log);
  const live = new LiveState(input.kind === "live" ? "live" : "replay");
  const geo = new GeoHost({
    paths: config.geoFiles,
    onState: (files) => live.geoFiles = files,
    onWarning: (text) => noteWarning(live, log, text),
  });
  await geo.start();
  const queries = new StoreQueries(databasePath(config.resultsFolder));
  const supervisor = new Supervisor({
    config,
    input,
    live,
    log,
    queries,
    onStoreBegan: () => alerts.storeBegan(),
    onAlertsTaken: (sequence, isWritten) => alerts.storeTook(sequence, isWritten),
  });
  const alerts = new AlertHost({
    channels: await makeChannels(config, (alert) =>
      tellStory(alert, {
        live,
        queries,
        resultsFolder: config.resultsFolder,
        dashboardUrl: config.dashboardUrl,
        vxlanPorts: config.vxlanPorts,
      })),
    policy: policyOptions(config),
    anomalyThresholdPct: config.anomalyThresholdPct,
    live,
    queries,
    sendToStore: (message) => supervisor.sendToStore(message),
    note: (text) => noteWarning(live, log, text),
  });
  const reader = new ReaderHost(databasePath(config.resultsFolder), (text) => {
    live.workerRestarts++;
    live.note("error", text);
    log.error(text);
  });
  geo.onChange((files) => {
    reader.setGeoFiles(files);
    supervisor.setGeoFiles(files);
  });
  reader.setGeoFiles(geo.files);
  supervisor.setGeoFiles(geo.files);
  geo.watch();
  // Their threads come up while the dashboard is made, and do not keep the first page waiting.
  supervisor.prepare();
  reader.start();
  let server: DashboardServer | null = null;
  let release = () => {};
  let stopUsage = () => {};
  let stopDisk = () => {};
  try {
    server = startDashboard(config, input, {
      live,
      queries: reader.reader,
      alerts,
      openFlows: (query) => supervisor.openFlows(query),
      log,
    });
    if (user !== null) {
      handResultsOver(config.resultsFolder, user);
      giveUpRoot(user, input.kind === "live");
    }
    release = claimResults(config.resultsFolder);
    live.rights = currentRights(hasFfiConsent(config));
    stopUsage = watchUsage(live);
    stopDisk = watchDisk({
      folder: config.resultsFolder,
      minFreeMb: config.minFreeMb,
      live,
      log,
      onStep: () => supervisor.tellDisk(),
    });
    await supervisor.start();
    startAlerts(alerts, live, log);
    log.info(startLine(config, input, server));
    for (const text of config.warnings) live.note("warning", text);
    noteLoopback(input, live, log);
    if (input.kind === "file") supervisor.drained.then(() => finishReplay(supervisor, live, log));
    await Promise.race([signal, supervisor.failure]);
    log.info("Stopping: writing what is in flight. A second signal ends at once.");
  } finally {
    await alerts.stop();
    await Promise.all([supervisor.stop(), server?.stop()]);
    stopUsage();
    stopDisk();
    geo.stop();
    reader.stop();
    queries.close();
    release();
  }
  log.info(`Stopped. ${tally(live, supervisor.hasGivenUp)}`);
}

/** A database that cannot be read now may be written later: then alerts begin anew. */
function startAlerts(alerts: AlertHost, live: LiveState, log: Log): void {
  try {
    alerts.start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    noteWarning(live, log, `Alerts of earlier runs are not continued: ${reason}.`);
  }
}

function noteLoopback(input: Input, live: LiveState, log: Log): void {
  if (input.kind === "file" || input.loopbackNote === "") return;
  live.note("info", input.loopbackNote);
  log.info(input.loopbackNote);
}

function noteWarning(live: LiveState, log: Log, text: string): void {
  live.note("warning", text);
  log.warning(text);
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
  await supervisor.reopenStore();
  if (live.sources[0]?.state !== "finished") return;
  live.note("info", "The file is at its end; everything is written.");
  log.info(
    `The file is at its end; everything is written. ${
      tally(live, supervisor.hasGivenUp)
    } The dashboard stays up; Ctrl-C ends it.`,
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
