/**
 * `tapwatch run` on real traffic between two namespaces, by libpcap and by AF_PACKET, beside tcpdump: all that it says and
 * writes must agree.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { devices, Namespaces, type Said } from "./live_namespaces.ts";
import {
  metricOf,
  missingForRoot,
  missingNamespaces,
  OutputText,
  Program,
  runCommand,
  testWith,
  withFolder,
} from "./program.ts";

const tools = ["ip", "sysctl", "nmap", "tcpdump"];
const test = testWith.bind(null, missingForRoot(...tools) || await missingNamespaces());

/** Starts tapwatch on the sensor's side, with every packet written to `folder`/r. */
async function startSensor(
  namespaces: Namespaces,
  folder: string,
  args: readonly string[],
): Promise<Program> {
  const options = ["run", "--allow-ffi", "--log-packets", "all", "--results", "r", "--capture"];
  const prefix = namespaces.onSensor;
  return await Program.start([...options, ...args], { cwd: folder, prefix });
}

/** Packets of a file as text, without the order that two captures of several processors may differ in. */
async function packetsIn(path: string, filter = ""): Promise<string[]> {
  const { code, stdout, stderr } = await runCommand(
    ["tcpdump", "-nn", "-t", "-q", "-x", "-r", path, ...filter === "" ? [] : [filter]],
  );
  strictEqual(code, 0, stderr);
  return stdout.trimEnd().split(/\n(?=\S)/).sort();
}

function isCapturing(...names: string[]): (said: Said) => boolean {
  return ({ metrics }) =>
    names.every((name) => metricOf(metrics, `tapwatch_capture_up{interface="${name}"}`) === 1);
}

function query(folder: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(`${folder}/r/packet_logs.db`, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

const places = ["kernel", "interface", "queue", "recorder", "store"];

function checkNoDrops(metrics: string): void {
  for (const place of places) {
    strictEqual(metricOf(metrics, `tapwatch_capture_drops_total{where="${place}"}`), 0, place);
  }
}

for (const method of CAPTURE_METHODS) {
  test(`run by ${method} sees, counts and writes the same packets as tcpdump on the default route's device`, () =>
    withFolder(async (folder) => {
      await using namespaces = await Namespaces.create();
      const reference = `${folder}/reference.pcap`;
      const tcpdump = namespaces.start("sensor", ...tcpdumpCommand("tw0", reference));
      const printed = new OutputText(tcpdump.stdout);
      await new OutputText(tcpdump.stderr).waitFor(/listening on tw0/);
      await using program = await startSensor(namespaces, folder, [method]);
      match(program.log, /Capturing on tw0\./);
      const watcher = namespaces.watch(program);
      await watcher.until(isCapturing("tw0"));

      const before = await namespaces.countPackets("tw0");
      await namespaces.makeTraffic(0);
      const count = await namespaces.countPackets("tw0") - before;
      ok(count > 100, `${count} packets`);
      await printed.waitFor(new RegExp(`^(.*\n){${count}}`));
      const { metrics, stats } = await watcher.until(({ metrics, stats }) =>
        metricOf(metrics, 'tapwatch_capture_received_total{interface="tw0"}') >= count &&
        (stats.snapshot?.packets ?? 0) >= count
      );
      strictEqual(await program.stop(), 0);
      tcpdump.kill("SIGINT");
      await tcpdump.status;

      const expected = await packetsIn(reference);
      strictEqual(expected.length, count);
      strictEqual(metricOf(metrics, "tapwatch_packets_total"), count);
      strictEqual(metricOf(metrics, 'tapwatch_capture_received_total{interface="tw0"}'), count);
      strictEqual(stats.snapshot!.packets, count);
      checkNoDrops(metrics);
      match(program.log, /nothing was lost/);
      deepStrictEqual(await packetsIn(`${folder}/r/captured_traffic.pcap`), expected);
      const [rows] = query(
        folder,
        "SELECT count(*) AS count, sum(wire_length) AS bytes FROM packets",
      );
      deepStrictEqual({ ...rows }, { count, bytes: stats.snapshot!.bytes });
      checkFlows(folder);
    }));

  test(`run by ${method} captures on two devices at once and tells their packets apart`, () =>
    withFolder(async (folder) => {
      await using namespaces = await Namespaces.create();
      await using program = await startSensor(namespaces, folder, [
        method,
        "-i",
        "tw0",
        "-i",
        "tw1",
      ]);
      const watcher = namespaces.watch(program);
      await watcher.until(isCapturing("tw0", "tw1"));
      const before = await Promise.all(devices.map((name) => namespaces.countPackets(name)));
      await namespaces.makeTraffic(0);
      await namespaces.makeTraffic(1);
      const after = await Promise.all(devices.map((name) => namespaces.countPackets(name)));
      const [first, second] = after.map((count, index) => count - before[index]!);
      ok(Math.min(first!, second!) > 100, `${first} and ${second} packets`);
      const received = (metrics: string, device: string) =>
        metricOf(metrics, `tapwatch_capture_received_total{interface="${device}"}`);
      const { metrics } = await watcher.until(({ metrics }) =>
        received(metrics, "tw0") >= first! && received(metrics, "tw1") >= second! &&
        metricOf(metrics, "tapwatch_packets_total") >= first! + second!
      );
      strictEqual(await program.stop(), 0);
      checkNoDrops(metrics);
      const rows = query(
        folder,
        `SELECT interface_id, count(*) AS count, min(substr(src, 1, 7)) AS low, max(substr(src, 1, 7)) AS high
          FROM packets GROUP BY interface_id ORDER BY interface_id`,
      );
      // Each device by its own count: how many segments are acknowledged at once differs from run to run.
      deepStrictEqual(rows.map((row) => ({ ...row })), [
        { interface_id: 0, count: first, low: "10.91.0", high: "10.91.0" },
        { interface_id: 1, count: second, low: "10.91.1", high: "10.91.1" },
      ]);
      strictEqual((await packetsIn(`${folder}/r/captured_traffic.pcap`)).length, first! + second!);
    }));

  test(`run by ${method} captures on any device at once, as far as the filter goes`, () =>
    withFolder(async (folder) => {
      await using namespaces = await Namespaces.create();
      const filter = "udp port 53 or tcp port 80";
      await using program = await startSensor(namespaces, folder, [
        method,
        "-i",
        "any",
        "-f",
        filter,
      ]);
      const watcher = namespaces.watch(program);
      await watcher.until(isCapturing("any"));
      await namespaces.makeTraffic(0);
      await namespaces.makeTraffic(1);
      await watcher.until(({ metrics }) =>
        metricOf(metrics, 'tapwatch_protocol_packets_total{protocol="udp"}') === 12
      );
      strictEqual(await program.stop(), 0);
      const flows = query(
        folder,
        "SELECT resp_h, service, count(*) AS count FROM flows GROUP BY resp_h, service ORDER BY 1, 2",
      ).map((row) => ({ ...row }));
      deepStrictEqual(flows, [
        { resp_h: "10.91.0.2", service: "dns", count: 1 },
        { resp_h: "10.91.0.2", service: "http", count: 5 },
        { resp_h: "10.91.1.2", service: "dns", count: 1 },
        { resp_h: "10.91.1.2", service: "http", count: 5 },
      ]);
      const { stderr } = await runCommand(["tcpdump", "-r", `${folder}/r/captured_traffic.pcap`]);
      match(stderr, /LINUX_SLL/);
      ok((await packetsIn(`${folder}/r/captured_traffic.pcap`, "udp")).length === 12);
    }));
}

function checkFlows(folder: string): void {
  const pick = "SELECT count(*) AS count FROM flows WHERE orig_h = '10.91.0.1' AND";
  const count = (where: string) => query(folder, `${pick} ${where}`)[0]!.count;
  strictEqual(count("resp_p = 80 AND conn_state = 'SF' AND service = 'http'"), 5);
  strictEqual(count("resp_p = 53 AND service = 'dns' AND name = 'www.example.test'"), 1);
  strictEqual(count("proto = 'icmp'"), 1);
  strictEqual(count("resp_p BETWEEN 1001 AND 1040 AND conn_state = 'REJ'"), 40);
}

/** Writes a file and prints a line for each packet in it. With the usual snaplen its own ring would hold 8 packets. */
function tcpdumpCommand(device: string, path: string): string[] {
  const asLines = ["-l", "--print", "-q", "-t", "-nn"];
  return [
    "tcpdump",
    "-i",
    device,
    "-s2000",
    "-U",
    "--immediate-mode",
    "-Z",
    "root",
    "-w",
    path,
    ...asLines,
  ];
}
