/** What the dashboard is given of a hub: its agents, joined from the database and the list of credentials, and its own state. */
import type { FleetDesk } from "../../dashboard_context.ts";
import type { AgentRow } from "../../store/fleet_queries.ts";
import type { StoreReader } from "../../store/reader.ts";
import type { CredentialState, FleetAgent, HubState } from "../view.ts";

/** One of `tapwatch fleet list`. */
export interface EnrolledAgent {
  readonly token: string;
  readonly name: string;
  readonly site: string;
  readonly isRevoked: boolean;
}

export interface DeskParts {
  readonly queries: Pick<StoreReader, "agents">;
  /** Null where the hub cannot read the list. */
  readonly enrolled: () => readonly EnrolledAgent[] | null;
  /** Tokens that two spools use in turn. */
  readonly cloned: () => ReadonlySet<string>;
  readonly hub: () => HubState;
}

/** What has been read serves all requests of a second. */
const keptMs = 1000;

export function makeFleetDesk({ queries, enrolled, cloned, hub }: DeskParts): FleetDesk {
  let readMs = -Infinity;
  let agents: Promise<readonly FleetAgent[]> = Promise.resolve([]);
  const read = async () => joinAgents(await queries.agents(), enrolled(), cloned());
  return {
    hub,
    agents: () => {
      if (performance.now() - readMs > keptMs) {
        readMs = performance.now();
        agents = read();
      }
      return agents;
    },
  };
}

/** Those that have reported, then those that are only enrolled. */
export function joinAgents(
  rows: readonly AgentRow[],
  enrolled: readonly EnrolledAgent[] | null,
  cloned: ReadonlySet<string>,
): FleetAgent[] {
  const known = new Map((enrolled ?? []).map((one) => [one.token, one]));
  const reported = rows.map((row) => {
    const own = known.get(row.token);
    return readAgent(row, {
      ...own && { name: own.name, site: own.site || row.site },
      credential: enrolled === null
        ? "unknown"
        : own === undefined || own.isRevoked
        ? "revoked"
        : "valid",
      isCloned: cloned.has(row.token),
    });
  });
  const tokens = new Set(rows.map(({ token }) => token));
  const waiting = (enrolled ?? []).filter(({ token }) => !tokens.has(token))
    .map((own, index) => neverSeen(own, -1 - index));
  return [...reported, ...waiting];
}

type Own = Partial<Pick<FleetAgent, "name" | "site">> & {
  readonly credential: CredentialState;
  readonly isCloned: boolean;
};

/** Its health is what an agent says, checked when it was stored; an older one may leave out some of it. */
export function readAgent(row: AgentRow, own: Own): FleetAgent {
  const health = JSON.parse(row.health) as Record<string, unknown>;
  const part = (name: string) => (health[name] ?? {}) as Record<string, unknown>;
  const [drops, spool] = [part("drops"), part("spool")];
  return {
    id: row.id,
    token: row.token,
    name: row.name || row.token,
    site: row.site,
    version: row.version,
    url: isElsewhere(row.url) ? row.url : "",
    level: typeof health.level === "string" ? health.level : "",
    firstSeenUs: row.first_seen_us,
    lastSeenUs: row.last_seen_us,
    clockSkewMs: row.skew_us === null ? null : Math.round(row.skew_us / 1000),
    flowsPerS: count(health.flows_per_s),
    packets: count(health.packets),
    captureDrops: count(drops.kernel) + count(drops.interface) + count(drops.queue),
    spoolBytes: count(spool.bytes),
    spoolBytesMax: count(spool.bytes_max),
    spoolOldestS: count(spool.batches) > 0 ? count(spool.oldest_s) : null,
    flowsGivenUp: count(part("flows").given_up),
    findingsGivenUp: count(part("findings").given_up),
    rejected: count(health.rejected),
    resent: count(health.resent),
    reconnects: count(health.reconnects),
    storedFlows: row.flows,
    deadLetters: row.dead_letters,
    forgotten: JSON.parse(row.forgotten),
    openIncidents: row.open_incidents,
    ...own,
  };
}

/** Whether a reader of the hub's pages may reach it: loopback is that of the agent's host. */
function isElsewhere(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? "localhost";
  return !/^(localhost|127\..*|\[::1\])$/.test(hostname);
}

/** Numbers below zero are of agents without a row. */
function neverSeen(
  { token, name, site, isRevoked }: EnrolledAgent,
  id: number,
): FleetAgent {
  return {
    ...readAgent({
      ...{
        id,
        token,
        name,
        site,
        version: "",
        url: "",
        health: "{}",
        forgotten: "{}",
        skew_us: null,
      },
      ...{ first_seen_us: 0, last_seen_us: 0, flows: 0, dead_letters: 0, open_incidents: 0 },
    }, { credential: isRevoked ? "revoked" : "valid", isCloned: false }),
    firstSeenUs: null,
    lastSeenUs: null,
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
