/** What the pages of findings are made of: rows of the database, read for the lists, the overview and one finding. */
import { capitalised, graveGaps } from "../../agent/coverage.ts";
import { type Cell, FLOWS_PER_RUN, type StoredFlow } from "../../agent/store/schema.ts";
import { anomalyRow, findingRowId, isScan, scanRow } from "../../agent/store/finding_rows.ts";
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import type { Finding } from "../../agent/records.ts";
import { type FindingList, readFinding } from "../../agent/finding_reader.ts";
import { term } from "../../agent/search/edit.ts";
import type { ScanFilter } from "../../agent/store/filters.ts";
import type { FindingQuery } from "../../components/findings.ts";
import { formatWhen } from "../../components/format.ts";
import type { PacketsShown } from "../../components/PacketsLink.tsx";
import { baseName, coverageOf } from "../../components/verdict.ts";
import { findingMuteStart, type MuteStart } from "./mutes.ts";
import { idOf } from "./one_thing.ts";
import { packetsShown } from "./packet_pages.ts";
import type { State } from "./state.ts";

/** A finding with what its page shows. */
export interface FindingPage {
  readonly finding: Finding;
  /** Flows that are evidence and are stored. */
  readonly linked: readonly StoredFlow[];
  /** Flows of its sources (or of its one target) while it went on; the newest 1,000, and the newest 1,000 answered. */
  readonly nearby: readonly StoredFlow[];
  /** Names of its hosts, by address. */
  readonly names: Readonly<Record<string, string>>;
  /** Of its incident, or its own. */
  readonly muteStart: MuteStart;
  /** The incident that it is in; null as long as it is in none. */
  readonly incident: { readonly id: number; readonly headline: string } | null;
  /** Of a hub: who told it. */
  readonly agent: number | undefined;
}

const nearbyMax = 1000;

/** The finding of `list` with this number; null when there is none. */
export async function findingPage(
  { context }: State,
  list: FindingList,
  idText: string,
): Promise<FindingPage | null> {
  const id = idOf(idText);
  const { queries } = context;
  const row = id === null ? null : await findingRow(context, list, id);
  if (id === null || row === null) return null;
  const finding = readFinding(list, row);
  const [linked, nearby, names, muteStart, incident] = await Promise.all([
    queries.findingFlows(list, id),
    finding.scan ? nearbyFlows(context, finding) : [],
    hostNames(context, finding),
    findingMuteStart(context, finding),
    incidentOf(context, list, id),
  ]);
  const { agent } = row as { readonly agent?: number };
  return { finding, linked, nearby, names, muteStart, incident, agent };
}

/** Its row in the database, or as it will be written; null when there is none. */
export async function findingRow(context: DashboardContext, list: FindingList, id: number) {
  const { queries } = context;
  return await (list === "scans" ? queries.scan(id) : queries.anomaly(id)) ??
    liveRow(context, list, id);
}

/** The incident that a finding is in; null as long as it is in none. */
export async function incidentOf(
  { queries }: DashboardContext,
  list: FindingList,
  id: number,
): Promise<FindingPage["incident"]> {
  const row = await queries.incidentOf(list, id);
  return row && { id: Number(row.id), headline: String(row.headline) };
}

/** Where the packets of a finding can be had. */
export function findingPackets(state: State, finding: Finding): PacketsShown {
  const { firstUs, lastUs, isOpen } = finding;
  const id = findingRowId(finding, state.context.live.storeRun);
  return packetsShown(state, { finding: String(id) }, {
    fromUs: firstUs,
    toUs: isOpen ? Infinity : lastUs,
  });
}

/** A finding that has just been found is not written yet. */
function liveRow({ live }: DashboardContext, list: FindingList, id: number) {
  const own = id - live.storeRun * FLOWS_PER_RUN;
  const finding = live.findings.find((one) => one.id === own && isScan(one) === (list === "scans"));
  if (!finding) return null;
  return isScan(finding) ? scanRow(finding, live.storeRun) : anomalyRow(finding, live.storeRun);
}

async function nearbyFlows(
  { queries }: DashboardContext,
  finding: Finding,
): Promise<readonly StoredFlow[]> {
  const { sources, targets, firstUs, lastUs, scan } = finding;
  const host = scan?.kind === "distributed" ? targets[0] : sources[0];
  if (host === undefined) return [];
  const span = { fromUs: firstUs, toUs: lastUs + 1, limit: nearbyMax };
  const q = term("host", host);
  return [
    ...(await queries.flows({ ...span, q: `${q} and answered yes` })).rows,
    ...(await queries.flows({ ...span, q })).rows,
  ];
}

/** Names of sources and targets, by address; those without a name are missing. */
export function hostNames(
  context: DashboardContext,
  { sources, targets }: Pick<Finding, "sources" | "targets">,
): Promise<Readonly<Record<string, string>>> {
  return hostNamesOf(context, [...sources, ...targets]);
}

/** Known names by address. */
export async function hostNamesOf(
  { queries }: Pick<DashboardContext, "queries">,
  addresses: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  return addresses.length === 0 ? {} : await queries.hostNames([...new Set(addresses)]);
}

/** Numbers of the incidents of a list's findings, by findingPath(). */
export async function incidentsOf(
  { context }: State,
  list: FindingList,
  findingIds: readonly number[],
): Promise<Readonly<Record<string, number>>> {
  if (findingIds.length === 0) return {};
  const ids = await context.queries.incidentIds(list, findingIds);
  return Object.fromEntries([...ids].map(([id, incident]) => [`/${list}/${id}`, incident]));
}

/** Of a hub: names of the agents that told a list's findings, by findingPath(). */
export function agentsOfFindings(
  { agents }: State,
  list: FindingList,
  rows: readonly { readonly id: Cell; readonly agent?: Cell }[],
): Readonly<Record<string, string>> | undefined {
  return agents && Object.fromEntries(
    rows.map(({ id, agent }) => [`/${list}/${id}`, agentName(agents, Number(agent))]),
  );
}

/** 0 is what the hub found itself, or several agents saw. */
export function agentName(agents: NonNullable<State["agents"]>, id: number): string {
  return id === 0 ? "the fleet" : agents.get(id)?.name ?? `agent ${id}`;
}

/** What a list page asks for, for the findings that arrive while it stands. */
export function findingQuery(filter: ScanFilter): FindingQuery {
  const { source = "", target = "", kind = "", probe = "", severity = "", isOpen } = filter;
  return {
    source,
    target,
    kind,
    probe,
    severity,
    state: isOpen === undefined ? "" : isOpen ? "open" : "closed",
    fromUs: filter.fromUs ?? null,
    toUs: filter.toUs ?? null,
  };
}

/** What of the traffic a list cannot speak of, in sentences: an empty one would seem to. */
export function notLookedAt({ message }: State, list: FindingList | "incidents"): string {
  // What agents did not look at, their own pages say.
  if (message.health.mode === "hub") return "";
  return graveGaps(coverageOf(message))
    .filter(({ kind }) => kind !== "learning" || list !== "scans")
    .map(({ text, remedy }) => `${capitalised(text)}. ${remedy}`).join(" ");
}

/** "since 14:02:11, and history goes back to Sat 21:30": how long there was something to find in. */
export function sinceText({ message, sensor }: State): string {
  if (sensor.replay) return `in ${baseName(sensor.replay.file)}`;
  const { startedAtUs, store } = message.health;
  const when = (timeUs: number) => formatWhen(timeUs, message.nowUs, sensor.zone);
  const isOlder = store.oldestUs !== null && store.oldestUs < startedAtUs - 60e6;
  const history = isOlder ? `, and the history begins ${when(store.oldestUs!)}` : "";
  return `since ${when(startedAtUs)}${history}`;
}
