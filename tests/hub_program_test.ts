/** The hub as users meet it: agents over a real engine, its pages, and one alert for what many agents have seen. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { hostOf, knock } from "../agent/fleet/hub/detect/testing.ts";
import { FleetFolder } from "../agent/fleet/fleet_folder.ts";
import { readServer } from "../agent/fleet/servers.ts";
import { hasNoEngine, makeKey, TestEngine, until } from "../agent/fleet/testing/engine.ts";
import { Publisher } from "../agent/fleet/testing/publisher.ts";
import { storedFlow } from "../agent/fleet/testing.ts";
import type { FindingItem } from "../agent/fleet/wire.ts";
import { scanRow } from "../agent/store/finding_rows.ts";
import { scanFinding } from "../agent/store/testing.ts";
import { freePort, Program, runProgram, withFolder } from "./program.ts";

const scanner = "203.0.113.9";
const other = "203.0.113.77";
const agentCount = 5;

/** What an agent has found by itself. */
function ownScan(number: number, id = 1, source = scanner): FindingItem {
  const nowUs = Date.now() * 1000;
  const { scan, ...finding } = scanFinding(id, {
    sources: [source],
    targets: [hostOf(number)],
    targetCount: 1,
    firstUs: nowUs,
    lastUs: nowUs,
    detectedUs: nowUs,
    severity: "high",
    flowIds: [],
  });
  return { list: "scans", row: scanRow({ ...finding, scan: scan! }, 1), flow_ids: [] };
}

Deno.test({
  name:
    "what five agents see of one source is one incident on the hub's pages, and one alert, also after kill -9",
  ignore: hasNoEngine,
  fn: async () => {
    await using engine = await TestEngine.start();
    const names = Array.from({ length: agentCount }, (_, at) => `web-${at + 1}`);
    const ids = names.map((name) => engine.enroll(name).id);
    await engine.reload();
    const posts: string[] = [];
    const hook = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        posts.push(await request.text());
        return new Response("thanks");
      },
    );
    const args = ["hub", "--fleet-credentials", join(engine.folder.path, "hub.json")].concat(
      ["--fleet-folder", engine.folder.path, "--results", join(engine.path, "hub")],
      ["--port", String(freePort()), "--webhook", `http://127.0.0.1:${hook.addr.port}/`],
    );
    let hub = await Program.start(args);
    const agents = await Promise.all(
      names.map((name, at) => Publisher.connect(engine, name, ids[at]!)),
    );
    const get = async (path: string) => await (await fetch(`${hub.url}${path}`)).json();
    // None may fall silent, however slow the machine.
    const pulse = setInterval(
      () => agents.forEach((agent, at) => agent.sendHealth(names[at]!)),
      20_000,
    );
    /** Whom each alert is about, once all are sent. */
    const alerted = async (count: number): Promise<string[]> => {
      let alerts: { readonly state: string; readonly source: string }[] = [];
      await until(async () => {
        ({ alerts } = await get("/api/alerts"));
        return alerts.length >= count && alerts.every(({ state }) => state === "sent");
      }, "the alerts' end");
      return alerts.map(({ source }) => source).sort();
    };
    try {
      agents.forEach((agent, at) => agent.sendHealth(names[at]!));
      await until(async () => (await get("/api/agents")).agents?.length === 5, "agents");
      const nowUs = Date.now() * 1000;
      agents.forEach((agent, at) => {
        const rows = [1, 2].map((id) => storedFlow(id, knock(scanner, at + 1, nowUs)));
        agent.send({ kind: "flows", rows }, 1);
        agent.send({ kind: "findings", rows: [ownScan(at + 1)] }, 1);
      });
      await until(() => posts.length > 0, "an alert");
      await until(
        async () => (await get("/api/incidents")).incidents[0]?.finding_count >= 6,
        "the evidence of all",
      );
      const { incidents } = await get("/api/incidents");
      strictEqual(incidents.length, 1);
      strictEqual(incidents[0].actor, scanner);
      match(incidents[0].headline, /scanned hosts of \d of 5 agents/);
      deepStrictEqual((await get("/api/flows?q=src+203.0.113.9+and+agent+web-4")).flows.length, 2);
      strictEqual((await hub.get("/readyz")).trim(), "ready");
      deepStrictEqual(await alerted(1), [scanner]);
      strictEqual(posts.length, 1);
      await hub.stop("SIGKILL");
      hub = await Program.start(args);
      agents[0]!.send({ kind: "findings", rows: [ownScan(1)] }, 2);
      await until(
        () =>
          agents[0]!.notices.some(({ channel, through }) =>
            channel === "findings" && through === 2
          ),
        "the next finding",
      );
      // What is told of another comes after all that would be told of the first.
      agents[1]!.send({ kind: "findings", rows: [ownScan(2, 2, other)] }, 2);
      deepStrictEqual(await alerted(2), [other, scanner]);
      strictEqual((await get("/api/incidents")).incidents.length, 2);
      deepStrictEqual(
        posts.map((post) => [scanner, other].filter((source) => post.includes(source))),
        [[scanner], [other]],
      );
      strictEqual(await hub.stop(), 0);
    } finally {
      clearInterval(pulse);
      await hub[Symbol.asyncDispose]();
      await Promise.all(agents.map((agent) => agent.close()));
      await hook.shutdown();
    }
  },
});

Deno.test("a hub says what it lacks: credentials, its own and not an agent's, and where flows are kept", async () => {
  const none = await runProgram(["hub"]);
  strictEqual(none.code, 2);
  match(none.stderr, /Cannot read the fleet's credentials fleet\/hub\.json/);
  for (
    const [store, what] of [
      ["mysql", /must be sqlite or look like/],
      ["http://u:p@host:8123/db", /TAPWATCH_HUB_STORE_PASSWORD/],
      ["http://host:8123/a/b", /more than a database/],
    ] as const
  ) {
    const refused = await runProgram(["hub", "--hub-store", store]);
    strictEqual(refused.code, 2);
    match(refused.stderr, what);
    ok(!refused.stderr.includes(":p@"));
  }
  await withFolder(async (folder) => {
    const fleet = new FleetFolder(join(folder, "fleet"));
    const servers = [readServer("tls://127.0.0.1:1")];
    fleet.init({ servers, storeGb: 1, makeKey, nowMs: Date.now() });
    const away = await runProgram(["hub", "--hub-store", "http://127.0.0.1:1/x"], { cwd: folder });
    strictEqual(away.code, 1);
    match(away.stderr, /ClickHouse at http:\/\/127\.0\.0\.1:1 cannot be reached/);
  });
});
