/**
 * How many rows one agent may have in the hub's own tables. Whoever has its credentials can make up ever new epochs, hosts, names and
 * findings; what is too many goes, the oldest first, and is counted in `agents.forgotten`. A part of HubWriter, inside its transactions.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** By what an agent's page calls them. A spool has one row of the ledger for each start of its agent and channel, and some while batches are missing. */
export const AGENT_LIMITS = {
  ledger: 4000,
  sums: 200_000,
  hosts: 50_000,
  names: 100_000,
  log_ins: 20_000,
  findings: 20_000,
  incidents: 5000,
  incident_findings: 50_000,
  letters: 1000,
} as const;
export type LimitedRows = keyof typeof AGENT_LIMITS;
export type AgentLimits = Readonly<Record<LimitedRows, number>>;
/** Of the bodies of an agent's dead letters. */
const letterBytesMax = 8 * 2 ** 20;

const tables: Readonly<Record<LimitedRows, readonly [table: string, key: string, age: string]>> = {
  ledger: ["ledger", "agent, epoch, channel, first_seq", "touched"],
  sums: ["agent_sums", "span_us, ts_us, agent", "ts_us"],
  hosts: ["agent_hosts", "address, agent", "last_us"],
  names: ["agent_names", "kind, name, agent", "last_us"],
  log_ins: ["log_ins", "orig_h, resp_h, port", "last_us"],
  findings: ["agent_findings", "agent, epoch, finding_id", "id"],
  incidents: ["agent_incidents", "agent, epoch, incident_id", "last_us"],
  incident_findings: ["agent_incident_findings", "agent, epoch, finding_id", "finding_id"],
  letters: ["dead_letters", "id", "id"],
};

/** What goes along with rows: `:rows` is a JSON list of what the statement that deletes them returns. */
const alongWith: Partial<Record<LimitedRows, readonly string[]>> = {
  hosts: [
    `DELETE FROM hosts WHERE address IN ids AND NOT EXISTS
       (SELECT 1 FROM agent_hosts WHERE agent_hosts.address = hosts.address)`,
  ],
  findings: [
    `DELETE FROM incidents WHERE id IN (SELECT incident_id FROM incident_findings WHERE finding_id IN ids)
       AND NOT EXISTS (SELECT 1 FROM incident_findings AS other WHERE other.incident_id = incidents.id
         AND other.finding_id NOT IN ids)`,
    "DELETE FROM incident_findings WHERE list IN ('scans', 'anomalies') AND finding_id IN ids",
    "DELETE FROM scans WHERE id IN ids",
    "DELETE FROM anomalies WHERE id IN ids",
    "DELETE FROM finding_agents WHERE finding_id IN ids",
  ],
};
const returned: Partial<Record<LimitedRows, string>> = { hosts: "address", findings: "id" };

export class AgentBounds {
  readonly #database: DatabaseSync;
  readonly #limits: AgentLimits;
  /** Rows that agents may have at the most, by kind and agent: as counted last, and all written since. */
  readonly #most = new Map<LimitedRows, Map<number, number>>();
  readonly #written = new Map<LimitedRows, Map<number, number>>();
  readonly #count: StatementSync;
  readonly #heavyLetters: StatementSync;

  constructor(database: DatabaseSync, limits: AgentLimits) {
    this.#database = database;
    this.#limits = limits;
    this.#count = database.prepare(
      `UPDATE agents SET forgotten = json_set(forgotten, '$.' || ?1, ifnull(json_extract(forgotten, '$.' || ?1), 0) + ?2)
       WHERE id = ?3`,
    );
    this.#heavyLetters = database.prepare(
      `DELETE FROM dead_letters WHERE id IN (SELECT id FROM (
         SELECT id, sum(length(body)) OVER (ORDER BY id DESC) AS bytes FROM dead_letters WHERE agent = ?)
         WHERE bytes > ?)`,
    );
  }

  /** So many rows of an agent were inserted, or may have been. */
  wrote(kind: LimitedRows, agent: number, rows: number): void {
    if (rows === 0) return;
    let written = this.#written.get(kind);
    if (written === undefined) this.#written.set(kind, written = new Map());
    written.set(agent, (written.get(agent) ?? 0) + rows);
  }

  /** Deletes what is too many of what was written. */
  enforce(): void {
    for (const [kind, agents] of this.#written) {
      for (const [agent, rows] of agents) this.#enforce(kind, agent, rows);
    }
    this.#written.clear();
  }

  /** After a transaction that is not there. */
  discard(): void {
    this.#written.clear();
    this.#most.clear();
  }

  #enforce(kind: LimitedRows, agent: number, rows: number): void {
    const max = this.#limits[kind];
    let counts = this.#most.get(kind);
    if (counts === undefined) this.#most.set(kind, counts = new Map());
    let most = (counts.get(agent) ?? max) + rows;
    if (most > max) {
      most = this.#rowsOf(kind, agent);
      // Some room, since looking for the oldest reads all.
      if (most > max) most -= this.#forget(kind, agent, most - Math.floor(max * 0.9));
    }
    if (kind === "letters") {
      const heavy = Number(this.#heavyLetters.run(agent, letterBytesMax).changes);
      if (heavy > 0) this.#count.run(kind, heavy, agent);
    }
    counts.set(agent, most);
  }

  #rowsOf(kind: LimitedRows, agent: number): number {
    const [table] = tables[kind];
    const row = this.#database.prepare(`SELECT count(*) AS n FROM ${table} WHERE agent = ?`)
      .get(agent);
    return Number(row!.n);
  }

  #forget(kind: LimitedRows, agent: number, excess: number): number {
    const [table, key, age] = tables[kind];
    const column = returned[kind] ?? "agent";
    const gone = this.#database.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN
         (SELECT ${key} FROM ${table} WHERE agent = ? ORDER BY ${age} LIMIT ?) RETURNING ${column} AS id`,
    ).all(agent, excess);
    const ids = JSON.stringify(gone.map(({ id }) => id));
    for (const sql of alongWith[kind] ?? []) {
      this.#database.prepare(`WITH ids AS (SELECT value FROM json_each(?)) ${sql}`).run(ids);
    }
    this.#count.run(kind, gone.length, agent);
    return gone.length;
  }
}
