/**
 * Agents, engine and hub in processes of their own, killed and robbed while flows are produced. At the end all that agents have
 * produced is in the hub's database, and nothing stands there twice. `deno task fleet-faults` is the long form.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { connectEngine } from "../../agent/fleet/engine_link.ts";
import type { FleetFolder } from "../../agent/fleet/fleet_folder.ts";
import { HUB_NAME, STREAMS } from "../../agent/fleet/streams.ts";
import { hasNoEngine, TestEngine, until } from "../../agent/fleet/testing/engine.ts";
import { TestCluster } from "../../agent/fleet/testing/cluster.ts";
import { TestHost } from "../../agent/fleet/testing/host.ts";
import type { FleetState } from "../../agent/records.ts";
import { patienceMs } from "../program.ts";
import { byForm, randomMs, sleep } from "./lab.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A program that is started again whenever it ends, as systemd does. */
class Persistent {
  starts = 0;
  readonly #script: string;
  readonly #args: readonly string[];
  #process: Deno.ChildProcess | null = null;
  #isStopped = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(script: string, args: readonly string[]) {
    this.#script = script;
    this.#args = args;
  }

  start(): void {
    this.#isStopped = false;
    this.#ended = this.#run();
  }

  kill(): void {
    try {
      this.#process?.kill("SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.kill();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.starts++;
      this.#process = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", `--config=${root}deno.json`, "--frozen"]
          .concat(`--lock=${root}deno.lock`, `${root}agent/fleet/testing/${this.#script}`)
          .concat(this.#args),
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await this.#process.status;
      if (!this.#isStopped) await sleep(200);
    }
  }
}

/** A TestEngine or a TestCluster. */
interface Engine {
  readonly path: string;
  readonly folder: FleetFolder;
  readonly servers: readonly string[];
}

interface Lab<Of> {
  readonly engine: Of;
  readonly hub: Persistent;
  readonly agents: readonly Persistent[];
}

async function checkEngine(
  { agentCount, commitsMax = 0 }: { readonly agentCount: number; readonly commitsMax?: number },
  work: (lab: Lab<TestEngine>) => Promise<void>,
): Promise<void> {
  await using engine = await TestEngine.start();
  await hastenRedelivery(engine);
  const names = namesOf(agentCount);
  for (const name of names) engine.enroll(name);
  await engine.reload();
  const { path, folder, url } = engine;
  await check({ path, folder, servers: [url] }, {
    names,
    commitsMax,
    work: (lab) => work({ ...lab, engine }),
  });
}

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `host-${at + 1}`);
}

/** Runs `work` while agents produce, then lets all that is spooled arrive, and compares. */
async function check(
  engine: Engine,
  { names, commitsMax, work }: {
    readonly names: readonly string[];
    /** The hub kills itself within its first so many commits; 0 is never. */
    readonly commitsMax: number;
    readonly work: (lab: Lab<Engine>) => Promise<void>;
  },
): Promise<void> {
  const { servers } = engine;
  const files = names.map((name) => join(engine.folder.path, "agents", `${name}.json`));
  const path = join(engine.path, "packet_logs.db");
  const hubArgs = [path, servers.join(","), join(engine.folder.path, "hub.json")];
  const hub = new Persistent("hub_process.ts", [...hubArgs, String(commitsMax)]);
  const folders = names.map((name) => join(engine.path, name));
  folders.forEach((folder) => Deno.mkdirSync(folder));
  const agents = folders.map((folder, at) =>
    new Persistent("host_process.ts", [folder, servers.join(","), files[at]!])
  );
  hub.start();
  agents.forEach((agent) => agent.start());
  try {
    await work({ engine, hub, agents });
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    await hub.stop();
  }
  // What is left in the spools, by hosts that produce nothing more, to a hub that does not kill itself.
  const calm = new Persistent("hub_process.ts", [...hubArgs, "0"]);
  calm.start();
  const hosts = folders.map((folder, at) =>
    new TestHost(folder, { servers, credentialsFile: files[at]! })
  );
  hosts.forEach((host) => host.start());
  try {
    await until(
      () => hosts.every(({ state }, at) => isDrained(state) && isSent(folders[at]!)),
      "all that was spooled",
    ).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(hosts.map(({ state }) => state))}`);
    });
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
    await calm.stop();
  }
  deepStrictEqual(
    folders.map((folder) => compare(path, join(folder, "packet_logs.db"))),
    folders.map(() => ({ lost: 0, doubled: 0 })),
  );
}

function isDrained(state: TestHost["state"]): boolean {
  const { batches, flows, state: link } = state ?? {};
  return link === "connected" && batches === 0 && flows!.spooled > 0 &&
    flows!.spooled === flows!.committed;
}

/** All that was written has come to the spool, which a few flows reach after some seconds, and left it. What a host last told of itself is older. */
function isSent(folder: string): boolean {
  return isEmpty(join(folder, "packet_logs.db"), "fleet_feed") &&
    isEmpty(join(folder, "fleet.db"), "batches");
}

function isEmpty(path: string, table: string): boolean {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    return database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() === undefined;
  } finally {
    database.close();
  }
}

/** Flows that a host has written and the hub has not, and those that the hub has more often. */
function compare(hubPath: string, hostPath: string): { lost: number; doubled: number } {
  const database = new DatabaseSync(hubPath, { readOnly: true, timeout: 5000 });
  try {
    database.exec(`ATTACH '${hostPath}' AS host`);
    const name = hostPath.split("/").at(-2)!;
    const { id } = database.prepare("SELECT id FROM agents WHERE name = ?").get(name)!;
    const key = "start_us, end_us, orig_h, orig_p, resp_h, resp_p, orig_bytes";
    const own = `SELECT ${key}, count(*) AS n FROM main.flows WHERE agent = ${id} GROUP BY ${key}`;
    const theirs = `SELECT ${key}, count(*) AS n FROM host.flows GROUP BY ${key}`;
    const row = database.prepare(
      `SELECT ifnull(sum(max(theirs.n - ifnull(own.n, 0), 0)), 0) AS lost,
         ifnull(sum(max(ifnull(own.n, 0) - theirs.n, 0)), 0) AS doubled, count(*) AS kinds
       FROM (${theirs}) AS theirs LEFT JOIN (${own}) AS own USING (${key})`,
    ).get()!;
    ok(Number(row.kinds) > 0, `${name} has produced nothing`);
    const extra = database.prepare(
      `SELECT count(*) AS n FROM (${own}) AS own LEFT JOIN (${theirs}) AS theirs USING (${key})
       WHERE theirs.n IS NULL`,
    ).get()!;
    return { lost: Number(row.lost), doubled: Number(row.doubled) + Number(extra.n) };
  } finally {
    database.close();
  }
}

/** What the stream of flows holds of one agent. */
async function limitMessages(engine: TestEngine, count: number): Promise<void> {
  const connection = await connectEngine({
    servers: [engine.url],
    credentials: engine.credentials("admin"),
  });
  const { name } = STREAMS.flows;
  const info = await connection.request(`$JS.API.STREAM.INFO.${name}`);
  const config = { ...info.json<{ config: object }>().config, max_msgs_per_subject: count };
  const answer = await connection.request(`$JS.API.STREAM.UPDATE.${name}`, JSON.stringify(config));
  const { error } = answer.json<{ error?: unknown }>();
  await connection.close();
  if (error) throw new Error(JSON.stringify(error));
}

/** What an agent in a process of its own said last; nothing before its first word. */
function readState(folder: string): Partial<FleetState> {
  try {
    return JSON.parse(Deno.readTextFileSync(join(folder, "state.json"))) ?? {};
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What a killed hub had in hand comes again after two seconds. */
async function hastenRedelivery(engine: TestEngine): Promise<void> {
  const connection = await connectEngine({
    servers: [engine.url],
    credentials: engine.credentials("admin"),
  });
  for (const { name } of Object.values(STREAMS)) {
    const config = {
      durable_name: HUB_NAME,
      ack_policy: "explicit",
      deliver_policy: "all",
      ack_wait: 2_000_000_000,
      max_ack_pending: 20_000,
    };
    const answer = await connection.request(
      `$JS.API.CONSUMER.DURABLE.CREATE.${name}.${HUB_NAME}`,
      JSON.stringify({ stream_name: name, config }),
    );
    const { error } = answer.json<{ error?: unknown }>();
    if (error) throw new Error(JSON.stringify(error));
  }
  await connection.close();
}

Deno.test({
  name:
    "kill -9 of agent, hub and engine at random moments, and of the hub between commit and acknowledgement",
  ignore: hasNoEngine,
  fn: () =>
    checkEngine({ agentCount: byForm(2, 10), commitsMax: 4 }, async ({ engine, hub, agents }) => {
      for (let round = 0; round < byForm(1, 20); round++) {
        await sleep(1500 + randomMs(1500));
        agents[round % agents.length]!.kill();
        await sleep(randomMs(1500));
        await engine.stop("SIGKILL");
        await sleep(randomMs(1500));
        await engine.run();
        await sleep(500 + randomMs(1500));
        hub.kill();
      }
      // Else nothing has been tried between commit and acknowledgement.
      const killed = 1 + byForm(1, 20);
      await until(() => hub.starts > killed + 1, "a hub that kills itself");
    }),
});

Deno.test({
  name: "an engine that is down, and one that loses its disk while the hub lags",
  ignore: hasNoEngine || byForm(1, 0) === 1,
  fn: () =>
    checkEngine({ agentCount: 5 }, async ({ engine, hub }) => {
      await sleep(5000);
      await engine.stop("SIGKILL");
      await sleep(60_000);
      await engine.run();
      await sleep(10_000);
      await hub.stop();
      await sleep(5000);
      await engine.stop("SIGKILL");
      engine.loseDisk();
      await engine.run();
      await engine.makeStreams();
      hub.start();
      await sleep(10_000);
    }),
});

Deno.test({
  name: "a stream that overflows while the hub is away refuses, and nothing of it is lost",
  ignore: hasNoEngine,
  fn: () =>
    checkEngine({ agentCount: 1 }, async ({ engine, hub }) => {
      await limitMessages(engine, byForm(20, 400));
      const isFull = () => {
        const { state, detail, refusals = 0 } = readState(join(engine.path, "host-1"));
        return refusals > 0 && state === "refused" &&
          /maximum messages per subject/.test(detail ?? "");
      };
      await until(
        () => (readState(join(engine.path, "host-1")).flows?.committed ?? 0) > 0,
        "the first flows at the hub",
      );
      await hub.stop();
      await until(isFull, "the stream's refusal", byForm(1, 5) * patienceMs);
      await sleep(byForm(1000, 60_000));
      await until(isFull, "the stream's refusal until the hub comes");
      hub.start();
      await sleep(byForm(500, 5000));
    }),
});

Deno.test({
  name: "three nodes: the leader killed under load, then the next one killed and its disk lost",
  ignore: hasNoEngine || byForm(1, 0) === 1,
  fn: async () => {
    const names = namesOf(5);
    await using cluster = await TestCluster.start(names);
    await check(cluster, {
      names,
      commitsMax: 0,
      work: async () => {
        for (const losesDisk of [false, true]) {
          await sleep(10_000);
          const restart = await cluster.killLeader(STREAMS.flows.name, { losesDisk });
          await sleep(10_000);
          restart();
        }
        await sleep(15_000);
      },
    });
  },
});
