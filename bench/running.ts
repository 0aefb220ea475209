/** A tapwatch that runs for a bench: its start, its pages, its counters, its end. */
import { device } from "./namespaces.ts";
import { type Tapwatch } from "./programs.ts";

/** What `/metrics` says, by name and labels: `tapwatch_packets_total`. */
type Metrics = ReadonlyMap<string, number>;

const url = "http://127.0.0.1:8055";
/** Longest waits for the start, and for the end after a signal. */
const startMsMax = 30_000;
const stopMsMax = 20_000;

export class RunningTapwatch {
  readonly pid: number;
  /** Wall clock, microseconds. */
  readonly startedUs: number;
  readonly #startedMs: number;
  readonly #child: Deno.ChildProcess;
  #log = "";

  constructor([program, ...args]: readonly string[]) {
    this.startedUs = Date.now() * 1000;
    this.#startedMs = performance.now();
    this.#child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.#keepLog();
  }

  /** Milliseconds since the start. */
  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Resolves when the dashboard takes connections. Throws Error when the program ends before. */
  async untilListening(): Promise<void> {
    const hasEnded = this.#child.status.then(() => true);
    for (const endMs = performance.now() + startMsMax; performance.now() < endMs;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: 8055 })).close();
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
      if (await Promise.race([hasEnded, delay(2)])) break;
    }
    throw new Error(`tapwatch did not start: ${this.#log}`);
  }

  /** Resolves when the device is being captured. Throws Error when the program ends before. */
  async untilCapturing(): Promise<void> {
    await this.untilListening();
    for (const endMs = performance.now() + startMsMax; performance.now() < endMs;) {
      const metrics = await this.metrics();
      if (metrics.get(`tapwatch_capture_up{interface="${device}"}`) === 1) return;
      await delay(20);
    }
    throw new Error(`tapwatch did not begin to capture: ${this.#log}`);
  }

  /** Fetches a page whole and returns the milliseconds that it took. Throws Error unless it is there. */
  async fetchPage(path: string): Promise<number> {
    const startedMs = performance.now();
    const response = await fetch(url + path);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
    return performance.now() - startedMs;
  }

  /** Fetches the first page each second until `signal`; returns how many milliseconds each took. */
  async viewPages(signal: AbortSignal): Promise<number[]> {
    const pagesMs: number[] = [];
    while (!signal.aborted) {
      pagesMs.push(await this.fetchPage("/"));
      await delay(1000);
    }
    return pagesMs;
  }

  async metrics(): Promise<Metrics> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const samples = text.matchAll(/^(tapwatch_\S+) (\S+)$/gm);
    return new Map([...samples].map(([, name, value]) => [name, Number(value)]));
  }

  /** Reads `/api/events` until `signal`; returns the number of chunks that came. */
  async countEvents(signal: AbortSignal): Promise<number> {
    // Aborting the fetch itself does not always end a read that is under way.
    const reader = (await fetch(`${url}/api/events`)).body!.getReader();
    signal.addEventListener("abort", () => void reader.cancel());
    let events = 0;
    while (!(await reader.read()).done) events++;
    return events;
  }

  /** Sends SIGTERM and waits for the end; kills it when that takes too long. Returns seconds and exit status. */
  async stop(): Promise<{ readonly seconds: number; readonly code: number }> {
    const startedMs = performance.now();
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself; its status tells how.
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopMsMax);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return { seconds: (performance.now() - startedMs) / 1000, code };
  }

  async #keepLog(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#log = (this.#log + text).slice(-4000);
    }
  }
}

/**
 * Calls `use` with a tapwatch that has just been started on the bench's device, with all but `options` as it is by default, and its
 * results folder; afterwards both are gone.
 */
export async function withTapwatch<T>(
  { command }: Tapwatch,
  options: readonly string[],
  use: (running: RunningTapwatch, results: string) => Promise<T>,
): Promise<T> {
  const results = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
  const args = ["run", "--allow-ffi", "-i", device, "--results", results, ...options];
  const running = new RunningTapwatch([...command, ...args]);
  try {
    return await use(running, results);
  } finally {
    await running.stop();
    await Deno.remove(results, { recursive: true });
  }
}

/** Packets that were decoded. */
export function countedOf(metrics: Metrics): number {
  return metrics.get("tapwatch_packets_total") ?? 0;
}

/** Packets that were lost before, by place: "kernel", "interface" or "queue"; NaN where that is not known. */
export function dropsOf(metrics: Metrics, place: string): number {
  return metrics.get(`tapwatch_capture_drops_total{where="${place}"}`) ?? NaN;
}

/** Sum of the samples whose name fits. */
export function sumOf(metrics: Metrics, name: RegExp): number {
  return [...metrics].reduce((total, [key, value]) => name.test(key) ? total + value : total, 0);
}

export const allDropsOf = (metrics: Metrics) => sumOf(metrics, /^tapwatch_capture_drops_total/);

/** Waits until so many packets are counted, as decoded or lost before, and written, or until none has come for three seconds. */
export async function untilCounted(running: RunningTapwatch, packets: number): Promise<Metrics> {
  let countedMs = performance.now();
  let last = -1;
  for (;;) {
    const metrics = await running.metrics();
    const lost = ["kernel", "interface", "queue"].map((place) => dropsOf(metrics, place) || 0);
    const total = lost.reduce((sum, count) => sum + count, countedOf(metrics));
    if (total !== last) countedMs = performance.now();
    last = total;
    const recorded = metrics.get("tapwatch_recorder_packets_total") ?? 0;
    if (total >= packets && recorded >= countedOf(metrics)) return metrics;
    if (performance.now() - countedMs > 3000) return metrics;
    await delay(100);
  }
}

/** Resolves with false after a time. */
export function delay(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}

/** Time of the first record of a pcap file, once there is one: native byte order, nanoseconds. */
export async function firstRecordUs(path: string): Promise<number> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const bytes = await Deno.readFile(path).catch(() => new Uint8Array(0));
    if (bytes.length >= 40) {
      const view = new DataView(bytes.buffer);
      const isNanosecond = view.getUint32(0, true) === 0xa1b23c4d;
      return view.getUint32(24, true) * 1e6 + view.getUint32(28, true) / (isNanosecond ? 1000 : 1);
    }
    await delay(5);
  }
  throw new Error("No packet came into the capture file");
}
