/**
 * libpcap and AF_PACKET in turns on the same traffic: what a packet costs tapwatch of the processor, everything on; what is lost
 * when two senders leave it less than it needs; and from the start of the process to the first packet.
 */
import { CAPTURE_METHODS, type CaptureMethod } from "../ffi/capture/capture_handle.ts";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import {
  formatCount,
  formatRate,
  median,
  type Section,
  size,
  table,
  type Target,
} from "./harness.ts";
import { printLive, type Sender, type Sent } from "./namespaces.ts";
import { executableNote, readProcess, type Tapwatch, tapwatchVariants } from "./programs.ts";
import { writeFrames } from "./small_frames.ts";
import { countedOf, dropsOf, firstRecordUs, untilCounted, withTapwatch } from "./running.ts";

const rounds = size(4, 1);
const filePackets = 100_000;
/** Bytes of a packet, and how many times the file of them is sent. */
const loads = [
  { length: 64, loops: size(40, 5) },
  { length: 500, loops: size(20, 3) },
];
const overloadLoops = size(10, 3);
const overloadBufferMb = 8;
const flows = 5000;
const names: Readonly<Record<CaptureMethod, string>> = { pcap: "libpcap", afpacket: "AF_PACKET" };
const title = "run: libpcap and AF_PACKET";
const promises = [
  "AF_PACKET: at least 20 % less processor time a packet than libpcap, 64 and 500 bytes",
  "AF_PACKET: 0 drops at the sender's limit",
  "AF_PACKET: start to first packet at most 300 ms",
];

interface Cost {
  readonly nsPerPacket: number;
  readonly sent: Sent;
  readonly lost: number;
}

await printLive({ title, promises }, benchBoth);

async function benchBoth(sender: Sender): Promise<Section> {
  const [tapwatch] = tapwatchVariants();
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
  try {
    const costs = new Map<number, Record<CaptureMethod, Cost[]>>();
    for (const { length, loops } of loads) {
      const path = `${folder}/${length}.pcap`;
      await writeFrames(path, { length, packets: filePackets, flows });
      costs.set(
        length,
        await inTurns((method) => measureCost(tapwatch!, method, { path, loops, sender })),
      );
    }
    const drops = await inTurns((method) =>
      overload(tapwatch!, method, `${folder}/64.pcap`, sender)
    );
    const starts = await measureStarts(tapwatch!, folder, sender);
    return {
      title,
      blocks: [
        `${
          tapwatch!.name
        } with its defaults, by each method ${rounds} times in turn: UDP packets of ${
          formatCount(flows)
        } flows, sent by \`tcpreplay --topspeed --preload-pcap\` over a veth pair. The processor time is that of the whole ` +
        "process, user and system, from before the first packet until all are counted. Medians.",
        costTable(costs),
        `Two such senders at once and a ring of ${overloadBufferMb} MiB leave tapwatch less of the processors than it needs. Packets lost:`,
        table(
          ["", "lost in the kernel", "lost later"],
          CAPTURE_METHODS.map((method) => [
            names[method],
            drops[method].map(({ kernel }) => formatCount(kernel)).join(", "),
            drops[method].map(({ later }) => formatCount(later)).join(", "),
          ]),
        ),
        "From the start of the process to the kernel's time stamp of the first record in the capture file:",
        table(
          ["", "median", "slowest"],
          CAPTURE_METHODS.map((method) => [
            names[method],
            `${Math.round(median(starts[method]))} ms`,
            `${Math.round(Math.max(...starts[method]))} ms`,
          ]),
        ),
        ...executableNote(),
      ],
      targets: targets(costs, starts),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function inTurns<T>(
  measure: (method: CaptureMethod) => Promise<T>,
): Promise<Record<CaptureMethod, T[]>> {
  const results: Record<CaptureMethod, T[]> = { pcap: [], afpacket: [] };
  for (let round = 0; round < rounds; round++) {
    for (const method of CAPTURE_METHODS) {
      const result = await measure(method);
      console.error(`${round + 1}/${rounds} ${names[method]}: ${JSON.stringify(result)}`);
      results[method].push(result);
    }
  }
  return results;
}

async function measureCost(
  tapwatch: Tapwatch,
  method: CaptureMethod,
  { path, loops, sender }: { path: string; loops: number; sender: Sender },
): Promise<Cost> {
  return await withTapwatch(tapwatch, ["--capture", method], async (running) => {
    await running.untilCapturing();
    const before = readProcess(running.pid).cpuSeconds;
    const sent = await sender.sendAll(path, loops);
    const metrics = await untilCounted(running, sent.packets);
    const cpuSeconds = readProcess(running.pid).cpuSeconds - before;
    const counted = countedOf(metrics);
    return { nsPerPacket: cpuSeconds / counted * 1e9, sent, lost: sent.packets - counted };
  });
}

/** What is lost while two senders keep both processors busy. */
async function overload(tapwatch: Tapwatch, method: CaptureMethod, path: string, sender: Sender) {
  const options = ["--capture", method, "--buffer-mb", String(overloadBufferMb)];
  return await withTapwatch(tapwatch, options, async (running) => {
    await running.untilCapturing();
    const both = [1, 2].map(() => sender.sendAll(path, overloadLoops));
    const sent = (await Promise.all(both)).reduce((sum, { packets }) => sum + packets, 0);
    const metrics = await untilCounted(running, sent);
    const kernel = dropsOf(metrics, "kernel");
    return { kernel, later: sent - kernel - countedOf(metrics) };
  });
}

async function measureStarts(tapwatch: Tapwatch, folder: string, sender: Sender) {
  const path = `${folder}/steady.pcap`;
  await Deno.writeFile(path, pcapFile(samplePackets(1000)));
  await using _sending = sender.sendSteadily(path, 2000);
  return await inTurns((method) =>
    withTapwatch(tapwatch, ["--capture", method], async ({ startedUs }, results) => {
      const firstUs = await firstRecordUs(`${results}/captured_traffic.pcap`);
      return (firstUs - startedUs) / 1000;
    })
  );
}

function costTable(costs: ReadonlyMap<number, Record<CaptureMethod, Cost[]>>): string {
  const rows = [...costs].flatMap(([length, byMethod]) =>
    CAPTURE_METHODS.map((method) => {
      const runs = byMethod[method];
      const rate = median(runs.map(({ sent }) => sent.packets / sent.seconds));
      return [
        `${names[method]}, ${length} bytes`,
        `${Math.round(costOf(runs))} ns`,
        method === "pcap" ? "" : `${saving(byMethod).toFixed(0)} % less`,
        formatRate(rate),
        runs.map(({ lost }) => formatCount(lost)).join(", "),
      ];
    })
  );
  return table(["", "processor time a packet", "", "sent/s", "lost"], rows);
}

function costOf(runs: readonly Cost[]): number {
  return median(runs.map(({ nsPerPacket }) => nsPerPacket));
}

/** Per cent of libpcap's. */
function saving({ pcap, afpacket }: Record<CaptureMethod, Cost[]>): number {
  return (1 - costOf(afpacket) / costOf(pcap)) * 100;
}

function targets(
  costs: ReadonlyMap<number, Record<CaptureMethod, Cost[]>>,
  starts: Record<CaptureMethod, number[]>,
): Target[] {
  const savings = [...costs.values()].map(saving);
  const lost = [...costs.values()].flatMap(({ afpacket }) => afpacket.map(({ lost }) => lost));
  const startMs = median(starts.afpacket);
  const [cost, drops, start] = promises as [string, string, string];
  return [
    {
      promise: cost,
      measured: [...costs.keys()].map((length, i) =>
        `${savings[i]!.toFixed(0)} % at ${length} bytes`
      ).join(", "),
      isMet: Math.min(...savings) >= 20,
    },
    {
      promise: drops,
      measured: `${formatCount(Math.max(...lost))} lost in the worst of ${lost.length} runs`,
      isMet: Math.max(...lost) === 0,
    },
    { promise: start, measured: `${Math.round(startMs)} ms, median`, isMet: startMs <= 300 },
  ];
}
