/** The EVE log of the whole program: what a replay writes is what the database has, in lines as Suricata's schema wants them. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseEveLine } from "../agent/eve/testing/suricata_schema.ts";
import { Namespaces } from "./live_namespaces.ts";
import {
  demoCapture,
  metricOf,
  missingForRoot,
  missingNamespaces,
  Program,
  testWith,
  withFolder,
} from "./program.ts";

const field = (name: string) => fileURLToPath(new URL(`fixtures/field/${name}`, import.meta.url));

// deno-lint-ignore no-explicit-any
type Line = any;

async function replay(capture: string, cwd: string, args: readonly string[] = []) {
  const program = await Program.start(
    ["replay", capture, "--speed", "max", "--results", "r", "--log-packets", "all", ...args],
    { cwd },
  );
  await program.logged(/file is at its end/);
  return program;
}

function readLines(path: string): Line[] {
  const text = Deno.readTextFileSync(path);
  ok(text.endsWith("\n"));
  return text.trimEnd().split("\n").map(parseEveLine);
}

function query(folder: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(`${folder}/packet_logs.db`, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** What the database has of each packet that was read beyond its headers, as the EVE lines tell it. */
function storedDetails(folder: string): string[] {
  const rows = query(
    folder,
    "SELECT flow_id, application, info FROM packets WHERE application IN ('dns', 'tls', 'http', 'quic')",
  );
  return rows.flatMap(({ flow_id: flow, application, info }) => {
    const text = String(info);
    const told = application === "dns"
      ? /^asks |^[A-Z]+ [A-Z0-9]+ [^ ]+(: |$)/.test(text)
      : application === "http"
      ? /^status \d+$|^[A-Z]+ ?\S*\//.test(text)
      : text.startsWith("ClientHello");
    if (!told) return [];
    return [`${flow} ${application === "quic" ? "tls" : application}`];
  }).sort();
}

for (
  const capture of [
    demoCapture,
    field("tunnel_gtpu_web.pcap"),
    field("dns_tcp_length_apart_tunnel.pcap"),
    field("proxy_protocol_v1.pcap"),
    field("public_server_scanned_30_ports_severity.pcap"),
  ]
) {
  Deno.test(`the EVE log of ${capture.split("/").at(-1)} has all that the database has`, () =>
    withFolder(async (cwd) => {
      await using program = await replay(capture, cwd, ["--eve-log"]);
      const folder = `${cwd}/r`;
      const lines = readLines(`${folder}/eve.json`);
      const byType = Object.groupBy(lines, ({ event_type: type }) => type) as Record<
        string,
        Line[]
      >;
      const flows = query(
        folder,
        "SELECT id, community_id, orig_h, resp_h, resp_pkts, orig_wire_bytes FROM flows ORDER BY id",
      ).map((row) => Object.values(row));
      deepStrictEqual(
        (byType.flow ?? []).map((line) => [
          line.flow_id,
          line.community_id,
          line.src_ip,
          line.dest_ip,
          line.flow.pkts_toclient,
          line.flow.bytes_toserver,
        ]).sort((a, b) => a[0] - b[0]),
        flows,
      );
      const details = ["dns", "tls", "http"].flatMap((type) =>
        (byType[type] ?? []).map((line) => `${line.flow_id} ${type}`)
      );
      deepStrictEqual(details.sort(), storedDetails(folder));
      const ids = new Map(flows.map(([id, communityId]) => [id, communityId]));
      for (const line of lines.filter((each) => ["dns", "tls", "http"].includes(each.event_type))) {
        strictEqual(line.community_id, ids.get(line.flow_id));
      }
      const [counts] = query(
        folder,
        `SELECT (SELECT count(*) FROM scans) + (SELECT count(*) FROM anomalies WHERE kind <> 'anomaly') AS alerts,
          (SELECT count(*) FROM anomalies WHERE kind = 'anomaly') AS anomalies,
          (SELECT count(*) FROM incidents) AS incidents,
          (SELECT sum(packets) FROM stats) AS packets`,
      );
      const isIncident = ({ alert }: Line) => alert.signature_id === 1_000_100;
      const alerts = byType.alert ?? [];
      strictEqual(alerts.filter((line) => !isIncident(line)).length, counts!.alerts);
      strictEqual((byType.anomaly ?? []).length, counts!.anomalies);
      const incidents = new Set(
        alerts.filter(isIncident).map(({ alert }) => alert.metadata.incident[0]),
      );
      ok(incidents.size >= Number(counts!.incidents));
      ok(lines.filter(({ alert }) => alert).every(({ alert }) => alert.metadata.incident));
      strictEqual(byType.stats!.at(-1)!.stats.decoder.pkts, counts!.packets);
      const metrics = await program.get("/metrics");
      match(metrics, new RegExp(`^tapwatch_eve_lines_total ${lines.length}$`, "m"));
      match(metrics, /^tapwatch_eve_lines_dropped_total 0$/m);
    }));
}

Deno.test("a replay that is done again adds no line", () =>
  withFolder(async (cwd) => {
    await using first = await replay(demoCapture, cwd, ["--eve-log"]);
    const before = await Deno.readTextFile(`${cwd}/r/eve.json`);
    await first.stop();
    await using _second = await replay(demoCapture, cwd, ["--eve-log"]);
    strictEqual(await Deno.readTextFile(`${cwd}/r/eve.json`), before);
  }));

Deno.test("a log that cannot be written is told and counted, and holds nothing up", () =>
  withFolder(async (cwd) => {
    await Deno.mkdir(`${cwd}/r/eve.json`, { recursive: true });
    await using program = await replay(demoCapture, cwd, ["--eve-log"]);
    match(program.log, /Cannot write r\/eve\.json: /);
    match(program.log, /lost: eve [\d,]+\./);
    ok(await program.metric("tapwatch_eve_lines_dropped_total") > 100);
    match(await program.get("/status"), /Cannot write r\/eve\.json/);
    ok(query(`${cwd}/r`, "SELECT id FROM flows").length > 100);
  }));

Deno.test("without --eve-log there is none", () =>
  withFolder(async (cwd) => {
    await using _program = await replay(field("proxy_protocol_v1.pcap"), cwd);
    ok(![...Deno.readDirSync(`${cwd}/r`)].some(({ name }) => name.startsWith("eve")));
  }));

const missing = missingForRoot("ip", "sysctl", "nmap", "tcpdump") || await missingNamespaces();

testWith(
  missing,
  "live, lines go on in a new file when the log is moved, and none is missing",
  () =>
    withFolder(async (cwd) => {
      await using namespaces = await Namespaces.create();
      const options = ["run", "--allow-ffi", "--results", "r", "--eve-log"];
      await using program = await Program.start(options, { cwd, prefix: namespaces.onSensor });
      const watcher = namespaces.watch(program);
      await watcher.until(({ metrics }) =>
        metricOf(metrics, 'tapwatch_capture_up{interface="tw0"}') === 1
      );
      await namespaces.makeTraffic(0);
      await watcher.until(({ metrics }) => metricOf(metrics, "tapwatch_eve_lines_total") > 10);
      await Deno.rename(`${cwd}/r/eve.json`, `${cwd}/r/eve.json.1`);
      await program.logged(/eve\.json was moved or removed; a new one is begun/);
      await namespaces.makeTraffic(0);
      strictEqual(await program.stop(), 0, program.log);
      const lines = [...readLines(`${cwd}/r/eve.json.1`), ...readLines(`${cwd}/r/eve.json`)];
      const flows = lines.filter(({ event_type: type }) => type === "flow");
      deepStrictEqual(
        flows.map(({ flow_id: id }) => id).sort((a, b) => a - b),
        query(`${cwd}/r`, "SELECT id FROM flows ORDER BY id").map(({ id }) => id),
      );
      ok(flows.length > 10, `${flows.length} flows`);
    }),
);
