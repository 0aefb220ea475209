/** What people ask of a hub's tables (agent/fleet/hub/schema.ts): a part of StoreQueries. */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

/** A row of `agents`, and what other tables say of it. */
export interface AgentRow {
  readonly id: number;
  readonly token: string;
  readonly name: string;
  readonly site: string;
  readonly version: string;
  readonly url: string;
  readonly first_seen_us: number;
  readonly last_seen_us: number;
  readonly skew_us: number | null;
  /** JSON text of its last health message. */
  readonly health: string;
  /** JSON text: rows beyond what one agent may have, by kind. */
  readonly forgotten: string;
  readonly flows: number;
  readonly dead_letters: number;
  readonly open_incidents: number;
}
export interface DeadLetterRow {
  readonly id: number;
  readonly received_us: number;
  readonly agent: number;
  readonly subject: string;
  readonly reason: string;
  readonly version: number | null;
  readonly size: number;
}
/** Sums of an agent, or of a bucket of time. */
export interface AgentSumRow {
  readonly key: number;
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
}
/** A host that an agent has seen, over all time. */
export interface AgentHostRow {
  readonly address: string;
  readonly name: string;
  readonly flows: number;
  readonly bytes: number;
  readonly last_us: number;
  /** How many agents have seen it. */
  readonly agents: number;
}
/** What an agent itself tells of an incident. */
export interface AgentIncidentRow {
  readonly agent: number;
  /** Its number there. */
  readonly incident_id: number;
  /** JSON text of the agent's row. */
  readonly incident: string;
}
interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

const deadLettersMax = 1000;
const minuteUs = 60_000_000;
const hourUs = 60 * minuteUs;
const minutesSpanUs = 86_400e6;

export function readAgents(database: DatabaseSync): readonly AgentRow[] {
  return rowsOf(
    database,
    `WITH letters AS (SELECT agent, count(*) AS n FROM dead_letters GROUP BY agent),
       open AS (SELECT value AS agent, count(*) AS n FROM incidents, json_each(agents)
         WHERE state = 'open' GROUP BY value)
     SELECT agents.*, ifnull(letters.n, 0) AS dead_letters, ifnull(open.n, 0) AS open_incidents
     FROM agents LEFT JOIN letters ON letters.agent = agents.id LEFT JOIN open ON open.agent = agents.id
     ORDER BY agents.id`,
  );
}

/** Newest first. */
export function readDeadLetters(database: DatabaseSync, limit: number): readonly DeadLetterRow[] {
  return rowsOf(
    database,
    `SELECT id, received_us, agent, subject, reason, version, size FROM dead_letters
     ORDER BY id DESC LIMIT ?`,
    Math.min(limit, deadLettersMax),
  );
}

/** Sums of each agent over a stretch, those with most bytes first. Beyond a day, of whole hours. */
export function readAgentSums(
  database: DatabaseSync,
  { fromUs, toUs, limit }: Span & { readonly limit: number },
): readonly AgentSumRow[] {
  return rowsOf(
    database,
    `SELECT agent AS key, ${sums} FROM agent_sums WHERE span_us = ? AND ts_us >= ? AND ts_us < ?
     GROUP BY agent ORDER BY bytes DESC LIMIT ?`,
    ...spanOf({ fromUs, toUs }),
    limit,
  );
}

/** Sums of one agent in buckets, of which those without traffic are missing; `key` is where each begins. */
export function readAgentSeries(
  database: DatabaseSync,
  { fromUs, toUs, bucketUs, agent }: Span & { readonly bucketUs: number; readonly agent: number },
): readonly AgentSumRow[] {
  return rowsOf(
    database,
    `SELECT (ts_us / ?) * ? AS key, ${sums} FROM agent_sums
     WHERE span_us = ? AND ts_us >= ? AND ts_us < ? AND agent = ? GROUP BY key ORDER BY key`,
    bucketUs,
    bucketUs,
    ...spanOf({ fromUs, toUs }),
    agent,
  );
}
const sums = `sum(flows) AS flows, sum(packets) AS packets, sum(bytes) AS bytes,
  sum(in_bytes) AS in_bytes, sum(out_bytes) AS out_bytes`;

function spanOf({ fromUs, toUs }: Span): [number, number, number] {
  const spanUs = toUs - fromUs <= minutesSpanUs ? minuteUs : hourUs;
  return [spanUs, Math.floor(fromUs / spanUs) * spanUs, Math.trunc(toUs)];
}

/** Hosts that an agent has seen, those with most bytes first. */
export function readAgentHosts(
  database: DatabaseSync,
  agent: number,
  limit: number,
): readonly AgentHostRow[] {
  return rowsOf(
    database,
    `SELECT own.address, ifnull(hosts.name, '') AS name, own.flows, own.bytes, own.last_us,
       (SELECT count(*) FROM agent_hosts AS other WHERE other.address = own.address) AS agents
     FROM agent_hosts AS own LEFT JOIN hosts ON hosts.address = own.address
     WHERE own.agent = ? ORDER BY own.bytes DESC LIMIT ?`,
    agent,
    limit,
  );
}

/** The agents that have seen each address. */
export function readHostAgents(
  database: DatabaseSync,
  addresses: readonly string[],
): Readonly<Record<string, readonly number[]>> {
  const rows = database.prepare(
    `SELECT address, agent FROM agent_hosts
     WHERE address IN (SELECT value FROM json_each(?)) ORDER BY address, bytes DESC`,
  ).all(JSON.stringify(addresses));
  const agents: Record<string, number[]> = {};
  for (const { address, agent } of rows) (agents[String(address)] ??= []).push(Number(agent));
  return agents;
}

/** What agents tell of the findings of an incident of the hub, the newest first. */
export function readAgentIncidents(
  database: DatabaseSync,
  incidentId: number,
  limit: number,
): readonly AgentIncidentRow[] {
  return rowsOf(
    database,
    `SELECT DISTINCT told.agent AS agent, told.incident_id AS incident_id, told.incident AS incident
     FROM incident_findings AS joined JOIN agent_findings AS known ON known.id = joined.finding_id
     JOIN agent_incident_findings AS link ON link.agent = known.agent AND link.epoch = known.epoch
       AND link.finding_id = known.finding_id
     JOIN agent_incidents AS told ON told.agent = link.agent AND told.epoch = link.epoch
       AND told.incident_id = link.incident_id
     WHERE joined.incident_id = ? ORDER BY told.last_us DESC LIMIT ?`,
    incidentId,
    limit,
  );
}

/** Numbers of the agents that a search names: by name (with `*` and `?`), token or number. Null on a database of no hub. */
export function findAgents(database: DatabaseSync, text: string): readonly number[] | null {
  if (!isHub(database)) return null;
  const pattern = text.replaceAll("[", "[[]");
  return rowsOf<{ id: number }>(
    database,
    "SELECT id FROM agents WHERE lower(name) GLOB ? OR lower(token) = ? OR CAST(id AS TEXT) = ?",
    pattern,
    text,
    text,
  ).map(({ id }) => id);
}

export function isHub(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'agents'")
    .get() !== undefined;
}

function rowsOf<Row>(
  database: DatabaseSync,
  sql: string,
  ...parameters: (string | number)[]
): readonly Row[] {
  const rows: Record<string, SQLOutputValue>[] = database.prepare(sql).all(...parameters);
  return rows as unknown as readonly Row[];
}
