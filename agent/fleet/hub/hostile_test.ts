/** Agents that are enrolled and hostile, or broken: each rule also taken away, and then the hub grows beyond it. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreQueries } from "../../store/queries.ts";
import { anomalyRow } from "../../store/finding_rows.ts";
import { bruteForceFinding } from "../../store/testing.ts";
import { randomId } from "../base32.ts";
import { agentSubject } from "../streams.ts";
import { anomalyItem, incidentItem, many, rollupRow } from "../testing.ts";
import {
  BATCH_ROWS_MAX,
  decodeBatch,
  encodeBatch,
  INFLATED_BYTES_MAX,
  WireError,
} from "../wire.ts";
import { AGENT_LIMITS, type AgentLimits, type LimitedRows } from "./agent_limits.ts";
import { HubService } from "./hub_service.ts";
import type { HubWriter } from "./hub_writer.ts";
import {
  nothing,
  openHub,
  startUs,
  type TestAgent,
  testAgent,
  withDatabasePath,
} from "./testing.ts";

const max = 40;
const small = limitsOf(max);
const none = limitsOf(Infinity);
const options = { nowUs: startUs, judge: () => nothing };

function limitsOf(rows: number): AgentLimits {
  const kinds = Object.keys(AGENT_LIMITS) as LimitedRows[];
  return Object.fromEntries(kinds.map((kind) => [kind, rows])) as AgentLimits;
}

/** What an agent can make grow, with the table that it grows in. */
const attacks: Readonly<
  Record<LimitedRows, {
    readonly table: string;
    readonly attack: (hub: HubWriter, agent: TestAgent, round: number) => unknown;
  }>
> = {
  ledger: {
    table: "ledger",
    attack: (hub, { token }) =>
      many(10, (at) => hub.giveUp(token, randomId(), at % 2 ? "flows" : "findings", 100)),
  },
  sums: {
    table: "agent_sums",
    attack: (hub, agent, round) =>
      rollUps(hub, agent, (at) => {
        const us = startUs + (10 * round + at) * 3600 * 1_000_000;
        return { start_us: us, end_us: us };
      }),
  },
  hosts: {
    table: "agent_hosts",
    attack: (hub, agent, round) =>
      rollUps(hub, agent, (at) => ({ orig_h: `10.1.${round}.${at}`, ...timeOf(round) })),
  },
  names: {
    table: "agent_names",
    attack: (hub, agent, round) =>
      rollUps(hub, agent, (at) => ({ ja4: `${round} ${at}`, name: "", ...timeOf(round) })),
  },
  log_ins: {
    table: "log_ins",
    attack: (hub, agent, round) =>
      hub.commit([agent.batch({ kind: "rollups", rows: [rollupRow(round)] })], {
        nowUs: startUs,
        judge: () => {
          many(10, (at) => {
            const logIn = { orig: `10.1.${round}.${at}`, resp: "10.9.9.9", port: 22 };
            hub.known.logIns.add({ ...logIn, us: startUs + round }, 1);
          });
          return nothing;
        },
      }),
  },
  findings: {
    table: "anomalies",
    attack: (hub, agent, round) =>
      hub.commit([
        agent.batch({ kind: "findings", rows: many(10, (at) => anomalyItem(10 * round + at)) }),
      ], options),
  },
  incidents: {
    table: "agent_incidents",
    attack: (hub, agent, round) =>
      hub.commit([
        agent.batch({ kind: "incidents", rows: many(10, (at) => incidentItem(10 * round + at)) }),
      ], options),
  },
  incident_findings: {
    table: "agent_incident_findings",
    attack: (hub, agent, round) => {
      const findings = many(10, (at) => ({
        list: "scans" as const,
        id: 10 * round + at,
        role: "cause" as const,
      }));
      const rows = [{ ...incidentItem(1), findings }];
      return hub.commit([agent.batch({ kind: "incidents", rows })], options);
    },
  },
  letters: {
    table: "dead_letters",
    attack: (hub, { token }) =>
      hub.bury(
        many(10, () => ({
          agent: token,
          subject: "",
          messageId: "",
          reason: "it is damaged",
          version: null,
          body: new Uint8Array(9),
          stretch: null,
        })),
        startUs,
      ),
  },
};

function timeOf(round: number) {
  return { start_us: startUs + round, end_us: startUs + round };
}

function rollUps(
  hub: HubWriter,
  agent: TestAgent,
  changes: (at: number) => Parameters<typeof rollupRow>[1],
): unknown {
  const rows = many(10, (at) => rollupRow(at, changes(at)));
  return hub.commit([agent.batch({ kind: "rollups", rows })], options);
}

for (const [kind, { table, attack }] of Object.entries(attacks)) {
  Deno.test(`one agent cannot have ever more ${kind}: the oldest go, are counted, and no other agent's`, async () => {
    const grow = async (limits: AgentLimits) => {
      let [left, others, forgotten] = [0, 0, "{}"];
      await withDatabasePath(async (path) => {
        const hub = openHub(path, { limits });
        const [hostile, other] = [testAgent(), testAgent()];
        hub.agentNumber(hostile.token, startUs);
        if (kind !== "log_ins") await attack(hub, other, 0);
        for (let round = 1; round <= 20; round++) await attack(hub, hostile, round);
        hub.close();
        const database = new DatabaseSync(path);
        const count = (whose: string) =>
          Number(
            database.prepare(`SELECT count(*) AS n FROM ${table} WHERE agent ${whose} 1`).get()!.n,
          );
        [left, others] = [count("="), count("<>")];
        // Of what is seen at some time, the last is there.
        const last = { hosts: "address = '10.1.20.9'", names: "name = '20 9'" }[kind];
        if (last !== undefined) {
          const found = database.prepare(`SELECT 1 FROM ${table} WHERE ${last}`).get();
          ok(found !== undefined, last);
        }
        forgotten = String(
          database.prepare("SELECT forgotten FROM agents WHERE id = 1").get()!.forgotten,
        );
        database.close();
      });
      return { left, others, forgotten: JSON.parse(forgotten)[kind] ?? 0 };
    };
    const bounded = await grow(small);
    const free = await grow(none);
    ok(bounded.left <= max && bounded.left >= max / 2, JSON.stringify(bounded));
    ok(free.left >= 150, JSON.stringify(free));
    strictEqual(bounded.others, free.others);
    strictEqual(free.forgotten, 0);
    ok(bounded.forgotten >= free.left - max, JSON.stringify(bounded));
  });
}

Deno.test("incidents go with the last of an agent's findings in them, hosts with the last row of an agent", async () => {
  await withDatabasePath(async (path) => {
    const agent = testAgent();
    const hub = new HubService({
      path,
      retentionDays: 14,
      historyDays: 365,
      retentionBytes: 1e9,
      toolVersion: "0.0.0-test",
      nowUs: () => startUs,
      archive: null,
      limits: small,
      onJudged: () => {},
    });
    for (let id = 1; id <= 200; id++) {
      const finding = bruteForceFinding(id, { sources: [`203.0.113.${id}`], isOpen: false });
      const row = anomalyRow(finding, 1);
      const data = encodeBatch({
        kind: "findings",
        rows: [{ list: "anomalies", row, flow_ids: [] }],
      }, { epoch: agent.epoch, firstSeq: id, madeUs: 1 });
      const subject = agentSubject("findings", agent.token);
      await hub.take([{ subject, data, messageId: "", publishedUs: startUs }]);
    }
    for (let round = 1; round <= 20; round++) await attacks.hosts.attack(hub.writer, agent, round);
    hub.close();
    const database = new DatabaseSync(path);
    const count = (table: string) =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
    strictEqual(count("hosts"), count("agent_hosts"));
    strictEqual(count("incidents"), count("anomalies"));
    strictEqual(count("incident_findings"), count("anomalies"));
    ok(count("anomalies") <= max);
    database.close();
  });
});

Deno.test("an agent's dead letters are bounded in bytes, and those of others stay", async () => {
  await withDatabasePath((path) => {
    const hub = openHub(path);
    const letter = (agent: string, size: number) => ({
      agent,
      subject: "",
      messageId: "",
      reason: "version 9 is not known",
      version: 9,
      body: new Uint8Array(size),
      stretch: null,
    });
    const [hostile, other] = [randomId(), randomId()];
    hub.bury([letter(other, 100)], startUs);
    for (let at = 0; at < 20; at++) hub.bury([letter(hostile, 2 ** 20)], startUs);
    hub.close();
    const queries = new StoreQueries(path);
    const letters = queries.deadLetters(1000);
    deepStrictEqual(letters.map(({ size }) => size), [...many(8, () => 2 ** 20), 100]);
    queries.close();
  });
});

Deno.test("rows and inflated bytes are read at their bounds, and refused beyond them before anything is inflated", () => {
  const epoch = randomId();
  const head = { epoch, firstSeq: 1, madeUs: 1 };
  const rows = (count: number, bytes: number) =>
    many(count, (at) => rollupRow(at, { name: `${at}`.padEnd(bytes, "x") }));
  const full = encodeBatch({ kind: "rollups", rows: rows(BATCH_ROWS_MAX, 2000) }, head);
  strictEqual(decodeBatch(full).rowCount, BATCH_ROWS_MAX);
  const beyond = (offset: number, value: number) => {
    const message = full.slice();
    new DataView(message.buffer).setUint32(offset, value);
    return message;
  };
  const faults = [
    [beyond(34, BATCH_ROWS_MAX + 1), "size"],
    [beyond(34, 2 ** 32 - 1), "size"],
    [beyond(38, INFLATED_BYTES_MAX + 1), "size"],
    [beyond(38, 2 ** 32 - 1), "size"],
    // It says less than it inflates to.
    [beyond(38, 1000), "damaged"],
    [beyond(38, INFLATED_BYTES_MAX), "damaged"],
  ] as const;
  for (const [message, fault] of faults) {
    try {
      decodeBatch(message);
      ok(false, "it was read");
    } catch (error) {
      ok(error instanceof WireError);
      strictEqual(error.fault, fault);
    }
  }
});

Deno.test("many of the largest messages at once need the memory of a few", async () => {
  await withDatabasePath(async (path) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--frozen",
        "--lock=deno.lock",
        // All of them are 200 MiB; without parts it ends here.
        "--v8-flags=--max-old-space-size=112",
        new URL("../testing/hostile_process.ts", import.meta.url).pathname,
        path,
        "96",
      ],
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await command.output();
    strictEqual(code, 0, new TextDecoder().decode(stderr).slice(0, 500));
    const { rows, inflated } = JSON.parse(new TextDecoder().decode(stdout));
    strictEqual(rows, 96 * BATCH_ROWS_MAX);
    ok(inflated > 190 * 2 ** 20, String(inflated));
  });
});
