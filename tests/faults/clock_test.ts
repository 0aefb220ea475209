/** Packets whose clock jumps, a day or ten years, to and fro: all are counted, in seconds too, and scans are still found. */
import { ok, strictEqual } from "node:assert/strict";
import { readCaptureFile } from "../../agent/capture/read_packets.ts";
import { pcapFile } from "../../agent/capture/sample_captures.ts";
import { analyzeFile } from "../batch_sizes.ts";
import { demoCapture, withFolder } from "../program.ts";

const dayS = 86_400;
const jumps = [1, -1].flatMap((sign) =>
  [3600, dayS, 365 * 10 * dayS].map((seconds) => sign * seconds)
);
const demo = (await readCaptureFile(demoCapture)).packets;

/** The demo with some packets in other times. */
async function analyzeShifted(shift: (index: number) => number) {
  let told: Awaited<ReturnType<typeof analyzeFile>> | null = null;
  await withFolder(async (folder) => {
    const packets = demo.map(({ timestampUs, data, wireLength }, index) => ({
      seconds: Math.floor(timestampUs / 1e6) + shift(index),
      nanosecond: timestampUs % 1e6 * 1000,
      data,
      wireLength,
    }));
    await Deno.writeFile(`${folder}/shifted.pcap`, pcapFile(packets, { isNanosecond: true }));
    told = await analyzeFile(`${folder}/shifted.pcap`, {
      chunkBytes: 262_144,
      batchPackets: 4096,
      isInMemory: true,
    });
  });
  return told!;
}

const sum = (told: Awaited<ReturnType<typeof analyzeFile>>) =>
  told.seconds.reduce((packets, second) => packets + second.packets, 0);
const half = Math.floor(demo.length / 2);

for (const seconds of jumps) {
  const name = `${seconds > 0 ? "+" : "-"}${Math.abs(seconds) / 3600} h`;
  Deno.test(`the clock is set by ${name} in the middle of a capture`, async () => {
    const told = await analyzeShifted((index) => index < half ? 0 : seconds);
    strictEqual(sum(told), demo.length);
    ok(told.findings.some(({ kind }) => kind === "scan"), "the scan is found");
    ok(told.findings.every(({ firstUs, lastUs }) => firstUs <= lastUs));
  });
  Deno.test(`a few packets are off by ${name}`, async () => {
    const told = await analyzeShifted((index) => index % 5000 === 77 ? seconds : 0);
    strictEqual(sum(told), demo.length);
    ok(told.findings.some(({ kind }) => kind === "scan"), "the scan is found");
  });
}
