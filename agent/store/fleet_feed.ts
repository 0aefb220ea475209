/**
 * What is new in the database for the fleet, in the order in which it was written: one row of `fleet_feed` for the flows, findings or
 * incidents of a transaction, with nothing but their ids. The fleet's thread reads it at its own pace, after a restart from where it
 * was; nobody waits for it. Part of the writer, which opens the transactions.
 */
import type { DatabaseSync } from "node:sqlite";

/** `gone` are incidents that turned out to be part of others. */
const FEED_LISTS = ["flows", "scans", "anomalies", "incidents", "gone"] as const;
type FeedList = typeof FEED_LISTS[number];

/** Transactions with flows that are kept for a fleet's thread that does not read: hours, some 8 bytes a flow. */
const flowRowsMax = 20_000;
const fedKey = "fleet_flows";

export class FleetFeed {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(list: FeedList, ids: readonly number[]): void {
    if (ids.length === 0) return;
    const before = Number(
      this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(fedKey)?.value ?? 0,
    );
    this.#database.prepare("INSERT INTO fleet_feed(list, flows_before, ids) VALUES (?, ?, ?)")
      .run(list, before, encodeIds(ids));
    if (list !== "flows") return;
    this.#database.prepare(
      "INSERT OR REPLACE INTO meta(key, value) VALUES (?, CAST(? AS INTEGER))",
    ).run(fedKey, before + ids.length);
  }

  /** Findings that a run left open are about to be closed. */
  addOpen(): void {
    for (const list of ["scans", "anomalies"] as const) {
      const rows = this.#database.prepare(`SELECT id FROM ${list} WHERE is_open = 1`).all();
      this.add(list, rows.map(({ id }) => Number(id)));
    }
  }

  /** Deletes what has been read, and flows beyond what is kept. */
  trim(throughId: number): void {
    this.#database.prepare("DELETE FROM fleet_feed WHERE id <= ?").run(throughId);
    this.#database.prepare(
      `DELETE FROM fleet_feed WHERE list = 'flows' AND id <= (SELECT max(id) FROM fleet_feed) - ?`,
    ).run(flowRowsMax);
  }
}

/** Doubles, little-endian. */
function encodeIds(ids: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ids.length * 8));
  ids.forEach((id, index) => view.setFloat64(index * 8, id, true));
  return new Uint8Array(view.buffer);
}

export function decodeIds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >>> 3 }, (_, index) => view.getFloat64(index * 8, true));
}
