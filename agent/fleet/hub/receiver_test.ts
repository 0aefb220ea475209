import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { StoreQueries } from "../../store/queries.ts";
import { connectEngine } from "../engine_link.ts";
import { scanItem } from "../testing.ts";
import { hasNoEngine, TestEngine, until } from "../testing/engine.ts";
import { Publisher } from "../testing/publisher.ts";
import { encodeBatch } from "../wire.ts";
import { HubService } from "./hub_service.ts";
import { Receiver } from "./receiver.ts";
import { flowRows, withDatabasePath } from "./testing.ts";

interface Hub {
  readonly service: HubService;
  readonly receiver: Receiver;
  readonly notes: string[];
  readonly stop: () => Promise<void>;
}

function startHub(engine: TestEngine, path: string): Hub {
  const notes: string[] = [];
  const service = new HubService({
    path,
    retentionDays: 36_500,
    historyDays: 36_500,
    retentionBytes: 1e9,
    toolVersion: "0.0.0-test",
    nowUs: () => Date.now() * 1000,
    archive: null,
    onJudged: () => {},
  });
  const receiver = new Receiver({
    servers: [engine.url],
    credentials: () => engine.credentials("hub"),
    service,
    onState: () => {},
    onNote: (text) => notes.push(text),
    waitMs: 100,
  });
  return {
    service,
    receiver,
    notes,
    stop: async () => {
      await receiver.stop();
      service.close();
    },
  };
}

async function withEngine(
  work: (engine: TestEngine, path: string) => Promise<void>,
): Promise<void> {
  await using engine = await TestEngine.start();
  await withDatabasePath((path) => work(engine, path));
}

function flowCount(path: string): number {
  const queries = new StoreQueries(path);
  const { count } = queries.flowCount();
  queries.close();
  return count;
}

Deno.test({
  name: "a hub takes batches once, notices what is committed, and answers heartbeats",
  ignore: hasNoEngine,
  fn: () =>
    withEngine(async (engine, path) => {
      const { id } = engine.enroll("web-01");
      await engine.reload();
      const hub = startHub(engine, path);
      const agent = await Publisher.connect(engine, "web-01", id);
      agent.send(flowRows(1, 50), 1);
      agent.send(flowRows(51, 50), 51);
      // Sent again after what looked like a loss: the ledger takes it once.
      agent.send(flowRows(1, 50), 1, 1);
      agent.send({ kind: "findings", rows: [scanItem(1)] }, 1);
      agent.sendHealth("web-01");
      await until(
        () => agent.notices.some(({ through }) => through === 100),
        "a notice",
      );
      await until(() => hub.service.counts.duplicates === 1, "the duplicate");
      await until(
        () => agent.notices.some(({ channel, through }) => channel === "findings" && through === 1),
        "the finding's notice",
      );
      strictEqual(flowCount(path), 100);
      agent.notices.length = 0;
      agent.beat();
      await until(() => agent.notices.length >= 2, "the answer");
      const notice = agent.notices.find(({ channel }) => channel === "flows")!;
      deepStrictEqual([notice.through, notice.epoch], [100, agent.epoch]);
      ok(notice.floor <= 3 && notice.created !== "");
      await hub.service.tick();
      const queries = new StoreQueries(path);
      const [row] = queries.agents();
      deepStrictEqual([row!.token, row!.name], [id, "web-01"]);
      ok(Math.abs(Number(row!.skew_us)) < 5e6);
      strictEqual(queries.incidents().rows.length, 1);
      strictEqual(queries.incidents({ q: "agent web-01" }).rows.length, 1);
      queries.close();
      await agent.close();
      await hub.stop();
    }),
});

Deno.test({
  name:
    "identity is the subject that the engine lets an agent publish on, whatever the payload says",
  ignore: hasNoEngine,
  fn: () =>
    withEngine(async (engine, path) => {
      const [a, b] = [engine.enroll("a"), engine.enroll("b")];
      await engine.reload();
      const hub = startHub(engine, path);
      const agent = await Publisher.connect(engine, "a", a.id);
      // All that a payload and a header can say is that it is b's.
      agent.sendHealth("b");
      const body = encodeBatch(flowRows(1, 7), { epoch: agent.epoch, firstSeq: 1, madeUs: 1 });
      agent.sendBytes("flows", body);
      const forged = new Publisher(
        b.id,
        await connectEngine({
          servers: [engine.url],
          credentials: engine.credentials("a"),
        }),
      );
      forged.send(flowRows(1, 9), 1);
      await until(() => agent.notices.length > 0, "a notice");
      await hub.service.tick();
      const queries = new StoreQueries(path);
      const rows = queries.agents();
      deepStrictEqual(rows.map(({ token, flows }) => [token, flows]), [[a.id, 7]]);
      queries.close();
      await forged.close();
      await agent.close();
      await hub.stop();
    }),
});

Deno.test({
  name: "what cannot be read is kept, counted, and stops nothing",
  ignore: hasNoEngine,
  fn: () =>
    withEngine(async (engine, path) => {
      const { id } = engine.enroll("odd");
      await engine.reload();
      const hub = startHub(engine, path);
      const agent = await Publisher.connect(engine, "odd", id);
      const good = (from: number) =>
        encodeBatch(flowRows(from, 10), { epoch: agent.epoch, firstSeq: from, madeUs: 1 });
      agent.sendBytes("flows", new Uint8Array([1, 2, 3]), 900);
      const newer = good(1);
      newer[0] = 9;
      agent.sendBytes("flows", newer, 1);
      const bomb = good(11);
      new DataView(bomb.buffer).setUint32(38, 2 ** 31);
      agent.sendBytes("flows", bomb, 11);
      const many = good(21);
      new DataView(many.buffer).setUint32(34, 2 ** 31);
      agent.sendBytes("flows", many, 21);
      // Findings do not belong on the subject of flows.
      const elsewhere = encodeBatch({ kind: "findings", rows: [scanItem(1)] }, {
        epoch: agent.epoch,
        firstSeq: 21,
        madeUs: 1,
      });
      agent.sendBytes("flows", elsewhere, 901);
      agent.send(flowRows(22, 10), 22);
      await until(
        () => agent.notices.some(({ through }) => through === 31),
        "the batch behind them",
      );
      strictEqual(hub.service.counts.deadLetters, 5);
      const queries = new StoreQueries(path);
      const letters = queries.deadLetters(10);
      strictEqual(letters.length, 5);
      deepStrictEqual(letters.filter(({ version }) => version === 9).length, 1);
      strictEqual(queries.flowCount().count, 10);
      queries.close();
      await agent.close();
      await hub.stop();
    }),
});

Deno.test({
  name: "an engine that has lost its streams is waited for, and told",
  ignore: hasNoEngine,
  fn: () =>
    withEngine(async (engine, path) => {
      const { id } = engine.enroll("web");
      await engine.reload();
      const hub = startHub(engine, path);
      const agent = await Publisher.connect(engine, "web", id);
      agent.send(flowRows(1, 5), 1);
      await until(() => agent.notices.some(({ through }) => through === 5), "a notice");
      const { created } = agent.notices.at(-1)!;
      await agent.close();
      await engine.stop("SIGKILL");
      engine.loseDisk();
      await engine.run();
      await until(() => hub.notes.some((text) => /fleet streams/.test(text)), "the note");
      await engine.makeStreams();
      const again = await Publisher.connect(engine, "web", id);
      again.send(flowRows(6, 5), 1);
      await until(() => again.notices.some(({ through }) => through === 5), "a notice");
      ok(again.notices.at(-1)!.created !== created);
      strictEqual(flowCount(path), 10);
      await again.close();
      await hub.stop();
    }),
});
