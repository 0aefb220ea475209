/** Puts the dashboard on its port, and takes it off again. */
import { hostname } from "node:os";
import { createDashboard } from "../../dashboard.ts";
import type { Config } from "../config.ts";
import { listEvidence } from "../capture/evidence_files.ts";
import { ringSpan } from "../capture/pcap_export.ts";
import {
  type DashboardContext,
  type ExportFilter,
  PacketsGoneError,
  type TellingRules,
} from "../dashboard_context.ts";
import { ifThere, RunError } from "../errors.ts";
import { readIncident } from "../incident_reader.ts";
import type { Notes } from "./notes.ts";
import { ALL } from "../search/tree.ts";
import { FLOWS_PER_RUN, type StoredFlow } from "../store/schema.ts";
import type { StoreReader } from "../store/reader.ts";
import { hasFfiConsent } from "./ffi_consent.ts";
import { HttpServer } from "./http_server.ts";
import type { Input } from "./input.ts";
import {
  findFinding,
  type PacketScope,
  packetsOfFinding,
  packetsOfIncident,
} from "./finding_packets.ts";
import { readPacket } from "./packet_reader.ts";
import { portHolder } from "./port_holder.ts";
import { isoTime } from "../text/time.ts";
import { NothingFoundError, openRingSlice, readRingSearch, tupleOf } from "./ring_export.ts";

export interface DashboardServer {
  /** Where to open it. */
  readonly url: string;
  /** Ends the event streams and the server. Calling again waits for the same end. */
  readonly stop: () => Promise<void>;
}

/** Longest that open requests may take to end. */
const shutdownMs = 2000;

/** Binds the port and serves. Throws RunError when the port cannot be had. */
export function startDashboard(
  config: Config,
  input: Input,
  { live, queries, alerts, openFlows, fleet, notes, current }:
    & Pick<DashboardContext, "live" | "queries" | "alerts" | "openFlows" | "fleet">
    & {
      readonly notes: Notes;
      /** As it was last read again. */
      readonly current: () => Config;
    },
): DashboardServer {
  const { handler, closeStreams } = createDashboard({
    live,
    queries,
    alerts,
    openFlows,
    ...fleet && { fleet },
    options: {
      host: config.host,
      port: config.port,
      password: config.password,
      resultsFolder: config.resultsFolder,
      hostname: hostname(),
      replay: input.kind === "file" ? { file: input.path, speed: input.speed } : null,
      loopbackNote: input.kind === "live" ? input.loopbackNote : "",
      get anomalyThresholdPct() {
        return current().anomalyThresholdPct;
      },
      get telling() {
        return tellingRules(current());
      },
    },
    note: notes.note,
    ringSpan: () => ifThere(() => ringSpan(config.resultsFolder)),
    hasEvidence: (fromUs, toUs) => isKept(config.resultsFolder, fromUs, toUs),
    readPacket: async (row) =>
      await readPacket({
        folder: config.resultsFolder,
        row,
        rank: await queries.packetRank(row),
        vxlanPorts: config.vxlanPorts,
      }),
    exportPcap: (filter) => exportSlice({ config, queries, live, openFlows }, filter),
  });
  const server = bind(config, handler);
  const stop = async () => {
    closeStreams();
    await server.stop(shutdownMs);
  };
  let stopped: Promise<void> | null = null;
  return {
    url: `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${config.port}`,
    stop: () => stopped ??= stop(),
  };
}

function tellingRules(config: Config): TellingRules {
  return {
    severity: config.alertSeverity,
    intervalS: config.alertIntervalS,
    perHourMax: config.alertsPerHour,
    quietHours: config.quietHours?.text ?? "",
  };
}

function bind(config: Config, handler: Deno.ServeHandler): HttpServer {
  const { host, port } = config;
  try {
    return new HttpServer({ hostname: host, port }, handler);
  } catch (error) {
    throw new RunError(bindFailure(config, error as Error), { cause: error });
  }
}

function bindFailure(config: Config, error: Error): string {
  const { host, port } = config;
  if (error instanceof Deno.errors.AddrInUse) {
    const holder = portHolder(port, hasFfiConsent(config));
    return `Port ${port} on ${host} is in use${
      holder ? ` by ${holder}` : ", perhaps by another tapwatch"
    }. ` +
      "Stop that, or name another port with --port N.";
  }
  return `Cannot bind the dashboard to ${host}:${port}: ${error.message}. Name another address with --host and --port.`;
}

type Sources =
  & { readonly config: Config }
  & Pick<DashboardContext, "live" | "queries" | "openFlows">;

async function exportSlice(sources: Sources, filter: ExportFilter) {
  const { config, queries } = sources;
  const { fromUs, toUs, q, flowId } = filter;
  const scope = await findScope(queries, filter);
  const searched = await findSearched(queries, q, filter);
  const flow = flowId === null ? null : await findFlow(sources, flowId);
  const lastUs = flow?.end_us ?? scope?.lastUs ?? Infinity;
  const from = fromUs ?? flow?.start_us ?? scope?.fromUs ?? null;
  const until = toUs ?? (lastUs === Infinity ? null : lastUs + 1);
  checkLeft(sources, from, until);
  return openRingSlice({
    folder: config.resultsFolder,
    vxlanPorts: config.vxlanPorts,
    fromUs: from,
    toUs: until,
    filter: {
      ...searched,
      ...(scope && { hosts: scope.hosts, peers: scope.peers }),
      ...(flow && { flows: [tupleOf(flow)] }),
    },
  });
}

/** Throws SearchError, and PacketsGoneError when nothing fits. */
async function findSearched(
  queries: StoreReader,
  q: string,
  { fromUs, toUs, isOfFlows }: ExportFilter,
) {
  try {
    return await readRingSearch(queries, q, { fromUs, toUs }, { isOfFlows });
  } catch (error) {
    if (!(error instanceof NothingFoundError)) throw error;
    throw new PacketsGoneError(error.message, { cause: error });
  }
}

/** Throws PacketsGoneError when the ring begins only after what is asked for, and nothing is kept of that time. */
function checkLeft({ config, live }: Sources, fromUs: number | null, toUs: number | null): void {
  const folder = config.resultsFolder;
  const span = toUs === null ? null : ifThere(() => ringSpan(folder));
  if (span === null || toUs! > span.startUs) return;
  if (isKept(folder, fromUs ?? -Infinity, toUs!)) return;
  const start = isoTime(span.startUs);
  const { files, filesMax } = live.recorder;
  // A ring that has never been full has overwritten nothing.
  if (files < filesMax) {
    throw new PacketsGoneError(
      `There are no packets of that time: the capture files begin at ${start}, ` +
        "and none from before was kept as evidence of a finding.",
    );
  }
  throw new PacketsGoneError(
    `These packets have been overwritten, by ${
      isoTime(span.newestFileUs)
    } at the latest, and none of them was kept as evidence of a finding: ` +
      `what is left in the capture files begins at ${start}. ` +
      "--pcap-files and --pcap-file-mb say how much is kept.",
  );
}

function isKept(folder: string, fromUs: number, toUs: number): boolean {
  return listEvidence(folder).some((file) => file.untilUs > fromUs && file.fromUs < toUs);
}

/** A flow of the database, or one that is open. Throws PacketsGoneError. */
async function findFlow(
  { queries, live, openFlows }: Sources,
  flowId: number,
): Promise<StoredFlow> {
  const stored = await queries.flow(flowId);
  if (stored !== null) return stored;
  const { rows: [open] } = await openFlows({
    tree: ALL,
    id: flowId - live.storeRun * FLOWS_PER_RUN,
    fromUs: null,
    toUs: null,
    order: "last",
    isAscending: false,
    after: null,
    limit: 1,
  });
  if (open !== undefined) return open as unknown as StoredFlow;
  throw new PacketsGoneError(`There is no flow ${flowId} in the database, and none that is open.`);
}

/** What is asked for of a finding or an incident; null when neither is. Throws PacketsGoneError. */
async function findScope(
  queries: StoreReader,
  { findingId, scanId, anomalyId, incidentId }: ExportFilter,
): Promise<PacketScope | null> {
  if (incidentId !== null) {
    const row = await queries.incident(incidentId);
    if (row === null) {
      throw new PacketsGoneError(`There is no incident ${incidentId} in the database.`);
    }
    return await packetsOfIncident(queries, readIncident(row));
  }
  const id = findingId ?? scanId ?? anomalyId;
  if (id === null) return null;
  const word = findingId !== null ? "finding" : scanId !== null ? "scan" : "anomaly";
  const lists = { finding: undefined, scan: ["scans"], anomaly: ["anomalies"] } as const;
  const finding = await findFinding(queries, id, lists[word]);
  if (finding === null) throw new PacketsGoneError(`There is no ${word} ${id} in the database.`);
  return packetsOfFinding(finding);
}
