/** The threads of a replay, each of which is made to crash once: it is noted, counted, and the run goes on. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../config.ts";
import { type LiveEvent, LiveState } from "../live_state.ts";
import { Log } from "../log.ts";
import { Supervisor } from "./supervisor.ts";

const demo = fileURLToPath(new URL("../../tests/fixtures/demo.pcapng.gz", import.meta.url));
const demoPackets = 25_208;
const patienceMs = 60_000;

/** Worker, but each thread also understands "crash", and the test finds them by their module's name. */
class FragileWorker extends Worker {
  static readonly started = new Map<string, FragileWorker>();

  constructor(url: URL, options: WorkerOptions) {
    const code = `import ${JSON.stringify(url.href)};
      const answer = self.onmessage;
      self.onmessage = (event) => {
        if (event.data === "crash") throw new Error("asked to");
        answer(event);
      };`;
    super(`data:application/javascript,${encodeURIComponent(code)}`, options);
    FragileWorker.started.set(url.pathname.split("/").at(-1)!, this);
  }
}

/** Replays the demo in this process, with such workers. */
async function withReplay(
  args: readonly string[],
  use: (run: { supervisor: Supervisor; live: LiveState; folder: string }) => Promise<void>,
): Promise<void> {
  const original = globalThis.Worker;
  globalThis.Worker = FragileWorker as typeof Worker;
  const folder = await Deno.makeTempDir();
  const config = parseConfig(
    ["replay", demo, "--results", folder, "--log-packets", "all", ...args],
    { env: {}, readTextFile: Deno.readTextFileSync, exists: () => false },
  );
  const live = new LiveState("replay");
  const supervisor = new Supervisor({
    config,
    input: { kind: "file", path: demo, speed: config.speed },
    live,
    log: new Log({ level: "error", format: "text", write: () => {} }),
  });
  try {
    await supervisor.start();
    await use({ supervisor, live, folder });
  } finally {
    await supervisor.stop();
    globalThis.Worker = original;
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits until `isTrue`, asked at each event; an error after a minute. */
async function until(live: LiveState, isTrue: (event: LiveEvent) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`In vain; last: ${JSON.stringify(live.statsEvent())}`)),
    patienceMs,
  );
  const unsubscribe = live.subscribe((event) => isTrue(event) && resolve());
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    unsubscribe();
  }
}

function countRows(folder: string, table: string): number {
  const database = new DatabaseSync(`${folder}/packet_logs.db`, {
    readOnly: true,
    timeout: 5000,
  });
  const { count } = database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!;
  database.close();
  return Number(count);
}

for (const name of ["store", "recorder", "pipeline", "replay"]) {
  Deno.test(`a crash of the ${name} thread is counted, and packets are written again`, () =>
    withReplay(["--speed", "60"], async ({ live, folder }) => {
      await until(live, () => (live.snapshot?.packets ?? 0) > 1000);
      FragileWorker.started.get(`${name}_worker.ts`)!.postMessage("crash");
      await until(live, () => live.workerRestarts === 1);
      match(live.entries.at(-1)!.text, new RegExp(`^The ${name} thread crashed`));
      const rows = countRows(folder, "packets");
      // A new recorder counts from its own start.
      const written = name === "recorder" ? 0 : live.recorder.packetsWritten;
      await until(
        live,
        () =>
          countRows(folder, "packets") > rows + 500 && live.recorder.packetsWritten > written + 500,
      );
      strictEqual(live.workerRestarts, 1);
      deepStrictEqual([live.store.state, live.recorder.state], ["ok", "ok"]);
    }));
}

Deno.test("a replay whose recorder crashed still comes to its end", () =>
  withReplay(["--speed", "240"], async ({ live, supervisor }) => {
    await until(live, () => (live.snapshot?.packets ?? 0) > 1000);
    FragileWorker.started.get("recorder_worker.ts")!.postMessage("crash");
    await supervisor.drained;
    strictEqual(live.snapshot!.packets, demoPackets);
  }));
