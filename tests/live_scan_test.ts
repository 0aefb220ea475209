/** Real scans by nmap, live, beside ordinary traffic: each finding comes on the dashboard's event stream and is stored. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { clientAddress, type FindingEvent, ScanLab, sensorAddress } from "./live_scan_lab.ts";
import { missingForRoot, missingNamespaces, Program, testWith, withFolder } from "./program.ts";

const tools = ["ip", "sysctl", "nmap"];
const test = testWith.bind(null, missingForRoot(...tools) || await missingNamespaces());

interface Scan {
  /** Last byte of the source's address. */
  readonly source: number;
  readonly args: readonly string[];
  readonly kind: string;
  readonly probe: string;
}

const onSensor = ["-Pn", sensorAddress];
/** As source, unless nmap cannot choose one. */
const scans: readonly Scan[] = [
  { source: 11, args: ["-sS", "-p1-200", ...onSensor], kind: "vertical", probe: "syn" },
  { source: 12, args: ["-sF", "-p1-60", ...onSensor], kind: "vertical", probe: "fin" },
  { source: 13, args: ["-sN", "-p1-60", ...onSensor], kind: "vertical", probe: "null" },
  { source: 14, args: ["-sX", "-p1-60", ...onSensor], kind: "vertical", probe: "xmas" },
  { source: 15, args: ["-sA", "-p1-60", ...onSensor], kind: "vertical", probe: "ack" },
  { source: 16, args: ["-sU", "-p1-40", ...onSensor], kind: "vertical", probe: "udp" },
  { source: 17, args: ["-sS", "-T2", "-p1-12", ...onSensor], kind: "vertical", probe: "syn" },
  {
    source: 18,
    args: ["-sS", "-Pn", "-p22", "10.93.0.10-60"],
    kind: "horizontal",
    probe: "syn",
  },
  {
    source: 19,
    args: ["-sn", "-PE", "--send-ip", "10.93.0.10-60"],
    kind: "horizontal",
    probe: "icmp_echo",
  },
  { source: 20, args: ["-sn", "-PR", "10.92.0.100-140"], kind: "horizontal", probe: "arp" },
];

function names(finding: FindingEvent, address: string): boolean {
  return JSON.stringify(finding.data.sources).includes(`${address}"`) ||
    JSON.stringify(finding.data.sources).includes(`${address}\\"`);
}

test("run tells each of nmap's scans while it goes on, and nothing of the traffic beside it", () =>
  withFolder(async (folder) => {
    await using lab = await ScanLab.create();
    const options = ["run", "--allow-ffi", "--results", "r"];
    await using program = await Program.start(options, { cwd: folder, prefix: lab.onSensor });
    const watcher = lab.watchFindings(program);
    await watcher.ready();
    for (const { source, args, kind, probe } of scans) {
      const address = `10.92.1.${source}`;
      await lab.scan("-S", address, "-e", "tw0", ...args);
      const what = `a ${kind} ${probe} scan by ${address}`;
      const { data } = await watcher.until(
        what,
        (finding) => finding.event === "scan" && names(finding, address),
      );
      deepStrictEqual([data.kind, data.probe], [kind, probe], what);
      ok(String(data.reason).includes(address), `${data.reason}`);
    }
    const decoys = ["10.92.1.31", "10.92.1.32", "10.92.1.33"];
    await lab.scan("-sS", "-p1-60", "-D", [...decoys, "ME"].join(), ...onSensor);
    for (const address of decoys) {
      await watcher.until(
        `the decoy ${address}`,
        (finding) => finding.event === "scan" && names(finding, address),
      );
    }
    const client = watcher.findings.filter((finding) => names(finding, sensorAddress));
    deepStrictEqual(client, [], "the scanned host is no scanner");
    strictEqual(await program.stop(), 0);
    checkStored(folder);
  }));

test("run tells a connect scan by the address of somebody who also uses the host", () =>
  withFolder(async (folder) => {
    await using lab = await ScanLab.create();
    const options = ["run", "--allow-ffi", "--capture", "afpacket", "--results", "r"];
    await using program = await Program.start(options, { cwd: folder, prefix: lab.onSensor });
    const watcher = lab.watchFindings(program);
    await watcher.ready();
    await lab.scan("-sT", "-p1-100", ...onSensor);
    const { data } = await watcher.until(
      "a connect scan",
      (finding) => finding.event === "scan" && names(finding, clientAddress),
    );
    deepStrictEqual([data.kind, data.probe], ["vertical", "connect"]);
    strictEqual(await program.stop(), 0);
  }));

function checkStored(folder: string): void {
  const database = new DatabaseSync(`${folder}/r/packet_logs.db`, { readOnly: true });
  const rows = database.prepare("SELECT kind, probe, sources, is_open FROM scans").all();
  const links = database.prepare("SELECT count(*) AS count FROM scan_flows").get()!;
  database.close();
  for (const { source, probe } of scans) {
    const stored = rows.filter((row) =>
      row.probe === probe && String(row.sources).includes(`"10.92.1.${source}"`)
    );
    strictEqual(stored.length, 1, `${probe} by 10.92.1.${source}`);
    strictEqual(stored[0]!.is_open, 0, "the end of the run closes it");
  }
  ok(Number(links.count) > 0);
}
