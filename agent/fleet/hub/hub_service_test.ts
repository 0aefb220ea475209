import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { deflateSync, inflateSync } from "node:zlib";
import { readIncident } from "../../incident_reader.ts";
import { StoreQueries } from "../../store/queries.ts";
import type { StoredAnomaly, StoredFlow } from "../../store/schema.ts";
import { anomalyRow, scanRow } from "../../store/finding_rows.ts";
import { bruteForceFinding, scanFinding } from "../../store/testing.ts";
import { randomId } from "../base32.ts";
import { agentSubject, encodeHeartbeat } from "../streams.ts";
import { healthReport, storedFlow } from "../testing.ts";
import { encodeBatch, type FindingItem, type Rows } from "../wire.ts";
import { call, hostOf, knock, visit } from "./detect/testing.ts";
import { type HubMessage, HubService } from "./hub_service.ts";
import type { Judgement } from "./hub_store.ts";
import { flowRows, startUs, withDatabasePath } from "./testing.ts";

const second = 1_000_000;
const scanner = "203.0.113.9";

class Fleet {
  nowUs = startUs;
  readonly judged: Judgement[] = [];
  readonly agents = Array.from({ length: 20 }, (_, at) => ({
    number: at + 1,
    token: randomId(),
    epoch: randomId(),
    next: { flows: 1, findings: 1 },
  }));
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  open(): HubService {
    return new HubService({
      path: this.#path,
      retentionDays: 36_500,
      historyDays: 36_500,
      retentionBytes: 1e9,
      toolVersion: "0.0.0-test",
      nowUs: () => this.nowUs,
      archive: null,
      onJudged: (judgement) => this.judged.push(judgement),
    });
  }

  message(number: number, rows: Rows): HubMessage {
    const agent = this.agents[number - 1]!;
    const topic = rows.kind === "health"
      ? "health"
      : rows.kind === "flows" || rows.kind === "rollups"
      ? "flows"
      : "findings";
    let firstSeq = 0;
    if (topic !== "health") {
      firstSeq = agent.next[topic];
      agent.next[topic] += rows.rows.length;
    }
    const data = encodeBatch(rows, { epoch: agent.epoch, firstSeq, madeUs: this.nowUs });
    const subject = agentSubject(topic, agent.token);
    return { subject, data, messageId: "", publishedUs: this.nowUs };
  }

  health(number: number, site = ""): HubMessage {
    const report = healthReport({ name: `web-${number}`, site, now_us: this.nowUs });
    return this.message(number, { kind: "health", rows: [report] });
  }

  /** What an agent has found by itself about the scanner. */
  scan(number: number, id: number, source = scanner): HubMessage {
    const { scan, ...finding } = scanFinding(id, {
      sources: [source],
      targets: [hostOf(number)],
      targetCount: 1,
      firstUs: this.nowUs,
      lastUs: this.nowUs,
      detectedUs: this.nowUs,
      isOpen: false,
      flowIds: [],
    });
    const item: FindingItem = {
      list: "scans",
      row: scanRow({ ...finding, scan: scan! }, 1),
      flow_ids: [],
    };
    return this.message(number, { kind: "findings", rows: [item] });
  }

  flows(number: number, ...flows: readonly Partial<StoredFlow>[]): HubMessage {
    const rows = flows.map((changes, at) => storedFlow(at, changes));
    return this.message(number, { kind: "flows", rows });
  }

  knocks(number: number, source = scanner): HubMessage {
    const rows = [1, 2, 3].map((id) => storedFlow(id, knock(source, number, this.nowUs)));
    return this.message(number, { kind: "flows", rows });
  }
}

function agentsOf(row: object): number[] {
  return JSON.parse((row as { agents: string }).agents);
}

Deno.test("one source that all agents see is one incident with the evidence of all", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    let hub = fleet.open();
    await hub.take(fleet.agents.map(({ number }) => fleet.health(number)));
    await hub.tick();
    await hub.take([1, 2, 3].map((number) => fleet.scan(number, 1)));
    for (let number = 1; number <= 8; number++) {
      fleet.nowUs += 20 * second;
      await hub.take([fleet.knocks(number)]);
    }
    // The hub is started anew meanwhile: the story goes on.
    hub.close();
    hub = fleet.open();
    for (let number = 9; number <= 14; number++) {
      fleet.nowUs += 20 * second;
      await hub.take([fleet.knocks(number)]);
    }
    await hub.take([fleet.scan(14, 2)]);
    hub.close();
    const queries = new StoreQueries(path);
    const { rows: [row, ...others] } = queries.incidents();
    strictEqual(others.length, 0);
    const incident = readIncident(row!);
    strictEqual(incident.actor, scanner);
    ok(incident.kinds.includes("fleet_scan") && incident.kinds.includes("scan"));
    ok(/scanned hosts of \d+ of 20 agents/.test(incident.headline), incident.headline);
    deepStrictEqual(agentsOf(row!).length, 14);
    strictEqual(queries.incidents({ q: "agent web-14" }).rows.length, 1);
    strictEqual(queries.incidents({ q: "agent web-15" }).rows.length, 0);
    queries.close();
  });
});

Deno.test("another agent's scan hours later, told late, joins the incident of its time", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    await hub.take([fleet.scan(1, 1)]);
    const late = fleet.scan(2, 1);
    fleet.nowUs += 5 * 3600 * second;
    await hub.tick();
    await hub.take([late]);
    await hub.tick();
    const queries = new StoreQueries(path);
    const { rows } = queries.incidents();
    strictEqual(rows.length, 1);
    strictEqual(rows[0]!.state, "closed");
    deepStrictEqual(agentsOf(rows[0]!), [1, 2]);
    queries.close();
    hub.close();
  });
});

Deno.test("an agent that falls silent is an incident that ends when it is back, also over a start of the hub", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    let hub = fleet.open();
    hub.listen(true);
    await hub.take([fleet.health(1)]);
    await hub.tick();
    fleet.nowUs += 91 * second;
    await hub.tick();
    const queries = new StoreQueries(path);
    const [open] = queries.incidents({ isOpen: true }).rows;
    strictEqual(open!.headline, "web-1 is silent");
    hub.close();
    hub = fleet.open();
    hub.listen(true);
    await hub.tick();
    fleet.nowUs += 10 * second;
    hub.heartbeat(
      agentSubject("hb", fleet.agents[0]!.token),
      encodeHeartbeat({ epoch: fleet.agents[0]!.epoch, base: { flows: 1, findings: 1 } }),
    );
    await hub.tick();
    fleet.nowUs += 20 * 60 * second;
    hub.heartbeat(
      agentSubject("hb", fleet.agents[0]!.token),
      encodeHeartbeat({ epoch: fleet.agents[0]!.epoch, base: { flows: 1, findings: 1 } }),
    );
    await hub.tick();
    const { rows } = queries.incidents();
    deepStrictEqual(rows.map(({ state, kinds }) => [state, kinds]), [[
      "closed",
      '["agent_silent"]',
    ]]);
    queries.close();
    hub.close();
  });
});

Deno.test("a row that the database refuses goes to the dead letters with its batch, and the others are taken", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const bad = (changes: object) =>
      fleet.message(1, { kind: "flows", rows: [{ ...storedFlow(1), ...changes }] });
    const messages = [
      fleet.message(1, flowRows(1, 5)),
      bad({ orig_h: "<script>" }),
      bad({ resp_p: 70_000 }),
      bad({ orig_wire_bytes: 2 ** 51, orig_bytes: 0 }),
      fleet.message(2, flowRows(1, 5)),
    ];
    await hub.take(messages);
    strictEqual(hub.counts.rows, 10);
    strictEqual(hub.counts.deadLetters, 3);
    const agent = { agent: fleet.agents[0]!.token, epoch: fleet.agents[0]!.epoch };
    strictEqual(hub.through({ ...agent, channel: "flows" }), 8);
    hub.close();
  });
});

Deno.test("no agent finds what only the hub can, and none fills a page with one text", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const found = (changes: Partial<StoredAnomaly>) =>
      fleet.message(1, {
        kind: "findings",
        rows: [{
          list: "anomalies",
          row: { ...anomalyRow(bruteForceFinding(1), 1), ...changes },
          flow_ids: [],
        }],
      });
    const hostile = [found({ kind: "agent_silent" }), found({ reason: "x".repeat(40_000) })];
    await hub.take([...hostile, found({ reason: "x".repeat(30_000) })]);
    deepStrictEqual([hub.counts.rows, hub.counts.deadLetters], [1, 2]);
    hub.close();
  });
});

Deno.test("while another program locks the database nothing is taken, and afterwards all of it", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    await hub.take([fleet.health(1)]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const found = fleet.scan(1, 1);
    await rejects(hub.take([found]), { kind: "busy" });
    await rejects(hub.tick(), { kind: "busy" });
    other.exec("ROLLBACK");
    other.close();
    await hub.take([found]);
    deepStrictEqual([hub.counts.rows, hub.counts.deadLetters], [1, 0]);
    const { token: agent, epoch } = fleet.agents[0]!;
    strictEqual(hub.through({ agent, epoch, channel: "findings" }), 1);
    hub.close();
  });
});

Deno.test("what an older hub could not read is read by a newer one", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const { data, subject } = fleet.message(1, flowRows(1, 5));
    const { token, epoch } = fleet.agents[0]!;
    hub.writer.bury([{
      agent: token,
      subject,
      messageId: "",
      reason: "version 1 is not known, only 0",
      version: 1,
      body: data,
      stretch: { epoch, channel: "flows", firstSeq: 1, rowCount: 5 },
    }], startUs);
    hub.close();
    const newer = fleet.open();
    await newer.tick();
    const queries = new StoreQueries(path);
    strictEqual(queries.flowCount().count, 5);
    strictEqual(queries.deadLetters(9).length, 0);
    queries.close();
    newer.close();
  });
});

Deno.test("a copied machine is told, and both are served", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const [agent] = fleet.agents;
    const { token } = agent!;
    const [a, b] = [randomId(), randomId()];
    // A start is an epoch, and may ask for what waits of an earlier one.
    for (const epoch of [a, b]) {
      fleet.nowUs += 10 * second;
      agent!.epoch = epoch;
      await hub.take([fleet.health(1)]);
      for (const asked of [a, b, a, b]) {
        const text = encodeHeartbeat({ epoch: asked, base: { flows: 1, findings: 1 } });
        strictEqual(hub.heartbeat(agentSubject("hb", token), text).length, 2);
      }
      await hub.tick();
    }
    strictEqual(hub.cloned.length, 0);
    for (const epoch of [a, b]) {
      fleet.nowUs += 10 * second;
      agent!.epoch = epoch;
      await hub.take([fleet.health(1)]);
      await hub.tick();
    }
    deepStrictEqual(hub.cloned.map((one) => one.token), [token]);
    const queries = new StoreQueries(path);
    deepStrictEqual(queries.incidents().rows.map(({ kinds }) => kinds), ['["agent_cloned"]']);
    queries.close();
    hub.close();
  });
});

Deno.test("of a machine that was copied while it ran, both batches of the same numbers are stored, once, and it is told", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const [agent] = fleet.agents;
    await hub.take([fleet.health(1)]);
    const first = fleet.message(1, flowRows(1, 5));
    fleet.nowUs += second;
    agent!.next.flows = 1;
    const other = fleet.message(1, flowRows(1001, 7));
    await hub.take([first, other]);
    await hub.take([other, first, other]);
    await hub.tick();
    const queries = new StoreQueries(path);
    strictEqual(queries.flowCount().count, 12);
    deepStrictEqual(hub.counts.duplicates, 3);
    deepStrictEqual(hub.cloned.map(({ token }) => token), [agent!.token]);
    deepStrictEqual(queries.incidents().rows.map(({ kinds }) => kinds), ['["agent_cloned"]']);
    queries.close();
    hub.close();
  });
});

Deno.test("a private address is one actor at each site, a global one over all, also late and over a start of the hub", async () => {
  for (const actor of ["192.168.1.9", "10.1.2.3", "fd00::9", "fe80::1:9", "100.64.0.9", scanner]) {
    await withDatabasePath(async (path) => {
      const fleet = new Fleet(path);
      const sites = ["Oslo", "Oslo", "Bergen", "", ""];
      let hub = fleet.open();
      await hub.take(sites.map((site, at) => fleet.health(at + 1, site)));
      await hub.tick();
      await hub.take([1, 3, 4].map((number) => fleet.scan(number, 1, actor)));
      hub.close();
      hub = fleet.open();
      await hub.take([2, 5].map((number) => fleet.scan(number, 1, actor)));
      const late = fleet.scan(3, 2, actor);
      fleet.nowUs += 5 * 3600 * second;
      await hub.tick();
      await hub.take([late]);
      hub.close();
      const queries = new StoreQueries(path);
      const { rows } = queries.incidents();
      const seenBy = rows.map((row) => agentsOf(row).join(" ")).sort();
      deepStrictEqual(seenBy, actor === scanner ? ["1 2 3 4 5"] : ["1 2", "3", "4 5"], actor);
      deepStrictEqual(new Set(rows.map((row) => row.actor)), new Set([actor]));
      queries.close();
    });
  }
});

Deno.test("hosts with one private address at several sites are not one that scans them all", async () => {
  for (const [isOneSite, kinds] of [[true, ["fleet_scan"]], [false, []]] as const) {
    await withDatabasePath(async (path) => {
      const fleet = new Fleet(path);
      const hub = fleet.open();
      await hub.take(
        fleet.agents.map(({ number }) => fleet.health(number, isOneSite ? "Oslo" : `${number}`)),
      );
      await hub.tick();
      for (let number = 1; number <= 8; number++) {
        fleet.nowUs += 20 * second;
        await hub.take([fleet.knocks(number, "10.1.2.3")]);
      }
      hub.close();
      const queries = new StoreQueries(path);
      deepStrictEqual(queries.anomalies().rows.map(({ kind }) => kind), kinds);
      deepStrictEqual(
        queries.anomalies().rows.map(({ sources }) => sources),
        kinds.map(() => '["10.1.2.3"]'),
      );
      queries.close();
    });
  }
});

/** A hub that knows a fleet of 20 since 25 hours; then `messages` of now, and the incidents with the agents and findings of each. */
async function incidentsOf(
  messages: (fleet: Fleet) => readonly HubMessage[],
): Promise<{ kinds: string[]; agents: number[]; actor: string; findings: string[] }[]> {
  let incidents: Awaited<ReturnType<typeof incidentsOf>> = [];
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    await hub.take(fleet.agents.map(({ number }) => fleet.health(number)));
    await hub.take([fleet.flows(1, call(1, "198.51.100.7", fleet.nowUs, known))]);
    await hub.tick();
    fleet.nowUs += 25 * 3600 * second;
    await hub.take(fleet.agents.map(({ number }) => fleet.health(number)));
    await hub.tick();
    for (const message of messages(fleet)) await hub.take([message]);
    await hub.tick();
    hub.close();
    const queries = new StoreQueries(path);
    incidents = queries.incidents().rows.map((row) => ({
      kinds: [...readIncident(row).kinds],
      agents: agentsOf(row),
      actor: String(row.actor),
      findings: queries.incidentFindings(Number(row.id)).map(({ row }) => String(row.reason)),
    }));
    queries.close();
  });
  return incidents;
}

const known = { name: "www.known.example", ja4: "t13d_known" };

Deno.test("a move from host to host, of which two agents have seen a half each, is an incident of both", async () => {
  const [a, b, c] = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];
  const session = (orig: string, resp: string, us: number) =>
    visit(orig, 1, us, {
      ...{ resp_h: resp, resp_p: 22, service: "ssh", local_orig: 1, local_resp: 1 },
      ...{ orig_bytes: 4000, orig_wire_bytes: 5000 },
    });
  const incidents = await incidentsOf((fleet) => [
    fleet.flows(1, session(a, b, fleet.nowUs - 300 * second)),
    fleet.flows(2, session(b, c, fleet.nowUs - 60 * second)),
  ]);
  deepStrictEqual(incidents.map(({ kinds, agents, actor }) => ({ kinds, agents, actor })), [
    { kinds: ["lateral_movement"], agents: [1, 2], actor: a },
  ]);
  match(incidents[0]!.findings.join(), /10\.1\.0\.1 logged in to 10\.1\.0\.2 by SSH/);
});

Deno.test("a name and a JA4 that the fleet has not met before are told with the host that spoke them", async () => {
  const incidents = await incidentsOf((fleet) => [
    fleet.flows(
      3,
      call(3, "198.51.100.8", fleet.nowUs, { name: "a.new.example", ja4: "t13d_new" }),
      call(3, "198.51.100.7", fleet.nowUs, known),
    ),
    fleet.flows(
      4,
      call(4, "198.51.100.8", fleet.nowUs, { name: "a.new.example", ja4: "t13d_new" }),
    ),
  ]);
  deepStrictEqual(incidents.map(({ kinds, agents, actor }) => ({ kinds, agents, actor })), [
    { kinds: ["first_seen"], agents: [3], actor: hostOf(3) },
  ]);
  deepStrictEqual(
    incidents[0]!.findings.map((reason) => reason.split(": ").at(-1)).sort(),
    ["new.example", "t13d_new"],
  );
});

Deno.test("one destination that hosts of three agents call at even intervals is an incident of all three", async () => {
  const beacon = (fleet: Fleet, number: number): HubMessage => {
    const row = anomalyRow(
      {
        ...bruteForceFinding(number),
        kind: "beacon",
        attackId: "T1071",
        sources: [hostOf(number)],
        targets: [scanner],
        firstUs: fleet.nowUs - 3600 * second,
        lastUs: fleet.nowUs,
        detectedUs: fleet.nowUs,
        isOpen: false,
        flowIds: [],
      },
      1,
    );
    return fleet.message(number, {
      kind: "findings",
      rows: [{ list: "anomalies", row, flow_ids: [] }],
    });
  };
  const two = await incidentsOf((fleet) => [1, 2].map((number) => beacon(fleet, number)));
  ok(two.every(({ agents }) => agents.length === 1), JSON.stringify(two));
  const incidents = await incidentsOf((fleet) => [1, 2, 3].map((number) => beacon(fleet, number)));
  const shared = incidents.filter(({ agents }) => agents.length === 3);
  strictEqual(shared.length, 1, JSON.stringify(incidents));
  deepStrictEqual(shared[0]!.kinds, ["beacon"]);
  ok(
    shared[0]!.findings.some((reason) => /^3 hosts of 3 of 20 agents call 203/.test(reason)),
    JSON.stringify(shared),
  );
});

/** A batch as an agent wrote it that knew none of the last `columns`, all of which are null or 0 in it. */
function withoutLast(message: HubMessage, columns: number, rowCount: number): HubMessage {
  const headBytes = 42;
  // A byte a cell.
  const body = inflateSync(message.data.subarray(headBytes)).subarray(0, -columns * rowCount);
  const deflated = deflateSync(body);
  const data = new Uint8Array(headBytes + deflated.length);
  data.set(message.data.subarray(0, headBytes));
  data.set(deflated, headBytes);
  new DataView(data.buffer).setUint32(headBytes - 4, body.length);
  return { ...message, data };
}

Deno.test("flows of an older agent, which knows no processes and sums, are stored; those without more are not", async () => {
  await withDatabasePath(async (path) => {
    const fleet = new Fleet(path);
    const hub = fleet.open();
    const newer = ["pid", "process", "executable", "command", "user", "unit", "summed_flows"];
    const none = Object.fromEntries(newer.map((name) => [name, null]));
    const message = () => fleet.flows(1, ...[1, 2, 3].map((id) => ({ ...none, orig_p: id })));
    for (let fewer = 1; fewer <= newer.length; fewer++) {
      await hub.take([withoutLast(message(), fewer, 3)]);
      strictEqual(hub.counts.rows, 3 * fewer);
    }
    strictEqual(hub.counts.deadLetters, 0);
    await hub.take([withoutLast(message(), newer.length + 1, 3)]);
    strictEqual(hub.counts.deadLetters, 1);
    hub.close();
    const queries = new StoreQueries(path);
    const { rows } = queries.flows();
    strictEqual(rows.length, 3 * newer.length);
    ok(rows.every((row) => row.pid === null && row.process === null && row.end_reason !== ""));
    queries.close();
  });
});
