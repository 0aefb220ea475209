import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { ReplayedFile, StoreToMain } from "../messages.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
import { StoreService } from "./store_service.ts";
import { flow, openWriter, packetRow, rows, second, startUs, withDatabasePath } from "./testing.ts";

const file: ReplayedFile = { fingerprint: "f1", path: "a.pcap", decoder: "1" };

function read(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

Deno.test("a file goes on in its run, and its packet rows behind the mark are removed", () =>
  withDatabasePath((path) => {
    const first = openWriter(path, { file });
    deepStrictEqual([first.run, first.knownPackets, first.knownFile], [1, 0, null]);
    first.write(rows({ packets: [packetRow(1)], mark: { packets: 1, isWhole: false } }));
    first.write(rows({ packets: [packetRow(2), packetRow(3, { flowId: 0 })], flows: [flow(1)] }));
    first.close();
    // A live run comes between.
    const live = openWriter(path);
    live.write(rows({ packets: [packetRow(4)], flows: [flow(1)] }));
    live.close();
    const again = openWriter(path, { file });
    deepStrictEqual([again.run, again.knownPackets], [1, 1]);
    deepStrictEqual(read(path, "SELECT ts_us FROM packets ORDER BY id"), [
      { ts_us: packetRow(1).tsUs },
      { ts_us: packetRow(4).tsUs },
    ]);
    again.write(rows({
      packets: [packetRow(2), packetRow(3)],
      flows: [flow(1), flow(2)],
      mark: { packets: 3, isWhole: true },
    }));
    again.close();
    deepStrictEqual(
      read(
        path,
        "SELECT key, value FROM meta WHERE key LIKE '%_rows' OR key = 'runs' ORDER BY key",
      ),
      [{ key: "flows_rows", value: 3 }, { key: "packets_rows", value: 4 }, {
        key: "runs",
        value: 2,
      }],
    );
    deepStrictEqual(
      read(path, "SELECT id FROM flows ORDER BY id").map(({ id }) => Number(id)),
      [FLOWS_PER_RUN + 1, FLOWS_PER_RUN + 2, 2 * FLOWS_PER_RUN + 1],
    );
    const whole = openWriter(path, { file });
    deepStrictEqual([whole.run, whole.knownPackets], [1, Infinity]);
    whole.close();
  }));

Deno.test("to what another program has left of a file nothing is added", () =>
  withDatabasePath((path) => {
    const first = openWriter(path, { file });
    first.write(rows({ packets: [packetRow(1)], mark: { packets: 1, isWhole: false } }));
    first.close();
    const other = openWriter(path, { file: { ...file, decoder: "2" } });
    deepStrictEqual([other.run, other.knownPackets], [2, Infinity]);
    other.close();
    const same = openWriter(path, { file });
    deepStrictEqual([same.run, same.knownPackets], [1, 1]);
    same.close();
    const another = openWriter(path, { file: { ...file, fingerprint: "f2" } });
    deepStrictEqual([another.run, another.knownPackets], [3, 0]);
    another.close();
  }));

Deno.test("a store that takes the place of one that crashed goes on with the file", () =>
  withDatabasePath((path) => {
    const first = openWriter(path, { file });
    first.write(rows({ packets: [packetRow(1)], mark: { packets: 1, isWhole: false } }));
    first.write(rows({ packets: [packetRow(2)] }));
    first.close();
    const next = openWriter(path, { file, continuedRun: 1 });
    deepStrictEqual([next.run, next.isContinued, next.knownPackets], [1, true, 1]);
    strictEqual(read(path, "SELECT id FROM packets").length, 2);
    next.close();
  }));

/** A service for the file, what it told of it, and what it posted. */
function startService(path: string, of: ReplayedFile | null) {
  const known: number[] = [];
  const posted: StoreToMain[] = [];
  const service = new StoreService({
    path,
    retentionDays: 14,
    retentionBytes: 1e9,
    continuedRun: 0,
    file: of,
    toolVersion: "0.0.0-test",
    post: (message) => posted.push(message),
    ack: () => {},
    tellKnown: (packets) => known.push(packets),
    nowUs: () => startUs,
  });
  service.open();
  const notes = () => posted.flatMap((message) => message.type === "note" ? [message.text] : []);
  return { service, known, notes };
}

Deno.test("StoreService writes rows up to a mark with it, and tells where a file goes on", () =>
  withDatabasePath((path) => {
    const { service, known, notes } = startService(path, file);
    service.take(rows({ packets: [packetRow(1)] }));
    service.take(rows({ seconds: [second(1)], mark: { packets: 1, isWhole: false } }));
    service.take(rows({ packets: [packetRow(2)] }));
    service.close();
    deepStrictEqual([known, notes()], [[0], []]);
    deepStrictEqual(read(path, "SELECT packets, packets_id, is_whole FROM files"), [
      { packets: 1, packets_id: 1, is_whole: 0 },
    ]);
    const again = startService(path, file);
    deepStrictEqual(again.known, [1]);
    match(
      again.notes()[0]!,
      /^a\.pcap was read .* before .*, its first 1 packets: the rest is added/,
    );
    again.service.take(rows({ packets: [packetRow(2)], mark: { packets: 2, isWhole: true } }));
    again.service.close();
    const whole = startService(path, file);
    deepStrictEqual(whole.known, [Infinity]);
    match(whole.notes()[0]!, /before .*: nothing of it is added twice\.$/);
    whole.service.close();
    const other = startService(path, null);
    deepStrictEqual([other.known, other.notes()], [[0], []]);
    other.service.close();
    strictEqual(read(path, "SELECT id FROM packets").length, 2);
  }));

Deno.test("StoreService sets no mark in a database that took the place of one with earlier rows", () =>
  withDatabasePath((path) => {
    const { service } = startService(path, file);
    service.take(rows({ packets: [packetRow(1)], mark: { packets: 1, isWhole: false } }));
    service.tick();
    Deno.removeSync(path);
    service.take(rows({ packets: [packetRow(2)], mark: { packets: 2, isWhole: true } }));
    service.tick();
    service.close();
    deepStrictEqual(read(path, "SELECT packets, is_whole FROM files"), [{
      packets: 0,
      is_whole: 0,
    }]);
  }));
