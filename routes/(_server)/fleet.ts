/** What the pages of a hub are made of, and the list of its agents: filtered, in an order, a page at a time. */
import { HttpError } from "fresh";
import type { FleetDesk } from "../../agent/dashboard_context.ts";
import type { FleetAgent, HubState } from "../../agent/fleet/view.ts";
import { AGENT_ORDERS, type AgentOrder } from "../../components/AgentTable.tsx";
import { agentState, agentTroubles, forgottenRows, lostRows } from "../../components/fleet.ts";
import {
  checkNames,
  choiceParameter,
  ParameterError,
  textParameter,
  wholeNumber,
} from "./parameters.ts";
import type { IncidentItem } from "../../components/incidents.ts";
import { term } from "../../agent/search/edit.ts";
import type { CountedPage } from "./lists.ts";
import type { HubFigures } from "./metrics_text.ts";
import { incidentItems } from "./incident_pages.ts";
import { toWire } from "../../components/wire.ts";
import type { State } from "./state.ts";

/** The fleet of a hub. Throws HttpError 404 on a sensor, which has no such pages. */
export function fleetOf({ context }: State): FleetDesk {
  if (context.fleet === undefined) throw new HttpError(404);
  return context.fleet;
}

export const AGENT_STATES = ["silent", "reports", "waiting", "revoked", "trouble"] as const;

export interface AgentFilter {
  /** A part of the name or the site. */
  readonly text: string;
  readonly site: string | undefined;
  readonly state: typeof AGENT_STATES[number] | undefined;
  readonly order: AgentOrder;
  readonly isAscending: boolean;
  readonly limit: number;
  /** Rows before the page. */
  readonly start: number;
}

const limitMax = 1000;
const limitDefault = 200;

/** Throws ParameterError. */
export function agentFilter(query: URLSearchParams): AgentFilter {
  const own = ["text", "site", "state", "order", "direction"];
  checkNames(query, [...own, "limit", "cursor"]);
  const direction = choiceParameter(query, "direction", ["up", "down"]);
  return {
    text: textParameter(query, "text") ?? "",
    site: textParameter(query, "site"),
    state: choiceParameter(query, "state", AGENT_STATES),
    order: choiceParameter(query, "order", AGENT_ORDERS) ?? "trouble",
    isAscending: direction === "up",
    limit: wholeNumber(query, "limit", { min: 1, max: limitMax }) ?? limitDefault,
    start: startOf(query),
  };
}

function startOf(query: URLSearchParams): number {
  const cursor = textParameter(query, "cursor");
  if (cursor === undefined) return 0;
  const [, start] = /^agents-(\d{1,7})$/.exec(cursor) ?? [];
  if (start === undefined) throw new ParameterError("cursor must be one that this list gave");
  return Number(start);
}

/** The agent with this number, token or name; null when there is none. */
export function findAgent(all: readonly FleetAgent[], text: string): FleetAgent | null {
  return all.find(({ id, token }) => String(id) === text || token === text) ??
    all.find(({ name }) => name === text) ?? null;
}

/** Agents that fit, and how many there are in all. */
export function agentPage(
  all: readonly FleetAgent[],
  filter: AgentFilter,
  nowUs: number,
): CountedPage<FleetAgent> {
  const text = filter.text.toLowerCase();
  const fitting = all.filter((agent) =>
    (text === "" || `${agent.name} ${agent.site} ${agent.token}`.toLowerCase().includes(text)) &&
    (filter.site === undefined || agent.site === filter.site) &&
    (filter.state === undefined || hasState(agent, filter.state, nowUs))
  );
  const sorted = fitting.sort((a, b) => compareAgents(a, b, filter, nowUs));
  const end = filter.start + filter.limit;
  return {
    rows: sorted.slice(filter.start, end),
    nextCursor: end < sorted.length ? `agents-${end}` : null,
    total: { count: sorted.length, isMore: false },
  };
}

function hasState(agent: FleetAgent, state: typeof AGENT_STATES[number], nowUs: number): boolean {
  if (state === "trouble") return agentTroubles(agent, nowUs).length > 0;
  return agentState(agent, nowUs) === state;
}

const ranks = { silent: 3, reports: 1, waiting: 2, revoked: 0 } as const;

/** Falling, but of names and sites, which rise; the name decides among equals. */
function compareAgents(
  a: FleetAgent,
  b: FleetAgent,
  { order, isAscending }: AgentFilter,
  nowUs: number,
): number {
  const byName = a.name < b.name ? -1 : Number(a.name > b.name);
  if (order === "name") return isAscending ? -byName : byName;
  if (order === "site") {
    const bySite = a.site < b.site ? -1 : Number(a.site > b.site);
    return (isAscending ? -bySite : bySite) || byName;
  }
  const value = (agent: FleetAgent): number => {
    if (order === "seen") return agent.lastSeenUs ?? 0;
    if (order === "flows") return agent.flowsPerS;
    if (order === "drops") return agent.captureDrops;
    if (order === "spool") return agent.spoolBytes;
    if (order === "lost") return lostRows(agent);
    return ranks[agentState(agent, nowUs)] * 100 + agentTroubles(agent, nowUs).length;
  };
  const difference = value(b) - value(a);
  return (isAscending ? -difference : difference) || byName;
}

const incidentsShown = 20;

/** The newest incidents that an agent has evidence of. */
export async function agentIncidents(
  state: State,
  { id }: FleetAgent,
): Promise<readonly IncidentItem[]> {
  if (id <= 0) return [];
  const { rows } = await state.context.queries.incidents({
    q: term("agent", String(id)),
    limit: incidentsShown,
  });
  return incidentItems(state, rows);
}

/** The fleet in numbers, for `/metrics`. */
export function hubFigures(
  agents: readonly FleetAgent[],
  { engine, lagS, pending, messages, rows, duplicates, deadLetters }: HubState,
  nowUs: number,
): HubFigures {
  const states = { reports: 0, silent: 0, waiting: 0, revoked: 0 };
  for (const agent of agents) states[agentState(agent, nowUs)]++;
  const sum = (of: (agent: FleetAgent) => number) =>
    agents.reduce((total, agent) => total + of(agent), 0);
  return {
    isConnected: engine.isConnected,
    ...{ lagS, pending, messages, rows, duplicates, deadLetters },
    agents: states,
    captureDrops: sum(({ captureDrops }) => captureDrops),
    spoolBytes: sum(({ spoolBytes }) => spoolBytes),
    givenUp: sum(lostRows),
  };
}

/** The hub as `/api/agents` tells it. */
export function hubRow(hub: HubState): object {
  return toWire(hub) as object;
}

/** An agent as `/api/agents` tells it: the names of its columns, and the state in one word. */
export function agentRow(agent: FleetAgent, nowUs: number): Record<string, string | number | null> {
  return {
    id: agent.id,
    token: agent.token,
    name: agent.name,
    site: agent.site,
    state: agentState(agent, nowUs),
    version: agent.version,
    url: agent.url,
    level: agent.level,
    credential: agent.credential,
    first_seen_us: agent.firstSeenUs,
    last_seen_us: agent.lastSeenUs,
    clock_skew_ms: agent.clockSkewMs,
    flows_per_s: agent.flowsPerS,
    packets: agent.packets,
    capture_drops: agent.captureDrops,
    spool_bytes: agent.spoolBytes,
    spool_bytes_max: agent.spoolBytesMax,
    spool_oldest_s: agent.spoolOldestS,
    flows_given_up: agent.flowsGivenUp,
    findings_given_up: agent.findingsGivenUp,
    rejected: agent.rejected,
    resent: agent.resent,
    reconnects: agent.reconnects,
    stored_flows: agent.storedFlows,
    dead_letters: agent.deadLetters,
    forgotten_rows: forgottenRows(agent),
    open_incidents: agent.openIncidents,
    is_cloned: Number(agent.isCloned),
  };
}
