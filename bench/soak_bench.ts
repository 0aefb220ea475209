/**
 * Left alone under load: an hour beside 50,000 packets/s and a quarter of one beside 20,000, with a page open (its event stream, and
 * a page each second), and some minutes on a quiet link. Resident memory, open handles, drops and pages are sampled; of the long
 * run they are drawn as `docs/soak.svg`. `--seconds=300` makes the long run as short, for trying it out; with it nothing is judged.
 */
import {
  formatCount,
  formatMb,
  isQuick,
  percentile,
  type Section,
  size,
  table,
  type Target,
} from "./harness.ts";
import { largeCapture } from "./large_capture.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { residentByPart, residentParts } from "./resident.ts";
import { executableNote, readProcess, type Tapwatch, tapwatchVariants } from "./programs.ts";
import {
  allDropsOf,
  countedOf,
  delay,
  type RunningTapwatch,
  sumOf,
  withTapwatch,
} from "./running.ts";
import { drawSoak, type Sample } from "./soak_picture.ts";

interface SoakRun {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly drops: number;
  readonly rowsShed: number;
  /** Processor time as a share of a core, in percent, after the settling time. */
  readonly cpuPct: number;
  readonly pagesMs: readonly number[];
  readonly code: number;
  /** Resident bytes at the end, in the order of `residentParts`. */
  readonly parts: readonly number[];
}

interface Load {
  readonly name: string;
  readonly packetsPerSecond: number;
  readonly seconds: number;
  /** Share of the run after which memory is to be flat, and processor time is taken. */
  readonly settledAt: number;
  readonly hasViewer: boolean;
}

const asked = Number(Deno.args.find((arg) => arg.startsWith("--seconds="))?.slice(10) ?? NaN);
const isJudged = !isQuick && Number.isNaN(asked);
const long = Number.isNaN(asked) ? size(3600, 60) : asked;
const short = Math.min(long, size(900, 30));
const quiet: Load = {
  name: "a quiet link, 1 packet/s, no page open",
  packetsPerSecond: 1,
  seconds: Math.min(long, size(300, 30)),
  settledAt: 0.5,
  hasViewer: false,
};
const usual: Load = {
  name: "20,000 packets/s",
  packetsPerSecond: 20_000,
  seconds: short,
  settledAt: 600 / 900,
  hasViewer: true,
};
const full: Load = {
  name: "50,000 packets/s",
  packetsPerSecond: 50_000,
  seconds: long,
  settledAt: 600 / 3600,
  hasViewer: true,
};
const sampleMs = Math.min(5000, long * 1000 / 60);
/**
 * Memory and handles may be so much larger in the last tenth of a run than in the first tenth of what follows when they had settled:
 * means, for single samples differ by as much, with what the collectors of eight threads have just left.
 */
const growthMax = 1.05;
const tenth = 0.1;
const title = "run: an hour of load";
const promises = [
  "memory at 20,000 packets/s at most 350 MB",
  "memory and handles flat after ten minutes of an hour at 50,000 packets/s",
  "nothing lost in an hour at 50,000 packets/s",
  "idle on a quiet link: at most 1 % of a core",
  "idle on a quiet link: at most 170 MB with the kernel's ring",
];

await printLive({ title, promises }, benchSoak);

async function benchSoak(sender: Sender): Promise<Section> {
  const capture = await largeCapture();
  const [tapwatch] = tapwatchVariants();
  const runs: SoakRun[] = [];
  for (const load of [quiet, usual, full]) {
    runs.push(await soak(tapwatch!, sender, { load, path: capture.path }));
  }
  if (!isQuick) {
    const picture = new URL("../docs/soak.svg", import.meta.url);
    await Deno.writeTextFile(picture, drawSoak(runs[2]!.samples, full.name));
  }
  return {
    title,
    blocks: [
      `The large file is sent again and again by tcpreplay over a veth pair, at so many packets a second, to ${
        tapwatch!.name
      } with its defaults; with a page open, which is one reader of \`/api/events\` and \`/\` each second. Memory is what is resident, the ` +
      `kernel's ring (16 MiB, under load 64) and the executable's pages among it. A run is settled after ten minutes (the quiet one in its second half).`,
      soakTable(runs),
      "What was resident at the end, by the process' mappings:",
      partsTable(runs),
      ...executableNote(),
    ],
    targets: targets(runs),
  };
}

async function soak(
  tapwatch: Tapwatch,
  sender: Sender,
  { load, path }: { readonly load: Load; readonly path: string },
): Promise<SoakRun> {
  return await withTapwatch(tapwatch, [], async (running) => {
    await running.untilCapturing();
    const viewer = new AbortController();
    const events = load.hasViewer ? running.countEvents(viewer.signal) : null;
    const pages = load.hasViewer ? running.viewPages(viewer.signal) : null;
    await using traffic = sender.sendSteadily(path, load.packetsPerSecond);
    try {
      const { samples, cpuPct } = await watch(running, load);
      const parts = residentByPart(running.pid);
      const metrics = await running.metrics();
      traffic.kill("SIGKILL");
      viewer.abort();
      await events;
      return {
        name: load.name,
        samples,
        cpuPct,
        drops: allDropsOf(metrics),
        rowsShed: sumOf(metrics, /^tapwatch_rows_shed_total/),
        pagesMs: await pages ?? [],
        parts,
        code: (await running.stop()).code,
      };
    } finally {
      viewer.abort();
    }
  });
}

async function watch(
  running: RunningTapwatch,
  { name, seconds, settledAt, hasViewer }: Load,
): Promise<{ samples: Sample[]; cpuPct: number }> {
  const samples: Sample[] = [];
  const beganMs = performance.now();
  const ageS = () => (performance.now() - beganMs) / 1000;
  let settled: { cpuSeconds: number; ageS: number } | null = null;
  while (ageS() < seconds) {
    // A question for its counters is load too.
    const packets = hasViewer ? countedOf(await running.metrics()) : 0;
    samples.push({ seconds: ageS(), packets, ...residentOf(running.pid) });
    if (settled === null && ageS() >= seconds * settledAt) {
      settled = { cpuSeconds: readProcess(running.pid).cpuSeconds, ageS: ageS() };
    }
    if (samples.length % 60 === 0) {
      console.error(`${name}: ${Math.round(ageS())} s, ${formatMb(samples.at(-1)!.rssBytes)}`);
    }
    await delay(sampleMs);
  }
  const cpuSeconds = readProcess(running.pid).cpuSeconds - (settled?.cpuSeconds ?? 0);
  return { samples, cpuPct: 100 * cpuSeconds / (ageS() - (settled?.ageS ?? 0)) };
}

function residentOf(pid: number): { rssBytes: number; handles: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const rssBytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  return { rssBytes, handles: [...Deno.readDirSync(`/proc/${pid}/fd`)].length };
}

function soakTable(runs: readonly SoakRun[]): string {
  const headings = [
    "",
    "for",
    "counted",
    "packets/s",
    "drops",
    "rows shed",
    "CPU",
    "memory settled",
    "memory at most",
    "at the end",
    "handles settled",
    "at most",
    "page, p99",
    "exit",
  ];
  return table(
    headings,
    runs.map((run, index) => {
      const after = settledSamples(run, [quiet, usual, full][index]!);
      const last = run.samples.at(-1)!;
      return [
        run.name,
        `${Math.round(last.seconds)} s`,
        last.packets === 0 ? "–" : formatCount(last.packets),
        last.packets === 0 ? "–" : formatCount(Math.round(rateOf(run))),
        formatCount(run.drops),
        formatCount(run.rowsShed),
        `${run.cpuPct.toFixed(1)} % of a core`,
        formatMb(after[0]!.rssBytes),
        formatMb(largest(run.samples, "rssBytes")),
        formatMb(last.rssBytes),
        String(after[0]!.handles),
        String(largest(run.samples, "handles")),
        run.pagesMs.length === 0 ? "–" : `${Math.round(percentile(run.pagesMs, 0.99))} ms`,
        String(run.code),
      ];
    }),
  );
}

function partsTable(runs: readonly SoakRun[]): string {
  return table(
    ["", ...runs.map(({ name }) => name)],
    residentParts.map((part, index) => [part, ...runs.map(({ parts }) => formatMb(parts[index]!))]),
  );
}

function targets(runs: readonly SoakRun[]): Target[] {
  const [idle, at20k, at50k] = runs as [SoakRun, SoakRun, SoakRun];
  const settled = settledSamples(at50k, full);
  const grown = (what: "rssBytes" | "handles") =>
    meanOf(settled.slice(-countOfTenth(settled)), what) /
    Math.max(1, meanOf(settled.slice(0, countOfTenth(settled)), what));
  const rate = rateOf(at50k);
  const idleBytes = largest(settledSamples(idle, quiet), "rssBytes");
  const judged: readonly (readonly [string, boolean])[] = [
    [
      `${formatMb(largest(at20k.samples, "rssBytes"))} at most`,
      largest(at20k.samples, "rssBytes") <= 350e6,
    ],
    [
      `memory ${percent(grown("rssBytes"))}, handles ${percent(grown("handles"))}`,
      grown("rssBytes") <= growthMax && grown("handles") <= growthMax,
    ],
    [
      `${formatCount(at50k.drops)} drops at ${formatCount(Math.round(rate))} packets/s`,
      at50k.drops === 0 && rate >= 0.95 * full.packetsPerSecond,
    ],
    [`${idle.cpuPct.toFixed(2)} %`, idle.cpuPct <= 1],
    [formatMb(idleBytes), idleBytes <= 170e6],
  ];
  return judged.map(([measured, isMet], index) => ({
    promise: promises[index]!,
    measured,
    isMet: isJudged ? isMet : null,
  }));
}

function settledSamples({ samples }: SoakRun, { seconds, settledAt }: Load): readonly Sample[] {
  const after = samples.filter((sample) => sample.seconds >= seconds * settledAt);
  return after.length === 0 ? samples.slice(-1) : after;
}

function countOfTenth(samples: readonly Sample[]): number {
  return Math.ceil(tenth * samples.length);
}

function meanOf(samples: readonly Sample[], what: "rssBytes" | "handles"): number {
  return samples.reduce((sum, sample) => sum + sample[what], 0) / samples.length;
}

function rateOf({ samples }: SoakRun): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  return (last.packets - first.packets) / Math.max(1, last.seconds - first.seconds);
}

function largest(samples: readonly Sample[], what: "rssBytes" | "handles"): number {
  return Math.max(...samples.map((sample) => sample[what]));
}

function percent(factor: number): string {
  const change = (factor - 1) * 100;
  return `${change < 0 ? "" : "+"}${change.toFixed(1)} %`;
}
