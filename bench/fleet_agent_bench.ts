/**
 * An agent that catches up with its fleet: from the database into the spool, from the spool to a real nats-server with TLS, every
 * batch acknowledged; and what the store pays for it.
 */
import { connectEngine } from "../agent/fleet/engine_link.ts";
import { FeedReader } from "../agent/fleet/feed_reader.ts";
import { Feeder } from "../agent/fleet/feeder.ts";
import { publishBatch } from "../agent/fleet/publish.ts";
import { Sender } from "../agent/fleet/sender.ts";
import { Spool } from "../agent/fleet/spool.ts";
import { hasNoEngine, TestEngine } from "../agent/fleet/testing/engine.ts";
import { decodeBatch } from "../agent/fleet/wire.ts";
import { flow, many, openWriter, rows } from "../agent/store/testing.ts";
import {
  formatCount,
  median,
  printSection,
  type Result,
  type Section,
  size,
  table,
  takeTurns,
} from "./harness.ts";

const flowCount = size(200_000, 20_000);
const rounds = size(5, 2);
/** As the store's thread writes them. */
const transactionFlows = 5000;
const title = "fleet: an agent catches up";
const promise = "at least 100,000 flows/s published by one agent, each batch acknowledged";

if (hasNoEngine) {
  printSection({
    title,
    blocks: ["Not run: nats-server is missing."],
    targets: [{ promise, measured: "", isMet: null }],
  });
} else printSection(await bench());

async function bench(): Promise<Section> {
  await using engine = await TestEngine.start();
  const { id } = engine.enroll("bench");
  await engine.reload();
  let round = 0;
  const folderOf = () => Deno.makeTempDirSync({ dir: engine.path, prefix: `round-${round++}-` });
  let spooled = { folder: "", bytes: 0 };
  const results = await takeTurns([
    {
      name: "the store, without a fleet",
      operations: flowCount,
      run: () => write(folderOf(), false),
    },
    {
      name: "the store, with one",
      operations: flowCount,
      run: () => {
        spooled = { folder: folderOf(), bytes: 0 };
        return write(spooled.folder, true);
      },
    },
    {
      name: "database to spool",
      operations: flowCount,
      run: () => {
        const { seconds, bytes } = feed(spooled.folder, id);
        spooled.bytes = bytes;
        return seconds;
      },
    },
    {
      name: "spool to engine, acknowledged",
      operations: flowCount,
      run: async () => {
        // What the engine keeps of one agent is bounded.
        await engine.empty();
        const connection = await connectEngine({
          servers: [engine.url],
          credentials: engine.credentials("bench"),
        });
        const seconds = await publish(
          spooled.folder,
          id,
          (batch) => publishBatch(connection, { agent: id, batch }),
        );
        await connection.close();
        return seconds;
      },
    },
    { name: "reading batches", operations: flowCount, run: () => decode(spooled.folder, id) },
  ], rounds);
  const published = rate(results[3]!);
  return {
    title,
    blocks: [
      `${formatCount(flowCount)} flows, in transactions of ${
        formatCount(transactionFlows)
      }, with all columns; ` +
      `${
        (spooled.bytes / flowCount).toFixed(1)
      } bytes each on the wire. The engine is Debian's nats-server on this machine, over TLS.`,
      table(
        ["", "flows/s, median"],
        results.map((result) => [result.contestant.name, formatCount(rate(result))]),
      ),
    ],
    targets: [{
      promise,
      measured: `${formatCount(published)} flows/s`,
      isMet: published >= 100_000,
    }],
  };
}

function rate({ contestant, seconds }: Result): number {
  return Math.round(contestant.operations / median(seconds));
}

function write(folder: string, feedsFleet: boolean): number {
  const writer = openWriter(`${folder}/packet_logs.db`, { feedsFleet });
  const batches = Array.from(
    { length: flowCount / transactionFlows },
    (_, index) => many(transactionFlows, variedFlow, index * transactionFlows + 1),
  );
  const start = performance.now();
  for (const flows of batches) writer.write(rows({ flows }));
  const seconds = (performance.now() - start) / 1000;
  writer.close();
  return seconds;
}

/** Numbers and ids that deflate has no easy time with. */
function variedFlow(id: number) {
  const noise = Math.imul(id, 0x9e3779b1) >>> 0;
  const hash = new Uint8Array(new Float64Array([noise, noise * id, id]).buffer).subarray(0, 20);
  return flow(id, {
    origBytes: noise % 100_000,
    origWireBytes: noise % 100_000 + 66 * (noise % 97),
    respBytes: noise % 3_000_000,
    respWireBytes: noise % 3_000_000 + 66 * (noise % 997),
    rttUs: noise % 200_000,
    communityId: `1:${hash.toBase64()}`,
  });
}

function openSpool(folder: string, agent: string): Spool {
  return new Spool(`${folder}/fleet.db`, agent);
}

function feed(folder: string, agent: string): { seconds: number; bytes: number } {
  const spool = openSpool(folder, agent);
  const reader = new FeedReader(`${folder}/packet_logs.db`);
  const start = performance.now();
  new Feeder(reader, Date.now).feed(spool, { level: "flows", takesFlows: true, isLast: true });
  const seconds = (performance.now() - start) / 1000;
  const { bytes } = spool.state;
  spool.close();
  reader.close();
  return { seconds, bytes };
}

async function publish(
  folder: string,
  agent: string,
  send: ConstructorParameters<typeof Sender>[0]["publish"],
): Promise<number> {
  const spool = openSpool(folder, agent);
  const sender = new Sender({
    channel: "flows",
    spool,
    publish: send,
    random: Math.random,
    nowMs: Date.now,
  });
  const start = performance.now();
  while (spool.waiting("flows", 1).length > 0) {
    sender.pump();
    await new Promise((resolve) => setTimeout(resolve, 5));
    sender.flush();
  }
  const seconds = (performance.now() - start) / 1000;
  if (sender.refusals > 0) throw new Error(`The engine refused: ${sender.refusal}`);
  spool.close();
  return seconds;
}

/** As the hub reads them. */
function decode(folder: string, agent: string): number {
  const spool = openSpool(folder, agent);
  const bodies = spool.waiting("flows", Infinity).map((id) => spool.batch(id)!.body);
  spool.close();
  const start = performance.now();
  for (const body of bodies) decodeBatch(body);
  return (performance.now() - start) / 1000;
}
