/**
 * Keeps the database within its age and its bytes, in steps so small that none holds up the writer: a step deletes at
 * most `sliceRows` rows, and a call ends after `patienceMs`. Part of the writer; nobody else deletes.
 *
 * Age is traffic time: a row goes when it is older than the newest time this run has written, less `retentionDays`. A
 * capture of last year can thus be replayed, and a packet with a date in the future deletes nothing, since the wall
 * clock limits it. For bytes, what was written first goes first, from the table whose first row is the oldest.
 *
 * Roll-ups age by the length of their buckets (rollup_spans.ts), and are no more than a quarter of the bytes: the finest go
 * first, for the coarser ones hold the same sums.
 *
 * The limit covers the file and its write-ahead log together:
 *
 *     |<------------------------- retentionBytes -------------------------->|
 *     | pages in use, freed pages (used again)     | reserve: log, one batch |
 */
import type { DatabaseSync } from "node:sqlite";
import { ROLLUP_KINDS, ROLLUP_SPANS } from "./rollup_spans.ts";

/** Some 5 ms of a loaded machine. */
const sliceRows = 500;
const vacuumPages = 128;
/** Longest that one call goes on while the database is within its bytes, in milliseconds. */
const patienceMs = 20;
/** Steps in one call: more rows than a transaction adds. */
const stepCountMax = 32;
/** After a look that found nothing too old the next comes later, by traffic's clock or by ours: each asks for every kind of rows of each span. */
const restUs = 10_000_000;
const dayUs = 86_400_000_000;
const mebibyte = 2 ** 20;
const historyDaysDefault = 365;
/** A row of `rollups`, measured. */
const rollupRowBytes = 90;

/** Tables that age, by which key (the order of writing) and which time. */
const agingTables = [
  { table: "packets", key: "id", time: "ts_us" },
  { table: "flows", key: "id", time: "end_us" },
  { table: "stats", key: "ts_us", time: "ts_us" },
  { table: "stats_minutes", key: "ts_us", time: "ts_us" },
  { table: "runs", key: "id", time: "last_us" },
  { table: "anomalies", key: "id", time: "ts_us" },
  { table: "scans", key: "id", time: "last_us" },
  { table: "incidents", key: "id", time: "last_us" },
  { table: "alerts", key: "id", time: "ts_us" },
] as const;
type AgingTable = typeof agingTables[number];

interface RetentionOptions {
  readonly retentionDays: number;
  readonly historyDays?: number;
  readonly retentionBytes: number;
}

/** Bytes kept free for the write-ahead log and the growth by one batch. */
export function reserveBytes(retentionBytes: number): number {
  return Math.max(
    Math.min(retentionBytes / 2, 8 * mebibyte),
    Math.min(retentionBytes / 4, 64 * mebibyte),
  );
}

/** Most hosts kept: a tenth of the bytes at about 150 a row, and never more than 200,000. */
export function hostCountMax(retentionBytes: number): number {
  return Math.max(1000, Math.min(200_000, Math.floor(retentionBytes / 1500)));
}

/** Most devices of the own networks kept, … */
export function deviceCountMax(retentionBytes: number): number {
  return Math.max(100, Math.min(10_000, Math.floor(hostCountMax(retentionBytes) / 10)));
}

/** … peers of them all, hours of traffic, and first contacts: some 80, 30 and 100 bytes a row. */
function deviceRowsMax(retentionBytes: number) {
  const hosts = hostCountMax(retentionBytes);
  return { device_peers: hosts, device_hours: 4 * hosts, first_contacts: 10_000 } as const;
}
const idleTables = {
  hosts: { key: "address", time: "last_seen_us" },
  devices: { key: "id", time: "last_seen_us" },
  device_peers: { key: "device_id, peer", time: "last_us" },
  device_hours: { key: "device_id, hour_us", time: "hour_us" },
  first_contacts: { key: "id", time: "ts_us" },
} as const;
type IdleTable = keyof typeof idleTables;
/** Devices with a MAC address, and what is known of all, outlive their flows. */
const deviceDays = 365;

export class Retention {
  readonly #database: DatabaseSync;
  readonly #options: RetentionOptions;
  /** Told of each deletion, inside its transaction. */
  readonly #onDeleted: (table: string, rows: number) => void;
  /** Roll-ups of each span, as far as they are counted; then how many are to be deleted yet. */
  #rollupCounts: number[] = [];
  #rollupExcess = 0;
  #isTrimming = false;
  #nothingOldUs = -Infinity;
  #lookedMs = -Infinity;

  constructor(
    database: DatabaseSync,
    options: RetentionOptions,
    onDeleted: (table: string, rows: number) => void,
  ) {
    this.#database = database;
    this.#options = options;
    this.#onDeleted = onDeleted;
  }

  /** Deletes and gives back pages until there is room for `rowCount` rows more. */
  makeRoom(rowCount: number): void {
    const { retentionBytes } = this.#options;
    const reserve = reserveBytes(retentionBytes);
    const limit = retentionBytes - reserve;
    const isPatient = patience(patienceMs);
    const mayGoOn = (step: number) => {
      const usedBytes = this.#usedBytes();
      if (usedBytes <= limit || step === stepCountMax) return false;
      // Deep in its reserve the database makes room for what comes, however long that takes.
      return isPatient() || usedBytes > limit + reserve / 4 && step * sliceRows < 2 * rowCount;
    };
    if (mayGoOn(0)) {
      // At once: each commit writes every page of an index that its rows were on.
      this.#transact(() => {
        for (let step = 0; mayGoOn(step); step++) {
          if (!this.#deleteFirstWritten()) break;
        }
      });
    }
    for (let step = 0; step < stepCountMax && this.#canShrink(limit) && isPatient(); step++) {
      // all(): it frees a page a step of the statement, and exec() takes only one.
      this.#database.prepare(`PRAGMA incremental_vacuum(${vacuumPages})`).all();
    }
  }

  /** Deletes some of what is too old at traffic time `newestUs`. */
  deleteOld(newestUs: number): void {
    const nowMs = performance.now();
    const isSoon = Math.abs(newestUs - this.#nothingOldUs) < restUs &&
      nowMs - this.#lookedMs < restUs / 1000;
    if (isSoon) return;
    this.#lookedMs = nowMs;
    const isPatient = patience(patienceMs);
    for (let step = 0; step < stepCountMax && isPatient(); step++) {
      if (this.#deleteOldSlice(newestUs)) continue;
      this.#nothingOldUs = newestUs;
      break;
    }
  }

  /** False when nothing (more) is too old. */
  #deleteOldSlice(newestUs: number): boolean {
    const { retentionDays, historyDays = historyDaysDefault } = this.#options;
    for (const table of agingTables) {
      const days = table.table === "runs" ? historyDays : retentionDays;
      if (this.#deleteBefore(table, newestUs - days * dayUs)) return true;
    }
    return ROLLUP_SPANS.some(({ spanUs, days }) => {
      const cutoffUs = newestUs - Math.min(days ?? historyDays, historyDays) * dayUs;
      return this.#deleteRollups(spanUs, cutoffUs) > 0;
    });
  }

  /** Has the calls of `trimRollups()` that follow look for roll-ups that are too many: to count them takes a while. */
  beginTrim(): void {
    this.#isTrimming = true;
  }

  /** Counts the roll-ups, those of a span in each call, and in the calls that follow deletes the oldest of the finest that are too many. */
  trimRollups(): void {
    if (!this.#isTrimming) return;
    const span = ROLLUP_SPANS[this.#rollupCounts.length];
    if (span !== undefined) {
      const count = "SELECT count(*) AS rows FROM rollups WHERE span_us = ?";
      this.#rollupCounts.push(Number(this.#database.prepare(count).get(span.spanUs)!.rows));
      if (this.#rollupCounts.length < ROLLUP_SPANS.length) return;
      const rows = this.#rollupCounts.reduce((sum, count) => sum + count, 0);
      this.#rollupExcess = rows - this.#options.retentionBytes / 4 / rollupRowBytes;
    } else {
      const isPatient = patience(patienceMs);
      while (this.#rollupExcess > 0 && isPatient()) {
        const deleted = ROLLUP_SPANS.values().map(({ spanUs }) =>
          this.#deleteRollups(spanUs, Infinity)
        )
          .find((deleted) => deleted > 0);
        this.#rollupExcess -= deleted ?? Infinity;
      }
    }
    if (this.#rollupExcess > 0) return;
    this.#rollupCounts = [];
    this.#isTrimming = false;
  }

  /** The oldest of a span's rows before `cutoffUs`, a slice at most. */
  #deleteRollups(spanUs: number, cutoffUs: number): number {
    const before = Math.min(cutoffUs, Number.MAX_SAFE_INTEGER);
    let deleted = 0;
    for (const kind of ROLLUP_KINDS) {
      const at = "span_us = ? AND kind = ? AND ts_us < ?";
      const find = this.#database.prepare(`SELECT 1 FROM rollups WHERE ${at} LIMIT 1`);
      if (find.get(spanUs, kind, before) === undefined) continue;
      deleted += this.#delete(
        "rollups",
        `DELETE FROM rollups WHERE span_us = ${spanUs} AND kind = '${kind}' AND ts_us <= coalesce(
           (SELECT ts_us FROM rollups WHERE span_us = ${spanUs} AND kind = '${kind}'
            ORDER BY ts_us LIMIT 1 OFFSET ${sliceRows}), ?1) AND ts_us < ?1`,
        before,
      );
    }
    return deleted;
  }

  /**
   * Deletes some of the hosts and devices not seen for longest, and of what is known of devices, that are too many or too old:
   * how many, and whether that was all.
   */
  deleteIdle(newestUs: number): { readonly rows: number; readonly isDone: boolean } {
    const { retentionDays, retentionBytes } = this.#options;
    const oldUs = newestUs - retentionDays * dayUs;
    const longUs = newestUs - Math.max(retentionDays, deviceDays) * dayUs;
    const limits = { devices: deviceCountMax(retentionBytes), ...deviceRowsMax(retentionBytes) };
    const isPatient = patience(patienceMs);
    let rows = 0;
    const deleteWhere = (table: IdleTable, condition: string, parameter: number) => {
      const { key } = idleTables[table];
      const slice = `SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${sliceRows}`;
      const sql = `DELETE FROM ${table} WHERE (${key}) IN (${slice})`;
      for (let last = sliceRows; last === sliceRows && isPatient(); rows += last) {
        last = this.#delete(table, sql, parameter);
      }
    };
    const deleteExcess = (table: IdleTable, max: number, share: number) => {
      const { time } = idleTables[table];
      const { n } = this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!;
      if (Number(n) <= max) return;
      const bound = this.#database.prepare(
        `SELECT ${time} AS us FROM ${table} ORDER BY ${time} LIMIT 1 OFFSET ?`,
      ).get(Math.floor(Number(n) - max * share));
      deleteWhere(table, `${time} < ?`, Number(bound!.us));
    };
    deleteWhere("hosts", "last_seen_us < ?", oldUs);
    deleteExcess("hosts", hostCountMax(retentionBytes), 0.95);
    deleteWhere("devices", "mac = '' AND last_seen_us < ?", oldUs);
    for (const [table, max] of Object.entries(limits)) {
      const { time } = idleTables[table as IdleTable];
      deleteWhere(table as IdleTable, `${time} < ?`, longUs);
      if (isPatient()) deleteExcess(table as IdleTable, max, 0.9);
    }
    return { rows, isDone: isPatient() };
  }

  #deleteFirstWritten(): boolean {
    let first: AgingTable | null = null;
    let firstUs = Infinity;
    for (const table of agingTables) {
      if (table.table === "runs") continue; // a row a start
      const row = this.#database.prepare(
        `SELECT ${table.time} AS us FROM ${table.table} ORDER BY ${table.key} LIMIT 1`,
      ).get();
      if (row === undefined || Number(row.us) >= firstUs) continue;
      first = table;
      firstUs = Number(row.us);
    }
    if (first === null) return false;
    const { table, key } = first;
    const slice = `SELECT ${key} FROM ${table} ORDER BY ${key} LIMIT ?`;
    return this.#delete(table, `DELETE FROM ${table} WHERE ${key} IN (${slice})`, sliceRows) > 0;
  }

  #deleteBefore({ table, key, time }: AgingTable, cutoffUs: number): boolean {
    // Asked first without the write lock, since there is mostly nothing to do.
    const isOld = this.#database.prepare(`SELECT 1 FROM ${table} WHERE ${time} < ? LIMIT 1`);
    if (isOld.get(cutoffUs) === undefined) return false;
    const slice =
      `SELECT ${key} FROM ${table} WHERE ${time} < ? ORDER BY ${time} LIMIT ${sliceRows}`;
    this.#delete(table, `DELETE FROM ${table} WHERE ${key} IN (${slice})`, cutoffUs);
    return true;
  }

  #delete(table: string, sql: string, parameter: number): number {
    return this.#transact(() => {
      const rows = Number(this.#database.prepare(sql).run(Math.floor(parameter)).changes);
      this.#onDeleted(table, rows);
      return rows;
    });
  }

  /** Inside a transaction that goes on, or in one of its own. */
  #transact<Result>(work: () => Result): Result {
    const database = this.#database;
    if (database.isTransaction) return work();
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  #usedBytes(): number {
    return (this.#pragma("page_count") - this.#pragma("freelist_count")) *
      this.#pragma("page_size");
  }

  #canShrink(limit: number): boolean {
    return this.#pragma("freelist_count") > 0 &&
      this.#pragma("page_count") * this.#pragma("page_size") > limit;
  }

  #pragma(name: "page_count" | "freelist_count" | "page_size"): number {
    return Number(this.#database.prepare(`PRAGMA ${name}`).get()![name]);
  }
}

/** Says true for so many milliseconds. */
function patience(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() < endMs;
}
