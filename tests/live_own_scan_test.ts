/** A host that scans itself while tapwatch runs on it, as people do who try it: `nmap -T4 localhost`. */
import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CAPTURE_METHODS } from "../ffi/capture/capture_handle.ts";
import { until } from "./faults/lab.ts";
import { ScanLab, sensorAddress } from "./live_scan_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  Program,
  runCommand,
  testWith,
  withFolder,
} from "./program.ts";

const test = testWith.bind(null, missingForRoot("ip", "nmap") || await missingNamespaces());

const runs = [
  { devices: ["lo"], target: "localhost", address: "127.0.0.1" },
  { devices: ["any"], target: "localhost", address: "127.0.0.1" },
  { devices: ["tw0", "lo"], target: sensorAddress, address: sensorAddress },
  { devices: ["any"], target: sensorAddress, address: sensorAddress },
];

const cases = CAPTURE_METHODS.flatMap((method) => runs.map((run) => ({ ...run, method })));

for (const { devices, target, address, method } of cases) {
  const interfaces = devices.flatMap((device) => ["-i", device]);
  test(`run by ${method} ${interfaces.join(" ")} tells once that this host scanned ${target}`, () =>
    withFolder(async (folder) => {
      await using lab = await ScanLab.create();
      // None of nmap's thousand, for to its own the watcher talks anyway.
      const port = ["--port", "8055"];
      const args = [
        "run",
        "--allow-ffi",
        "--capture",
        method,
        ...interfaces,
        "--results",
        "r",
        ...port,
      ];
      await using program = await Program.start(args, { cwd: folder, prefix: lab.onSensor });
      const watcher = lab.watchFindings(program);
      await watcher.ready();
      const { code, stderr } = await runCommand([...lab.onSensor, "nmap", "-n", "-T4", target]);
      strictEqual(code, 0, stderr);
      await watcher.until("the scan", ({ event }) => event === "scan");
      doesNotMatch(program.log, /Loopback is not watched/);
      strictEqual(await program.stop(), 0);
      const { findings, incidents } = readStored(folder);
      deepStrictEqual(findings.map(({ severity, sources }) => [severity, sources]), [
        ["low", `["${address}"]`],
      ]);
      match(
        String(findings[0]!.reason),
        // Its probes are refused at once: whether it is seen depends on how busy the machine is.
        /^(?:nmap \(root\) on this|This) host scanned itself: (\S+) probed 1,000 ports of \1 in [\d.]+ m?s, and found /,
      );
      deepStrictEqual(incidents.map(({ severity }) => severity), ["low"]);
      const headline = String(incidents[0]!.headline);
      strictEqual(
        headline.includes(`his host (${address}) scanned itself`),
        true,
        headline,
      );
    }));
}

test("run without loopback says at start and on Status that it is not watched, and what to do", () =>
  withFolder(async (folder) => {
    await using lab = await ScanLab.create();
    const args = ["run", "--allow-ffi", "--capture", "afpacket", "-i", "tw0", "--results", "r"];
    await using program = await Program.start(args, { cwd: folder, prefix: lab.onSensor });
    const said =
      /Loopback is not watched: [^<]* start tapwatch with -i tw0 -i lo, or with -i any\./;
    await program.logged(said);
    const code = `console.log(await (await fetch("${program.url}/status")).text())`;
    const askStatus = async () =>
      (await runCommand([...lab.onSensor, Deno.execPath(), "eval", "--no-lock", code])).stdout;
    // The device is opened after the dashboard is.
    let page = "";
    await until("capture", async () => (page = await askStatus()).includes("capturing by"));
    match(page, new RegExp(`<p class="note">${said.source}</p>`));
    match(page, /capturing by AF_PACKET, promiscuous/);
    strictEqual(await program.stop(), 0);
  }));

function readStored(folder: string) {
  const database = new DatabaseSync(`${folder}/r/packet_logs.db`, { readOnly: true });
  const all = (sql: string) => database.prepare(sql).all();
  const findings = [
    ...all("SELECT severity, sources, reason FROM scans"),
    ...all("SELECT severity, entity AS sources, reason FROM anomalies"),
  ];
  const incidents = all("SELECT severity, headline FROM incidents");
  database.close();
  return { findings, incidents };
}
