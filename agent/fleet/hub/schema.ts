/**
 * The hub's database: `packet_logs.db` with all tables of a single host (agent/store/schema.ts), so that its pages, search and alerts
 * serve the fleet, and these besides. Rows of flows and findings have the number of the agent that saw them in `agent`, 0 for the hub;
 * incidents have a JSON list of such numbers.
 *
 * Numbers of agents are the hub's own (`agents.id`); their identity is `agents.token`, the last part of the subjects that the engine
 * lets them publish to. Times are microseconds since 1970 UTC: `*_us` of traffic by the agent's clock, `seen` and `received` by the hub's.
 */
import type { DatabaseSync } from "node:sqlite";
import { UsageError } from "../../errors.ts";
import { type Cell, FLOW_COLUMNS } from "../../store/schema.ts";

/** Kept in `meta.hub_schema_version`. */
export const HUB_SCHEMA_VERSION = 2;

/** What the hub writes of a flow: ids are given by SQLite, so that rows stand in the order of their arrival. */
export const HUB_FLOW_COLUMNS = [...FLOW_COLUMNS.slice(1), "agent"] as const;

/** One row an agent, as the fleet's table shows it. */
export const AGENT_COLUMNS = [
  "id",
  "token",
  "name",
  "site",
  "version",
  "epoch",
  "url",
  "first_seen_us",
  "last_seen_us",
  "skew_us",
  "health",
  "flows",
  "findings",
  "batches",
  "forgotten",
] as const;
/** `forgotten` is JSON, rows by kind (agent_limits.ts); `health` is the JSON text of the last health message, "{}" before the first; `skew_us` is the agent's clock less the hub's. */
export type StoredAgent = { readonly [column in typeof AGENT_COLUMNS[number]]: Cell };

/** Sums by agent and bucket; spans are AGENT_SPANS. */
export const AGENT_SUM_COLUMNS = [
  "span_us",
  "ts_us",
  "agent",
  "flows",
  "packets",
  "bytes",
  "in_bytes",
  "out_bytes",
] as const;
export const AGENT_SPANS = [60_000_000, 3_600_000_000] as const;
/** Days that minutes are kept; hours go with the history. */
export const AGENT_MINUTE_DAYS = 2;

export const DEAD_LETTER_COLUMNS = [
  "id",
  "received_us",
  "agent",
  "subject",
  "message_id",
  "reason",
  "version",
  "size",
  "body",
] as const;
/** What could not be read: `version` is that of a payload of a newer agent, null where it is something else. `body` may be cut to null. */
export interface StoredDeadLetter {
  readonly id: number;
  readonly received_us: number;
  readonly agent: number;
  readonly subject: string;
  readonly message_id: string;
  readonly reason: string;
  readonly version: number | null;
  readonly size: number;
}

/**
 * `ledger`: stretches of an agent's numbers of a channel that are committed, or given up by it; neighbours are one row.
 * `agent_findings`: the hub's numbers of agents' findings; `finding_agents`: who has seen a finding. `agent_incidents`: what agents
 * themselves tell, with the numbers that findings have there. `agent_names`: names, domains and JA4 (`kind`) that flows showed.
 * `log_ins`: who has had a session with whom, for detect/lateral.ts.
 */
const tables = `
ALTER TABLE flows ADD COLUMN agent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scans ADD COLUMN agent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN agent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN agents TEXT NOT NULL DEFAULT '[]';
CREATE TABLE agents (
  id INTEGER PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  site TEXT NOT NULL,
  version TEXT NOT NULL,
  epoch TEXT NOT NULL,
  url TEXT NOT NULL,
  first_seen_us INTEGER NOT NULL,
  last_seen_us INTEGER NOT NULL,
  skew_us INTEGER,
  health TEXT NOT NULL,
  flows INTEGER NOT NULL,
  findings INTEGER NOT NULL,
  batches INTEGER NOT NULL
) STRICT;
CREATE TABLE ledger (
  agent INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  channel TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (agent, epoch, channel, first_seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_sums (
  span_us INTEGER NOT NULL,
  ts_us INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL,
  PRIMARY KEY (span_us, ts_us, agent)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_hosts (
  address TEXT NOT NULL,
  agent INTEGER NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (address, agent)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_names (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  agent INTEGER NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  PRIMARY KEY (kind, name, agent)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_ins (
  orig_h TEXT NOT NULL,
  resp_h TEXT NOT NULL,
  port INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  PRIMARY KEY (orig_h, resp_h, port)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_findings (
  agent INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  finding_id INTEGER NOT NULL,
  id INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (agent, epoch, finding_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE finding_agents (
  finding_id INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  PRIMARY KEY (finding_id, agent)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_incidents (
  agent INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  incident_id INTEGER NOT NULL,
  incident TEXT NOT NULL,
  last_us INTEGER NOT NULL,
  PRIMARY KEY (agent, epoch, incident_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE agent_incident_findings (
  agent INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  finding_id INTEGER NOT NULL,
  incident_id INTEGER NOT NULL,
  PRIMARY KEY (agent, epoch, finding_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY,
  received_us INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  subject TEXT NOT NULL,
  message_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  version INTEGER,
  size INTEGER NOT NULL,
  body BLOB
) STRICT;
`;

/** What bounds for each agent need: `touched` counts on with each change of the ledger; `log_ins.agent` is who saw it first. */
const limits = `
ALTER TABLE agents ADD COLUMN forgotten TEXT NOT NULL DEFAULT '{}';
ALTER TABLE ledger ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log_ins ADD COLUMN agent INTEGER NOT NULL DEFAULT 0;
CREATE INDEX agent_hosts_agent ON agent_hosts(agent);
CREATE INDEX agent_names_agent ON agent_names(agent);
CREATE INDEX agent_sums_agent ON agent_sums(agent);
CREATE INDEX log_ins_agent ON log_ins(agent);
CREATE INDEX dead_letters_agent ON dead_letters(agent);
`;

/** `hubMigrations[n]` leads from version n to n + 1; a released step is never edited. */
export const hubMigrations: readonly string[] = [tables, limits];

/** Brings a database with the tables of a single host to the hub's present version. Throws UsageError for a newer one. */
export function migrateHub(database: DatabaseSync, path: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    let version = hubVersion(database);
    if (version > HUB_SCHEMA_VERSION) {
      throw new UsageError(
        `${path} is of a hub with schema version ${version}; this tapwatch knows up to version ${HUB_SCHEMA_VERSION}. Use the newer tapwatch.`,
      );
    }
    if (version === 0) assertNoSingleHost(database, path);
    for (; version < HUB_SCHEMA_VERSION; version++) database.exec(hubMigrations[version]!);
    database.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES ('hub_schema_version', ?)")
      .run(version);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** 0 for a database of a single host. */
export function hubVersion(database: DatabaseSync): number {
  const row = database.prepare("SELECT value FROM meta WHERE key = 'hub_schema_version'").get();
  return Number(row?.value ?? 0);
}

/** What a single host has recorded would be shown as the fleet's. */
function assertNoSingleHost(database: DatabaseSync, path: string): void {
  const row = database.prepare(
    "SELECT EXISTS (SELECT 1 FROM flows) OR EXISTS (SELECT 1 FROM packets) AS used",
  ).get();
  if (row?.used !== 1) return;
  throw new UsageError(
    `${path} holds what one host has recorded, not a fleet. Give the hub a folder of its own with --results.`,
  );
}
