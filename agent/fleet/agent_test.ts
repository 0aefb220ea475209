/** An agent, a real nats-server and a hub, and what happens to each: produced is stored, nothing twice. */
import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreQueries } from "../store/queries.ts";
import { FleetAgent } from "./agent.ts";
import { readCredentials } from "./credentials.ts";
import { connectEngine } from "./engine_link.ts";
import { HubService } from "./hub/hub_service.ts";
import { Receiver } from "./hub/receiver.ts";
import { STREAMS } from "./streams.ts";
import { hasNoEngine, TestEngine, until } from "./testing/engine.ts";
import { TestHost } from "./testing/host.ts";

const second = 1000;

class TestHub {
  readonly path: string;
  #service: HubService | null = null;
  #receiver: Receiver | null = null;
  #ticker = 0;
  readonly #engine: TestEngine;

  constructor(engine: TestEngine) {
    this.#engine = engine;
    this.path = join(engine.path, "hub.db");
  }

  start(): void {
    this.#service = new HubService({
      path: this.path,
      retentionDays: 36_500,
      historyDays: 36_500,
      retentionBytes: 1e9,
      toolVersion: "0.0.0-test",
      nowUs: () => Date.now() * 1000,
      archive: null,
      onJudged: () => {},
    });
    this.#ticker = setInterval(() => this.#service?.tick(), 500);
    this.#receiver = new Receiver({
      servers: [this.#engine.url],
      credentials: () => this.#engine.credentials("hub"),
      service: this.#service,
      onState: () => {},
      onNote: () => {},
      waitMs: 200,
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#receiver?.stop();
    this.#service?.close();
    this.#receiver = null;
    this.#service = null;
  }

  count(table: "flows" | "scans" | "incidents"): number {
    const database = new DatabaseSync(this.path, { readOnly: true, timeout: 10_000 });
    try {
      return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count);
    } finally {
      database.close();
    }
  }
}

interface Fleet {
  readonly engine: TestEngine;
  readonly hub: TestHub;
  readonly host: TestHost;
  readonly file: string;
}

function test(
  name: string,
  work: (fleet: Fleet) => Promise<void>,
  options: { readonly spoolBytesMax?: number; readonly level?: "flows" | "rollups" | "findings" } =
    {},
): void {
  Deno.test({
    name,
    ignore: hasNoEngine,
    fn: async () => {
      await using engine = await TestEngine.start();
      const { file } = engine.enroll("web-01");
      await engine.reload();
      const hub = new TestHub(engine);
      const folder = join(engine.path, "web-01");
      Deno.mkdirSync(folder);
      const host = new TestHost(folder, {
        servers: [engine.url],
        credentialsFile: file,
        ...options,
      });
      try {
        await work({ engine, hub, host, file });
      } finally {
        await host.close();
        await hub.stop();
      }
    },
  });
}

test("health is sent once connected, each 30 s, and at the end", async ({ engine, file }) => {
  const admin = await connectEngine({
    servers: [engine.url],
    credentials: engine.credentials("admin"),
  });
  /** Health messages that the engine has ever taken. */
  const taken = async () => {
    const answer = await admin.request(`$JS.API.STREAM.INFO.${STREAMS.health.name}`);
    return answer.json<{ state: { last_seq: number } }>().state.last_seq;
  };
  const agent = new FleetAgent({
    servers: [engine.url],
    credentials: readCredentials(file, "agent"),
    credentialsFile: file,
    databasePath: join(engine.path, "web-01", "packet_logs.db"),
    spoolPath: join(engine.path, "web-01", "fleet.db"),
    level: "flows",
    spoolBytesMax: 1e9,
    site: "",
    dashboardUrl: "",
  }, () => {});
  const startMs = Date.now();
  try {
    await until(
      async () => {
        agent.tick(startMs);
        return await taken() > 0;
      },
      "the first",
    );
    for (let s = 1; s <= 900; s++) agent.tick(startMs + s * second);
    await until(async () => await taken() >= 31, "those of a quarter of an hour");
  } finally {
    await agent.stop();
  }
  await until(async () => await taken() >= 32, "the last");
  strictEqual(await taken(), 1 + 30 + 1);
  await admin.close();
});

/** Until all that was produced has left the spool. */
async function allIsCommitted(fleet: Fleet, produced: number): Promise<void> {
  const { host } = fleet;
  const isDone = () =>
    host.state?.batches === 0 &&
    host.state.flows.committed + host.state.flows.givenUp === produced;
  await until(isDone, `the commit of ${produced} flows`).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(host.state)} ${host.notes.join(" ")}`);
  });
}

test("flows, findings, incidents and the agent's state reach the hub, and leave the spool", async (fleet) => {
  const { hub, host } = fleet;
  hub.start();
  host.start();
  // What is sent before the hub is known goes once more when it is.
  await until(() => (host.state?.committedUs ?? null) !== null, "the hub's word");
  host.find(1);
  host.produce(1500);
  await until(() => hub.count("incidents") === 1, "the incident");
  await allIsCommitted(fleet, 1500);
  strictEqual(hub.count("flows"), 1500);
  strictEqual(hub.count("scans"), 1);
  strictEqual(host.state!.resent, 0);
  strictEqual(host.state!.state, "connected");
  strictEqual(host.state!.findings.committed, 2);
});

test("an engine that is away for some seconds, is killed, and loses its disk while the hub lags, costs nothing", async (fleet) => {
  const { engine, hub, host } = fleet;
  hub.start();
  host.start();
  host.produce(1000);
  await allIsCommitted(fleet, 1000);
  await engine.stop();
  host.produce(1500);
  await until(() => host.state?.state === "down", "down");
  strictEqual(host.state!.flows.spooled, 2500);
  await new Promise((resolve) => setTimeout(resolve, second));
  await engine.run();
  await allIsCommitted(fleet, 2500);
  // The hub is away: the engine has it, and acknowledged it, and loses it.
  await hub.stop();
  host.produce(2000);
  await until(() => host.state!.flows.spooled === 4500, "the spool");
  await new Promise((resolve) => setTimeout(resolve, second));
  strictEqual(host.state!.flows.committed, 2500, "only the hub's word deletes");
  await engine.stop("SIGKILL");
  engine.loseDisk();
  await engine.run();
  host.produce(500);
  await until(() => host.state?.state === "refused", "refused");
  match(host.state!.detail, /streams are missing/);
  await engine.makeStreams();
  hub.start();
  await allIsCommitted(fleet, 5000);
  strictEqual(hub.count("flows"), 5000);
});

test(
  "a spool that overflows gives up flows, never findings; both sides can say how many",
  async (fleet) => {
    const { engine, hub, host } = fleet;
    host.start();
    await until(() => host.state?.state === "connected", "connected");
    await engine.stop();
    for (let round = 0; round < 40; round++) host.produce(500);
    host.find(1);
    await until(() => (host.state?.flows.givenUp ?? 0) > 0, "given up");
    host.produce(500);
    await engine.run();
    hub.start();
    await allIsCommitted(fleet, 20_500);
    const { committed, givenUp } = host.state!.flows;
    ok(givenUp > 1000 && committed > 1000, `${givenUp}, ${committed}`);
    strictEqual(hub.count("flows"), committed);
    strictEqual(hub.count("incidents"), 1);
    await host.stop();
    await until(() => reportedGivenUp(hub.path) === givenUp, "the report");
  },
  { spoolBytesMax: 60_000 },
);

test("a revoked agent says so, spools on, and is back once enrolled again, without a restart", async (fleet) => {
  const { engine, hub, host, file } = fleet;
  hub.start();
  host.start();
  host.produce(500);
  await allIsCommitted(fleet, 500);
  const credentials = Deno.readTextFileSync(file);
  engine.folder.revoke("web-01", 0);
  Deno.writeTextFileSync(file, credentials);
  await engine.reload();
  await until(() => host.state?.state === "rejected", "rejected");
  host.produce(500);
  await until(() => host.state?.flows.spooled === 1000, "the spool");
  Deno.removeSync(file);
  engine.enroll("web-01");
  await engine.reload();
  await allIsCommitted(fleet, 1000);
  strictEqual(hub.count("flows"), 1000);
});

test("at the end what was written last is sent, or waits for the next start", async (fleet) => {
  const { hub, host } = fleet;
  hub.start();
  host.start();
  await until(() => host.state?.state === "connected", "connected");
  host.produce(20);
  await host.stop();
  // On a busy machine the moment for it may not suffice.
  const { flows, batches } = host.state!;
  strictEqual(flows.spooled, 20);
  if (batches > 0) host.start();
  await until(() => hub.count("flows") === 20, "20 flows");
});

Deno.test({
  name: "agent and hub killed at random moments: what the agent's database has is what the hub has",
  ignore: hasNoEngine,
  fn: async () => {
    await using engine = await TestEngine.start();
    const { file } = engine.enroll("web-01");
    await engine.reload();
    const hub = new TestHub(engine);
    const folder = join(engine.path, "web-01");
    Deno.mkdirSync(folder);
    const spawn = () =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", "--no-check", "--frozen", "--lock=deno.lock"].concat(
          new URL("./testing/host_process.ts", import.meta.url).pathname,
          folder,
          engine.url,
          file,
        ),
        stdin: "null",
        stdout: "null",
      }).spawn();
    // While it is being made there is nothing to read.
    const flowsIn = (path: string) => {
      const queries = new StoreQueries(path);
      try {
        return Number(queries.meta().flows_rows ?? 0);
      } catch {
        return 0;
      } finally {
        queries.close();
      }
    };
    const database = join(folder, "packet_logs.db");
    hub.start();
    for (let round = 0; round < 3; round++) {
      const before = flowsIn(database);
      const process = spawn();
      await until(() => flowsIn(database) > before, "flows");
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 2 * second));
      process.kill("SIGKILL");
      await process.status;
      if (round === 1) await engine.stop("SIGKILL");
      if (round === 1) await engine.run();
      await hub.stop();
      hub.start();
    }
    const host = new TestHost(folder, { servers: [engine.url], credentialsFile: file });
    try {
      host.start();
      const produced = flowsIn(database);
      ok(produced > 1000);
      await until(() => hub.count("flows") === produced, "all flows").catch(
        (error) => {
          throw new Error(
            `${error.message}: ${produced}, ${hub.count("flows")}, ${JSON.stringify(host.state)}`,
          );
        },
      );
      await until(() => host.state?.batches === 0, "an empty spool");
      strictEqual(host.state!.flows.committed, produced);
      strictEqual(host.state!.flows.givenUp, 0);
      strictEqual(hub.count("flows"), produced);
    } finally {
      await host.close();
      await hub.stop();
    }
  },
});

function reportedGivenUp(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  try {
    const row = database.prepare("SELECT health FROM agents").get();
    return JSON.parse(String(row?.health ?? "{}")).flows?.given_up ?? -1;
  } finally {
    database.close();
  }
}
