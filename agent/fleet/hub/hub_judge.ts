/**
 * What a transaction's rows come to: findings of the fleet's detectors, and one incident for all that one actor did, whichever agents
 * have seen it. The book holds the incidents that are open; one that was closed or left by an earlier hub is taken up again from the
 * database when a finding goes on with it, as those of agents that come back late do.
 */
import { isOfSite } from "../../decode/addresses.ts";
import { readFinding } from "../../finding_reader.ts";
import { IncidentBook, type OpenIncident } from "../../incident/incident_book.ts";
import { subjectOf } from "../../incident/kinship.ts";
import { readIncident } from "../../incident_reader.ts";
import { type Finding, INCIDENT_QUIET_US, type IncidentNews } from "../../records.ts";
import type { StoreQueries } from "../../store/queries.ts";
import type { Cell, StoredIncident } from "../../store/schema.ts";
import type { FleetView } from "./detect/fleet_detector.ts";
import { FleetDetectors } from "./detect/fleet_detectors.ts";
import { PresenceWatch } from "./detect/presence.ts";
import type { FleetFinding, Judgement, NewRows } from "./hub_store.ts";
import type { HubWriter } from "./hub_writer.ts";

interface Agent {
  name: string;
  /** "" where it says none: those are at one place. */
  site: string;
  lastSeenUs: number;
  skewUs: number;
}

/** Agents count towards the size of the fleet for so long after they were heard of. */
const memberUs = 86_400_000_000;
const countedUs = 10_000_000;
/** A clock that is off by less is taken as it is. */
const skewLeastUs = 2_000_000;

export class HubJudge {
  readonly #queries: StoreQueries;
  readonly #book: IncidentBook;
  readonly #detectors: FleetDetectors;
  readonly presence: PresenceWatch;
  readonly #agents = new Map<number, Agent>();
  #news: IncidentNews[] = [];
  #lastIncidentId: number;
  #nowUs = 0;
  #count = { atUs: -Infinity, agents: 0 };

  /** Reads what earlier hubs have left. Throws what StoreQueries throws. */
  constructor(writer: HubWriter, queries: StoreQueries) {
    this.#queries = queries;
    const view: FleetView = {
      agentCount: () => this.#agentCount(),
      agentName: (agent) => this.#agents.get(agent)?.name ?? `agent ${agent}`,
      skewUs: (agent) => this.#agents.get(agent)?.skewUs ?? 0,
      siteOf: (agents) => this.#siteOf(agents),
      nextFindingId: () => writer.nextFindingId(),
    };
    this.#detectors = new FleetDetectors(view, writer.known);
    this.presence = new PresenceWatch(view);
    this.#book = new IncidentBook({
      nextId: () => ++this.#lastIncidentId,
      nameOf: () => "",
      report: ({ describe, joined, absorbedIds }) =>
        this.#news.push({ incident: describe(), joined, absorbedIds }),
    });
    const { rows, lastId } = queries.openIncidents();
    this.#lastIncidentId = lastId;
    const agents = writer.agents();
    for (const { id, name, site, lastSeenUs, skewUs } of agents) {
      this.setAgent(id, { name, site, skewUs });
      this.#agents.get(id)!.lastSeenUs = lastSeenUs;
    }
    const open = rows.map((row) => this.#readMembers(row));
    this.#book.restore(open);
    const findings = open.flatMap(({ members }) => members.map(({ finding }) => finding));
    for (const { id, name, lastSeenUs } of agents) {
      const silent = findings.filter(({ kind, sources, lastUs }) =>
        kind === "agent_silent" && sources[0] === name && lastUs >= lastSeenUs
      );
      this.presence.restore(
        id,
        lastSeenUs,
        silent.map((finding) => ({ finding: { ...finding, isOpen: true }, agents: [id] })),
      );
    }
  }

  /** What an agent says of itself. */
  setAgent(
    agent: number,
    { name, site, skewUs }: {
      readonly name: string;
      readonly site: string;
      readonly skewUs: number;
    },
  ): void {
    const lastSeenUs = this.#agents.get(agent)?.lastSeenUs ?? 0;
    const isOff = Math.abs(skewUs) >= skewLeastUs;
    this.#agents.set(agent, { name, site, lastSeenUs, skewUs: isOff ? skewUs : 0 });
  }

  saw(agent: number, nowUs: number, epoch: string | null = null): void {
    const known = this.#agents.get(agent);
    if (known === undefined) {
      this.#agents.set(agent, { name: `agent ${agent}`, site: "", lastSeenUs: nowUs, skewUs: 0 });
    } else known.lastSeenUs = Math.max(known.lastSeenUs, nowUs);
    this.presence.saw(agent, nowUs, epoch);
  }

  /** Inside the transaction that writes the rows. */
  judge(rows: NewRows, nowUs: number): Judgement {
    this.#nowUs = nowUs;
    const own = this.#detectors.judge(rows, nowUs);
    for (const { finding, agents } of [...rows.findings, ...own]) {
      this.#take({ ...finding, site: this.#siteOf(agents) });
    }
    return { findings: own, incidents: this.#drain() };
  }

  /** Time has passed: once a second or so. */
  tick(nowUs: number): Judgement {
    this.#nowUs = nowUs;
    const found: FleetFinding[] = this.presence.drain(nowUs);
    for (const { finding } of found) this.#take(finding);
    this.#book.advance(nowUs);
    return { findings: found, incidents: this.#drain() };
  }

  #take(finding: Finding): void {
    if (!this.#book.holds(finding)) {
      const earlier = this.#earlier(finding);
      if (earlier !== null) this.#book.restore([earlier]);
    }
    this.#book.take(finding);
  }

  /** The incident that the finding is in, or that it goes on with. */
  #earlier(finding: Finding): OpenIncident | null {
    const queries = this.#queries;
    const list = finding.scan === undefined ? "anomalies" : "scans";
    const { actor } = subjectOf(finding);
    const { site = "" } = finding;
    const row = queries.incidentOf(list, finding.id) ??
      (actor === null ? null : queries.incidentOfActor(actor, {
        fromUs: finding.firstUs - INCIDENT_QUIET_US,
        toUs: finding.lastUs + INCIDENT_QUIET_US,
        lastId: this.#lastIncidentId,
        ...isOfSite(actor) && { agents: this.#agentsAt(site) },
      }));
    return row && this.#readMembers(row);
  }

  #readMembers(row: StoredIncident): OpenIncident {
    const site = this.#siteOf(JSON.parse(String((row as { agents?: Cell }).agents ?? "[]")));
    return {
      incident: readIncident(row),
      members: this.#queries.incidentFindings(Number(row.id)).map(({ list, role, row: cells }) => ({
        finding: { ...readFinding(list, cells), isOpen: false, site },
        role,
      })),
    };
  }

  /** Where all of them are; "" where they are at several sites. */
  #siteOf(agents: readonly number[]): string {
    const sites = new Set(agents.map((agent) => this.#agents.get(agent)?.site ?? ""));
    return sites.size === 1 ? [...sites][0]! : "";
  }

  #agentsAt(site: string): number[] {
    return [...this.#agents].filter(([, agent]) => agent.site === site).map(([id]) => id);
  }

  #drain(): IncidentNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  #agentCount(): number {
    if (Math.abs(this.#nowUs - this.#count.atUs) < countedUs) return this.#count.agents;
    let agents = 0;
    for (const { lastSeenUs } of this.#agents.values()) {
      if (this.#nowUs - lastSeenUs <= memberUs) agents++;
    }
    this.#count = { atUs: this.#nowUs, agents };
    return agents;
  }
}
