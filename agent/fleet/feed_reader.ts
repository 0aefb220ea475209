/**
 * What is new in `packet_logs.db`, read as the store's `fleet_feed` tells it: read-only, beside the writer, from a place that the
 * spool remembers.
 */
import type { DatabaseSync } from "node:sqlite";
import { decodeIds } from "../store/fleet_feed.ts";
import { openForReading } from "../store/open.ts";
import {
  ANOMALY_COLUMNS,
  INCIDENT_COLUMNS,
  SCAN_COLUMNS,
  type StoredFlow,
  type StoredIncident,
} from "../store/schema.ts";
import type { FindingItem, IncidentItem } from "./wire.ts";

export interface FlowNews {
  /** Of the last row read. */
  readonly throughId: number;
  /** Flows in all rows before and in those read, since the database was made. */
  readonly flowsBefore: number;
  readonly flowsAfter: number;
  readonly ids: readonly number[];
}

export interface FindingNews {
  readonly throughId: number;
  readonly scans: readonly number[];
  readonly anomalies: readonly number[];
  readonly incidents: readonly number[];
  readonly gone: readonly number[];
}

const findingRowsMax = 100;
const flowLinksMax = 64;
const incidentFindingsMax = 500;

export class FeedReader {
  readonly #path: string;
  #database: DatabaseSync | null = null;
  #inode: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the database, or another one that has taken its place; returns what tells it from others, null while there is none.
   * Throws as openForReading() does.
   */
  open(): number | null {
    const inode = this.#inodeNow();
    if (inode !== this.#inode) this.close();
    if (inode === null) return null;
    this.#database ??= openForReading(this.#path);
    if (this.#database === null) return null;
    this.#inode = inode;
    const row = this.#one("SELECT value FROM meta WHERE key = 'created_us'");
    return row === null ? null : Number(row.value);
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
    this.#inode = null;
  }

  /** Flows that were written after a row of the feed, some `flowCountMax` of them at most; null when there are none. */
  flowNews(afterId: number, flowCountMax: number): FlowNews | null {
    const rows = this.#database!.prepare(
      "SELECT id, flows_before, ids FROM fleet_feed WHERE id > ? AND list = 'flows' ORDER BY id",
    ).iterate(afterId);
    const ids: number[] = [];
    let [throughId, flowsBefore] = [0, -1];
    for (const row of rows) {
      ids.push(...decodeIds(row.ids as Uint8Array));
      throughId = Number(row.id);
      if (flowsBefore < 0) flowsBefore = Number(row.flows_before);
      if (ids.length >= flowCountMax) break;
    }
    if (throughId === 0) return null;
    // Between the first and the last row none is missing: only the oldest are ever deleted.
    return { throughId, flowsBefore, flowsAfter: flowsBefore + ids.length, ids };
  }

  /** Findings and incidents that have changed, each id once; null when there are none. */
  findingNews(afterId: number): FindingNews | null {
    const rows = this.#database!.prepare(
      "SELECT id, list, ids FROM fleet_feed WHERE id > ? AND list <> 'flows' ORDER BY id LIMIT ?",
    ).all(afterId, findingRowsMax);
    if (rows.length === 0) return null;
    const of = (list: string) => [
      ...new Set(
        rows.filter((row) => row.list === list).flatMap((row) => decodeIds(row.ids as Uint8Array)),
      ),
    ];
    const throughId = Number(rows.at(-1)!.id);
    return {
      throughId,
      scans: of("scans"),
      anomalies: of("anomalies"),
      incidents: of("incidents"),
      gone: of("gone"),
    };
  }

  /** Those that are (still) there, each once. */
  flows(ids: readonly number[]): readonly StoredFlow[] {
    return this.#all(
      "SELECT * FROM flows WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    ) as unknown as StoredFlow[];
  }

  findings({ scans, anomalies }: Pick<FindingNews, "scans" | "anomalies">): readonly FindingItem[] {
    const of = (list: "scans" | "anomalies", part: string, ids: readonly number[]) => {
      const columns = list === "scans" ? SCAN_COLUMNS : ANOMALY_COLUMNS;
      return this.#all(
        `SELECT ${columns.join(", ")} FROM ${list} WHERE id IN (SELECT value FROM json_each(?))`,
        JSON.stringify(ids),
      ).map((row) =>
        ({
          list,
          row,
          flow_ids: this.#all(
            `SELECT flow_id FROM ${part}_flows WHERE ${part}_id = ? LIMIT ${flowLinksMax}`,
            row.id!,
          ).map((link) => Number(link.flow_id)),
        }) as unknown as FindingItem
      );
    };
    return [...of("scans", "scan", scans), ...of("anomalies", "anomaly", anomalies)];
  }

  incidents({ incidents, gone }: Pick<FindingNews, "incidents" | "gone">): readonly IncidentItem[] {
    const rows = this.#all(
      `SELECT ${
        INCIDENT_COLUMNS.join(", ")
      } FROM incidents WHERE id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(incidents),
    ) as unknown as Omit<StoredIncident, "acknowledged_us">[];
    return [
      ...gone.map((id) => ({ gone: id })),
      ...rows.map((row) => ({ row, findings: this.#findingsOf(Number(row.id)) })),
    ] as readonly IncidentItem[];
  }

  #findingsOf(incident: number) {
    return this.#all(
      `SELECT list, finding_id AS id, role FROM incident_findings WHERE incident_id = ?
       LIMIT ${incidentFindingsMax}`,
      incident,
    );
  }

  #all(sql: string, ...parameters: readonly (string | number | bigint | Uint8Array)[]) {
    return this.#database!.prepare(sql).all(...parameters) as Record<string, string | number>[];
  }

  #one(sql: string) {
    return this.#database!.prepare(sql).get() ?? null;
  }

  #inodeNow(): number | null {
    try {
      return Deno.statSync(this.#path).ino;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }
}
