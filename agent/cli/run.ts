/**
 * `tapwatch run` and `tapwatch replay FILE`: the dashboard, the results folder, the worker threads, and their end. The
 * input is tried and the dashboard's port bound before anything is written, so that a wrong start changes nothing.
 */
import { existsSync } from "node:fs";
import { collectGarbage } from "../collect_garbage.ts";
import { giveMemoryBack, trim } from "../../ffi/linux/allocator.ts";
import { raiseHandleLimit } from "../../ffi/linux/handles.ts";
import { letGo, type Mapping, programMappings } from "../../ffi/linux/program_pages.ts";
import { checkBlocklists } from "../blocklist_files.ts";
import type { Config } from "../config.ts";
import { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import { StoreQueries } from "../store/queries.ts";
import { AlertHost } from "./alert_host.ts";
import { alertSettings } from "./channels.ts";
import { watchDisk } from "./disk.ts";
import { hasFfiConsent, requireFfiConsent } from "./ffi_consent.ts";
import { GeoHost } from "./geo_host.ts";
import { chooseInput, type Input } from "./input.ts";
import { Notes } from "./notes.ts";
import { ReaderHost } from "./reader_host.ts";
import { reload } from "./reload.ts";
import { claimResults, databasePath, handResultsOver } from "./results_folder.ts";
import { currentRights, giveUpRoot, userToBecome } from "./rights.ts";
import { type DashboardServer, startDashboard } from "./serve.ts";
import { serviceNotify } from "./service_notify.ts";
import { lookForDamage } from "./soundness.ts";
import { listenToSignals } from "./signals.ts";
import { Supervisor } from "./supervisor.ts";
import { tally } from "./tally.ts";
import { watchUsage } from "./usage.ts";
import { messageOf } from "../errors.ts";

/** Pages of the executable that were not used for so long go: each time a millisecond, and as much for those that are read again. */
const unusedMs = 10_000;
/** Where more is done, what was freed in the C library's heaps goes each two seconds: it is used again sooner. */
const calmCores = 0.05;

/** Runs until a signal. Throws TapwatchError. */
export async function runLive(config: Config, log: Log): Promise<void> {
  const signals = listenToSignals(log);
  collectGarbage();
  fitProcess(config);
  if (config.user !== null) requireFfiConsent(config);
  const user = userToBecome(config.user);
  checkBlocklists(config.blocklists);
  const input = await chooseInput(config, log);
  const live = new LiveState(input.kind === "live" ? "live" : "replay");
  const notes = new Notes(live, log);
  const geo = new GeoHost({
    paths: config.geoFiles,
    onState: (files) => live.geoFiles = files,
    onWarning: notes.warn,
  });
  await geo.start();
  const path = databasePath(config.resultsFolder);
  const hadDatabase = existsSync(path);
  const queries = new StoreQueries(path);
  const supervisor = new Supervisor({
    config,
    input,
    live,
    log,
    queries,
    onStoreBegan: () => alerts.storeBegan(),
    onAlertsTaken: (sequence, isWritten) => alerts.storeTook(sequence, isWritten),
  });
  const service = serviceNotify({ env: Deno.env, live, log, mayLoad: hasFfiConsent(config) });
  let current = config;
  const alerts = new AlertHost({
    ...await alertSettings(config, { live, queries }),
    live,
    queries,
    sendToStore: (message) => supervisor.sendToStore(message),
    note: notes.warn,
  });
  const reader = new ReaderHost(path, notes.crashed);
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
  let stopKeeping = () => {};
  let stopDisk = () => {};
  let stopLook = () => {};
  try {
    server = startDashboard(config, input, {
      live,
      queries: reader.reader,
      alerts,
      openFlows: (query) => supervisor.openFlows(query),
      notes,
      current: () => current,
    });
    if (user !== null) {
      handResultsOver(config.resultsFolder, user);
      giveUpRoot(user, input.kind === "live");
    }
    release = claimResults(config.resultsFolder);
    live.rights = currentRights(hasFfiConsent(config));
    stopKeeping = keepSmall(config, live);
    stopDisk = watchDisk({
      folder: config.resultsFolder,
      minFreeMb: config.minFreeMb,
      live,
      notes,
      onStep: () => supervisor.tellDisk(),
    });
    await supervisor.start();
    if (hadDatabase) stopLook = lookForDamage(path, notes);
    startAlerts(alerts, notes);
    if (config.envFile !== null) log.info(`Settings were read from ${config.envFile}.`);
    log.info(startLine(config, input, server));
    service.ready();
    signals.onReload = async () => {
      service.reloading();
      current = await reload(current, notes, async (taken) => {
        checkBlocklists(taken.blocklists);
        supervisor.setBlocklists(taken.blocklists);
        supervisor.setFleet(taken);
        alerts.reload(await alertSettings(taken, { live, queries }));
      });
      service.ready();
    };
    for (const text of config.warnings) live.note("warning", text);
    if (input.kind === "live" && input.loopbackNote !== "") notes.info(input.loopbackNote);
    if (input.kind === "file") supervisor.drained.then(() => finishReplay(supervisor, live, log));
    await Promise.race([signals.end, supervisor.failure]);
    log.info("Stopping: writing what is in flight. A second signal ends at once.");
  } finally {
    signals.onReload = () => {};
    service.stopping();
    await alerts.stop();
    await Promise.all([supervisor.stop(), server?.stop()]);
    await supervisor.stopFleet();
    stopKeeping();
    stopDisk();
    stopLook();
    geo.stop();
    reader.stop();
    queries.close();
    release();
  }
  log.info(`Stopped. ${tally(live, supervisor.hasGivenUp)}`);
}

/** All handles that the process may have, and of memory no more than it uses. */
function fitProcess(config: Config): void {
  if (!mayFit(config)) return;
  giveMemoryBack();
  raiseHandleLimit();
}

/** Measures what the process uses, and gives back what it does not, until the returned function is called. */
function keepSmall(config: Config, live: LiveState): () => void {
  if (!mayFit(config)) return watchUsage(live);
  const stopUsage = watchUsage(live, () => {
    if (live.cpuCores > calmCores) trim();
  });
  let mappings: Mapping[] | null = null;
  const timer = setInterval(() => {
    trim();
    letGo(mappings ??= programMappings());
  }, unusedMs);
  return () => {
    stopUsage();
    clearInterval(timer);
  };
}

function mayFit(config: Config): boolean {
  return Deno.build.os === "linux" && hasFfiConsent(config);
}

/** A database that cannot be read now may be written later: then alerts begin anew. */
function startAlerts(alerts: AlertHost, notes: Notes): void {
  try {
    alerts.start();
  } catch (error) {
    notes.warn(`Alerts of earlier runs are not continued: ${messageOf(error)}.`);
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
  await supervisor.reopenStore();
  if (live.sources[0]?.state !== "finished") return;
  live.note("info", "The file is at its end; everything is written.");
  log.info(
    `The file is at its end; everything is written. ${
      tally(live, supervisor.hasGivenUp)
    } The dashboard stays up; Ctrl-C ends it.`,
  );
}
