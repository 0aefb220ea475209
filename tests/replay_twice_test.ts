/** A file that is replayed again into the same folder, whole, in parts and after a kill, adds nothing twice. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { HOST_COLUMNS } from "../agent/store/schema.ts";
import { demoCapture, metricOf, Program, withFolder } from "./program.ts";

const hostColumns = HOST_COLUMNS.map((column) => `hosts.${column}`).join(", ");
const demoPackets = 25_208;
const pcapHeader = 24;

/** What the database says, but for numbers that a finding gets when it is found, and levels of seconds. */
function contentOf(folder: string): Record<string, unknown> {
  const database = new DatabaseSync(`${folder}/packet_logs.db`, { readOnly: true });
  const all = (sql: string) => database.prepare(sql).all().map((row) => Object.values(row));
  try {
    return {
      packets: all("SELECT count(*), sum(wire_length), count(DISTINCT flow_id) FROM packets"),
      flows: all("SELECT * FROM flows ORDER BY id"),
      seconds: all(
        "SELECT ts_us, packets, bytes, new_flows, tcp_packets FROM stats ORDER BY ts_us",
      ),
      minutes: all("SELECT ts_us, packets, bytes FROM stats_minutes ORDER BY ts_us"),
      hosts: all(`SELECT ${hostColumns}, key FROM hosts LEFT JOIN devices ON devices.id = device_id
         ORDER BY hosts.address`),
      devices: all(
        `SELECT key, name, first_seen_us, last_seen_us, in_bytes, out_bytes FROM devices ORDER BY key`,
      ),
      hours: all(`SELECT key, hour_us, device_hours.in_bytes, device_hours.out_bytes
         FROM device_hours JOIN devices ON devices.id = device_id ORDER BY 1, 2`),
      peers: all(
        `SELECT key, peer, first_us FROM device_peers JOIN devices ON devices.id = device_id
         ORDER BY 1, 2`,
      ),
      services: all(`SELECT key, is_offered, proto, port, service, first_us
         FROM device_services JOIN devices ON devices.id = device_id ORDER BY 1, 2, 3, 4`),
      // Which keys of a bucket are trimmed depends on the batches; what they sum up to does not.
      rollups: all(
        `SELECT span_us, kind, ts_us, sum(packets), sum(bytes), sum(in_bytes), sum(out_bytes), sum(flows)
         FROM rollups WHERE kind <> 'windows' GROUP BY 1, 2, 3`,
      ),
      // Of a replay that was ended early those that it had judged stay as they are (decision 0010).
      windows: all("SELECT sum(packets), sum(flows) FROM rollups WHERE kind = 'windows'"),
      hostRollups: all("SELECT * FROM rollups WHERE kind = 'host' ORDER BY span_us, ts_us, key"),
      scans: all(
        "SELECT first_us, last_us, sources, targets, attempts, is_open, reason FROM scans",
      ),
      anomalies: all(
        "SELECT kind, first_us, last_us, sources, amount, is_open, reason FROM anomalies ORDER BY id",
      ),
      incidents: all("SELECT id, state, first_us, last_us, headline, finding_count FROM incidents"),
      joined: all(
        "SELECT list, incident_id, role, count(*) FROM incident_findings GROUP BY 1, 2, 3",
      ),
      counts: all("SELECT key, value FROM meta WHERE key LIKE '%_rows' ORDER BY key"),
    };
  } finally {
    database.close();
  }
}

function sumOf(rows: unknown): number {
  return Number((rows as number[][])[0]?.[0] ?? 0);
}

function ringBytes(folder: string): number {
  return [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".pcap"))
    .reduce((sum, { name }) => sum + Deno.statSync(`${folder}/${name}`).size - pcapHeader, 0);
}

async function start(cwd: string, speed: string, path = demoCapture): Promise<Program> {
  const args = ["replay", path, "--speed", speed, "--log-packets", "all", "--results", "r"];
  return await Program.start(args, { cwd });
}

/** Replays the whole file; what was logged. */
async function replayWhole(cwd: string, path?: string): Promise<string> {
  await using program = await start(cwd, "max", path);
  await program.logged(/The file is at its end; everything is written/);
  strictEqual(await program.metric("tapwatch_packets_total"), demoPackets);
  await program.stop("SIGINT");
  return program.log;
}

Deno.test("a file that is replayed again, whatever it is called, adds nothing and says so", () =>
  withFolder(async (cwd) => {
    ok(!(await replayWhole(cwd)).includes("before"));
    const content = contentOf(`${cwd}/r`);
    const bytes = ringBytes(`${cwd}/r`);
    deepStrictEqual((content.packets as number[][])[0]![0], demoPackets);
    await Deno.copyFile(demoCapture, `${cwd}/copy.gz`);
    for (const path of [demoCapture, `${cwd}/copy.gz`]) {
      const log = await replayWhole(cwd, path);
      match(log, /was read into this results folder before .* nothing of it is added twice/);
      match(log, /25,208 packets seen, 0 written to capture files, 0 rows to the database/);
      deepStrictEqual(contentOf(`${cwd}/r`), content);
      strictEqual(ringBytes(`${cwd}/r`), bytes);
    }
  }));

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`a replay that ${signal} ended is completed by the next ones, and nothing is doubled`, () =>
    withFolder(async (cwd) => {
      await Deno.mkdir(`${cwd}/once`);
      await replayWhole(`${cwd}/once`);
      const expected = contentOf(`${cwd}/once/r`);
      for (const packets of [9000, 14_000]) {
        await using program = await start(cwd, "60");
        await program.untilMetrics((text) => metricOf(text, "tapwatch_packets_total") > packets);
        await program.stop(signal);
      }
      match(await replayWhole(cwd), /before .*, its first \d+ packets: the rest is added/);
      const { windows, ...content } = contentOf(`${cwd}/r`);
      const { windows: expectedWindows, ...others } = expected;
      deepStrictEqual(content, others);
      ok(sumOf(windows) <= sumOf(expectedWindows), `${windows} of ${expectedWindows} windows`);
      if (signal === "SIGINT") strictEqual(ringBytes(`${cwd}/r`), ringBytes(`${cwd}/once/r`));
    }));
}
