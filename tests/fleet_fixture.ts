/** A hub for the dashboard's tests: a real database of several agents in a temporary folder, and what the hub says of itself by hand. */
import { type EnrolledAgent, makeFleetDesk } from "../agent/fleet/hub/desk.ts";
import { openHub, type TestAgent, testAgent } from "../agent/fleet/hub/testing.ts";
import type { Judgement, NewRows } from "../agent/fleet/hub/hub_store.ts";
import { healthReport, storedFlow } from "../agent/fleet/testing.ts";
import type { HubState } from "../agent/fleet/view.ts";
import type { HealthReport } from "../agent/fleet/wire.ts";
import type { Incident } from "../agent/records.ts";
import { incidentRow, scanRow } from "../agent/store/finding_rows.ts";
import type { StoredFlow } from "../agent/store/schema.ts";
import { scanFinding } from "../agent/store/testing.ts";
import { createDashboard } from "../dashboard.ts";
import {
  type Fixture,
  type FixtureOptions,
  hostileName,
  nowUs,
  openFixture,
} from "./dashboard_fixture.ts";
import { makeIncident } from "./incident_fixture.ts";
import type { Site } from "./dashboard_site.ts";

interface FleetOptions extends FixtureOptions {
  /** Agents that report; some of them have something wrong. */
  readonly count?: number;
  readonly hub?: Partial<HubState>;
}

export const scanner = "203.0.113.66";
const minuteUs = 60_000_000;
/** Seconds since each agent's last report, by its place; those that are not named reported now. */
const silences: Readonly<Record<number, number>> = { 2: 240, 5: 7000, 9: 100_000 };

export async function withFleet(
  options: FleetOptions,
  use: (site: Site & { readonly agents: readonly EnrolledAgent[] }) => Promise<void>,
): Promise<void> {
  const fixture = await openFixture({ ...options, mode: "hub" });
  const agents = await fillHub(fixture, options.count ?? 20);
  const fleet = makeFleetDesk({
    queries: fixture.context.queries,
    enrolled: () => agents,
    cloned: () => new Set([agents[7]?.token ?? ""]),
    hub: () => hubState(fixture, options.hub),
  });
  const dashboard = createDashboard({ ...fixture.context, fleet });
  const get: Site["get"] = (path, init = {}, from = "127.0.0.1") => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:8055");
    const url = `http://localhost:8055${path}`;
    return dashboard.handler(new Request(url, { redirect: "manual", ...init, headers }), {
      remoteAddr: { transport: "tcp", hostname: from, port: 4 },
      completed: Promise.resolve(),
    });
  };
  try {
    await use({ ...fixture, agents, dashboard, get });
  } finally {
    dashboard.closeStreams();
    await fixture.close();
  }
}

function hubState({ live }: Fixture, changes: Partial<HubState> = {}): HubState {
  return {
    startedAtUs: live.startedAtUs,
    engine: {
      isConnected: true,
      text: "connected, TLS, version 2.12.3",
      url: "nats://engine.example:4222",
    },
    store: {
      kind: "sqlite",
      isOk: true,
      text: "written",
      sizeBytes: 418_000_000,
      flows: 1_204_000,
      oldestUs: nowUs() - 5 * 86_400e6,
    },
    lagS: 0.4,
    pending: 3,
    messages: 41_200,
    rows: 4_120_000,
    duplicates: 12,
    deadLetters: 2,
    ...changes,
  };
}

/** Agents with hours of flows, one scan that most of them have seen, messages that cannot be read, and one that never reported. */
async function fillHub({ folder }: Fixture, count: number): Promise<EnrolledAgent[]> {
  const hub = openHub(`${folder}/packet_logs.db`, { nowUs: nowUs() });
  const enrolled: EnrolledAgent[] = [];
  const own: TestAgent[] = [];
  for (let index = 0; index < count; index++) {
    const agent = testAgent();
    own.push(agent);
    const name = index === 3 ? hostileName : `web-${String(index + 1).padStart(2, "0")}`;
    enrolled.push({
      token: agent.token,
      name,
      site: ["Berlin", "Oslo", ""][index % 3]!,
      isRevoked: index === 11,
    });
    const { token, epoch } = agent;
    const seenUs = nowUs() - (silences[index] ?? index % 25) * 1e6;
    hub.note([{ agent: token, seenUs, health: { epoch, report: report(index, name, seenUs) } }]);
    await hub.commit([agent.batch({ kind: "flows", rows: flowsOf(index) })], {
      nowUs: nowUs(),
      judge: () => ({ findings: [], incidents: [] }),
    });
  }
  const seers = own.slice(0, Math.max(1, Math.ceil(count * 0.7)));
  await hub.commit(
    seers.flatMap((agent, index) => scanOf(agent, index)),
    { nowUs: nowUs(), judge: (rows) => merged(rows, count) },
  );
  hub.bury(
    [undefined, 9].map((version, index) => ({
      agent: own[index % count]!.token,
      subject: `tapwatch.v1.flows.${own[index % count]!.token}`,
      messageId: "x",
      reason: version === undefined
        ? `it ends too early ${hostileName}`
        : `version ${version} is not known, only 1`,
      version: version ?? null,
      body: new Uint8Array(42),
      stretch: null,
    })),
    nowUs(),
  );
  hub.close();
  enrolled.push({ token: testAgent().token, name: "new-one", site: "Oslo", isRevoked: false });
  return enrolled;
}

function report(index: number, name: string, seenUs: number): HealthReport {
  const counts = { spooled: 9000, committed: 8990, given_up: 0 };
  return healthReport({
    name,
    version: index % 4 === 0 ? "0.1.0" : "0.1.1",
    dashboard_url: index % 2 === 0 ? `https://${index}.example:8055/` : "",
    now_us: seenUs + (index === 4 ? 41_000_000 : 20_000),
    packets: 1_000_000 * (index + 1),
    flows_per_s: (index * 7) % 23 + 0.4,
    drops: { kernel: index === 6 ? 1204 : 0, interface: 0, queue: 0, recorder: 0, store: 0 },
    spool: {
      batches: index % 3,
      bytes: (index % 3) * 41_000 * (index === 8 ? 900 : 1),
      bytes_max: 2 ** 30,
      oldest_s: index % 3 === 0 ? 0 : index === 8 ? 400 : 3,
    },
    flows: index === 8 ? { ...counts, given_up: 12_400 } : counts,
    findings: counts,
    rejected: index === 8 ? 31 : 0,
    resent: index === 8 ? 4 : 0,
  });
}

/** An hour of flows, many of them to the same servers. */
function flowsOf(index: number): StoredFlow[] {
  return Array.from({ length: 60 }, (_, number) => {
    const endUs = nowUs() - number * minuteUs - index * 1e6;
    return storedFlow(number, {
      start_us: endUs - 2e6,
      end_us: endUs,
      orig_h: `10.${index}.0.${1 + number % 5}`,
      resp_h: `198.51.100.${number % 6}`,
      name: number % 9 === 0 ? hostileName : `www${number % 6}.example.com`,
      orig_wire_bytes: 1200 * (index + 1),
      resp_wire_bytes: 90_000 * (1 + (index * 3) % 7),
      community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    });
  });
}

function scanOf(agent: TestAgent, index: number) {
  const target = `10.${index}.0.1`;
  const times = { firstUs: nowUs() - 500e6, lastUs: nowUs() - 300e6, detectedUs: nowUs() - 490e6 };
  const finding = scanFinding(1, {
    ...times,
    sources: [scanner],
    targets: [target],
    severity: "medium",
    reason: `${scanner} probed 5 ports of ${target}`,
  });
  const incident = makeIncident({
    ...times,
    id: 4,
    actor: scanner,
    sources: [scanner],
    targets: [target],
    severity: "medium",
    headline: `${scanner} scanned ${target}`,
  });
  const { acknowledged_us: _, ...row } = { acknowledged_us: null, ...incidentRow(incident) };
  return [
    agent.batch({
      kind: "findings",
      rows: [{ list: "scans", row: scanRow({ ...finding, scan: finding.scan! }, 1), flow_ids: [] }],
    }),
    agent.batch({
      kind: "incidents",
      rows: [{ row, findings: [{ list: "scans", id: 2 ** 32 + 1, role: "cause" }] }],
    }),
  ];
}

/** One incident of all findings of the scanner. */
function merged({ findings }: NewRows, count: number): Judgement {
  const all = findings.map(({ finding }) => finding);
  const incident: Incident = makeIncident({
    id: 1,
    actor: scanner,
    severity: "high",
    sources: [scanner],
    targets: all.flatMap(({ targets }) => targets),
    targetCount: all.length,
    findingCount: all.length,
    firstUs: nowUs() - 500e6,
    lastUs: nowUs() - 300e6,
    headline: `${scanner} scanned hosts of ${all.length} of ${count} agents`,
  });
  const joined = all.map((finding) => ({ finding, role: "cause" as const }));
  return { findings, incidents: [{ incident, joined, absorbedIds: [] }] };
}
