import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./failure.ts";
import { StoreQueries } from "./queries.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
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
import type { StoreRows, StoreWriter } from "./writer.ts";

/** Writes `batches`, then hands the open database to `check`. */
function written(
  batches: readonly StoreRows[],
  check: (database: DatabaseSync, writer: StoreWriter) => void,
): Promise<void> {
  return withDatabasePath((path) => {
    const writer = openWriter(path);
    for (const batch of batches) writer.write(batch);
    const database = new DatabaseSync(path, { readOnly: true });
    check(database, writer);
    database.close();
    writer.close();
  });
}

/** Microseconds beyond 2^51, where a double is not turned into an integer everywhere in SQLite. */
const farUs = 4_294_967_295_999_999;

for (const tsUs of [0, startUs, startUs + 0.75, farUs]) {
  Deno.test(`times and counters are stored as integers, at ${tsUs} us`, () =>
    written([rows({
      packets: [packetRow(1, { tsUs })],
      flows: [flow(1, { startUs: tsUs, endUs: tsUs, respBytes: 2 ** 40 })],
      seconds: [second(0, { tsUs, bytes: 2 ** 45 })],
      hosts: [hostRow("10.0.0.1", { firstSeenUs: tsUs, lastSeenUs: tsUs, inBytes: 2 ** 50 })],
    })], (database) => {
      const columns = {
        packets: "ts_us",
        flows: "start_us,end_us,resp_bytes",
        stats: "ts_us,bytes",
        hosts: "first_seen_us,last_seen_us,in_bytes",
      };
      for (const [table, names] of Object.entries(columns)) {
        for (const name of names.split(",")) {
          const row = database.prepare(
            `SELECT typeof(${name}) AS type, ${name} AS value FROM ${table}`,
          )
            .get()!;
          strictEqual(row.type, "integer", `${table}.${name}`);
          if (name.endsWith("_us")) strictEqual(row.value, Math.trunc(tsUs));
        }
      }
    }));
}

Deno.test("absent values are NULL, not -1 or 0", () =>
  written([rows({
    packets: [packetRow(1, { flowId: 0, srcPort: null, tcpFlags: null })],
    flows: [flow(1, { rttUs: -1, vlanId: -1 })],
  })], (database) => {
    const packet = database.prepare("SELECT flow_id, src_port, tcp_flags, vlan_id FROM packets")
      .get()!;
    deepStrictEqual(Object.values(packet), [null, null, null, null]);
    const { rtt_us, vlan_id } = database.prepare("SELECT rtt_us, vlan_id FROM flows").get()!;
    deepStrictEqual([rtt_us, vlan_id], [null, null]);
  }));

Deno.test("any number of rows arrives whole and in order, whatever the statements hold", () =>
  written([rows({ packets: many(237, packetRow) })], (database) => {
    const ports = database.prepare("SELECT src_port FROM packets ORDER BY id").all();
    deepStrictEqual(ports.map((row) => row.src_port), many(237, (number) => 40_000 + number));
  }));

Deno.test("hosts add up and keep what is known of them", () =>
  written([
    rows({ hosts: [hostRow("10.0.0.1", { mac: "02:00:00:00:00:01", name: "printer" })] }),
    rows({ hosts: [hostRow("10.0.0.1", { firstSeenUs: startUs - 5, lastSeenUs: startUs + 9e6 })] }),
  ], (database) => {
    deepStrictEqual({ ...database.prepare("SELECT * FROM hosts").get() }, {
      address: "10.0.0.1",
      mac: "02:00:00:00:00:01",
      name: "printer",
      is_local: 1,
      first_seen_us: startUs - 5,
      last_seen_us: startUs + 9e6,
      in_packets: 2,
      in_bytes: 200,
      out_packets: 4,
      out_bytes: 400,
      device_id: 1,
    });
  }));

Deno.test("two rows of one second add up, and minutes are sums of their seconds", () =>
  written([
    rows({ seconds: [second(0), second(59, { activeFlows: 90 }), second(60)] }),
    rows({ seconds: [second(0)] }),
  ], (database) => {
    const read = (table: string) =>
      database.prepare(`SELECT packets, active_flows FROM ${table} ORDER BY ts_us`).all()
        .map((row) => Object.values(row));
    deepStrictEqual(read("stats"), [[20, 20], [10, 90], [10, 20]]);
    deepStrictEqual(read("stats_minutes"), [[30, 90], [10, 20]]);
  }));

Deno.test("a flow that is written again replaces its row", () =>
  written([
    rows({ flows: [flow(1)] }),
    rows({ flows: [flow(1, { connState: "RSTO", endReason: "end" })] }),
  ], (database) => {
    deepStrictEqual({ ...database.prepare("SELECT count(*) AS n, conn_state FROM flows").get() }, {
      n: 1,
      conn_state: "RSTO",
    });
  }));

Deno.test("of many flows those that are there are replaced, the others added", () =>
  written([
    rows({ flows: [flow(3), flow(150), flow(215)] }),
    rows({ flows: many(216, (id) => flow(id, { connState: "RSTO" }), 1) }),
  ], (database) => {
    deepStrictEqual({
      ...database.prepare("SELECT count(*) AS n, min(conn_state) AS least FROM flows").get(),
    }, { n: 216, least: "RSTO" });
  }));

Deno.test("flow ids of each run are their own, and packets point to them", () =>
  withDatabasePath((path) => {
    for (let run = 0; run < 2; run++) {
      const writer = openWriter(path);
      writer.write(rows({ packets: [packetRow(1, { flowId: 7 })], flows: [flow(7)] }));
      writer.close();
    }
    const queries = new StoreQueries(path);
    const ids = queries.flows().rows.map((row) => row.id);
    deepStrictEqual(ids, [2 * FLOWS_PER_RUN + 7, FLOWS_PER_RUN + 7]);
    deepStrictEqual(queries.packets().rows.map((row) => row.flow_id), ids);
    queries.close();
  }));

Deno.test("a batch with a row that SQLite refuses leaves nothing behind", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const bad = packetRow(2, { tsUs: NaN });
    throws(
      () => writer.write(rows({ packets: [packetRow(1), bad], flows: [flow(1)] })),
      (error) => error instanceof StoreError && error.kind === "refused",
    );
    writer.write(rows({ packets: [packetRow(3)] }));
    writer.close();
    const queries = new StoreQueries(path);
    deepStrictEqual(queries.packets().rows.map((row) => row.src_port), [40_003]);
    strictEqual(queries.flows().rows.length, 0);
    strictEqual(queries.counts().packets, 1);
    queries.close();
  }));

Deno.test("closing copies the log into the file", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.write(rows({ packets: many(1000, packetRow) }));
    writer.close();
    throws(() => Deno.statSync(`${path}-wal`), Deno.errors.NotFound);
  }));
