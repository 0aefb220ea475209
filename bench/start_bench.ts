/**
 * From the start of the process to the first packet and to the first page, on a device with a packet each half
 * millisecond; and how long the pages take. The start of the first packet is the kernel's timestamp of the first record
 * in the capture file; pages are timed by an HTTP client on loopback, so that the server's own time is less.
 */
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import {
  formatSpread,
  median,
  minimum,
  type Section,
  size,
  table,
  type Target,
} from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { executableNote, type Tapwatch, tapwatchVariants } from "./programs.ts";
import { firstRecordUs, withTapwatch } from "./running.ts";

/** Milliseconds. */
interface Start {
  readonly firstPacketMs: number;
  readonly listeningMs: number;
  /** From the start of the process to the whole of the first page. */
  readonly firstPageMs: number;
  /** The first request that the process ever answers. */
  readonly firstRequestMs: number;
  /** The same page afterwards. */
  readonly laterRequestsMs: readonly number[];
}

const rounds = size(5, 2);
const laterRequests = 10;
const packetsPerSecond = 2000;
const title = "run: start and pages";
const promises = ["start to first packet at most 1 s", "first page at most 100 ms on the server"];

await printLive({ title, promises }, benchStart);

async function benchStart(sender: Sender): Promise<Section> {
  const path = await Deno.makeTempFile({ prefix: "tapwatch-bench-", suffix: ".pcap" });
  await Deno.writeFile(path, pcapFile(samplePackets(1000)));
  const sending = sender.sendSteadily(path, packetsPerSecond);
  const starts = new Map<Tapwatch, Start[]>(tapwatchVariants().map((variant) => [variant, []]));
  try {
    // A first round that does not count brings the programs into the page cache.
    for (let round = -1; round < rounds; round++) {
      for (const [tapwatch, list] of starts) {
        const start = await measureStart(tapwatch);
        console.error(`${tapwatch.name}: first packet after ${Math.round(start.firstPacketMs)} ms`);
        if (round >= 0) list.push(start);
      }
    }
  } finally {
    sending.kill("SIGKILL");
    await sending.status;
    await Deno.remove(path);
  }
  return {
    title,
    blocks: [
      `tapwatch is started ${rounds} times on a device that gets ${packetsPerSecond} packets a second. The first packet ` +
      "is the first record of the capture file, by the kernel's timestamp; pages are `/`, whole, timed by a client " +
      "on loopback.",
      ...[...starts].map(([{ name }, list]) => startTable(name, list)),
      ...executableNote(),
    ],
    targets: targets([...starts.values()][0]),
  };
}

async function measureStart(tapwatch: Tapwatch): Promise<Start> {
  return await withTapwatch(tapwatch, [], async (running, results) => {
    await running.untilListening();
    const listeningMs = running.ageMs;
    const firstRequestMs = await running.fetchPage("/");
    const firstPageMs = running.ageMs;
    const firstUs = await firstRecordUs(`${results}/captured_traffic.pcap`);
    const laterRequestsMs: number[] = [];
    for (let request = 0; request < laterRequests; request++) {
      laterRequestsMs.push(await running.fetchPage("/"));
    }
    const firstPacketMs = (firstUs - running.startedUs) / 1000;
    return { firstPacketMs, listeningMs, firstPageMs, firstRequestMs, laterRequestsMs };
  });
}

function startTable(name: string, starts: readonly Start[]): string {
  const row = (what: string, values: readonly number[]) => [
    what,
    `${Math.round(minimum(values))} ms`,
    `${Math.round(median(values))} ms`,
    `${Math.round(Math.max(...values))} ms`,
    formatSpread(values),
  ];
  return table([name, "fastest", "median", "slowest", "spread"], [
    row("start to first packet", starts.map((start) => start.firstPacketMs)),
    row("start to dashboard listening", starts.map((start) => start.listeningMs)),
    row("start to first page", starts.map((start) => start.firstPageMs)),
    row("first request", starts.map((start) => start.firstRequestMs)),
    row("later requests", starts.flatMap((start) => start.laterRequestsMs)),
  ]);
}

function targets(starts: readonly Start[]): Target[] {
  const [packet, page] = promises;
  const packetMs = median(starts.map(({ firstPacketMs }) => firstPacketMs));
  const pageMs = median(starts.map(({ firstRequestMs }) => firstRequestMs));
  const laterMs = median(starts.flatMap(({ laterRequestsMs }) => laterRequestsMs));
  return [
    { promise: packet, measured: `${Math.round(packetMs)} ms, median`, isMet: packetMs <= 1000 },
    {
      promise: page,
      measured: `${Math.round(pageMs)} ms for the first request of the process, ` +
        `${laterMs.toFixed(1)} ms for later ones, medians`,
      isMet: pageMs <= 100,
    },
  ];
}
