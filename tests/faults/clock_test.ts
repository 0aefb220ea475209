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
/** Packets that are not in the second in which they came; the database adds up what has one time. */
function misplaced(
  told: Awaited<ReturnType<typeof analyzeFile>>,
  shift: (index: number) => number,
) {
  const left = new Map<number, number>();
  const add = (tsUs: number, packets: number) => left.set(tsUs, (left.get(tsUs) ?? 0) + packets);
  demo.forEach(({ timestampUs }, index) =>
    add((Math.floor(timestampUs / 1e6) + shift(index)) * 1e6, 1)
  );
  for (const { tsUs, packets } of told.seconds) add(tsUs, -packets);
  return left.values().reduce((sum, packets) => sum + Math.abs(packets), 0) / 2;
}
/** What it takes to see that the time has gone back. */
const unsureMax = 8;
const half = Math.floor(demo.length / 2);

for (const seconds of jumps) {
  const name = `${seconds > 0 ? "+" : "-"}${Math.abs(seconds) / 3600} h`;
  Deno.test(`the clock is set by ${name} in the middle of a capture`, async () => {
    const shift = (index: number) => index < half ? 0 : seconds;
    const told = await analyzeShifted(shift);
    strictEqual(sum(told), demo.length);
    ok(misplaced(told, shift) <= unsureMax, `${misplaced(told, shift)} in other seconds`);
    ok(told.findings.some(({ kind }) => kind === "scan"), "the scan is found");
    ok(told.findings.every(({ firstUs, lastUs }) => firstUs <= lastUs));
  });
  Deno.test(`a few packets are off by ${name}`, async () => {
    const shift = (index: number) => index % 5000 === 77 ? seconds : 0;
    const told = await analyzeShifted(shift);
    strictEqual(sum(told), demo.length);
    const offCount = Math.ceil((demo.length - 77) / 5000);
    ok(
      misplaced(told, shift) <= unsureMax * offCount,
      `${misplaced(told, shift)} in other seconds`,
    );
    ok(told.findings.some(({ kind }) => kind === "scan"), "the scan is found");
  });
}
