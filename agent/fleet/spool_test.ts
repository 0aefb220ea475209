/**
 * The spool against a made-up engine and hub that fail in every way that was measured: whatever happens, all that was produced is
 * stored once. The same with a rule taken away: then it is not.
 */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { randomId } from "./base32.ts";
import { Sender } from "./sender.ts";
import { type FeedPlace, Spool, type SpooledBatch } from "./spool.ts";
import { type CommitNotice, messageId } from "./streams.ts";
import { many, storedFlow } from "./testing.ts";
import { decodeBatch } from "./wire.ts";

const agent = randomId();
const place: FeedPlace = { database: 1, flowsId: 0, flows: 0, findingsId: 0 };

/** A stream as a JetStream engine keeps it: it knows ids also of what it no longer has. */
class Stream {
  created = "1";
  messages: { seq: number; body: Uint8Array }[] = [];
  isDown = false;
  isFull = false;
  losesAnswers = false;
  #known = new Map<string, number>();
  #lastSeq = 0;

  async publish(batch: SpooledBatch) {
    if (this.isDown) throw new Error("timeout");
    const id = messageId(agent, batch, batch.generation);
    let streamSeq = this.#known.get(id);
    if (streamSeq === undefined) {
      if (this.isFull) return { refusal: "maximum messages exceeded" };
      streamSeq = ++this.#lastSeq;
      this.#known.set(id, streamSeq);
      this.messages.push({ seq: streamSeq, body: batch.body.slice() });
    }
    if (this.losesAnswers) throw new Error("timeout");
    return { streamSeq };
  }

  get floor(): number {
    return (this.messages[0]?.seq ?? this.#lastSeq + 1) - 1;
  }

  loseDisk(): void {
    this.messages = [];
    this.#known = new Map();
    this.#lastSeq = 0;
    this.created += "1";
  }

  /** As a full stream that discards the old does. */
  discard(count: number): void {
    this.messages.splice(0, count);
  }
}

class Hub {
  readonly stored: number[] = [];
  duplicates = 0;
  readonly #ledger = new Set<string>();

  fetch(stream: Stream, count: number): void {
    for (const { body } of stream.messages.splice(0, count)) {
      const batch = decodeBatch(body);
      ok(batch.kind === "flows");
      const key = `${batch.epoch}:${batch.firstSeq}`;
      if (this.#ledger.has(key)) this.duplicates++;
      else {
        this.stored.push(...batch.columns.id.map(Number));
        for (let row = 0; row < batch.rowCount; row++) {
          this.#ledger.add(`${batch.epoch}:${batch.firstSeq + row}`);
        }
      }
    }
  }

  notice(stream: Stream, epoch: string): CommitNotice {
    let through = 0;
    while (this.#ledger.has(`${epoch}:${through + 1}`)) through++;
    return { channel: "flows", epoch, through, created: stream.created, floor: stream.floor };
  }
}

type MakeSpool = (path: string) => Spool;

class World {
  readonly stream = new Stream();
  readonly hub = new Hub();
  readonly folder = Deno.makeTempDirSync({ prefix: "tapwatch-spool-" });
  produced = 0;
  nowMs = 0;
  spool: Spool;
  #sender: Sender;
  readonly #make: MakeSpool;

  constructor(make: MakeSpool = (path) => new Spool(path, agent)) {
    this.#make = make;
    this.spool = this.#open();
    this.#sender = this.#makeSender();
  }

  #open(): Spool {
    return this.#make(join(this.folder, "fleet.db"));
  }

  #makeSender(): Sender {
    return new Sender({
      channel: "flows",
      spool: this.spool,
      publish: (batch) => this.stream.publish(batch),
      random: () => 0.5,
      nowMs: () => this.nowMs,
    });
  }

  produce(count: number): void {
    const rows = many(count, (number) => storedFlow(0, { id: this.produced + number }), 1);
    this.produced += count;
    this.spool.put([{ kind: "flows", rows }], { place, nowUs: this.nowMs * 1000 });
  }

  async send(): Promise<void> {
    this.nowMs += 120_000;
    this.#sender.pump();
    while (!this.#sender.isIdle) await null;
    await null;
  }

  hear(): void {
    this.#sender.flush();
    for (const epoch of this.spool.epochs) this.spool.heed(this.hub.notice(this.stream, epoch));
  }

  restart(): void {
    this.spool.close();
    this.spool = this.#open();
    this.#sender = this.#makeSender();
  }

  async act(step: number): Promise<void> {
    const { stream } = this;
    const acts = [
      () => this.produce(3),
      () => this.send(),
      () => this.send(),
      () => this.hub.fetch(stream, 2),
      () => this.hub.fetch(stream, 100),
      () => this.hear(),
      () => this.#sender.flush(),
      () => this.restart(),
      () => stream.loseDisk(),
      () => stream.discard(2),
      () => void (stream.isDown = !stream.isDown),
      () => void (stream.isFull = !stream.isFull),
      () => void (stream.losesAnswers = !stream.losesAnswers),
    ];
    await acts[step % acts.length]!();
  }

  /** All parts work again, and have time. */
  async recover(): Promise<void> {
    Object.assign(this.stream, { isDown: false, isFull: false, losesAnswers: false });
    for (let round = 0; round < 200 && this.spool.state.batches > 0; round++) {
      await this.send();
      this.hub.fetch(this.stream, 100);
      this.hear();
    }
  }

  [Symbol.dispose](): void {
    this.spool.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

async function allIsStoredOnce(steps: readonly number[], make?: MakeSpool): Promise<void> {
  using world = new World(make);
  for (const step of steps) await world.act(step);
  await world.recover();
  const { hub, produced, spool } = world;
  deepStrictEqual(hub.stored.toSorted((a, b) => a - b), many(produced, (number) => number, 1));
  strictEqual(spool.state.batches, 0);
  strictEqual(spool.state.bytes, 0);
  strictEqual(spool.state.counts.flows.committed, produced);
}

const anySteps = fc.array(fc.nat(12), { minLength: 5, maxLength: 60 });

Deno.test("whatever fails, all that was produced is stored, and once", async () => {
  await fc.assert(fc.asyncProperty(anySteps, (steps) => allIsStoredOnce(steps)), { numRuns: 60 });
});

Deno.test("a disk that fails while answers come is told to who asks, and nothing is sent twice for it", async () => {
  let isFailing = false;
  using world = new World((path) =>
    new class extends Spool {
      override stored(acknowledged: Parameters<Spool["stored"]>[0]): void {
        if (isFailing) throw new Error("disk I/O error");
        super.stored(acknowledged);
      }
    }(path, agent)
  );
  for (let batch = 0; batch < 10; batch++) world.produce(1);
  isFailing = true;
  await world.send();
  throws(() => world.hear(), /disk I\/O error/);
  isFailing = false;
  await world.recover();
  deepStrictEqual([world.hub.stored.length, world.hub.duplicates], [10, 0]);
});

/** Takes the rule away that only the hub's word deletes. */
class DeletesOnAcknowledgement extends Spool {
  override stored(acknowledged: Parameters<Spool["stored"]>[0]): void {
    super.stored(acknowledged);
    for (const { batch } of acknowledged) {
      const { channel, epoch, firstSeq, lastSeq } = batch;
      if (this.base(channel, epoch) !== firstSeq) continue;
      super.heed({ channel, epoch, through: lastSeq, created: "", floor: 0 });
    }
  }
}

/** Takes the rule away that what is lost is sent under another id. */
class KeepsId extends Spool {
  protected override resend(id: number): void {
    super.resend(id, 0);
  }
}

Deno.test("with deletion on the engine's acknowledgement, an engine that loses its disk loses flows", async () => {
  const steps = [0, 1, 6, 8];
  await allIsStoredOnce(steps);
  await rejects(
    allIsStoredOnce(steps, (path) => new DeletesOnAcknowledgement(path, agent)),
    /strictly deep-equal/,
  );
});

Deno.test("with the same id, what a full stream has discarded never arrives", async () => {
  const steps = [0, 0, 1, 6, 5, 9, 5];
  await allIsStoredOnce(steps);
  await rejects(
    allIsStoredOnce(steps, (path) => new KeepsId(path, agent)),
    /strictly deep-equal/,
  );
});

Deno.test("without failures nothing is sent twice, and an answer that is lost costs no generation", async () => {
  using world = new World();
  world.hear();
  for (let round = 0; round < 20; round++) {
    world.stream.losesAnswers = round % 3 === 0;
    world.produce(5);
    await world.send();
    world.hub.fetch(world.stream, 3);
    world.hear();
  }
  await world.recover();
  strictEqual(world.hub.duplicates, 0);
  strictEqual(world.spool.state.resent, 0);
});

Deno.test("a spool that is full gives up the oldest flows, then the oldest findings, and counts them", () => {
  using world = new World();
  const { spool } = world;
  spool.put([{ kind: "incidents", rows: [{ gone: 1 }] }], { place, nowUs: 0 });
  for (let batch = 0; batch < 50; batch++) world.produce(100);
  const { bytes } = spool.state;
  strictEqual(spool.limit(bytes), 0);
  const rows = spool.limit(bytes / 2);
  ok(rows > 2000 && rows < 3000, String(rows));
  ok(spool.state.bytes <= bytes / 2);
  strictEqual(spool.base("flows"), rows + 1);
  strictEqual(spool.state.counts.flows.givenUp, rows);
  for (let id = 2; id <= 100; id++) {
    spool.put([{ kind: "incidents", rows: [{ gone: id }] }], { place, nowUs: 0 });
  }
  const ofFindings = spool.waiting("findings", 1000)
    .reduce((sum, id) => sum + spool.batch(id)!.body.length, 0);
  spool.limit(ofFindings);
  deepStrictEqual(spool.state.counts.flows, { spooled: 5000, committed: 0, givenUp: 5000 });
  deepStrictEqual(spool.state.counts.findings, { spooled: 100, committed: 0, givenUp: 0 });
  spool.limit(ofFindings / 2);
  const { givenUp } = spool.state.counts.findings;
  ok(spool.state.bytes <= ofFindings / 2 && givenUp >= 40 && givenUp <= 60, String(givenUp));
  deepStrictEqual([spool.state.batches, spool.base("findings")], [100 - givenUp, givenUp + 1]);
});

/** A machine that was copied with its spool: both go on from there. */
async function copies(make?: MakeSpool): Promise<{ stored: number[]; produced: number }> {
  using world = new World(make);
  world.produce(5);
  await world.send();
  world.hub.fetch(world.stream, 1);
  world.produce(5);
  world.spool.close();
  const path = join(world.folder, "fleet.db");
  Deno.copyFileSync(path, `${path}.copy`);
  world.restart();
  world.produce(5);
  await world.recover();
  world.spool.close();
  Deno.renameSync(`${path}.copy`, path);
  world.restart();
  world.produce(5);
  await world.recover();
  return { stored: world.hub.stored.toSorted((a, b) => a - b), produced: world.produced };
}

/** Takes the rule away that each start is an epoch of its own. */
class KeepsEpoch extends Spool {
  protected override startEpoch(): void {}
}

Deno.test("what two copies of a machine and its spool send, or one that was set back, is all stored, and once", async () => {
  const { stored, produced } = await copies();
  deepStrictEqual(stored, many(produced, (number) => number, 1));
  const without = await copies((path) => new KeepsEpoch(path, agent));
  ok(without.stored.length < without.produced, String(without.stored.length));
});

Deno.test("of a machine that was copied while it ran, the one that is behind begins a new epoch", async () => {
  using world = new World();
  world.produce(5);
  const { epoch } = world.spool;
  const { created } = world.stream;
  world.spool.heed({ channel: "flows", epoch, through: 9, created, floor: 0 });
  ok(world.spool.epoch !== epoch);
  await world.recover();
  strictEqual(world.hub.stored.length, 5);
});

Deno.test("what waits goes over to another agent under numbers of its own", async () => {
  using world = new World();
  world.produce(5);
  await world.recover();
  world.produce(5);
  world.spool.close();
  const other = new Spool(join(world.folder, "fleet.db"), randomId());
  try {
    const [id, ...others] = other.waiting("flows", 10);
    strictEqual(others.length, 0);
    const batch = decodeBatch(other.batch(id!)!.body);
    strictEqual(batch.firstSeq, 1);
    strictEqual(batch.epoch, other.epoch);
    strictEqual(other.nextSeq("flows"), 6);
  } finally {
    other.close();
    world.restart();
  }
});
