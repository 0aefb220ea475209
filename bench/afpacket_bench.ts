/**
 * libpcap and AF_PACKET in turns on the same traffic: what a packet costs tapwatch of the processor, everything on; what is lost
 * when it shares one processor with busy programs; and from the start of the process to the first packet.
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
import {
  executableNote,
  onOneProcessor,
  readProcess,
  type Tapwatch,
  tapwatchVariants,
  withHogs,
} from "./programs.ts";
import { writeFrames } from "./small_frames.ts";
import { allDropsOf, countedOf, firstRecordUs, untilCounted, withTapwatch } from "./running.ts";

const rounds = size(4, 1);
const filePackets = 100_000;
/** Bytes of a packet, and how many times the file of them is sent. */
const loads = [
  { length: 64, loops: size(40, 5) },
  { length: 500, loops: size(20, 3) },
];
const overloadLoops = size(10, 3);
const overloadBufferMb = 1;
/** Programs that use up the one processor that tapwatch then has. */
const hogs = 3;
const flows = 5000;
const names: Readonly<Record<CaptureMethod, string>> = { pcap: "libpcap", afpacket: "AF_PACKET" };
const title = "run: libpcap and AF_PACKET";
const promises = [
  "AF_PACKET: at least 20 % less processor time a packet than libpcap, 64 and 500 bytes",
  "AF_PACKET: 0 drops at the sender's limit",
  "AF_PACKET: start to first packet at most 300 ms",
  "AF_PACKET: no more drops than libpcap under overload, and each packet counted or a drop",
];

interface Cost {
  readonly nsPerPacket: number;
  readonly sent: Sent;
  readonly lost: number;
}

interface Overload {
  readonly sent: number;
  readonly counted: number;
  readonly drops: number;
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
    const overloads = await inTurns((method) =>
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
        `Overload: tapwatch may use one processor, which it shares with ${hogs} busy programs; two senders of 64 bytes, a ring of ${overloadBufferMb} MiB:`,
        overloadTable(overloads),
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
      targets: targets({ costs, starts, overloads }),
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

/** What is lost while tapwatch has a part of one processor; the hogs end before the rest of the ring is waited for. */
async function overload(
  { name, command }: Tapwatch,
  method: CaptureMethod,
  path: string,
  sender: Sender,
): Promise<Overload> {
  const options = ["--capture", method, "--buffer-mb", String(overloadBufferMb)];
  const onOne = { name, command: [...onOneProcessor(), ...command] };
  return await withTapwatch(onOne, options, async (running) => {
    await running.untilCapturing();
    const sent = await withHogs(hogs, async () => {
      const both = [1, 2].map(() => sender.sendAll(path, overloadLoops));
      return (await Promise.all(both)).reduce((sum, { packets }) => sum + packets, 0);
    });
    const metrics = await untilCounted(running, sent);
    return { sent, counted: countedOf(metrics), drops: allDropsOf(metrics) };
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

function overloadTable(overloads: Record<CaptureMethod, Overload[]>): string {
  const rows = CAPTURE_METHODS.flatMap((method) =>
    overloads[method].map((run) => [
      names[method],
      formatCount(run.sent),
      formatCount(run.counted),
      formatCount(run.drops),
      formatCount(missing(run)),
    ])
  );
  return table(["", "sent", "counted", "drops", "in neither"], rows);
}

function missing({ sent, counted, drops }: Overload): number {
  return sent - counted - drops;
}

function costOf(runs: readonly Cost[]): number {
  return median(runs.map(({ nsPerPacket }) => nsPerPacket));
}

/** Per cent of libpcap's. */
function saving({ pcap, afpacket }: Record<CaptureMethod, Cost[]>): number {
  return (1 - costOf(afpacket) / costOf(pcap)) * 100;
}

function targets({ costs, starts, overloads }: {
  readonly costs: ReadonlyMap<number, Record<CaptureMethod, Cost[]>>;
  readonly starts: Record<CaptureMethod, number[]>;
  readonly overloads: Record<CaptureMethod, Overload[]>;
}): Target[] {
  const savings = [...costs.values()].map(saving);
  const lost = [...costs.values()].flatMap(({ afpacket }) => afpacket.map(({ lost }) => lost));
  const startMs = median(starts.afpacket);
  const [cost, drops, start, overload] = promises as [string, string, string, string];
  const [pcap, afpacket] = CAPTURE_METHODS.map((method) =>
    overloads[method].map(({ drops }) => drops)
  ) as [number[], number[]];
  const unaccounted = Object.values(overloads).flat().map(missing);
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
    {
      promise: overload,
      measured: `${formatCount(median(afpacket))} drops, libpcap ${
        formatCount(median(pcap))
      }, medians; ${formatCount(Math.max(...unaccounted.map(Math.abs)))} in neither`,
      // Where libpcap drops nothing there was no overload.
      isMet: Math.min(...pcap) === 0
        ? null
        : median(afpacket) <= median(pcap) && unaccounted.every((count) => count === 0),
    },
  ];
}
