import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreQueries } from "./queries.ts";
import { hostCountMax } from "./retention.ts";
import {
  flow,
  hostRow,
  many,
  openWriter,
  packetRow,
  rows,
  second,
  startUs,
  withDatabasePath,
} from "./testing.ts";

const dayUs = 86_400_000_000;
const mebibyte = 2 ** 20;

function read(path: string, sql: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Object.values(database.prepare(sql).get()!);
  } finally {
    database.close();
  }
}

Deno.test("rows older than the retention go, from all tables, and the others stay", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 2 });
    for (let day = 0; day < 4; day++) {
      const us = startUs + day * dayUs;
      writer.write(rows({
        packets: many(3000, (number) => packetRow(number, { tsUs: us + number })),
        flows: many(
          2500,
          (number) => flow(day * 2500 + number + 1, { startUs: us, endUs: us + number }),
        ),
        seconds: [second(0, { tsUs: us })],
        hosts: [hostRow(`10.0.0.${day}`, { firstSeenUs: us, lastSeenUs: us })],
      }));
    }
    // A call goes on for 50 ms at most.
    for (let call = 0; call < 20; call++) writer.deleteOld(startUs + 10 * dayUs);
    strictEqual(writer.oldestUs(), startUs + dayUs + 2999);
    strictEqual(writer.rowsRemoved, 2 * 3000 - 1 + 2 * 2500 + 2 + 2 + 2 + 2);
    strictEqual(writer.findingsRemoved, 0);
    const counts = (table: string) => read(path, `SELECT count(*) FROM ${table}`)[0];
    // Two days before the newest row, the 3,000th packet of the fourth day: it alone of the second day remains.
    deepStrictEqual(["packets", "flows", "stats", "hosts"].map(counts), [6001, 5000, 2, 2]);
    deepStrictEqual(read(path, "SELECT value FROM meta WHERE key = 'flows_rows'"), [5000]);
    writer.close();
  }));

Deno.test("a capture of long ago can be replayed, and a date in the future deletes nothing", () =>
  withDatabasePath((path) => {
    const nowUs = startUs + 3000 * dayUs;
    const writer = openWriter(path, { retentionDays: 14 });
    writer.write(rows({ packets: [packetRow(1)] }));
    writer.deleteOld(nowUs);
    strictEqual(read(path, "SELECT count(*) FROM packets")[0], 1);
    writer.write(rows({ packets: [packetRow(2, { tsUs: startUs + 100_000 * dayUs })] }));
    writer.deleteOld(startUs + dayUs);
    strictEqual(read(path, "SELECT count(*) FROM packets")[0], 2);
    writer.close();
  }));

for (const capMebibytes of [8, 12]) {
  Deno.test(`file and log stay below ${capMebibytes} MiB, whatever is written`, () =>
    withDatabasePath((path) => {
      const retentionBytes = capMebibytes * mebibyte;
      const writer = openWriter(path, { retentionBytes });
      let largest = 0;
      for (let round = 0; round < 6 * capMebibytes; round++) {
        const from = round * 2000;
        writer.write(rows({
          packets: many(2000, packetRow, from),
          flows: many(300, (number) => flow(number + 1), from),
          seconds: many(2, second, from),
        }));
        largest = Math.max(largest, writer.sizeBytes);
      }
      ok(largest <= retentionBytes, `${largest} of ${retentionBytes} bytes`);
      const [oldest, newest, count] = read(path, "SELECT min(id), max(id), count(*) FROM packets");
      ok(Number(oldest) > 1, "nothing was deleted");
      // What is left is the newest, without a gap, and the count in meta is right.
      strictEqual(Number(newest) - Number(oldest) + 1, count);
      strictEqual(read(path, "SELECT value FROM meta WHERE key = 'packets_rows'")[0], count);
      strictEqual(read(path, "PRAGMA integrity_check")[0], "ok");
      writer.close();
    }));
}

Deno.test("a smaller limit shrinks the file step by step", () =>
  withDatabasePath((path) => {
    const before = openWriter(path);
    for (let round = 0; round < 12; round++) {
      before.write(rows({ packets: many(10_000, packetRow, round * 10_000) }));
    }
    before.close();
    const fullBytes = Deno.statSync(path).size;
    const retentionBytes = 2 * mebibyte;
    ok(fullBytes > 4 * retentionBytes);
    const writer = openWriter(path, { retentionBytes });
    for (let round = 0; round < 12; round++) writer.write(rows({ packets: [packetRow(round)] }));
    writer.close();
    ok(Deno.statSync(path).size <= retentionBytes, `${Deno.statSync(path).size}`);
  }));

Deno.test("a reader that holds on to an old state cannot make the log outgrow the limit", () =>
  withDatabasePath((path) => {
    const retentionBytes = 4 * mebibyte;
    const writer = openWriter(path, { retentionBytes });
    writer.write(rows({ packets: [packetRow(0)] }));
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM packets").get();
    const writeMuch = () => {
      for (let round = 0; round < 40; round++) {
        writer.write(rows({ packets: many(2000, packetRow, round * 2000) }));
      }
    };
    throws(writeMuch, /while another program keeps reading/);
    ok(writer.sizeBytes < 2 * retentionBytes);
    reader.exec("COMMIT");
    reader.close();
    writeMuch();
    ok(writer.sizeBytes <= retentionBytes);
    writer.close();
  }));

Deno.test("hosts have a limit too: those not seen for longest go", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionBytes: mebibyte });
    const max = hostCountMax(mebibyte);
    writer.write(rows({
      seconds: [second(0)],
      hosts: many(
        max + 10,
        (number) =>
          hostRow(`host-${number}`, { firstSeenUs: startUs, lastSeenUs: startUs + number }),
      ),
    }));
    writer.deleteOld(startUs + dayUs);
    writer.close();
    const queries = new StoreQueries(path);
    strictEqual(queries.counts().hosts, max - max / 20);
    strictEqual(queries.host("host-0"), null);
    strictEqual(queries.host(`host-${max + 9}`)?.last_seen_us, startUs + max + 9);
    queries.close();
  }));

Deno.test("years of old rows go a little at a time, and no call holds the writer for long", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 1 });
    for (let round = 0; round < 30; round++) {
      writer.write(rows({
        packets: many(3000, packetRow, round * 3000),
        flows: many(500, (number) => flow(number + 1), round * 500),
      }));
    }
    writer.write(rows({ packets: [packetRow(1, { tsUs: startUs + 400 * dayUs })] }));
    let most = 0;
    let calls = 0;
    for (let before = -1; before !== writer.rowsRemoved; calls++) {
      before = writer.rowsRemoved;
      writer.deleteOld(startUs + 400 * dayUs);
      most = Math.max(most, writer.rowsRemoved - before);
    }
    strictEqual(writer.rowsRemoved, 30 * 3500);
    ok(calls > 3, `${calls} calls`);
    ok(most < 20_000, `${most} rows in one call`); // some 30 ms
    writer.close();
  }));
