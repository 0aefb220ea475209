/** A replay of the demo, or a live capture, in this process, whose threads can be made to crash. */
import { DatabaseSync } from "node:sqlite";
import { parseConfig } from "../agent/config.ts";
import { Supervisor } from "../agent/cli/supervisor.ts";
import { type LiveEvent, LiveState } from "../agent/live_state.ts";
import { Log } from "../agent/log.ts";
import { libc } from "../ffi/linux/libc.ts";
import { StoreQueries } from "../agent/store/queries.ts";
import { demoCapture, patienceMs } from "./program.ts";
import { tinyDetectorModule } from "./tiny_detector.ts";

export const demoPackets = 25_208;

// Once it is loaded it stays, which no test must be blamed for.
if (Deno.build.os === "linux") libc();

/**
 * Worker, but each thread also understands "crash", and the test finds them by their module's name. Detection is one
 * detector with little to find.
 */
export class FragileWorker extends Worker {
  /** The newest of each module. */
  static readonly started = new Map<string, FragileWorker>();
  readonly #replaced = Promise.withResolvers<void>();

  constructor(url: URL, options: WorkerOptions) {
    const isDetect = url.pathname.endsWith("/detect_worker.ts");
    const code = `import ${JSON.stringify(url.href)};${isDetect ? tinyDetectorModule : ""}
      const answer = self.onmessage;
      self.onmessage = (event) => {
        if (event.data === "crash") throw new Error("asked to");
        answer(event);
      };`;
    super(`data:application/javascript,${encodeURIComponent(code)}`, options);
    const name = url.pathname.split("/").at(-1)!;
    const before = FragileWorker.started.get(name);
    if (before !== undefined) before.#replaced.resolve();
    FragileWorker.started.set(name, this);
  }

  /** Resolves when another thread of its module has been started. */
  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }
}

interface FragileRun {
  readonly supervisor: Supervisor;
  readonly live: LiveState;
  readonly folder: string;
}

/** Replays the demo in this process, with such workers. */
export function withReplay(
  args: readonly string[],
  use: (run: FragileRun) => Promise<void>,
): Promise<void> {
  return withThreads(["replay", demoCapture, ...args], use);
}

/** Captures on a device in this process, with such workers. */
export function withCapture(
  device: string,
  args: readonly string[],
  use: (run: FragileRun) => Promise<void>,
): Promise<void> {
  return withThreads(["run", "--allow-ffi", "-i", device, ...args], use);
}

async function withThreads(
  [command, ...args]: readonly [string, ...string[]],
  use: (run: FragileRun) => Promise<void>,
): Promise<void> {
  const original = globalThis.Worker;
  globalThis.Worker = FragileWorker as typeof Worker;
  const folder = await Deno.makeTempDir();
  const config = parseConfig(
    [command, "--results", folder, "--log-packets", "all", ...args],
    { env: {}, readTextFile: Deno.readTextFileSync, exists: () => false },
  );
  const isReplay = config.command === "replay";
  const live = new LiveState(isReplay ? "replay" : "live");
  const queries = new StoreQueries(`${folder}/packet_logs.db`);
  const supervisor = new Supervisor({
    config,
    input: isReplay
      ? { kind: "file", path: demoCapture, speed: config.speed, file: null }
      : { kind: "live", devices: config.interfaces, loopbackNote: "" },
    live,
    log: new Log({ level: "error", format: "text", write: () => {} }),
    queries,
    onStoreBegan: () => {},
    onAlertsTaken: () => {},
  });
  try {
    await supervisor.start();
    await use({ supervisor, live, folder });
  } finally {
    await supervisor.stop();
    queries.close();
    globalThis.Worker = original;
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits until `isTrue`, asked at each event. Throws when it has waited in vain. */
export async function until(live: LiveState, isTrue: (event: LiveEvent) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = live.subscribe((event) => isTrue(event) && resolve());
  try {
    await patiently(live, promise);
  } finally {
    unsubscribe();
  }
}

/** Waits for `promise`. Throws when it has waited in vain. */
export async function patiently(live: LiveState, promise: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`In vain; last: ${JSON.stringify(live.statsEvent())}`)),
    patienceMs,
  );
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function query(folder: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(`${folder}/packet_logs.db`, {
    readOnly: true,
    timeout: 5000,
  });
  try {
    return database.prepare(sql).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}
