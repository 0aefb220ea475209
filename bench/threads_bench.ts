/**
 * How many packets a second one and two capture threads bear: tapwatch is halted while a burst comes into its kernel ring, then
 * goes on, and its processor time tells when it rests again. So the sender takes nothing from it, and nothing waits for one.
 */
import { formatCount, type Section, size, takeTurns, timesTable } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { executableNote, readProcess, type Tapwatch, tapwatchVariants } from "./programs.ts";
import { countedOf, delay, type RunningTapwatch, withTapwatch } from "./running.ts";
import { writeFrames } from "./small_frames.ts";

/** As many as the buffers between capture and pipeline hold: they are read faster than they are decoded. */
const packets = size(1_500_000, 200_000);
/** Sent before, so that the code of every thread has been compiled. */
const warmUpPackets = 200_000;
const frameBytes = 64;
const flows = 5000;
const rounds = size(5, 1);
const bufferMb = 1500;
/** It rests when it has taken less than a third of a processor in so many looks, each so long. */
const restLooks = 8;
const lookMs = 30;
const restShare = 0.33;

interface Setting {
  readonly name: string;
  readonly threads: number;
  /** Processors that it may use. */
  readonly processors: number;
}

const settings: readonly Setting[] = [
  { name: "1 thread, 1 processor", threads: 1, processors: 1 },
  { name: "1 thread, 2 processors", threads: 1, processors: 2 },
  { name: "2 threads, 2 processors", threads: 2, processors: 2 },
  ...navigator.hardwareConcurrency < 4
    ? []
    : [{ name: "2 threads, 4 processors", threads: 2, processors: 4 }],
];
const title = "run: one and two capture threads";

const isMissing = navigator.hardwareConcurrency < 2 ? "Not run: one processor." : null;
await printLive({ title, promises: [], isMissing }, benchThreads);

async function benchThreads(sender: Sender): Promise<Section> {
  const [tapwatch] = tapwatchVariants();
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
  const lost = new Map<string, number>();
  try {
    const path = `${folder}/frames.pcap`;
    await writeFrames(path, { length: frameBytes, packets, flows });
    const warmUpPath = `${folder}/warm_up.pcap`;
    await writeFrames(warmUpPath, { length: frameBytes, packets: warmUpPackets, flows });
    const contestants = settings.map((setting) => ({
      name: setting.name,
      operations: packets,
      run: async () => {
        const burst = await runBurst(tapwatch, setting, { sender, path, warmUpPath });
        lost.set(setting.name, (lost.get(setting.name) ?? 0) + burst.lost);
        return burst.seconds;
      },
      cells: () => [formatCount(lost.get(setting.name) ?? 0)],
    }));
    const results = await takeTurns(contestants, rounds);
    return {
      title,
      blocks: [
        `${formatCount(packets)} packets of ${frameBytes} bytes in ${
          formatCount(flows)
        } flows lie in the kernel's rings when ` +
        "tapwatch, halted until then, goes on (AF_PACKET, no packet rows, no capture files). The time is until it rests; " +
        "each thread is a capture and a pipeline worker, so one has work for two processors, and several for more.",
        timesTable(results, { unit: "packets", headings: ["lost, all runs"] }),
        ...executableNote(),
      ],
      targets: [],
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runBurst(
  { name, command }: Tapwatch,
  { threads, processors }: Setting,
  { sender, path, warmUpPath }: {
    readonly sender: Sender;
    readonly path: string;
    readonly warmUpPath: string;
  },
): Promise<{ seconds: number; lost: number }> {
  const onProcessors = ["taskset", "-c", `0-${processors - 1}`, ...command];
  return await withTapwatch({ name, command: onProcessors }, [
    ...["--capture", "afpacket", "--capture-threads", `${threads}`, "--buffer-mb", `${bufferMb}`],
    ...["--log-packets", "none", "--pcap-files", "0", "--no-processes"],
  ], async (running) => {
    await running.untilCapturing();
    await sender.sendAll(warmUpPath);
    await untilAllCounted(running);
    await untilResting(running.pid);
    Deno.kill(running.pid, "SIGSTOP");
    await sender.sendAll(path);
    const startedMs = performance.now();
    Deno.kill(running.pid, "SIGCONT");
    const seconds = (await untilResting(running.pid) - startedMs) / 1000;
    const counted = await untilAllCounted(running);
    return { seconds, lost: packets + warmUpPackets - counted };
  });
}

/** When the process began to rest. */
async function untilResting(pid: number): Promise<number> {
  let sinceMs = 0;
  for (let looks = 0; looks < restLooks;) {
    const fromMs = performance.now();
    const before = readProcess(pid).cpuSeconds;
    await delay(lookMs);
    const share = (readProcess(pid).cpuSeconds - before) * 1000 / (performance.now() - fromMs);
    if (looks === 0) sinceMs = fromMs;
    looks = share < restShare ? looks + 1 : 0;
  }
  return sinceMs;
}

/** Packets that were counted, once that number stands. */
async function untilAllCounted(running: RunningTapwatch): Promise<number> {
  let last = -1;
  for (;;) {
    const count = countedOf(await running.metrics());
    if (count === last && count > 0) return count;
    last = count;
    await delay(2500);
  }
}
