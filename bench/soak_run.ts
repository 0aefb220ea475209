/** Left alone under one load: what is sampled of tapwatch with its defaults, with or without a page open, and how it is told. */
import { formatCount, formatMb, percentile, table } from "./harness.ts";
import { largeCapture } from "./large_capture.ts";
import type { Sender } from "./namespaces.ts";
import { residentByPart, residentParts } from "./resident.ts";
import { executableNote, readProcess, tapwatchVariants } from "./programs.ts";
import {
  allDropsOf,
  countedOf,
  delay,
  type RunningTapwatch,
  sumOf,
  withTapwatch,
} from "./running.ts";
import type { Sample } from "./soak_picture.ts";

export interface SoakRun {
  readonly load: Load;
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

export interface Load {
  readonly name: string;
  readonly packetsPerSecond: number;
  readonly seconds: number;
  /** Share of the run after which memory is to be flat, and processor time is taken. */
  readonly settledAt: number;
  readonly hasViewer: boolean;
}

const sampleMsMax = 5000;

/** What a section says of its runs. */
export function soakBlocks(runs: readonly SoakRun[]): string[] {
  return [
    "The large file is sent again and again by tcpreplay over a veth pair, at so many packets a second, to tapwatch with its defaults. A " +
    "page that is open is one reader of `/api/events`, and `/` each second. Memory is what is resident, the kernel's ring (20 MiB, more " +
    "under load) and the executable's pages among it. A run is settled after ten minutes (the quiet one in its second half).",
    soakTable(runs),
    "What was resident at the end, by the process' mappings:",
    partsTable(runs),
    ...executableNote(),
  ];
}

export async function soak(sender: Sender, load: Load): Promise<SoakRun> {
  const { path } = await largeCapture();
  const [tapwatch] = tapwatchVariants();
  return await withTapwatch(tapwatch!, [], async (running) => {
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
        load,
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
    await delay(Math.min(sampleMsMax, seconds * 1000 / 60));
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
    runs.map((run) => {
      const after = settledSamples(run);
      const last = run.samples.at(-1)!;
      return [
        run.load.name,
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
    ["", ...runs.map(({ load }) => load.name)],
    residentParts.map((part, index) => [part, ...runs.map(({ parts }) => formatMb(parts[index]!))]),
  );
}

export function settledSamples(
  { samples, load: { seconds, settledAt } }: SoakRun,
): readonly Sample[] {
  const after = samples.filter((sample) => sample.seconds >= seconds * settledAt);
  return after.length === 0 ? samples.slice(-1) : after;
}

/**
 * How much more there is in the last tenth of a settled run than in its first: means, for single samples differ by as much, with
 * what the collectors of eight threads have just left.
 */
export function growthOf(run: SoakRun, what: "rssBytes" | "handles"): number {
  const samples = settledSamples(run);
  const count = Math.ceil(samples.length / 10);
  return meanOf(samples.slice(-count), what) / Math.max(1, meanOf(samples.slice(0, count), what));
}

function meanOf(samples: readonly Sample[], what: "rssBytes" | "handles"): number {
  return samples.reduce((sum, sample) => sum + sample[what], 0) / samples.length;
}

export function rateOf({ samples }: SoakRun): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  return (last.packets - first.packets) / Math.max(1, last.seconds - first.seconds);
}

export function largest(samples: readonly Sample[], what: "rssBytes" | "handles"): number {
  return Math.max(...samples.map((sample) => sample[what]));
}
