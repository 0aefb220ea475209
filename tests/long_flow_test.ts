/** A stream of many minutes is in the history while it runs, and its rows add up to what tshark counts. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import { ROW_ACTIVE_US } from "../agent/flow/timeouts.ts";
import { Pipeline } from "../agent/pipeline/pipeline.ts";
import { batchOf } from "../agent/pipeline/testing.ts";
import type { Flow } from "../agent/records.ts";
import { ALL } from "../agent/search/tree.ts";
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

/** Frames and bytes of all that tshark counts. */
async function tsharkTotals(path: string): Promise<[number, number]> {
  const { stdout } = await runCommand(["tshark", "-r", path, "-q", "-z", "io,stat,0,ip"]);
  const [, frames, size] = /<>\s*[\d.]+\s*\|\s*(\d+)\s*\|\s*(\d+)/.exec(stdout)!;
  return [Number(frames), Number(size)];
}
