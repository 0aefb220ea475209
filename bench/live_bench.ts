/**
 * Live capture at the speed that tcpreplay reaches between two network namespaces: tapwatch with everything on (flows,
 * SQLite, capture ring, a dashboard with an event stream and a page each second), then tcpdump and Scapy on the same
 * traffic, each in a run of its own. Sender and receiver share the processors.
 */
import {
  formatCount,
  formatMb,
  formatRate,
  isQuick,
  type Section,
  size,
  table,
  type Target,
} from "./harness.ts";
import { type LargeCapture, largeCapture } from "./large_capture.ts";
import { device, printLive, type Sender, type Sent } from "./namespaces.ts";
import {
  executableNote,
  isInstalled,
  isScapyInstalled,
  python,
  readProcess,
  type Tapwatch,
  tapwatchVariants,
} from "./programs.ts";
import { Peer } from "./peer.ts";
import { countedOf, delay, dropsOf, sumOf, untilCounted, withTapwatch } from "./running.ts";

/** One run of tapwatch under load. */
interface LiveRun {
  readonly name: string;
  readonly sent: Sent;
  readonly counted: number;
  readonly recorded: number;
  /** By place, as `/metrics` counts them. */
  readonly drops: ReadonlyMap<string, number>;
  readonly rowsShed: number;
  readonly observationsShed: number;
  /** Processor time of all threads until the last packet was counted. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly pagesMs: readonly number[];
  readonly events: number;
  readonly stop: { readonly seconds: number; readonly code: number };
}

interface PeerRun {
  readonly name: string;
  readonly sent: Sent;
  readonly counted: number;
}

/** Runs of the first variant, right after its start and after a quiet while; the second runs once. */
const repetitions = size(4, 1);
/** Until the kernel ring is the small one. */
const quietSeconds = 15;
const places = ["kernel", "interface", "queue", "recorder", "store"];
const title = "run: live capture at full speed";
const promises = [
  "0 drops of at least 1,000,000 packets, all of them counted",
  "stops within 5 s, exit 0",
];

await printLive({ title, promises }, benchLive);

async function benchLive(sender: Sender): Promise<Section> {
  const capture = await largeCapture();
  const runs: LiveRun[] = [];
  const [first, ...others] = tapwatchVariants();
  const repeat = async (tapwatch: Tapwatch, times: number, afterSeconds: number) => {
    for (let time = 0; time < times; time++) {
      runs.push(await runTapwatch(tapwatch, sender, { capture, afterSeconds }));
    }
  };
  await repeat(first!, repetitions, 0);
  await repeat(first!, repetitions, quietSeconds);
  for (const tapwatch of others) await repeat(tapwatch, 1, 0);
  const peers: PeerRun[] = [];
  if (isInstalled("tcpdump")) peers.push(await runTcpdump(sender, capture));
  if (isScapyInstalled()) peers.push(await runScapy(sender, capture));
  return {
    title,
    blocks: [
      `The large file (${
        formatCount(capture.packets)
      } packets) sent by \`tcpreplay --topspeed --preload-pcap\` from one ` +
      "network namespace to another over a veth pair (MTU 65535, offloads off by ethtool where it is installed). " +
      "tapwatch runs with its defaults: a kernel ring of 64 MiB, of which 20 are left when little comes, flows, detection, SQLite with sampled packet rows, capture ring; " +
      "one reader of `/api/events`, and `/` fetched each second. All of it, the sender too, shares the processors.",
      runTable(runs),
      "CPU is the processor time of tapwatch until the last packet was counted. Packet rows that are not " +
      "taken into the sample are no drops; rows shed are those that the database had no room for, observations shed those that " +
      "the detectors had none for.",
      peerTable(peers),
      "tcpdump with `-B 65536`, the same 64 MiB; Scapy's `sniff(store=False)` with its own defaults.",
      ...executableNote(),
    ],
    targets: targets(runs),
  };
}

async function runTapwatch(
  tapwatch: Tapwatch,
  sender: Sender,
  { capture, afterSeconds }: { readonly capture: LargeCapture; readonly afterSeconds: number },
): Promise<LiveRun> {
  const name = tapwatch.name + (afterSeconds === 0 ? "" : `, ${afterSeconds} s after its start`);
  return await withTapwatch(tapwatch, [], async (running) => {
    await running.untilCapturing();
    await delay(1000 * afterSeconds);
    const viewer = new AbortController();
    const events = running.countEvents(viewer.signal);
    const pages = running.viewPages(viewer.signal);
    try {
      const before = readProcess(running.pid);
      const sent = await sender.sendAll(capture.path);
      const metrics = await untilCounted(running, sent.packets);
      const after = readProcess(running.pid);
      viewer.abort();
      const counted = countedOf(metrics);
      const pagesMs = await pages;
      console.error(`${name}: ${counted} of ${sent.packets} in ${sent.seconds} s`);
      return {
        name,
        sent,
        counted,
        recorded: metrics.get("tapwatch_recorder_packets_total") ?? 0,
        drops: new Map(places.map((place) => [place, dropsOf(metrics, place)])),
        rowsShed: sumOf(metrics, /^tapwatch_rows_shed_total/),
        observationsShed: metrics.get("tapwatch_observations_shed_total") ?? NaN,
        cpuSeconds: after.cpuSeconds - before.cpuSeconds,
        rssBytes: after.rssBytes,
        pagesMs,
        events: await events,
        stop: await running.stop(),
      };
    } finally {
      viewer.abort();
    }
  });
}

async function runTcpdump(sender: Sender, capture: LargeCapture): Promise<PeerRun> {
  const output = await Deno.makeTempFile({ prefix: "tapwatch-bench-" });
  const args = ["-i", device, "-B", "65536", "-w", output, "-n", "-Z", "root"];
  const tcpdump = new Peer("tcpdump", args);
  try {
    await tcpdump.until(/listening on/);
    const sent = await sender.sendAll(capture.path);
    await delay(2000);
    await tcpdump.interrupt();
    return { name: "tcpdump -w", sent, counted: tcpdump.number(/(\d+) packets? captured/) };
  } finally {
    await tcpdump.kill();
    await Deno.remove(output);
  }
}

async function runScapy(sender: Sender, capture: LargeCapture): Promise<PeerRun> {
  const program = `
import sys
from scapy.all import sniff
seen = [0]
def count(packet): seen[0] += 1
def ready(): print("ready", file=sys.stderr, flush=True)
sniff(iface="${device}", store=False, prn=count, started_callback=ready)
print("seen", seen[0], file=sys.stderr, flush=True)
`;
  const scapy = new Peer(python, ["-c", program]);
  try {
    await scapy.until(/ready/);
    const sent = await sender.sendAll(capture.path);
    await delay(2000);
    await scapy.interrupt();
    return { name: "Scapy", sent, counted: scapy.number(/seen (\d+)/) };
  } finally {
    await scapy.kill();
  }
}

function runTable(runs: readonly LiveRun[]): string {
  const headings = [
    "",
    "sent",
    "in",
    "sent/s",
    "counted",
    "recorded",
    ...places,
    "rows shed",
    "observations shed",
    "CPU",
  ];
  return table(
    [...headings, "memory", "slowest page", "events", "stopped in"],
    runs.map((run) => [
      run.name,
      formatCount(run.sent.packets),
      `${run.sent.seconds.toFixed(2)} s`,
      formatRate(run.sent.packets / run.sent.seconds),
      formatCount(run.counted),
      formatCount(run.recorded),
      ...places.map((place) => formatCount(run.drops.get(place) ?? 0)),
      formatCount(run.rowsShed),
      formatCount(run.observationsShed),
      `${run.cpuSeconds.toFixed(1)} s`,
      formatMb(run.rssBytes),
      `${Math.round(Math.max(...run.pagesMs))} ms`,
      String(run.events),
      `${run.stop.seconds.toFixed(1)} s`,
    ]),
  );
}

function peerTable(peers: readonly PeerRun[]): string {
  return table(
    ["", "sent", "sent/s", "counted", "share"],
    peers.map(({ name, sent, counted }) => [
      name,
      formatCount(sent.packets),
      formatRate(sent.packets / sent.seconds),
      formatCount(counted),
      `${(counted / sent.packets * 100).toFixed(1)} %`,
    ]),
  );
}

function targets(runs: readonly LiveRun[]): Target[] {
  const worst = runs.reduce((a, b) => lost(b) > lost(a) ? b : a);
  const least = Math.min(...runs.map(({ sent }) => sent.packets));
  const slowest = Math.max(...runs.map(({ stop }) => stop.seconds));
  const codes = new Set(runs.map(({ stop }) => stop.code));
  const [drops, stop] = promises as [string, string];
  return [
    {
      promise: drops,
      measured: `${formatCount(lost(worst))} lost in the worst of ${runs.length} runs of ${
        formatCount(least)
      }`,
      isMet: isQuick ? null : lost(worst) === 0 && least >= 1_000_000,
    },
    {
      promise: stop,
      measured: `${slowest.toFixed(1)} s at most, exit ${[...codes].join(", ")}`,
      isMet: slowest <= 5 && codes.size === 1 && codes.has(0),
    },
  ];
}

/** Drops anywhere, and packets that nobody counted. */
function lost({ drops, counted, sent }: LiveRun): number {
  const dropped = [...drops.values()].reduce((total, count) => total + count, 0);
  return Math.max(dropped, sent.packets - counted);
}
