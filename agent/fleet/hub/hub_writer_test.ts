import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreQueries } from "../../store/queries.ts";
import { flow, openWriter } from "../../store/testing.ts";
import { rollUp } from "../roll_up.ts";
import {
  anomalyItem,
  healthReport,
  incidentItem,
  many,
  rollupRow,
  scanItem,
  storedFlow,
} from "../testing.ts";
import { Ledger } from "./ledger.ts";
import { HUB_SCHEMA_VERSION, hubMigrations } from "./schema.ts";
import { flowRows, nothing, openHub, startUs, testAgent, withDatabasePath } from "./testing.ts";

const options = { nowUs: startUs, judge: () => nothing };

Deno.test("a batch that comes twice, also to another hub, is written once", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const [first, second] = [agent.batch(flowRows(1, 5)), agent.batch(flowRows(6, 3))];
    const hub = openHub(path);
    strictEqual((await hub.commit([first, second, first], options)).rows, 8);
    strictEqual(hub.through(agent.token, agent.epoch, "flows"), 8);
    hub.close();
    const next = openHub(path);
    const { batches, rows, known } = await next.commit([second], options);
    deepStrictEqual({ batches, rows, known }, { batches: 0, rows: 0, known: 1 });
    const queries = new StoreQueries(path);
    strictEqual(queries.flows().rows.length, 8);
    strictEqual(queries.agents()[0]!.flows, 8);
    strictEqual(queries.counts().flows, 8);
    const [sums] = queries.agentSums({ fromUs: startUs - 1, toUs: startUs + 6e7, limit: 9 });
    deepStrictEqual([sums!.key, sums!.flows, sums!.out_bytes], [1, 8, 8 * 1600]);
    queries.close();
    next.close();
  });
});

Deno.test("the ledger's row and a batch's rows are there together or not at all", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const batch = agent.batch(flowRows(1, 5));
    const hub = openHub(path);
    const fail = () => {
      throw new Error("the disk is full");
    };
    await rejects(hub.commit([batch], { ...options, judge: fail }));
    const other = new DatabaseSync(path);
    const count = (table: string) =>
      Number(other.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
    for (const table of ["ledger", "flows", "agent_sums", "agent_hosts", "rollups", "agents"]) {
      strictEqual(count(table), 0, table);
    }
    // A row that the database refuses takes the ledger's with it.
    other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON flows WHEN new.orig_h = '192.168.1.4'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    await rejects(hub.commit([batch], options), { kind: "refused" });
    strictEqual(count("ledger"), 0);
    other.exec("DROP TRIGGER refuse");
    other.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    await rejects(hub.commit([batch], options), { kind: "refused" });
    strictEqual(count("flows"), 0);
    other.exec("DROP TRIGGER refuse");
    strictEqual((await hub.commit([batch], options)).rows, 5);
    strictEqual(count("flows"), 5);
    other.close();
    hub.close();
  });
});

Deno.test("stretches of the ledger join, in whatever order they come", () => {
  const database = new DatabaseSync(":memory:");
  database.exec(
    `CREATE TABLE ledger(agent, epoch, channel, first_seq, last_seq, touched, PRIMARY KEY (agent, epoch, channel, first_seq))`,
  );
  const ledger = new Ledger(database);
  const key = { agent: 1, epoch: "E", channel: "flows" };
  const add = (firstSeq: number, lastSeq: number) => ledger.add({ ...key, firstSeq, lastSeq });
  const rows = () =>
    database.prepare("SELECT first_seq, last_seq FROM ledger ORDER BY first_seq").all()
      .map((row) => Object.values(row));
  add(1, 10);
  add(21, 30);
  add(41, 50);
  strictEqual(ledger.through(key), 10);
  add(11, 20);
  deepStrictEqual(rows(), [[1, 30], [41, 50]]);
  strictEqual(ledger.has({ ...key, firstSeq: 21, lastSeq: 30 }), true);
  strictEqual(ledger.has({ ...key, firstSeq: 31, lastSeq: 40 }), false);
  strictEqual(ledger.has({ ...key, channel: "findings", firstSeq: 1, lastSeq: 1 }), false);
  strictEqual(ledger.has({ ...key, epoch: "F", firstSeq: 1, lastSeq: 1 }), false);
  add(1, 45);
  deepStrictEqual(rows(), [[1, 50]]);
  add(100, 110);
  add(90, 120);
  deepStrictEqual(rows(), [[1, 50], [90, 120]]);
  database.close();
});

Deno.test("what an agent has given up is not waited for", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const [first, second, third] = [1, 6, 11].map((from) => agent.batch(flowRows(from, 5)));
    const hub = openHub(path);
    await hub.commit([first!, third!], options);
    strictEqual(hub.through(agent.token, agent.epoch, "flows"), 5);
    hub.giveUp(agent.token, agent.epoch, "flows", 11);
    strictEqual(hub.through(agent.token, agent.epoch, "flows"), 15);
    strictEqual((await hub.commit([second!], options)).rows, 0);
    hub.close();
  });
});

Deno.test("findings of agents get the hub's numbers, and keep them", async () => {
  await withDatabasePath(async (path) => {
    const [a, b] = [testAgent(), testAgent()];
    const hub = openHub(path);
    const seen: number[] = [];
    const judge = ({ findings }: Parameters<Parameters<typeof hub.commit>[1]["judge"]>[0]) => {
      seen.push(...findings.map(({ finding }) => finding.id));
      return nothing;
    };
    const findings = { kind: "findings", rows: [scanItem(1), anomalyItem(2)] } as const;
    await hub.commit([a.batch(findings), b.batch(findings)], { nowUs: startUs, judge });
    await hub.commit([a.batch(findings)], { nowUs: startUs, judge });
    deepStrictEqual(seen, [1, 2, 3, 4, 1, 2]);
    const incident = { kind: "incidents", rows: [incidentItem(7)] } as const;
    await hub.commit([a.batch(incident)], options);
    const queries = new StoreQueries(path);
    strictEqual(queries.scans().rows.length, 2);
    strictEqual(queries.anomalies({ q: `agent ${b.token.toLowerCase()}` }).rows.length, 1);
    queries.close();
    hub.close();
  });
});

Deno.test("findings age also where no flows are sent", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const hub = openHub(path);
    const late = startUs + 30 * 86_400_000_000;
    const [item, next] = [scanItem(1), scanItem(2)];
    ok(item.list === "scans" && next.list === "scans");
    const times = { first_us: late, last_us: late, detected_us: late };
    for (const row of [item, { ...next, row: { ...next.row, ...times } }]) {
      await hub.commit([agent.batch({ kind: "findings", rows: [row] })], options);
    }
    await hub.deleteOld(late);
    hub.close();
    const queries = new StoreQueries(path);
    deepStrictEqual(queries.scans().rows.map(({ last_us }) => last_us), [late]);
    queries.close();
  });
});

Deno.test("roll-ups count in sums, hosts and names, and are no flows", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const hub = openHub(path);
    await hub.commit(
      [agent.batch({ kind: "rollups", rows: [rollupRow(1), rollupRow(2)] })],
      options,
    );
    const queries = new StoreQueries(path);
    strictEqual(queries.flows().rows.length, 0);
    const [sums] = queries.agentSums({ fromUs: startUs, toUs: startUs + 6e7, limit: 9 });
    strictEqual(sums!.flows, 6);
    strictEqual(queries.agentHosts(1, 9).length, 2);
    queries.close();
    hub.close();
  });
});

Deno.test("dead letters are kept, counted and bounded, and are not asked for again", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const hub = openHub(path);
    const letter = (firstSeq: number, size: number, token = agent.token) => ({
      agent: token,
      subject: `tapwatch.v1.flows.${agent.token}`,
      messageId: `${agent.token}:${agent.epoch}:${firstSeq}:0`,
      reason: "version 9 is not known",
      version: 9,
      body: new Uint8Array(size),
      stretch: { epoch: agent.epoch, channel: "flows" as const, firstSeq, rowCount: 10 },
    });
    hub.bury([letter(1, 100)], startUs);
    strictEqual(hub.through(agent.token, agent.epoch, "flows"), 10);
    await hub.commit([testAgent().batch(flowRows(1, 1))], options);
    for (let other = 0; other < 10; other++) {
      const { token } = testAgent();
      hub.bury(many(7, (at) => letter(11 + at * 10, 2 ** 20, token)), startUs);
    }
    const queries = new StoreQueries(path);
    const kept = queries.deadLetters(1000);
    strictEqual(kept.length, 64);
    strictEqual(queries.meta().dead_letters, 71);
    strictEqual(kept[0]!.version, 9);
    queries.close();
    hub.close();
  });
});

Deno.test("health, skew and last sight are kept of each agent", async () => {
  await withDatabasePath((path) => {
    const agent = testAgent();
    const hub = openHub(path);
    const report = healthReport({ name: "web <script>", now_us: startUs + 90_000_000 });
    hub.note([{ agent: agent.token, seenUs: startUs, health: { report, epoch: agent.epoch } }]);
    hub.note([{ agent: agent.token, seenUs: startUs + 5 }, {
      agent: agent.token,
      seenUs: startUs,
    }]);
    const queries = new StoreQueries(path);
    const [row] = queries.agents();
    deepStrictEqual([row!.name, row!.skew_us, row!.last_seen_us], [
      "web <script>",
      90_000_000,
      startUs + 5,
    ]);
    queries.close();
    hub.close();
  });
});

Deno.test("the database of a single host is refused, and stays as it is", async () => {
  await withDatabasePath((path) => {
    const host = openWriter(path);
    host.write({ packets: [], flows: [flow(1)], seconds: [], hosts: [] });
    host.close();
    throws(() => openHub(path), /what one host has recorded/);
    const queries = new StoreQueries(path);
    ok(queries.meta().hub_schema_version === undefined);
    strictEqual(queries.flows().rows.length, 1);
    queries.close();
  });
});

Deno.test("agents are called as they were enrolled, whatever they call themselves", async () => {
  await withDatabasePath(async (path) => {
    const [a, b] = [testAgent(), testAgent()];
    const hub = openHub(path);
    await hub.commit([a.batch(flowRows(1, 1))], options);
    const queries = new StoreQueries(path);
    const names = () => queries.agents().map(({ name, site }) => `${name} ${site}`);
    deepStrictEqual(names(), [`${a.token} `]);
    hub.setNames(new Map([[a.token, "web-1"], [b.token, "web-2"]]));
    const said = (name: string) => ({
      report: healthReport({ name, site: "Oslo" }),
      epoch: a.epoch,
    });
    hub.note([
      { agent: a.token, seenUs: startUs, health: said("web-2") },
      { agent: b.token, seenUs: startUs },
      { agent: testAgent().token, seenUs: startUs, health: said("elsewhere") },
    ]);
    deepStrictEqual(names(), ["web-1 Oslo", "web-2 ", "elsewhere Oslo"]);
    strictEqual(queries.flows({ q: "agent web-1" }).rows.length, 1);
    throws(() => queries.flows({ q: "agent web-3" }), /no agent is called/);
    queries.close();
    hub.close();
  });
});

Deno.test("and the database of a hub by a single host", async () => {
  await withDatabasePath((path) => {
    openHub(path).close();
    throws(() => openWriter(path), /is the database of a hub/);
  });
});

Deno.test("the database of a hub of schema version 1 goes on where it stood, and keeps what it has", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    openWriter(path).close();
    const old = new DatabaseSync(path);
    old.exec(hubMigrations[0]!);
    old.exec("INSERT INTO meta(key, value) VALUES ('hub_schema_version', '1')");
    old.prepare(
      `INSERT INTO agents(id, token, name, site, version, epoch, url, first_seen_us, last_seen_us, skew_us, health, flows, findings, batches)
       VALUES (7, ?, 'web-7', 'Oslo', '0.1.0', ?, '', 1, 2, NULL, '{}', 5, 0, 1)`,
    ).run(agent.token, agent.epoch);
    old.prepare("INSERT INTO ledger VALUES (7, ?, 'flows', 1, 5)").run(agent.epoch);
    old.exec("INSERT INTO log_ins VALUES ('10.0.0.1', '10.0.0.2', 22, 1)");
    old.close();

    const hub = openHub(path);
    strictEqual(hub.through(agent.token, agent.epoch, "flows"), 5);
    const [known, fresh] = [agent.batch(flowRows(1, 5)), agent.batch(flowRows(6, 3))];
    const { rows, known: again } = await hub.commit([known, fresh], options);
    deepStrictEqual([rows, again], [3, 1]);
    hub.close();

    const queries = new StoreQueries(path);
    strictEqual(queries.meta().hub_schema_version, HUB_SCHEMA_VERSION);
    deepStrictEqual(queries.agents().map(({ id, name, flows }) => [id, name, flows]), [[
      7,
      "web-7",
      8,
    ]]);
    queries.close();
    const database = new DatabaseSync(path, { readOnly: true });
    strictEqual(database.prepare("SELECT agent FROM log_ins").get()!.agent, 0);
    database.close();
    openHub(path).close();
  });
});

Deno.test("the database of a hub of a newer schema version is refused", async () => {
  await withDatabasePath((path) => {
    openHub(path).close();
    const database = new DatabaseSync(path);
    database.prepare("UPDATE meta SET value = ? WHERE key = 'hub_schema_version'")
      .run(HUB_SCHEMA_VERSION + 1);
    database.close();
    throws(() => openHub(path), /Use the newer tapwatch/);
  });
});

for (const kind of ["flows", "rollups"] as const) {
  Deno.test(`a row of many flows counts as many, and makes no host of what stands for its sources, as ${kind}`, async () => {
    await withDatabasePath(async (path) => {
      const row = storedFlow(1, {
        ...{ orig_h: "0.0.0.0", resp_h: "192.168.1.2", end_reason: "summed", summed_flows: 4900 },
        ...{ local_orig: 1, local_resp: 1, name: "", ja4: "" },
      });
      const rows = kind === "flows"
        ? { kind, rows: [row] } as const
        : { kind, rows: rollUp([row]) } as const;
      const hub = openHub(path);
      await hub.commit([testAgent().batch(rows)], options);
      hub.close();
      const database = new DatabaseSync(path, { readOnly: true });
      const all = (sql: string) => database.prepare(sql).all().map((row) => Object.values(row));
      deepStrictEqual(all("SELECT flows FROM agent_sums LIMIT 1"), [[4900]]);
      deepStrictEqual(all("SELECT address, flows FROM agent_hosts"), [["192.168.1.2", 4900]]);
      deepStrictEqual(all("SELECT address FROM hosts"), [["192.168.1.2"]]);
      deepStrictEqual(
        all("SELECT key, flows FROM rollups WHERE kind = 'host' AND span_us = 60000000 ORDER BY 1"),
        [["", 4900], ["192.168.1.2", 4900]],
      );
      deepStrictEqual(
        all("SELECT summed_flows FROM flows"),
        kind === "flows" ? [[4900]] : [],
      );
      database.close();
    });
  });
}
