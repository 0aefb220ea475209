/**
 * Pages and `/api` over a month of history: how long the server takes for each, how long the main thread is held up meanwhile, and
 * whether writing 20,000 flow rows a second beside it loses any. `--full` makes ten million flow rows, else it is one million.
 */
import { DatabaseSync } from "node:sqlite";
import { ReaderHost } from "../agent/cli/reader_host.ts";
import { createDashboard } from "../dashboard.ts";
import { openFixture, startTraffic } from "../tests/dashboard_fixture.ts";
import { formatCount, formatMb, percentile, printSection, size, table } from "./harness.ts";
import { makeHistory } from "./history_data.ts";
import type { Written } from "./history_writer.ts";
import { FLOWS_PER_RUN } from "../agent/store/schema.ts";

const isFull = Deno.args.includes("--full");
const wanted = {
  flows: isFull ? 10_000_000 : size(1_000_000, 100_000),
  rollups: size(2_000_000, 200_000),
};
const rounds = size(20, 5);
const perSecond = 20_000;
/** Between two requests: people ask, but not without a pause. */
const pauseMs = 20;
const p95MaxMs = 150;
const blockedMaxMs = 50;

const fixture = await openFixture();
const { folder, live } = fixture;
const path = `${folder}/packet_logs.db`;
const nowUs = Date.now() * 1000;
const startedMs = performance.now();
const made = makeHistory(path, wanted, nowUs);
const madeS = (performance.now() - startedMs) / 1000;
const fileBytes = Deno.statSync(path).size;
startTraffic(live);
const reader = new ReaderHost(path, (text) => console.error(text));
reader.start();
const dashboard = createDashboard({ ...fixture.context, queries: reader.reader });

const month = `from=${nowUs - 30 * 86_400e6}&to=${nowUs}`;
const host = "host+192.168.1.7";
const asked = [
  ["/", "15 min"],
  ["/?range=24h", "24 h"],
  ["/?range=7d", "7 d"],
  ["/?range=30d", "30 d"],
  ["/?range=30d&compare=week", "30 d, week before"],
  [`/?range=30d&q=${host}`, "30 d, one host"],
  ["/?range=30d&q=service+tls", "30 d, one service"],
  ["/?range=30d&q=service+tls+and+name+www7.*", "30 d, two terms"],
  ["/api/stats?range=30d", ""],
  [`/flows?${month}`, "30 d"],
  [`/flows?${month}&q=${host}+and+service+tls`, "30 d"],
  [`/flows?${month}&order=bytes`, "30 d, by bytes"],
  [`/flows?${month}&limit=1000`, "30 d, long"],
  [`/api/flows?${month}&limit=1000`, "30 d, 1,000 rows"],
  [`/api/flows?${month}&q=net+203.7.0.0/16`, "30 d"],
  [`/api/flows?${month}&q=name+*.nowhere.example`, "30 d, nothing fits"],
  ["/hosts", ""],
  ["/hosts/192.168.1.7", "7 d"],
  ["/hosts/192.168.1.7?range=30d", "30 d"],
  ["/hosts/new", ""],
  [`/packets?${month}`, "30 d"],
  [`/incidents?${month}`, "30 d"],
  [`/anomalies?${month}`, "30 d"],
  [`/scans?${month}`, "30 d"],
  ["/alerts", ""],
  ["/status?range=30d", "30 d"],
] as const;

/** Longest that a timer of a millisecond came late. */
class Lateness {
  worstMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    const nowMs = performance.now();
    this.worstMs = Math.max(this.worstMs, nowMs - this.#lastMs - 1);
    this.#lastMs = nowMs;
  }, 1);
  take(): number {
    const worst = this.worstMs;
    this.worstMs = 0;
    return worst;
  }
  stop(): void {
    clearInterval(this.#timer);
  }
}

interface Timed {
  readonly path: string;
  readonly note: string;
  readonly ms: readonly number[];
  readonly blockedMs: number;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function ask(target: string): Promise<number> {
  const request = new Request(`http://localhost:8055${target}`, {
    headers: { host: "localhost:8055" },
  });
  const beganMs = performance.now();
  const response = await dashboard.handler(request, {
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 4 },
    completed: Promise.resolve(),
  });
  await response.text();
  if (response.status !== 200) throw new Error(`${target}: ${response.status}`);
  return performance.now() - beganMs;
}

async function askAll(): Promise<Timed[]> {
  const lateness = new Lateness();
  const results: Timed[] = [];
  for (const [target, note] of asked) {
    await ask(target);
    lateness.take();
    const ms: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ms.push(await ask(target));
      await delay(pauseMs);
    }
    results.push({ path: target.split("?")[0]!, note, ms, blockedMs: lateness.take() });
  }
  lateness.stop();
  return results;
}

const quiet = await askAll();
for (const { path, note, ms } of quiet) console.error(path, note, percentile(ms, 0.95).toFixed(0));
const writer = new Worker(new URL("./history_writer.ts", import.meta.url), { type: "module" });
writer.postMessage({ path, perSecond });
await delay(2000);
const busy = await askAll();
const written = await new Promise<Written>((resolve) => {
  writer.onmessage = ({ data }) => resolve(data);
  writer.postMessage({});
});
writer.terminate();
reader.stop();
const database = new DatabaseSync(path, { readOnly: true });
const stored = Number(
  database.prepare("SELECT count(*) AS n FROM flows WHERE id > ?").get(written.run * FLOWS_PER_RUN)!
    .n,
);
database.close();
dashboard.closeStreams();
await fixture.close();

const p95 = (ms: readonly number[]) => percentile(ms, 0.95);
const middle = (ms: readonly number[]) => percentile(ms, 0.5);
const text = (ms: number) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
const worst = (results: readonly Timed[]) => Math.max(...results.map(({ ms }) => p95(ms)));
const blocked = (results: readonly Timed[]) => Math.max(...results.map((r) => r.blockedMs));
printSection({
  title: "history: pages over a month",
  blocks: [
    `${formatCount(made.flows)} flow rows of 30 days, ${formatCount(made.rollups)} roll-ups, ${
      formatMb(fileBytes)
    }, made in ${
      madeS.toFixed(0)
    } s. Times on the server, ${rounds} requests each after a first one, through everything but the ` +
    `socket; "held up" is the longest that a timer of the main thread came late, requests of its own rendering included. Beside ` +
    `it, the same while the store's worker is sent ${
      formatCount(perSecond)
    } flow rows a second for the same database, as a pipeline sends them, with hosts, devices and all roll-ups: ${
      formatCount(stored)
    } of ${formatCount(written.sent)} were there at the end of ${written.seconds.toFixed(0)} s, ${
      formatCount(written.shed)
    } had been shed, the last came ${text(written.behindMs)} late.`,
    table(
      [
        "page",
        "of",
        "median",
        "p95",
        "held up",
        "median, writing",
        "p95, writing",
        "held up, writing",
      ],
      quiet.map((result, index) => [
        result.path,
        result.note,
        ...[middle(result.ms), p95(result.ms), result.blockedMs].map(text),
        ...[middle(busy[index]!.ms), p95(busy[index]!.ms), busy[index]!.blockedMs].map(text),
      ]),
    ),
  ],
  targets: [
    {
      promise: `each page and /api over 30 days within ${p95MaxMs} ms, p95`,
      measured: `${text(worst(quiet))}; ${text(worst(busy))} while writing`,
      isMet: worst(quiet) <= p95MaxMs,
    },
    {
      promise: `main thread held up at most ${blockedMaxMs} ms`,
      measured: `${text(blocked(quiet))}; ${text(blocked(busy))} while writing`,
      isMet: blocked(quiet) <= blockedMaxMs,
    },
    {
      promise: `${formatCount(perSecond)} flow rows/s are written meanwhile, none lost`,
      measured: `${formatCount(stored)} of ${formatCount(written.sent)}, at ${
        formatCount(Math.round(stored / written.seconds))
      } /s`,
      isMet: stored === written.sent && stored / written.seconds >= 0.98 * perSecond,
    },
  ],
});
