/** A stream of many minutes is in the history while it runs, and its rows add up to what tshark counts. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { pcapFile, type SamplePacket, samplePackets } from "../agent/capture/sample_captures.ts";
import { ROW_ACTIVE_US } from "../agent/flow/timeouts.ts";
import { Pipeline } from "../agent/pipeline/pipeline.ts";
import { batchOf } from "../agent/pipeline/testing.ts";
import type { Flow } from "../agent/records.ts";
import { ALL } from "../agent/search/tree.ts";
import type { LinkEnd } from "../agent/pipeline/testing/link_frames.ts";
import { segment } from "./hostile_capture.ts";
import {
  missingCommands,
  Program,
  runCommand,
  runProgram,
  testWith,
  withFolder,
} from "./program.ts";

/** One packet a second. */
const packets = samplePackets(760);
const bytes = packets.reduce((sum, { data }) => sum + data.length, 0);
const rowSpanMaxUs = 300e6;

Deno.test("a stream leaves a row every five minutes while it runs, and what is open is only what came since", () => {
  const rows: Flow[] = [];
  const pipeline = new Pipeline({
    flowCountMax: 100,
    flowActiveUs: ROW_ACTIVE_US,
    rowPolicy: "none",
    onFlow: (flow) => rows.push(flow),
  });
  const ask = () =>
    pipeline.openFlows({
      tree: ALL,
      fromUs: null,
      toUs: null,
      order: "last",
      isAscending: false,
      after: null,
      limit: 10,
    }, () => performance.now());
  const frames = packets.map(({ seconds, data }) => ({ timestampUs: seconds * 1e6, bytes: data }));
  for (let from = 0; from < frames.length; from += 40) {
    pipeline.process(batchOf(frames.slice(from, from + 40)));
    const { rows: open, standing, lookedAt } = ask();
    deepStrictEqual([open.length, standing, lookedAt], [1, 1, 1]);
    const sent = rows.reduce((sum, { origPkts }) => sum + origPkts, 0) + Number(open[0]!.orig_pkts);
    strictEqual(sent, Math.min(from + 40, frames.length));
    const nowUs = frames[Math.min(from + 39, frames.length - 1)]!.timestampUs;
    ok(nowUs - Number(open[0]!.start_us) <= rowSpanMaxUs);
  }
  strictEqual(rows.length, 2);
  ok(
    rows.every(({ endReason, startUs, endUs }) =>
      endReason === "active" && endUs - startUs <= rowSpanMaxUs
    ),
  );
  strictEqual(new Set(rows.map(({ communityId }) => communityId)).size, 1);
  // Pieces are one flow.
  strictEqual(pipeline.flowTotals(1).flowsTotal, 1);
  deepStrictEqual(pipeline.flowTotals(1).flows, { udp: 1 });
  pipeline.finish();
  strictEqual(rows.length, 3);
  strictEqual(rows.reduce((sum, { origWireBytes }) => sum + origWireBytes, 0), bytes);
  deepStrictEqual(ask().rows, []);
});

testWith(
  missingCommands("tshark"),
  "the rows of a replayed stream add up to tshark's totals",
  () =>
    withFolder(async (cwd) => {
      await Deno.writeFile(`${cwd}/stream.pcap`, pcapFile(packets));
      const args = ["replay", "stream.pcap", "--speed", "max", "--results", "r"];
      {
        await using program = await Program.start(args, { cwd });
        await program.logged(/The file is at its end/);
        strictEqual(await program.stop(), 0);
      }
      const filter = ["--filter", "host 10.0.0.1 and port 53", "--format", "jsonl"];
      const { stdout } = await runProgram(["export", "flows", "--results", "r", ...filter], {
        cwd,
      });
      const rows = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      strictEqual(rows.length, 3);
      const sums = [
        rows.reduce((sum, row) => sum + row.orig_pkts + row.resp_pkts, 0),
        rows.reduce((sum, row) => sum + row.orig_wire_bytes + row.resp_wire_bytes, 0),
      ];
      deepStrictEqual(sums, await tsharkTotals(`${cwd}/stream.pcap`));
      ok(rows.every(({ start_us, end_us }) => end_us - start_us <= rowSpanMaxUs));
    }),
);

const client: LinkEnd = { mac: "02:00:00:00:00:01", ip: "10.0.0.1" };
const server: LinkEnd = { mac: "02:00:00:00:00:02", ip: "10.0.0.2" };

/** A TCP connection of 13 minutes: a question a second, an answer of other length to it, and an acknowledgement; then both close it. */
function conversation(): SamplePacket[] {
  const frames: SamplePacket[] = [];
  const next = { client: 1000, server: 9000 };
  const add = (atS: number, from: "client" | "server", flags: number, length = 0) => {
    const [ends, ports] = from === "client"
      ? [[client, server], [40_000, 8080]] as const
      : [[server, client], [8080, 40_000]] as const;
    const other = from === "client" ? "server" : "client";
    const fields = { seq: next[from], ack: flags === 2 ? 0 : next[other], flags };
    const data = segment(...ends, ports, { ...fields, data: new Uint8Array(length).fill(97) });
    next[from] += length + (flags & 3 ? 1 : 0);
    frames.push({
      seconds: 1_700_000_000 + Math.floor(atS),
      nanosecond: Math.round(atS % 1 * 1e9),
      data,
    });
  };
  const [fin, syn, push, ack] = [17, 2, 24, 16];
  add(0, "client", syn);
  add(0.01, "server", syn | ack);
  add(0.02, "client", ack);
  for (let atS = 1; atS < 780; atS++) {
    add(atS, "client", push, 10 + atS % 90);
    add(atS + 0.1, "server", push, 500 + atS % 900);
    add(atS + 0.15, "client", ack);
  }
  add(780, "client", fin);
  add(780.1, "server", fin);
  add(780.2, "client", ack);
  return frames;
}

testWith(
  missingCommands("tshark"),
  "the rows of a long TCP connection add up to tshark's totals of both directions, each packet once",
  () =>
    withFolder(async (cwd) => {
      await Deno.writeFile(`${cwd}/tcp.pcap`, pcapFile(conversation()));
      {
        const args = ["replay", "tcp.pcap", "--speed", "max", "--results", "r"];
        await using program = await Program.start(args, { cwd });
        await program.logged(/The file is at its end; everything is written/);
        const { flows } = await (await fetch(`${program.url}/api/flows?q=port+8080`)).json();
        strictEqual(flows.length, 3);
        strictEqual(await program.stop(), 0);
      }
      const { stdout } = await runProgram(
        ["export", "flows", "--results", "r", "--format", "jsonl"],
        { cwd },
      );
      const rows = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
        .sort((a, b) => a.start_us - b.start_us);
      strictEqual(rows.length, 3);
      ok(rows.every(({ orig_h, orig_p, resp_h, resp_p }) =>
        orig_h === client.ip && orig_p === 40_000 && resp_h === server.ip && resp_p === 8080
      ));
      strictEqual(
        new Set(rows.map(({ community_id }) =>
          community_id
        )).size,
        1,
      );
      for (const [index, { start_us, end_us }] of rows.entries()) {
        ok(end_us - start_us <= rowSpanMaxUs);
        ok(index === 0 || start_us > rows[index - 1].end_us, "a packet is in one row");
      }
      const sum = (column: string) => rows.reduce((all, row) => all + row[column], 0);
      const sums = ["orig", "resp"].map((side) => [
        sum(`${side}_pkts`),
        sum(`${side}_wire_bytes`),
        sum(`${side}_bytes`),
      ]);
      deepStrictEqual(sums, [
        await tsharkSums(`${cwd}/tcp.pcap`, client.ip),
        await tsharkSums(`${cwd}/tcp.pcap`, server.ip),
      ]);
    }),
);

/** Frames, their bytes, and bytes of payload that a host sent. */
async function tsharkSums(path: string, source: string): Promise<number[]> {
  const fields = ["-T", "fields", "-e", "frame.len", "-e", "tcp.len"];
  const { stdout } = await runCommand([
    "tshark",
    "-r",
    path,
    "-Y",
    `ip.src == ${source}`,
    ...fields,
  ]);
  const frames = stdout.trimEnd().split("\n").map((line) => line.split("\t").map(Number));
  const sum = (column: number) => frames.reduce((all, frame) => all + frame[column]!, 0);
  return [frames.length, sum(0), sum(1)];
}

/** Frames and bytes of all that tshark counts. */
async function tsharkTotals(path: string): Promise<[number, number]> {
  const { stdout } = await runCommand(["tshark", "-r", path, "-q", "-z", "io,stat,0,ip"]);
  const [, frames, size] = /<>\s*[\d.]+\s*\|\s*(\d+)\s*\|\s*(\d+)/.exec(stdout)!;
  return [Number(frames), Number(size)];
}
