/** What the pages of incidents are made of: rows of the database, read for the list, the overview and one incident. */
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import { readFinding } from "../../agent/finding_reader.ts";
import { readIncident } from "../../agent/incident_reader.ts";
import { isInForce } from "../../agent/alert/mutes.ts";
import type { Incident, Mute } from "../../agent/records.ts";
import { term } from "../../agent/search/edit.ts";
import type { IncidentFilter } from "../../agent/store/filters.ts";
import type { StoredFlow, StoredIncident } from "../../agent/store/schema.ts";
import type { Member } from "../../components/incident_text.ts";
import {
  aheadUs,
  forRow,
  type IncidentItem,
  type IncidentQuery,
  type LookItem,
  lookItem,
  lookMax,
  lookText,
  mutedText,
  type MuteView,
  needsLook,
  recentIncidents,
} from "../../components/incidents.ts";
import { answeredFirst, type OpenPorts, openPortsOf } from "../../components/scan_grid.ts";
import type { ToldIncident } from "../../components/ToldByAgents.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { hostNames } from "./finding_pages.ts";
import { type MuteStart, muteStartOf } from "./mutes.ts";
import { idOf } from "./one_thing.ts";
import type { State } from "./state.ts";

/** An incident with what its page shows. */
export interface IncidentPage extends IncidentItem {
  readonly acknowledgedUs: number | null;
  /** Those that are (still) stored, oldest first. */
  readonly members: readonly Member[];
  readonly names: Readonly<Record<string, string>>;
  readonly open: OpenPorts;
  /** Evidence that is stored: what was used and answered first. */
  readonly flows: readonly StoredFlow[];
  readonly muteStart: MuteStart;
  /** The incident that it began with, and those that began with it; headlines. */
  readonly origin: LinkedIncident | null;
  readonly next: readonly LinkedIncident[];
  /** Of a hub: what agents themselves tell of it. */
  readonly told: readonly ToldIncident[];
  /** Of a hub: agents that have seen of it. */
  readonly agentCount: number;
}
interface LinkedIncident {
  readonly id: number;
  readonly headline: string;
  /** "began 40 s after 10.0.0.9 logged in". */
  readonly text: string;
}

/** Findings whose flows are looked up, and answered flows of the actor that are. */
const findingsMax = 20;
const answeredMax = 1000;
/** Incidents of the last 24 hours that the overview knows of. */
const overviewMax = 50;
const dayUs = 86_400e6;

/** The incident with this number; null when there is none. Throws what StoreQueries throws. */
export async function incidentPage(state: State, idText: string): Promise<IncidentPage | null> {
  const { context } = state;
  const { queries, live } = context;
  const id = idOf(idText);
  if (id === null) return null;
  const row = await queries.incident(id);
  // One that has just been found is not written yet.
  const incident = row ? readIncident(row) : live.incidents.find((one) => one.id === id);
  if (!incident) return null;
  const members = (await queries.incidentFindings(id))
    .map(({ list, role, row }) => ({ finding: readFinding(list, row), role }));
  const answered = await answeredFlows(context, incident);
  const names = await hostNames(context, incident);
  return {
    ...itemOf(state, incident, row, muteViewOf(state)),
    acknowledgedUs: acknowledgedUs(row),
    members,
    names: {
      ...incident.actor !== null && incident.actorName !== "" &&
        { [incident.actor]: incident.actorName },
      ...names,
    },
    open: openPortsOf(members.map(({ finding }) => finding), answered),
    flows: await evidence(context, members, answered),
    muteStart: muteStartOf(context.alerts, incident),
    told: state.agents === undefined ? [] : await toldIncidents(context, id),
    agentCount: JSON.parse(String((row as { agents?: string } | null)?.agents ?? "[]")).length,
    origin: incident.origin && await originOf(context, incident.origin),
    next: (await queries.incidentsFrom(id)).map((next) => ({
      id: Number(next.id),
      headline: String(next.headline),
      text: String(next.origin_text),
    })),
  };
}

const toldMax = 50;

async function toldIncidents(
  { queries }: DashboardContext,
  id: number,
): Promise<readonly ToldIncident[]> {
  return (await queries.agentIncidents(id, toldMax)).map(({ agent, incident }) => {
    const own = readIncident(JSON.parse(incident));
    const { id, severity, headline, firstUs, targetCount, findingCount } = own;
    return { agent, id, severity, headline, firstUs, targetCount, findingCount };
  });
}

function acknowledgedUs(row: StoredIncident | null): number | null {
  return row === null || row.acknowledged_us === null ? null : Number(row.acknowledged_us);
}

async function originOf(
  { queries }: DashboardContext,
  { incidentId, text }: NonNullable<Incident["origin"]>,
): Promise<LinkedIncident> {
  const row = await queries.incident(incidentId);
  return { id: incidentId, headline: String(row?.headline ?? ""), text };
}

async function answeredFlows(
  { queries }: DashboardContext,
  { actor, kinds, firstUs, lastUs }: Incident,
): Promise<readonly StoredFlow[]> {
  if (actor === null || !kinds.includes("scan")) return [];
  const q = `${term("host", actor)} and answered yes`;
  const range = { fromUs: firstUs, toUs: lastUs + 1 };
  return (await queries.flows({ q, ...range, limit: answeredMax })).rows;
}

async function evidence(
  { queries }: DashboardContext,
  members: readonly Member[],
  answered: readonly StoredFlow[],
): Promise<readonly StoredFlow[]> {
  const causes = members.filter(({ role }) => role === "cause").slice(0, findingsMax)
    .map(({ finding }) => finding);
  const linked = (await Promise.all(
    causes.map((finding) => queries.findingFlows(finding.scan ? "scans" : "anomalies", finding.id)),
  )).flat();
  const found = causes.flatMap(({ scan }) => scan?.found ?? []);
  const cameBack = causes.flatMap(({ scan }) => scan?.cameBack ?? []);
  return answeredFirst([...linked, ...answered], { found, cameBack }, linked);
}

/** What mutes hold back now. */
function muteViewOf({ context, message, sensor }: State): MuteView {
  return { mutes: mutesInForce(context, message.nowUs), nowUs: message.nowUs, zone: sensor.zone };
}

export function mutesInForce({ alerts }: DashboardContext, nowUs: number): readonly Mute[] {
  return alerts.mutes.filter((mute) => isInForce(mute, nowUs));
}

function itemOf(
  { agents }: State,
  incident: Incident,
  row: StoredIncident | null,
  view: MuteView,
): IncidentItem {
  return {
    incident,
    isAcknowledged: acknowledgedUs(row) !== null,
    muted: mutedText(incident, view),
    ...agents && {
      agents: agentsOf(row).map((id) => agents.get(id)?.name ?? `agent ${id}`),
      fleetSize: [...agents.values()].filter(({ lastSeenUs }) => lastSeenUs !== null).length,
    },
  };
}

/** Numbers of the agents that an incident of a hub is of. */
function agentsOf(row: StoredIncident | null): readonly number[] {
  return JSON.parse(String((row as { agents?: unknown } | null)?.agents ?? "[]"));
}

/** Rows of a list. */
export function incidentItems(state: State, rows: readonly StoredIncident[]): IncidentItem[] {
  const view = muteViewOf(state);
  return rows.map((row) => forRow(itemOf(state, readIncident(row), row, view)));
}

/** All that need a look, up to one more than are counted. */
export async function lookItems(state: State): Promise<readonly LookItem[]> {
  return (await itemsToLookAt(state)).map(lookItem);
}

/** How many need a look, as a number (null for more than are counted) and in the overview's words. */
export function needLook(count: number): { readonly count: number | null; readonly text: string } {
  return { count: count > lookMax ? null : count, text: lookText(count) };
}

/** By the message of a request: its page and the frame around it ask for the same. */
const toLookAt = new WeakMap<State["message"], Promise<readonly IncidentItem[]>>();

function itemsToLookAt(state: State): Promise<readonly IncidentItem[]> {
  const known = toLookAt.get(state.message);
  if (known) return known;
  const items = readItemsToLookAt(state);
  toLookAt.set(state.message, items);
  return items;
}

async function readItemsToLookAt(state: State): Promise<readonly IncidentItem[]> {
  const view = muteViewOf(state);
  return (await state.context.queries.incidentsToLookAt(lookMax + 1))
    .map((row) => itemOf(state, readIncident(row), row, view)).filter(needsLook);
}

/** Incidents for the overview: those that need a look, and those of the last 24 hours. */
export async function overviewIncidents(
  state: State,
): Promise<{ readonly items: readonly IncidentItem[]; readonly areMore: boolean }> {
  const nowUs = pageNowUs(state.message);
  const range = { fromUs: Math.floor(nowUs - dayUs), toUs: Math.floor(nowUs + aheadUs) };
  const recent = await state.context.queries.incidents({ ...range, limit: overviewMax });
  const items = [
    ...(await itemsToLookAt(state)).slice(0, overviewMax).map(forRow),
    ...incidentItems(state, recent.rows),
  ];
  const byId = new Map(items.map((item) => [item.incident.id, item]));
  return {
    items: recentIncidents([...byId.values()], nowUs),
    areMore: recent.nextCursor !== null,
  };
}

/** What a list page asks for, for the incidents that arrive while it stands. */
export function incidentQuery(filter: IncidentFilter): IncidentQuery {
  const { actor = "", source = "", target = "", kind = "", severity = "" } = filter;
  const { isOpen, isAcknowledged } = filter;
  return {
    order: filter.order === "severity" ? "severity" : "newest",
    ...{ actor, source, target, kind, severity },
    state: isOpen === undefined ? "" : isOpen ? "open" : "closed",
    acknowledged: isAcknowledged === undefined ? "" : isAcknowledged ? "yes" : "no",
    fromUs: filter.fromUs ?? null,
    toUs: filter.toUs ?? null,
  };
}
