/**
 * `tapwatch hub`: receives what the agents of a fleet send, and shows it on the dashboard of a single host, with the agents beside. It
 * captures nothing, so that it needs no right and loads no library.
 */
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config.ts";
import { RunError, UsageError } from "../errors.ts";
import { readCredentials } from "../fleet/credentials.ts";
import { FleetFolder } from "../fleet/fleet_folder.ts";
import { withArchive } from "../fleet/hub/archive_reader.ts";
import { ClickHouseFlows } from "../fleet/hub/clickhouse_flows.ts";
import { makeFleetDesk } from "../fleet/hub/desk.ts";
import { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import { NO_OPEN_FLOWS } from "../search/open_flows.ts";
import { StoreError } from "../store/failure.ts";
import { StoreQueries } from "../store/queries.ts";
import { VERSION } from "../version.ts";
import { AlertHost } from "./alert_host.ts";
import { alertSettings } from "./channels.ts";
import { freeBytesOf } from "./disk.ts";
import { GeoHost } from "./geo_host.ts";
import { HubHost } from "./hub_host.ts";
import { Notes } from "./notes.ts";
import { ReaderHost } from "./reader_host.ts";
import { reload } from "./reload.ts";
import { claimResults, databasePath } from "./results_folder.ts";
import { type DashboardServer, startDashboard } from "./serve.ts";
import { serviceNotify } from "./service_notify.ts";
import { listenToSignals } from "./signals.ts";
import { watchUsage } from "./usage.ts";

/** Runs until a signal. Throws TapwatchError. */
export async function runHub(config: Config, log: Log): Promise<void> {
  const signals = listenToSignals(log);
  const credentialsPath = config.fleetCredentials ?? join(config.fleetFolder, "hub.json");
  const credentials = readCredentials(credentialsPath, "hub");
  const servers = config.fleetServers.length > 0 ? config.fleetServers : credentials.servers;
  const path = databasePath(config.resultsFolder);
  const live = new LiveState("hub");
  const notes = new Notes(live, log);
  const queries = new StoreQueries(path);
  const hub = new HubHost({
    thread: {
      path,
      retentionDays: config.retentionDays,
      historyDays: config.historyDays,
      retentionBytes: retentionBytes(config),
      toolVersion: VERSION,
      servers,
      fleetFolder: config.fleetFolder,
      credentialsPath,
      credentials,
      store: config.hubStore,
    },
    live,
    notes,
    onBegan: () => alerts.storeBegan(),
    onAlertsTaken: (sequence, isWritten) => alerts.storeTook(sequence, isWritten),
  });
  let current = config;
  const alerts = new AlertHost({
    ...await alertSettings(config, { live, queries }),
    live,
    queries,
    sendToStore: (message) => hub.send(message),
    note: notes.warn,
  });
  const reader = new ReaderHost(path, notes.crashed);
  const geo = new GeoHost({
    paths: config.geoFiles,
    onState: (files) => live.geoFiles = files,
    onWarning: notes.warn,
  });
  const flows = await openFlows(config);
  await geo.start();
  geo.onChange((files) => reader.setGeoFiles(files));
  const service = serviceNotify({ env: Deno.env, live, log, mayLoad: false });
  let server: DashboardServer | null = null;
  let release = () => {};
  let stopUsage = () => {};
  try {
    reader.start();
    reader.setGeoFiles(geo.files);
    server = startDashboard(config, { kind: "live", devices: [], loopbackNote: "" }, {
      live,
      queries: flows === null ? reader.reader : withArchive(reader.reader, flows),
      alerts,
      fleet: makeFleetDesk({
        queries: reader.reader,
        enrolled: () => readEnrolled(config.fleetFolder),
        cloned: () => new Set(hub.state?.cloned),
        hub: () => hub.describe(),
      }),
      openFlows: () => Promise.resolve(NO_OPEN_FLOWS),
      notes,
      current: () => current,
    });
    release = claimResults(config.resultsFolder);
    stopUsage = watchUsage(live);
    geo.watch();
    await hub.start();
    alerts.start();
    log.info(
      `Receiving from ${
        servers.join(", ")
      }. Dashboard: ${server.url}. Results: ${config.resultsFolder}. Ctrl-C stops.`,
    );
    service.ready();
    signals.onReload = async () => {
      service.reloading();
      current = await reload(current, notes, async (taken) => {
        alerts.reload(await alertSettings(taken, { live, queries }));
      });
      service.ready();
    };
    for (const text of config.warnings) live.note("warning", text);
    await Promise.race([signals.end, hub.failure]);
    log.info("Stopping: writing what is in flight. A second signal ends at once.");
  } finally {
    signals.onReload = () => {};
    service.stopping();
    await alerts.stop();
    await Promise.all([hub.stop(), server?.stop()]);
    stopUsage();
    geo.stop();
    reader.stop();
    queries.close();
    release();
  }
  const { rows = 0, duplicates = 0, deadLetters = 0 } = hub.state?.counts ?? {};
  log.info(
    `Stopped. ${rows} rows were stored; ${duplicates} batches came twice, ${deadLetters} could not be read.`,
  );
}

/** Null for flows in SQLite. Throws RunError. */
async function openFlows({ hubStore }: Config): Promise<ClickHouseFlows | null> {
  if (hubStore.kind === "sqlite") return null;
  try {
    return await ClickHouseFlows.open(hubStore);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new RunError(`${error.message}. --hub-store says where it is.`, { cause: error });
  }
}

/** The list of credentials, where the fleet's folder is on this host; null where it is not. */
function readEnrolled(path: string) {
  const folder = new FleetFolder(path);
  try {
    return folder.read().agents.map(({ id, name, revokedUs }) => ({
      ...{ token: id, name, site: "", isRevoked: revokedUs !== null },
    }));
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** Unless told, half of what the disk has room for: the default of a single host would hold an hour of a hundred agents. */
function retentionBytes({ retentionMb, resultsFolder, given }: Config): number {
  const told = retentionMb * 2 ** 20;
  if (given.has("retention-mb")) return told;
  const path = databasePath(resultsFolder);
  return Math.max(told, ((freeBytesOf(existing(resultsFolder)) ?? 0) + sizeOf(path)) / 2);
}

/** The folder, or the next one above it that is there. */
function existing(folder: string): string {
  let path = resolve(folder);
  while (sizeOf(path) === 0 && dirname(path) !== path) path = dirname(path);
  return path;
}

/** 0 for what is not there. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}
