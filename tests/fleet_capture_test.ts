/** Capture never waits for the fleet: with an engine that is away, and with one that takes connections and never says a word. */
import { ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FleetFolder } from "../agent/fleet/fleet_folder.ts";
import { readServer } from "../agent/fleet/servers.ts";
import { makeKey } from "../agent/fleet/testing/engine.ts";
import { makeFrames, runInNamespace, withVeth, writePcap } from "./live_veth.ts";
import {
  freePort,
  metricOf,
  missingForRoot,
  missingNamespaces,
  Program,
  testWith,
  withFolder,
} from "./program.ts";

const missing = missingForRoot("ip", "sysctl", "tcpreplay") || await missingNamespaces();
const packetCount = 5000;
const places = ["kernel", "interface", "queue", "recorder", "store"];

/** Takes connections and says nothing. */
class SilentEngine implements Disposable {
  readonly connections: Deno.Conn[] = [];
  readonly #listener: Deno.Listener;

  constructor(port: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#serve();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.connections) connection.close();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) this.connections.push(connection);
  }
}

/** Rows that a spool holds. */
function waiting(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const { rows } = database.prepare("SELECT sum(last_seq - first_seq + 1) AS rows FROM batches")
    .get()!;
  database.close();
  return Number(rows);
}

async function capturesAll(port: number, isTried: (metrics: string) => boolean): Promise<void> {
  await withFolder((folder) =>
    withVeth(async (veth) => {
      const fleet = new FleetFolder(join(folder, "fleet"));
      const servers = [readServer(`tls://127.0.0.1:${port}`)];
      fleet.init({ servers, storeGb: 1, makeKey, nowMs: Date.now() });
      const { file } = fleet.enroll("web-1", makeKey, Date.now() * 1000);
      const capture = ["run", "--allow-ffi", "-i", veth.device, "--results", "r"];
      const reports = ["--fleet", `tls://127.0.0.1:${port}`, "--fleet-credentials", file];
      await using program = await Program.start([...capture, ...reports], { cwd: folder });
      const up = `tapwatch_capture_up{interface="${veth.device}"}`;
      await program.untilMetrics((metrics) => metricOf(metrics, up) === 1 && isTried(metrics));
      const path = await writePcap(makeFrames(packetCount, 200));
      const send = ["tcpreplay", "--quiet", "--pps=2000", "--intf1", veth.far, path];
      strictEqual((await runInNamespace(veth, send).status).success, true);
      await Deno.remove(path);
      const metrics = await program.untilMetrics((text) =>
        metricOf(text, "tapwatch_packets_total") >= packetCount
      );
      strictEqual(metricOf(metrics, "tapwatch_packets_total"), packetCount);
      for (const place of places) {
        strictEqual(metricOf(metrics, `tapwatch_capture_drops_total{where="${place}"}`), 0, place);
      }
      strictEqual(await program.stop(), 0);
      ok(waiting(join(folder, "r/fleet.db")) > 0, "what was seen waits for the fleet");
    })
  );
}

testWith(
  missing,
  "run counts every packet and drops none while the fleet's engine is away",
  () => capturesAll(freePort(), () => true),
);

testWith(
  missing,
  "run counts every packet and drops none while the fleet's engine takes connections and never answers",
  async () => {
    const port = freePort();
    using engine = new SilentEngine(port);
    await capturesAll(port, () => engine.connections.length > 0);
  },
);
