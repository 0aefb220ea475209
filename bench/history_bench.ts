/**
 * Pages and `/api` over a month of history: how long the server takes for each, how long the main thread is held up meanwhile, and
 * whether writing 20,000 flow rows a second beside it loses any. Ten million flow rows, 3 GB in the folder of temporary files.
 */
import { DatabaseSync } from "node:sqlite";
import { ReaderHost } from "../agent/cli/reader_host.ts";
import { createDashboard } from "../dashboard.ts";
import { Linktype } from "../agent/records.ts";
import { openFixture, startTraffic } from "../tests/dashboard_fixture.ts";
import { formatCount, formatMb, percentile, printSection, size, table } from "./harness.ts";
import { countRows, type HistoryCounts, makeHistory } from "./history_data.ts";
import type { Written } from "./history_writer.ts";
import { FLOWS_PER_RUN } from "../agent/store/schema.ts";
import { peerAddress } from "./history_month.ts";
import { makeFrames } from "./packet_data.ts";

const wanted = {
  flows: size(10_000_000, 100_000),
  rollups: size(2_000_000, 200_000),
  hourStep: size(1, 8),
};
const rounds = size(20, 5);
const perSecond = 20_000;
/** Between two requests: people ask, but not without a pause. */
const pauseMs = 20;
const p95MaxMs = 150;
const blockedMaxMs = 50;

const frames = makeFrames(1, 1);
const captured = {
  bytes: frames.bytes.slice(),
  wireLength: frames.wireLengths[0]!,
  linktype: Linktype.ethernet,
};
const fixture = await openFixture({ readPacket: () => Promise.resolve(captured) });
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

const month = `from=${nowUs - 30 * 86_400e6}`;
const dayThen = `from=${nowUs - 8 * 86_400e6}&to=${nowUs - 7 * 86_400e6}`;
const beforeNow = `to=${nowUs - 60e6}`;
const host = "host+192.168.1.7";
const ids = newestIds();
/** Path, what of, and what its answer has when its list is not empty. */
const asked: readonly (readonly [target: string, note: string, has: RegExp])[] = [
  ["/", "15 min", /href="\/hosts\//],
  ["/?range=24h", "24 h", /192\.168\.1\.\d/],
  ["/?range=7d", "7 d", /192\.168\.1\.\d/],
  ["/?range=30d", "30 d", /192\.168\.1\.\d/],
  ["/?range=30d&compare=week", "30 d, week before", /192\.168\.1\.\d/],
  [`/?range=30d&q=${host}`, "30 d, one host", /203\.\d+\./],
  ["/?range=30d&q=service+tls", "30 d, one service", /192\.168\.1\.\d/],
  ["/?range=30d&q=service+tls+and+name+www7.*", "30 d, two terms", /192\.168\.1\.\d/],
  ["/api/stats?range=30d", "30 d", /"key":"192\.168\.1\.\d/],
  [`/flows?${month}`, "30 d", /href="\/flows\/\d/],
  [`/flows?${month}&q=${host}+and+service+tls`, "30 d, of a host", /href="\/flows\/\d/],
  [`/flows?${month}&order=bytes`, "30 d, by bytes", /href="\/flows\/\d/],
  [`/flows?${month}&limit=1000`, "30 d, long", /href="\/flows\/\d/],
  [`/flows?${dayThen}`, "a day a week ago", /href="\/flows\/\d/],
  [`/flows?${beforeNow}`, "up to a minute ago", /href="\/flows\/\d/],
  [`/flows?${beforeNow}&order=bytes`, "up to a minute ago, by bytes", /href="\/flows\/\d/],
  [`/flows?${beforeNow}&q=${host}`, "up to a minute ago, of a host", /href="\/flows\/\d/],
  [`/api/flows?${month}&limit=1000`, "30 d, 1,000 rows", /"id":\d/],
  [`/api/flows?${month}&q=net+203.7.0.0/16`, "30 d, of a network", /"id":\d/],
  [`/api/flows?${month}&q=name+*.nowhere.example`, "30 d, nothing fits", /"flows":\[\]/],
  [`/flows/${ids.flow}`, "evidence", /203\.\d+\.\d+\.\d+|192\.168\.1\.7/],
  [`/api/flows/${ids.flow}`, "evidence", /"community_id":"1:/],
  ["/hosts", "", /href="\/hosts\/\S+/],
  ["/hosts?limit=1000", "long", /href="\/hosts\/\S+/],
  ["/api/hosts?limit=1000", "1,000 rows", /"offers":\["tcp\/\d/],
  ["/hosts/192.168.1.7", "7 d", /203\.\d+\.\d+\.\d+/],
  ["/hosts/192.168.1.7?range=30d", "30 d", /203\.\d+\.\d+\.\d+/],
  ["/api/hosts/192.168.1.7?range=30d", "30 d", /"peer":"203\./],
  [`/hosts/${peerAddress(100)}?range=30d`, "30 d, elsewhere", /192\.168\.1\.\d/],
  ["/hosts/new", "", /href="\/hosts\/02/],
  ["/api/hosts/new?limit=1000", "1,000 rows", /"device_id":\d/],
  [`/packets?${month}`, "30 d", /href="\/packets\/\d/],
  [`/packets?${month}&limit=1000`, "30 d, long", /href="\/packets\/\d/],
  [`/packets?${month}&q=${host}+and+service+smb`, "30 d, of a host", /href="\/packets\/\d/],
  [`/packets?${month}&order=length`, "30 d, by length", /href="\/packets\/\d/],
  [`/api/packets?${month}&limit=1000`, "30 d, 1,000 rows", /"id":\d/],
  [`/packets/${ids.packet}`, "", /Ethernet/],
  [`/api/packets/${ids.packet}`, "", /"layers":\[/],
  ...(["incidents", "anomalies", "scans"] as const).flatMap((list) =>
    [
      [`/${list}?${month}`, "30 d", new RegExp(`href="/${list}/\\d`)],
      [`/${list}?${month}&limit=1000`, "30 d, long", new RegExp(`href="/${list}/\\d`)],
      [`/api/${list}?${month}&limit=1000`, "30 d, 1,000 rows", /"id":\d/],
      [`/${list}/${ids[list]}`, "", /198\.51\.100\.\d|192\.168\.1\.\d/],
      [`/api/${list}/${ids[list]}`, "", /"id":\d/],
    ] as const
  ),
  [`/scans?${month}&order=attempts`, "30 d, by attempts", /href="\/scans\/\d/],
  [`/anomalies?${month}&order=severity`, "30 d, by severity", /href="\/anomalies\/\d/],
  [`/incidents?${month}&order=targets`, "30 d, by targets", /href="\/incidents\/\d/],
  [`/incidents?${month}&q=severity+high`, "30 d, of a severity", /href="\/incidents\/\d/],
  ["/alerts", "", /href="\/incidents\/\d/],
  ["/alerts?order=severity", "by severity", /href="\/incidents\/\d/],
  ["/api/alerts?limit=1000", "1,000 rows", /"id":\d/],
  ["/status?range=30d", "30 d", /packet_logs\.db/],
];

function newestIds() {
  const database = new DatabaseSync(path, { readOnly: true });
  const id = (sql: string) => Number(database.prepare(sql).get()!.id);
  const newest = {
    flow: id("SELECT flow_id AS id FROM scan_flows ORDER BY scan_id DESC LIMIT 1"),
    packet: id("SELECT id FROM packets ORDER BY ts_us DESC LIMIT 1 OFFSET 1000"),
    incidents: id("SELECT id FROM incidents ORDER BY last_us DESC LIMIT 1"),
    anomalies: id("SELECT id FROM anomalies ORDER BY ts_us DESC LIMIT 1"),
    scans: id("SELECT id FROM scans ORDER BY last_us DESC LIMIT 1"),
  };
  database.close();
  return newest;
}

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

async function ask(target: string, has: RegExp): Promise<number> {
  const request = new Request(`http://localhost:8055${target}`, {
    headers: { host: "localhost:8055" },
  });
  const beganMs = performance.now();
  const response = await dashboard.handler(request, {
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 4 },
    completed: Promise.resolve(),
  });
  const text = await response.text();
  const tookMs = performance.now() - beganMs;
  if (response.status !== 200) throw new Error(`${target}: ${response.status}`);
  if (!has.test(text)) throw new Error(`${target}: nothing in its answer is ${has}`);
  return tookMs;
}

function tell(results: readonly Timed[]): void {
  for (const { path, note, ms, blockedMs } of results) {
    const figures = [percentile(ms, 0.5), percentile(ms, 0.95), blockedMs];
    console.error(path, note, ...figures.map((figure) => figure.toFixed(0)));
  }
}

async function askAll(): Promise<Timed[]> {
  const lateness = new Lateness();
  const results: Timed[] = [];
  for (const [target, note, has] of asked) {
    await ask(target, has);
    lateness.take();
    const ms: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ms.push(await ask(target, has));
      await delay(pauseMs);
    }
    results.push({
      path: target.split("?")[0]!.replace(/\/\d+$/, "/ID"),
      note,
      ms,
      blockedMs: lateness.take(),
    });
  }
  lateness.stop();
  return results;
}

const quiet = await askAll();
tell(quiet);
const writer = new Worker(new URL("./history_writer.ts", import.meta.url), { type: "module" });
writer.postMessage({ path, perSecond });
await delay(2000);
const busy = await askAll();
tell(busy);
const written = await new Promise<Written>((resolve) => {
  writer.onmessage = ({ data }) => resolve(data);
  writer.postMessage({});
});
writer.terminate();
reader.stop();
const database = new DatabaseSync(path, { readOnly: true });
const grown = countRows(database);
const stored = Number(
  database.prepare("SELECT count(*) AS n FROM flows WHERE id > ?").get(written.run * FLOWS_PER_RUN)!
    .n,
);
database.close();
dashboard.closeStreams();
await fixture.close();

const listed = (counts: HistoryCounts) =>
  Object.entries(counts).map(([table, rows]) => `${formatCount(rows)} ${table}`).join(", ");
const p95 = (ms: readonly number[]) => percentile(ms, 0.95);
const middle = (ms: readonly number[]) => percentile(ms, 0.5);
const text = (ms: number) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
const worst = (results: readonly Timed[]) => Math.max(...results.map(({ ms }) => p95(ms)));
const blocked = (results: readonly Timed[]) => Math.max(...results.map((r) => r.blockedMs));
printSection({
  title: "history: pages over a month",
  blocks: [
    `${listed(made)}, of 30 days, ${formatMb(fileBytes)}, made in ${
      madeS.toFixed(0)
    } s. Times on the server, ${rounds} requests each after a first one, through everything but the ` +
    `socket; "held up" is the longest that a timer of the main thread came late, requests of its own rendering included. Beside ` +
    `it, the same while the store's worker is sent ${
      formatCount(perSecond)
    } flow rows a second for the same database, as a pipeline sends them, with ${
      formatCount(grown.devices - made.devices)
    } new devices, ${
      formatCount(grown.device_peers - made.device_peers)
    } further peers of devices and all roll-ups: ${formatCount(stored)} of ${
      formatCount(written.sent)
    } were there at the end of ${written.seconds.toFixed(0)} s, ${
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
      isMet: Math.max(worst(quiet), worst(busy)) <= p95MaxMs,
    },
    {
      promise: `main thread held up at most ${blockedMaxMs} ms`,
      measured: `${text(blocked(quiet))}; ${text(blocked(busy))} while writing`,
      isMet: Math.max(blocked(quiet), blocked(busy)) <= blockedMaxMs,
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
