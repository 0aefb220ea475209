/**
 * What a hub takes and answers: messages of 200 agents read, judged and committed to SQLite and to ClickHouse, and then the overview of a
 * day. `--full` puts ten million flows into SQLite too, else one million; ClickHouse and the roll-ups always have ten million.
 */
import { readHere } from "../agent/store/reader.ts";
import { StoreQueries } from "../agent/store/queries.ts";
import { ALL } from "../agent/search/tree.ts";
import { ClickHouseFlows } from "../agent/fleet/hub/clickhouse_flows.ts";
import { withArchive } from "../agent/fleet/hub/archive_reader.ts";
import { HubService } from "../agent/fleet/hub/hub_service.ts";
import type { FlowArchive } from "../agent/fleet/hub/hub_store.ts";
import { hasNoClickHouse, TestClickHouse } from "../agent/fleet/testing/clickhouse.ts";
import { type BenchAgent, makeAgents, makeFlows, makeMessage } from "./fleet_data.ts";
import {
  formatCount,
  formatMb,
  formatRate,
  isQuick,
  median,
  printSection,
  size,
  table,
} from "./harness.ts";

const agentCount = 200;
const rowsInMessage = 500;
const messagesInTake = 64;
/** Made before they are timed. */
const takes = 8;
const perTime = rowsInMessage * messagesInTake * takes;
const isFull = Deno.args.includes("--full");
const sqliteFlows = isFull ? 10_000_000 : size(1_000_000, 100_000);
const archivedFlows = size(10_000_000, 200_000);
const flowsPerS = 20;
const dayUs = 86_400e6;
const rounds = 9;

const folder = Deno.makeTempDirSync({ prefix: "tapwatch-fleet-bench-" });
const nowUs = Date.now() * 1000;
const fromUs = nowUs - dayUs;

interface Filled {
  readonly path: string;
  readonly rate: number;
  /** Of the first million. */
  readonly firstRate: number;
}

/** Takes so many flows, spread over a stretch that ends now; only taking them is timed. */
async function fill(
  name: string,
  { flows, archive, lengthUs = flows / agentCount / flowsPerS * 1e6 }: {
    readonly flows: number;
    readonly archive: FlowArchive | null;
    /** That of agents with 20 flows a second, unless told. */
    readonly lengthUs?: number;
  },
): Promise<Filled> {
  const path = `${folder}/${name}.db`;
  const hub = new HubService({
    path,
    retentionDays: 365,
    historyDays: 365,
    retentionBytes: 1e12,
    toolVersion: "0.0.0-bench",
    nowUs: () => nowUs,
    archive,
    onJudged: () => {},
  });
  const agents = makeAgents(agentCount);
  const steps = Math.ceil(flows / rowsInMessage);
  const spanUs = lengthUs / Math.ceil(steps / agentCount);
  const messageAt = (step: number) => {
    const agent = agents[step % agentCount] as BenchAgent;
    const round = Math.floor(step / agentCount);
    const rows = makeFlows(agent, {
      count: rowsInMessage,
      fromUs: nowUs - lengthUs + round * spanUs,
      spanUs,
    });
    return makeMessage(agent, rows);
  };
  let [takenMs, done, firstMs] = [0, 0, 0];
  for (let step = 0; step < steps; step += messagesInTake * takes) {
    const count = Math.min(messagesInTake * takes, steps - step);
    const messages = Array.from({ length: count }, (_, at) => messageAt(step + at));
    const startedMs = performance.now();
    // As the receiver does: while some are written, the next are read.
    let underWay: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < count; at += messagesInTake) {
      const taking = hub.take(messages.slice(at, at + messagesInTake));
      await underWay;
      underWay = taking;
    }
    await underWay;
    takenMs += performance.now() - startedMs;
    done += count * rowsInMessage;
    if (done <= 1_100_000) firstMs = takenMs;
    if (step % (messagesInTake * takes * 4) === 0) {
      console.error(`${name}: ${formatCount(done)} flows, ${formatRate(done / takenMs * 1000)}/s`);
    }
  }
  hub.close();
  const first = Math.min(Math.floor(1_100_000 / perTime) * perTime, flows);
  return { path, rate: done / takenMs * 1000, firstRate: first / firstMs * 1000 };
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

/** As the hub's first page asks; `q` is what is searched for. */
async function overviewMs(
  path: string,
  { archive = null, q = "" }: {
    readonly archive?: ClickHouseFlows | null;
    readonly q?: string;
  } = {},
): Promise<number> {
  const queries = new StoreQueries(path);
  const here = readHere(queries);
  const reader = archive === null ? here : withArchive(here, archive);
  const range = { fromUs, toUs: nowUs };
  const ms = await timeOf(async () => {
    await reader.agents();
    await reader.agentSums({ ...range, limit: 1000 });
    await reader.history({ ...range, q, bucketUs: 1800e6, limit: 10 });
    await reader.incidents({ limit: 20 });
  });
  queries.close();
  return ms;
}

const none: FlowArchive = { insert: async () => {}, deleteBefore: async () => {} };
const rows: string[][] = [];
const sqlite = await fill("sqlite", { flows: sqliteFlows, archive: null });
const sqliteBytes = Deno.statSync(sqlite.path).size;
rows.push([
  `SQLite, ${formatCount(sqliteFlows)} flows`,
  formatRate(sqlite.firstRate),
  formatRate(sqlite.rate),
  `${Math.round(sqliteBytes / sqliteFlows)}`,
]);
const sums = await fill("sums", { flows: archivedFlows, archive: none, lengthUs: dayUs });
const sumsBytes = Deno.statSync(sums.path).size;
rows.push([
  `sums alone, of a day, ${formatCount(archivedFlows)} flows`,
  formatRate(sums.firstRate),
  formatRate(sums.rate),
  `${Math.round(sumsBytes / archivedFlows)}`,
]);
const overview = await overviewMs(sums.path);
const answers: string[][] = [[
  `overview of 24 h, SQLite from roll-ups of ${formatCount(archivedFlows)} flows`,
  `${overview.toFixed(1)} ms`,
]];
let clickhouse: Filled | null = null;
let rawMs: number | null = null;
let archived: number | null = null;
if (!hasNoClickHouse) {
  await using server = await TestClickHouse.start();
  const flows = await ClickHouseFlows.open(server.config);
  clickhouse = await fill("clickhouse", {
    flows: archivedFlows,
    archive: flows,
    lengthUs: dayUs,
  });
  rows.push([
    `ClickHouse, of a day, ${formatCount(archivedFlows)} flows`,
    formatRate(clickhouse.firstRate),
    formatRate(clickhouse.rate),
    "–",
  ]);
  rawMs = await timeOf(() => flows.agentSums({ fromUs, toUs: nowUs }));
  archived = await overviewMs(clickhouse.path, { archive: flows });
  const searched = await overviewMs(clickhouse.path, { archive: flows, q: "port 443" });
  const one = { op: "in", columns: ["orig_h", "resp_h"], values: ["10.0.7.3"] } as const;
  const page = await timeOf(() => flows.flows({ limit: 100 }, ALL));
  const host = await timeOf(() => flows.flows({ limit: 100 }, one));
  answers.push(
    [
      `overview of 24 h, ClickHouse with ${formatCount(archivedFlows)} flows, sums in SQLite`,
      `${archived.toFixed(1)} ms`,
    ],
    ["the same of a search for port 443, from its newest flows", `${searched.toFixed(0)} ms`],
    [
      `sums of ${agentCount} agents alone over 24 h, ClickHouse from flows`,
      `${rawMs.toFixed(0)} ms`,
    ],
    ["newest 100 flows, ClickHouse", `${page.toFixed(0)} ms`],
    ["newest 100 flows of one address, ClickHouse", `${host.toFixed(0)} ms`],
  );
}
Deno.removeSync(folder, { recursive: true });

printSection({
  title: "Hub of a fleet",
  blocks: [
    `Messages of ${agentCount} agents, ${rowsInMessage} flows each: decoded, judged by the fleet's detectors, and committed with their ` +
    `sums, ${messagesInTake} messages a transaction. One thread; the engine is not part of it.`,
    table(["store", "flows/s, first million", "flows/s, all", "bytes a flow"], rows),
    table(["answer", "median"], answers),
    `The file with the sums alone has ${formatMb(sumsBytes)}.`,
  ],
  targets: [
    {
      promise: "hub: 20,000 flows/s into SQLite",
      measured: `${formatRate(sqlite.rate)}/s`,
      isMet: isQuick ? null : sqlite.rate >= 20_000,
    },
    {
      promise: "hub: 80,000 flows/s into ClickHouse",
      measured: clickhouse === null
        ? "no clickhouse-server here"
        : `${formatRate(clickhouse.rate)}/s`,
      isMet: clickhouse === null || isQuick ? null : clickhouse.rate >= 80_000,
    },
    {
      promise: "overview of 10 million flows within 500 ms, SQLite from roll-ups",
      measured: `${overview.toFixed(1)} ms`,
      isMet: isQuick ? null : overview <= 500,
    },
    {
      promise: "overview of 10 million flows within 500 ms, hub on ClickHouse",
      measured: archived === null ? "no clickhouse-server here" : `${archived.toFixed(1)} ms`,
      isMet: archived === null || isQuick ? null : archived <= 500,
    },
    {
      promise: "agents' sums alone of 10 million flows within 500 ms, ClickHouse from flows",
      measured: rawMs === null ? "no clickhouse-server here" : `${rawMs.toFixed(0)} ms`,
      isMet: rawMs === null || isQuick ? null : rawMs <= 500,
    },
  ],
});
