import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { UsageError } from "../errors.ts";
import { MIGRATIONS, readUserVersion } from "./migrations.ts";
import { StoreQueries } from "./queries.ts";
import * as schema from "./schema.ts";
import { flow, openWriter, packetRow, rows, withDatabasePath } from "./testing.ts";

/** A database as an older tapwatch left it. */
function makeVersion(path: string, version: number): void {
  const database = new DatabaseSync(path);
  for (let step = 0; step < version; step++) database.exec(MIGRATIONS[step]!);
  if (version > 0) database.exec(`PRAGMA application_id = ${schema.APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}

for (let version = 0; version < schema.SCHEMA_VERSION; version++) {
  Deno.test(`a database of version ${version} is brought to the present one and keeps its rows`, () =>
    withDatabasePath((path) => {
      makeVersion(path, version);
      const before = new DatabaseSync(path);
      if (version > 0) before.exec("INSERT INTO meta VALUES ('kept', 7)");
      before.close();
      const writer = openWriter(path);
      writer.write(rows({ packets: [packetRow(1)], flows: [flow(1)] }));
      writer.close();
      const queries = new StoreQueries(path);
      const meta = queries.meta();
      strictEqual(meta.schema_version, schema.SCHEMA_VERSION);
      strictEqual(meta.tool_version, "0.0.0-test");
      strictEqual(meta.kept, version > 0 ? 7 : undefined);
      strictEqual(queries.packets().rows.length, 1);
      deepStrictEqual(queries.scans().rows, []);
      queries.close();
    }));
}

Deno.test("the tables have exactly the columns that the program names", () =>
  withDatabasePath((path) => {
    openWriter(path).close();
    const database = new DatabaseSync(path);
    const columnsOf = (table: string) =>
      database.prepare(`SELECT name FROM pragma_table_info(?)`).all(table)
        .map(({ name }) => String(name)).sort();
    const expected: Record<string, readonly string[]> = {
      packets: ["id", ...schema.PACKET_COLUMNS],
      flows: schema.FLOW_COLUMNS,
      stats: schema.STATS_COLUMNS,
      stats_minutes: schema.STATS_COLUMNS,
      hosts: [...schema.HOST_COLUMNS, "device_id"],
      devices: schema.DEVICE_COLUMNS,
      device_countries: ["device_id", "country", "first_us"],
      first_contacts: schema.FIRST_CONTACT_COLUMNS,
      anomalies: schema.ANOMALY_COLUMNS,
      scans: schema.SCAN_COLUMNS,
      alerts: schema.ALERT_COLUMNS,
      rollups: schema.ROLLUP_COLUMNS,
      runs: schema.RUN_COLUMNS,
      files: schema.FILE_COLUMNS,
      fleet_feed: schema.FEED_COLUMNS,
      meta: ["key", "value"],
    };
    for (const [table, columns] of Object.entries(expected)) {
      deepStrictEqual(columnsOf(table), [...columns].sort(), table);
    }
    strictEqual(readUserVersion(database), schema.SCHEMA_VERSION);
    database.close();
  }));

Deno.test("a database of a newer version is refused by all and not changed by a byte", () =>
  withDatabasePath((path) => {
    openWriter(path).close();
    const newer = new DatabaseSync(path);
    newer.exec(
      `PRAGMA user_version = 99; UPDATE meta SET value = '7.1.0' WHERE key = 'tool_version'`,
    );
    newer.exec("PRAGMA journal_mode = DELETE");
    newer.close();
    const before = Deno.readFileSync(path);
    const refusal = (error: unknown) =>
      error instanceof UsageError && error.exitCode === 2 &&
      /schema version 99, written by tapwatch 7\.1\.0/.test(error.message) &&
      error.message.includes("--results");
    throws(() => openWriter(path), refusal);
    throws(() => new StoreQueries(path).packets(), refusal);
    deepStrictEqual(Deno.readFileSync(path), before);
    deepStrictEqual([...Deno.readDirSync(path.replace("/packet_logs.db", ""))].length, 1);
  }));

Deno.test("a database of another program is refused and left as it is", () =>
  withDatabasePath((path) => {
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE addresses(name TEXT)");
    foreign.close();
    const before = Deno.readFileSync(path);
    throws(() => openWriter(path), /database of another program/);
    deepStrictEqual(Deno.readFileSync(path), before);
  }));

Deno.test("a damaged file is set aside, and a new database is begun", () =>
  withDatabasePath((path) => {
    const damaged = "not a database ".repeat(1000);
    Deno.writeTextFileSync(path, damaged);
    const writer = openWriter(path, { nowUs: Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 });
    strictEqual(writer.setAsidePath, `${path}.corrupt-20260102T030405000Z`);
    writer.write(rows({ packets: [packetRow(1)] }));
    writer.close();
    strictEqual(Deno.readTextFileSync(writer.setAsidePath), damaged);
  }));

Deno.test("a file that was cut off is set aside before anything is written into what is left", () =>
  withDatabasePath((path) => {
    const first = openWriter(path);
    for (let batch = 0; batch < 20; batch++) {
      const packets = Array.from({ length: 100 }, (_, index) => packetRow(batch * 100 + index + 1));
      first.write(rows({ packets }));
    }
    first.close();
    const { size } = Deno.statSync(path);
    for (const left of [size - 4096, size >> 1, 5000]) {
      Deno.truncateSync(path, left);
      const writer = openWriter(path, { nowUs: left * 1e6 });
      ok(writer.setAsidePath !== null, `${left} of ${size} bytes`);
      writer.close();
      Deno.renameSync(writer.setAsidePath!, path);
    }
  }));
