/** From the store's writer to batches in the spool. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Flow } from "../records.ts";
import {
  bruteForceFinding,
  flow,
  incident,
  many,
  openWriter,
  rows,
  scanFinding,
  startUs,
  withDatabasePath,
} from "../store/testing.ts";
import type { StoreWriter } from "../store/writer.ts";
import { randomId } from "./base32.ts";
import { FeedReader } from "./feed_reader.ts";
import { Feeder } from "./feeder.ts";
import { rollUp } from "./roll_up.ts";
import { Spool } from "./spool.ts";
import type { Channel } from "./streams.ts";
import { storedFlow } from "./testing.ts";
import { type Batch, decodeBatch, type FleetLevel, flowAt, rollupAt } from "./wire.ts";

class Bench {
  writer: StoreWriter;
  spool: Spool;
  feeder: Feeder;
  nowMs = 0;
  readonly #path: string;
  readonly #reader: FeedReader;

  constructor(path: string) {
    this.#path = path;
    this.writer = openWriter(path, { feedsFleet: true });
    this.spool = new Spool(join(dirname(path), "fleet.db"), randomId());
    this.#reader = new FeedReader(path);
    this.feeder = new Feeder(this.#reader, () => this.nowMs);
  }

  write(count: number, change: (flow: Flow) => Flow = (same) => same, from = 1): void {
    this.writer.write(rows({ flows: many(count, (id) => change(flow(id)), from) }));
  }

  feed(level: FleetLevel = "flows", { takesFlows = true, isLast = false } = {}): number | null {
    return this.feeder.feed(this.spool, { level, takesFlows, isLast });
  }

  batches(channel: Channel): Batch[] {
    return this.spool.waiting(channel, 1000)
      .map((id) => decodeBatch(this.spool.batch(id)!.body));
  }

  restartSpool(): void {
    const { agent } = this.spool;
    this.spool.close();
    this.spool = new Spool(join(dirname(this.#path), "fleet.db"), agent);
    this.feeder = new Feeder(this.#reader, () => this.nowMs);
  }

  close(): void {
    this.writer.close();
    this.spool.close();
    this.#reader.close();
  }
}

function test(name: string, work: (bench: Bench) => void): void {
  Deno.test(name, () =>
    withDatabasePath((path) => {
      const bench = new Bench(path);
      try {
        work(bench);
      } finally {
        bench.close();
      }
    }));
}

test("flows wait five seconds for company, or until there are 500", (bench) => {
  bench.write(10);
  bench.feed();
  bench.nowMs = 4900;
  bench.feed();
  strictEqual(bench.batches("flows").length, 0);
  bench.nowMs = 5000;
  bench.feed();
  const [batch] = bench.batches("flows");
  ok(batch?.kind === "flows");
  strictEqual(batch.rowCount, 10);
  deepStrictEqual(flowAt(batch.columns, 0), storedFlow(1, { orig_bytes: 1000 }));
  bench.write(1200, undefined, 100);
  bench.feed();
  deepStrictEqual(bench.batches("flows").map(({ rowCount }) => rowCount), [10, 500, 500, 200]);
  deepStrictEqual(bench.batches("flows").map(({ firstSeq }) => firstSeq), [1, 11, 511, 1011]);
});

test("after a restart the feed goes on where the spool was, and nothing comes twice", (bench) => {
  bench.write(600);
  bench.feed();
  bench.write(600, undefined, 1000);
  bench.restartSpool();
  const throughId = bench.feed();
  strictEqual(bench.spool.state.counts.flows.spooled, 1200);
  bench.writer.trimFeed(throughId!);
  bench.write(500, undefined, 5000);
  bench.feed();
  deepStrictEqual(bench.spool.state.counts.flows, { spooled: 1700, committed: 0, givenUp: 0 });
});

test("flows that are gone before they are read are counted as given up", (bench) => {
  bench.write(600);
  bench.feed();
  bench.write(70, undefined, 1000);
  // Retention, and what nobody read in time.
  // A call that a busy machine has held up deletes nothing.
  many(100, () => bench.writer.deleteOld((startUs / 1e6 + 100 * 86_400) * 1e6));
  bench.write(500, (same) => ({ ...same, endUs: same.endUs + 90 * 86_400e6 }), 2000);
  many(100, () => bench.writer.deleteOld((startUs / 1e6 + 100 * 86_400) * 1e6));
  bench.feed();
  const { spooled, givenUp } = bench.spool.state.counts.flows;
  strictEqual(spooled + givenUp, 600 + 70 + 500);
  strictEqual(givenUp, 70);
});

test("a feed that was cut off is counted, and one that was there before the spool is not", (bench) => {
  bench.write(500);
  bench.writer.trimFeed(1);
  bench.write(500, undefined, 1000);
  bench.feed();
  deepStrictEqual(bench.spool.state.counts.flows, { spooled: 500, committed: 0, givenUp: 0 });
  bench.write(400, undefined, 2000);
  bench.writer.trimFeed(3);
  bench.write(500, undefined, 3000);
  bench.feed();
  deepStrictEqual(bench.spool.state.counts.flows, { spooled: 1000, committed: 0, givenUp: 400 });
});

test("findings and incidents go at once, as they are by then, with flows and roles", (bench) => {
  const [scan, guess] = [scanFinding(1), bruteForceFinding(2)];
  bench.writer.writeFindings([scan], [{
    incident: incident(7),
    joined: [{ finding: scan, role: "cause" }],
    absorbedIds: [],
  }]);
  bench.writer.writeFindings([guess], [{
    incident: incident(8, { severity: "critical" }),
    joined: [{ finding: guess, role: "support" }],
    absorbedIds: [7],
  }]);
  bench.feed("findings");
  const [findings, incidents] = bench.batches("findings");
  ok(findings?.kind === "findings" && incidents?.kind === "incidents");
  deepStrictEqual(findings.items.map(({ list, row }) => [list, row.id]), [
    ["scans", 2 ** 32 + 1],
    ["anomalies", 2 ** 32 + 2],
  ]);
  deepStrictEqual(findings.items[0]!.flow_ids, [2 ** 32 + 1, 2 ** 32 + 2]);
  const [gone, whole] = incidents.items;
  deepStrictEqual(gone, { gone: 7 });
  ok(whole && "row" in whole);
  strictEqual(whole.row.severity, "critical");
  deepStrictEqual(whole.findings.map(({ role }) => role).toSorted(), ["cause", "support"]);
  bench.feed("findings");
  strictEqual(bench.batches("findings").length, 2);
});

test("findings that a run left open are told as closed when the next begins", (bench) => {
  bench.writer.writeFindings([bruteForceFinding(2)]);
  bench.writer.beginRun(startUs);
  bench.feed("findings");
  const [batch] = bench.batches("findings");
  ok(batch?.kind === "findings");
  deepStrictEqual(batch.items.map(({ row }) => row.is_open), [0]);
});

test("at the level of findings flows are passed over and not counted as given up", (bench) => {
  bench.write(600);
  bench.feed("findings");
  bench.nowMs = 20_000;
  bench.feed("findings");
  deepStrictEqual(bench.spool.state.counts.flows, { spooled: 0, committed: 0, givenUp: 0 });
  bench.write(600, undefined, 1000);
  bench.feed("flows");
  strictEqual(bench.spool.state.counts.flows.spooled, 600);
});

test("at the level of roll-ups flows of a minute are added up", (bench) => {
  bench.write(300, (same) => ({ ...same, origH: "192.0.2.1", respH: "198.51.100.7", name: "" }));
  bench.feed("rollups");
  strictEqual(bench.batches("flows").length, 0);
  bench.nowMs = 60_000;
  bench.feed("rollups");
  const [batch] = bench.batches("flows");
  ok(batch?.kind === "rollups");
  const { flows, orig_pkts, orig_bytes, start_us, end_us } = rollupAt(batch.columns, 0);
  deepStrictEqual({ flows, orig_pkts, orig_bytes }, {
    flows: 300,
    orig_pkts: 3000,
    orig_bytes: 300_000,
  });
  deepStrictEqual([start_us, end_us], [startUs + 1000, startUs + 300_000 + 500_000]);
});

test("while the disk is nearly full only findings are taken", (bench) => {
  bench.write(600);
  bench.writer.writeFindings([bruteForceFinding(2)]);
  bench.feed("flows", { takesFlows: false });
  strictEqual(bench.batches("findings").length, 1);
  strictEqual(bench.batches("flows").length, 0);
  bench.feed();
  strictEqual(bench.batches("flows").length, 2);
});

Deno.test("a scan of many hosts in a minute is bounded in a roll-up, and its sums are whole", () => {
  const rolled = rollUp(many(10_000, (number) =>
    storedFlow(1, {
      end_us: startUs,
      resp_h: `198.18.${number >> 8}.${number & 255}`,
      conn_state: "S0",
    })));
  ok(rolled.length <= 2001, String(rolled.length));
  strictEqual(rolled.reduce((sum, row) => sum + row.flows, 0), 10_000);
  strictEqual(rolled.reduce((sum, row) => sum + row.failed_flows, 0), 10_000);
  strictEqual(rolled.filter(({ resp_h }) => resp_h === "").length, 1);
});

Deno.test("rollUp() counts the flows that share a row, none of which was answered", () => {
  const row = storedFlow(1, { conn_state: "OTH", end_reason: "summed", summed_flows: 4900 });
  const [rolled, ...more] = rollUp([row, storedFlow(1, { conn_state: "SF" })]);
  deepStrictEqual([rolled!.flows, rolled!.failed_flows, more.length], [4901, 4900, 0]);
});
