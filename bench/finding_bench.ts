/**
 * From a packet to the finding that it completes, in the database: 100 hosts scan one after the other, and each scan's row
 * is looked for every few milliseconds. The packet's time is the kernel's, of the moment when the evidence sufficed.
 */
import { DatabaseSync } from "node:sqlite";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import { largeCapture } from "./large_capture.ts";
import { median, minimum, percentile, type Section, size, table } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { executableNote, tapwatchVariants } from "./programs.ts";
import { delay, withTapwatch } from "./running.ts";
import { scanPackets } from "./scan_packets.ts";

const scanners = size(100, 10);
/** Each refuses after a millisecond. */
const portsEach = 8;
const secondsBetween = 0.15;
const packetsBesides = 50_000;
const pollMs = 5;
/** Waited for the last rows after everything was sent. */
const patienceMs = 15_000;
const title = "run: from packet to stored finding";
const promise = "p99 from packet to stored finding at most 2 s";

await printLive({ title, promises: [promise] }, benchFindings);

async function benchFindings(sender: Sender): Promise<Section> {
  const scans = await Deno.makeTempFile({ prefix: "tapwatch-bench-", suffix: ".pcap" });
  await Deno.writeFile(scans, pcapFile(scanPackets({ scanners, portsEach, secondsBetween })));
  const { path: large } = await largeCapture();
  const quiet = await measureDelays(sender, scans, null);
  const busy = await measureDelays(sender, scans, large);
  await Deno.remove(scans);
  const rows = [["nothing else", quiet], [`${packetsBesides} packets/s`, busy]] as const;
  const worst = Math.max(...rows.map(([, delays]) => percentile(delays, 0.99)));
  const isComplete = rows.every(([, delays]) => delays.length === scanners);
  return {
    title,
    blocks: [
      `${scanners} hosts probe ${portsEach} closed ports each, one host every ${
        secondsBetween * 1000
      } ms. The delay is ` +
      "from the kernel's timestamp of the packet that completed the evidence to the moment another process sees the row.",
      table(
        ["beside", "findings", "fastest", "median", "p99", "slowest"],
        rows.map(([name, delays]) => [
          name,
          `${delays.length} of ${scanners}`,
          milliseconds(minimum(delays)),
          milliseconds(median(delays)),
          milliseconds(percentile(delays, 0.99)),
          milliseconds(Math.max(...delays)),
        ]),
      ),
      ...executableNote(),
    ],
    targets: [{
      promise,
      measured: `${milliseconds(worst)}${isComplete ? "" : "; not every scan was found"}`,
      isMet: isComplete && worst <= 2000,
    }],
  };
}

/** Milliseconds of each finding that came, beside the packets of `besides`, or none. */
async function measureDelays(
  sender: Sender,
  scans: string,
  besides: string | null,
): Promise<number[]> {
  const [tapwatch] = tapwatchVariants();
  return await withTapwatch(tapwatch, [], async (running, results) => {
    await running.untilCapturing();
    await using _noise = besides === null ? null : sender.sendSteadily(besides, packetsBesides);
    const abort = new AbortController();
    const delays = collectDelays(`${results}/packet_logs.db`, abort.signal);
    await sender.sendAtOwnSpeed(scans);
    await Promise.race([delays, delay(patienceMs)]);
    abort.abort();
    return await delays;
  });
}

/** Looks for new rows until all have come or `signal` says so. */
async function collectDelays(path: string, signal: AbortSignal): Promise<number[]> {
  const delays = new Map<number, number>();
  const database = new DatabaseSync(path, { readOnly: true });
  const query = database.prepare("SELECT id, detected_us, sources FROM scans");
  while (!signal.aborted && delays.size < scanners) {
    for (const { id, detected_us, sources } of query.all()) {
      if (delays.has(Number(id)) || !String(sources).includes("10.99.")) continue;
      delays.set(Number(id), Date.now() - Number(detected_us) / 1000);
    }
    await delay(pollMs);
  }
  database.close();
  return [...delays.values()];
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : "never";
}
