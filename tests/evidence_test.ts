/** The program keeps the packets of findings while its capture files go round, also when it is killed in the middle. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { listEvidence } from "../agent/capture/evidence_files.ts";
import {
  readCaptureBytes,
  readCaptureFile,
  type ReadPacket,
} from "../agent/capture/read_packets.ts";
import { createPacketFilter } from "../agent/pipeline/packet_filter.ts";
import { demoCapture, metricOf, Program, withFolder } from "./program.ts";

/** Two files of a megabyte, where the demo has some five. */
const args = ["replay", demoCapture, "--pcap-file-mb", "1", "--pcap-files", "2", "--results", "r"]
  // The packets of the scan are in the ring for six seconds, which suffice on a busy machine.
  .concat("--speed", "30");

interface ScanRow {
  readonly id: number;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly first_us: number;
  readonly last_us: number;
}

async function scanOf(program: Program): Promise<ScanRow> {
  const { scans } = JSON.parse(await program.get("/api/scans"));
  return scans.find(({ sources }: ScanRow) => sources.includes("192.168.10.57"));
}

async function exportOf(program: Program, query: string): Promise<ReadPacket[]> {
  const response = await fetch(`${program.url}/api/export/pcap?${query}`);
  const body = await response.bytes();
  strictEqual(response.status, 200, `${query}: ${new TextDecoder().decode(body.subarray(0, 500))}`);
  return (await readCaptureBytes(body)).packets;
}

/** What the demo has between the scan's ends, from five seconds before it to its last packet. */
async function wantedOf(scan: ScanRow): Promise<ReadPacket[]> {
  const { packets } = await readCaptureFile(demoCapture);
  const matches = createPacketFilter({
    hosts: scan.sources,
    peers: scan.targets,
  });
  return packets.filter(({ timestampUs, data, wireLength, linktype }) =>
    timestampUs >= scan.first_us - 5e6 && timestampUs <= scan.last_us &&
    matches(data, 0, data.length, wireLength, linktype)
  );
}

function timesOf(packets: readonly ReadPacket[]): number[] {
  return packets.map(({ timestampUs }) => timestampUs);
}

async function ringStart(folder: string): Promise<number> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const older = names.find((name) => /^captured_traffic-.*\.pcap$/.test(name))!;
  return (await readCaptureFile(`${folder}/${older}`)).packets[0]!.timestampUs;
}

Deno.test("all packets of a scan can be had after the capture files have gone round", () =>
  withFolder(async (cwd) => {
    await using program = await Program.start(args, { cwd });
    await program.logged(/The file is at its end/);
    const scan = await scanOf(program);
    ok(await ringStart(`${cwd}/r`) > scan.last_us, "the ring begins behind the scan");
    const wanted = await wantedOf(scan);
    ok(wanted.length > 800, `${wanted.length}`);
    deepStrictEqual(timesOf(await exportOf(program, `finding=${scan.id}`)), timesOf(wanted));
    deepStrictEqual(timesOf(await exportOf(program, `scan=${scan.id}`)), timesOf(wanted));
    const { incidents } = JSON.parse(await program.get("/api/incidents"));
    const ofIncident = await exportOf(program, `incident=${incidents[0].id}`);
    ok(ofIncident.length >= wanted.length);
    const { packets: [packet] } = JSON.parse(
      await program.get(`/api/packets?limit=1&q=host+192.168.10.57&to=${scan.last_us}`),
    );
    match(await program.get(`/packets/${packet.id}`), /Time to Live/);
    const { packets: [first] } = await readCaptureFile(demoCapture);
    const gone = await fetch(`${program.url}/api/export/pcap?to=${first!.timestampUs + 1}`);
    match(
      await gone.text(),
      /have been overwritten, by .* what is left in the capture files begins/,
    );
    strictEqual(gone.status, 404);
    ok(await program.metric("tapwatch_evidence_findings") >= 1);
    strictEqual(await program.stop(), 0);
    const { mode } = await Deno.stat(`${cwd}/r/evidence`);
    strictEqual(mode! & 0o077, 0);
  }));

Deno.test("kill -9 while packets are kept leaves whole files, and the next run goes on with them", () =>
  withFolder(async (cwd) => {
    {
      await using program = await Program.start(args, { cwd });
      await program.untilMetrics((text) => metricOf(text, "tapwatch_evidence_findings") >= 2);
      program.signal("SIGKILL");
      await program.ended();
    }
    const files = listEvidence(`${cwd}/r`);
    ok(files.length >= 2);
    for (const { path } of files) {
      const { info } = await readCaptureFile(path);
      deepStrictEqual([info.warnings, info.isTruncated], [[], false], path);
    }
    await using program = await Program.start(args, { cwd });
    await program.logged(/The file is at its end/);
    const scan = await scanOf(program);
    const exported = await exportOf(program, `finding=${scan.id}`);
    deepStrictEqual(timesOf(exported), timesOf(await wantedOf(scan)));
    strictEqual(await program.stop(), 0);
    const names = [...Deno.readDirSync(`${cwd}/r/evidence`)].map(({ name }) => name);
    deepStrictEqual(names.filter((name) => !name.endsWith(".pcap")), []);
  }));
