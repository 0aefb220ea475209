import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { UsageError } from "../errors.ts";
import type { RowsMessage, StoreToMain } from "../messages.ts";
import type { StoreState } from "../records.ts";
import { backlogBatchesMax } from "./backlog.ts";
import { StoreQueries } from "./queries.ts";
import { StoreService, transactionRows } from "./store_service.ts";
import {
  bruteForceFinding,
  flow,
  many,
  openWriter,
  packetRow,
  rows,
  second,
  startUs,
  withDatabasePath,
} from "./testing.ts";
import { testOnSmallDisk } from "../../tests/small_disk.ts";

/** A service with a clock that the test moves, and what it said. */
class Harness {
  readonly acks: number[] = [];
  readonly messages: StoreToMain[] = [];
  readonly service: StoreService;
  #nowUs = startUs;
  #elapsedUs = 0;
  #sequence = 0;

  constructor(path: string, retentionBytes = 1e9) {
    this.service = new StoreService({
      path,
      retentionDays: 14,
      retentionBytes,
      continuedRun: 0,
      file: null,
      toolVersion: "0.0.0-test",
      post: (message) => this.messages.push(message),
      ack: (sequence) => this.acks.push(sequence),
      nowUs: () => this.#nowUs,
      elapsedUs: () => this.#elapsedUs,
    });
  }

  take(changes: Partial<RowsMessage>): void {
    this.service.take(rows({ sequence: this.#sequence++, ...changes }));
  }

  tickAfter(seconds: number): void {
    this.#nowUs += seconds * 1e6;
    this.#elapsedUs += seconds * 1e6;
    this.service.tick();
  }

  /** Somebody sets the wall clock. */
  setClock(bySeconds: number): void {
    this.#nowUs += bySeconds * 1e6;
    this.tickAfter(1);
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get state(): StoreState {
    const last = this.messages.findLast((message) => message.type === "state");
    return (last as { state: StoreState }).state;
  }

  get notes(): string[] {
    return this.messages.flatMap((message) => message.type === "note" ? [message.text] : []);
  }
}

function withHarness(work: (harness: Harness, path: string) => void): Promise<void> {
  return withDatabasePath((path) => {
    const harness = new Harness(path);
    harness.service.open();
    work(harness, path);
    harness.service.close();
  });
}

/** A value of the database as a reader sees it now. */
function readOne(path: string, sql: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Object.values(database.prepare(sql).get()!)[0];
  } finally {
    database.close();
  }
}
function overwriteAllButFirstPage(path: string): void {
  const file = Deno.openSync(path, { write: true });
  file.seekSync(4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(Deno.statSync(path).size - 4096).fill(0xa5));
  file.close();
}
const countPackets = (path: string) => readOne(path, "SELECT count(*) FROM packets");

Deno.test("rows are written once a second and acknowledged then", () =>
  withHarness((harness, path) => {
    harness.take({ packets: [packetRow(1)] });
    deepStrictEqual(harness.acks, []);
    strictEqual(countPackets(path), 0);
    harness.tickAfter(1);
    deepStrictEqual(harness.acks, [0]);
    strictEqual(countPackets(path), 1);
    strictEqual(harness.state.state, "ok");
    strictEqual(harness.state.rowsWritten, 1);
    strictEqual(harness.state.oldestUs, startUs + 1000);
    ok(harness.state.sizeBytes > 0);
  }));

Deno.test("many rows, or many batches, do not wait for the second to end", () =>
  withHarness((harness) => {
    harness.take({ packets: many(transactionRows, packetRow) });
    deepStrictEqual(harness.acks, [0]);
    for (let batch = 0; batch < 4; batch++) harness.take({ packets: [packetRow(batch)] });
    deepStrictEqual(harness.acks, [0, 1, 2, 3, 4]);
  }));

Deno.test("a database locked by another connection is retried with back-off and loses nothing", () =>
  withHarness((harness, path) => {
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    harness.take({ packets: [packetRow(1)] });
    harness.tickAfter(1);
    strictEqual(harness.state.state, "retrying");
    match(harness.state.detail, /locked by another program; next try in 1 s/);
    // The pipeline does not wait for a database that fails.
    deepStrictEqual(harness.acks, [0]);
    harness.take({ packets: [packetRow(2)] });
    deepStrictEqual(harness.acks, [0, 1]);
    harness.tickAfter(1);
    strictEqual(harness.state.queueDepth, 2);
    other.exec("COMMIT");
    other.close();
    harness.tickAfter(0.1);
    strictEqual(harness.state.state, "retrying");
    harness.tickAfter(8);
    strictEqual(harness.state.state, "ok");
    strictEqual(harness.state.queueDepth, 0);
    strictEqual(harness.state.rowsLost, 0);
    strictEqual(countPackets(path), 2);
    strictEqual(harness.notes.length, 2);
    match(harness.notes[1]!, /being written again/);
  }));

Deno.test("a disk that fills up keeps packet rows out first, then flow rows, and counts them", () =>
  withHarness((harness, path) => {
    const some = { packets: many(5, packetRow), flows: many(3, (number) => flow(number + 1)) };
    const takeAt = (step: 0 | 1 | 2 | 3) => {
      harness.service.setDiskStep(step);
      harness.take(some);
      harness.tickAfter(1);
      return [
        countPackets(path),
        readOne(path, "SELECT count(*) FROM flows"),
        harness.state.rowsHeldBack,
      ];
    };
    deepStrictEqual(takeAt(1), [5, 3, 0]);
    deepStrictEqual(takeAt(2), [5, 3, 5]);
    deepStrictEqual(takeAt(3), [5, 3, 13]);
    deepStrictEqual(harness.acks, [0, 1, 2]);
    harness.service.takeFindings({
      type: "findings",
      sequence: 0,
      findings: [bruteForceFinding(1)],
      incidents: [],
    });
    strictEqual(readOne(path, "SELECT count(*) FROM anomalies"), 1);
    deepStrictEqual(harness.state.rowsLost, 0);
  }));

Deno.test("a long lock costs packet rows, the oldest first, and no flow, host or second", () =>
  withHarness((harness, path) => {
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const batches = 200;
    for (let batch = 0; batch < batches; batch++) {
      harness.take({
        packets: many(900, packetRow, batch * 900),
        flows: many(100, (number) => flow(number + 1), batch * 100),
        seconds: [second(batch)],
      });
      if (batch % 5 === 0) harness.tickAfter(1);
    }
    other.exec("COMMIT");
    other.close();
    harness.tickAfter(10);
    strictEqual(readOne(path, "SELECT count(*) FROM flows"), batches * 100);
    strictEqual(readOne(path, "SELECT count(*) FROM stats"), batches);
    const kept = Number(countPackets(path));
    ok(kept > 70_000 && kept < 85_000, `${kept} packet rows`);
    strictEqual(harness.state.rowsLost, batches * 900 - kept);
    strictEqual(readOne(path, "SELECT max(flow_id) > 0 FROM packets"), 1);
    strictEqual(harness.acks.length, batches);
  }));

Deno.test("only what outgrows the backlog is lost, the oldest first, and it is counted", () =>
  withHarness((harness, path) => {
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    harness.take({ packets: [packetRow(0)] });
    harness.tickAfter(1);
    for (let batch = 1; batch < backlogBatchesMax + 5; batch++) {
      harness.take({ packets: [packetRow(batch)] });
    }
    harness.service.postState();
    strictEqual(harness.state.rowsLost, 5);
    strictEqual(harness.state.queueDepth, backlogBatchesMax);
    strictEqual(harness.acks.length, backlogBatchesMax + 5);
    other.exec("COMMIT");
    other.close();
    harness.tickAfter(8);
    strictEqual(countPackets(path), backlogBatchesMax);
    strictEqual(readOne(path, "SELECT min(ts_us) FROM packets"), packetRow(5).tsUs);
    ok(harness.notes.some((note) => note.startsWith("5 rows for ")));
  }));

Deno.test("closing a database that stays locked counts what could not be written", () =>
  withDatabasePath((path) => {
    const harness = new Harness(path);
    harness.service.open();
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    harness.take({ packets: many(3, packetRow) });
    harness.service.close();
    other.close();
    deepStrictEqual(harness.acks, [0]);
    strictEqual(harness.state.rowsLost, 3);
    strictEqual(harness.state.state, "retrying");
  }));

Deno.test("a batch with a row that SQLite refuses is lost alone", () =>
  withHarness((harness, path) => {
    harness.take({ packets: [packetRow(1)] });
    harness.take({ packets: [packetRow(2, { tsUs: NaN })] });
    harness.take({ packets: [packetRow(3)] });
    harness.tickAfter(1);
    deepStrictEqual(harness.acks, [0, 1, 2]);
    strictEqual(countPackets(path), 2);
    strictEqual(harness.state.state, "ok");
    strictEqual(harness.state.rowsLost, 1);
    match(harness.notes.join(), /SQLite refused/);
  }));

Deno.test("a database that turns out damaged while in use is set aside and begun anew", () =>
  withHarness((harness, path) => {
    harness.take({ packets: [packetRow(1)] });
    harness.tickAfter(1);
    const other = new DatabaseSync(path);
    // Another writer makes the service forget the pages that it holds in memory.
    other.exec("UPDATE meta SET value = 'x' WHERE key = 'tool_version'");
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    other.close();
    overwriteAllButFirstPage(path);
    harness.take({ packets: [packetRow(2)] });
    harness.tickAfter(1);
    harness.tickAfter(1);
    strictEqual(harness.state.state, "ok");
    strictEqual(harness.state.rowsLost, 0);
    strictEqual(countPackets(path), 1);
    ok(harness.notes.some((note) => /is damaged and was moved to .*\.corrupt-2026/.test(note)));
    const files = [...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))].map(({ name }) =>
      name
    );
    ok(files.some((name) => /^packet_logs\.db\.corrupt-[0-9TZ]+$/.test(name)), files.join());
  }));

Deno.test("a results folder removed while running is made again, and readers find the new file", () =>
  withHarness((harness, path) => {
    const queries = new StoreQueries(path);
    harness.take({ packets: [packetRow(1)] });
    harness.tickAfter(1);
    strictEqual(queries.packets().rows.length, 1);
    Deno.removeSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    strictEqual(queries.packets().rows.length, 0);
    harness.take({ packets: [packetRow(2), packetRow(3)] });
    harness.tickAfter(1);
    strictEqual(queries.packets().rows.length, 2);
    match(harness.notes.join(), /was removed while in use/);
    queries.close();
  }));

Deno.test("a folder that cannot be made is told and retried until it can", () =>
  withDatabasePath((path) => {
    const blocked = path.replace("/packet_logs.db", "/taken/packet_logs.db");
    const inTheWay = blocked.replace("/packet_logs.db", "");
    Deno.writeTextFileSync(inTheWay, "a file where the folder should be");
    const harness = new Harness(blocked);
    harness.service.open();
    strictEqual(harness.state.state, "retrying");
    match(harness.state.detail, /cannot be opened/);
    harness.take({ packets: [packetRow(1)] });
    Deno.removeSync(inTheWay);
    harness.tickAfter(8);
    strictEqual(harness.state.state, "ok");
    strictEqual(countPackets(blocked), 1);
    harness.service.close();
  }));

Deno.test("a newer database ends the service at its start, but is only a failure later", () =>
  withHarness((harness, path) => {
    openWriter(path).close();
    const newer = `${path}.newer`;
    openWriter(newer).close();
    const database = new DatabaseSync(newer);
    database.exec("PRAGMA user_version = 99");
    database.close();
    throws(() => new Harness(newer).service.open(), UsageError);
    Deno.renameSync(newer, path);
    harness.take({ packets: [packetRow(1)] });
    harness.tickAfter(1);
    strictEqual(harness.state.state, "retrying");
    match(harness.state.detail, /schema version 99/);
  }));

Deno.test("a new pipeline's flow ids do not run into those of the old one", () =>
  withHarness((harness, path) => {
    harness.take({ packets: [packetRow(1, { flowId: 1 })] });
    harness.service.beginRun();
    harness.take({ packets: [packetRow(2, { flowId: 1 })] });
    harness.tickAfter(1);
    strictEqual(readOne(path, "SELECT count(DISTINCT flow_id) FROM packets"), 2);
  }));

testOnSmallDisk(
  "a full disk is shown, survived and written again once there is room",
  6 << 20,
  fillDiskAndRecover,
);

function fillDiskAndRecover(folder: string): void {
  Deno.writeFileSync(`${folder}/ballast`, new Uint8Array(4 * 2 ** 20));
  const path = `${folder}/packet_logs.db`;
  const harness = new Harness(path);
  harness.service.open();
  let taken = 0;
  for (; harness.state.state === "ok" && taken < 60_000; taken += 1000) {
    harness.take({ packets: many(1000, packetRow, taken) });
    harness.tickAfter(1);
  }
  strictEqual(harness.state.state, "retrying");
  match(harness.state.detail, /no room is left on the disk/);
  harness.take({ packets: many(1000, packetRow, taken) });
  taken += 1000;
  harness.tickAfter(8);
  strictEqual(harness.state.state, "retrying");
  Deno.removeSync(`${folder}/ballast`);
  harness.tickAfter(8);
  strictEqual(harness.state.state, "ok");
  strictEqual(harness.state.rowsLost, 0);
  strictEqual(countPackets(path), taken);
  strictEqual(readOne(path, "PRAGMA integrity_check"), "ok");
  harness.service.close();
}

Deno.test("a folder in the database's place is refused at the start, and only a failure later", () =>
  withDatabasePath((path) => {
    Deno.mkdirSync(path, { recursive: true });
    throws(() => new Harness(path).service.open(), UsageError);
  }));

for (const days of [1, -1, 3650, -3650]) {
  Deno.test(`a clock that is set by ${days} days is said, and deletes nothing for an hour, nor when it is right again`, () =>
    withHarness((harness, path) => {
      const write = () => {
        harness.take({ packets: [{ ...packetRow(0), tsUs: harness.nowUs }] });
        harness.tickAfter(1);
      };
      write();
      harness.setClock(days * 86_400);
      match(
        harness.notes.at(-1)!,
        /^The clock of this host went (forward|back) by [\d,]+ days? at once/,
      );
      for (let minute = 0; minute < 50; minute++) {
        harness.tickAfter(60);
        write();
      }
      harness.setClock(-days * 86_400);
      write();
      harness.tickAfter(7200);
      write();
      // What was written under a date of ten years ago is too old when the clock is right again.
      strictEqual(countPackets(path), days < -14 ? 3 : 53);
      strictEqual(harness.state.state, "ok");
    }));
}

Deno.test("a clock that stays where it was set counts after an hour", () =>
  withHarness((harness, path) => {
    harness.take({ packets: [packetRow(0)] });
    harness.tickAfter(1);
    harness.setClock(3650 * 86_400);
    harness.take({ packets: [{ ...packetRow(1), tsUs: harness.nowUs }] });
    harness.tickAfter(1);
    strictEqual(countPackets(path), 2);
    harness.tickAfter(3600);
    strictEqual(countPackets(path), 1);
  }));

Deno.test("a database that fails is tried again in time, whatever the wall clock is set to", () =>
  withHarness((harness, path) => {
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    harness.take({ packets: [packetRow(0)] });
    harness.tickAfter(1);
    strictEqual(harness.state.state, "retrying");
    other.exec("COMMIT");
    other.close();
    harness.setClock(-3650 * 86_400);
    harness.tickAfter(10);
    strictEqual(harness.state.state, "ok");
    strictEqual(countPackets(path), 1);
  }));
