/** Writes findings: each newest state replaces the row of the ones before, and the links to its flows. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Finding } from "../records.ts";
import { anomalyRow, findingRowId, isScan, scanRow } from "./finding_rows.ts";
import { RowInserter } from "./row_inserter.ts";
import {
  ANOMALY_COLUMNS,
  type Cell,
  FLOWS_PER_RUN,
  SCAN_COLUMNS,
  type StoredAnomaly,
  type StoredScan,
} from "./schema.ts";

/** A part of StoreWriter, which opens the transactions. */
export class FindingWriter {
  readonly #database: DatabaseSync;
  readonly #scans: RowInserter<StoredScan>;
  readonly #anomalies: RowInserter<StoredAnomaly>;
  readonly #scanLinks: FlowLinks;
  readonly #anomalyLinks: FlowLinks;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#scans = inserter(database, "scans", SCAN_COLUMNS);
    this.#anomalies = inserter(database, "anomalies", ANOMALY_COLUMNS);
    this.#scanLinks = new FlowLinks(database, "scan");
    this.#anomalyLinks = new FlowLinks(database, "anomaly");
  }

  /** `run` as in `FLOWS_PER_RUN`. */
  write(findings: readonly Finding[], run: number): void {
    for (const finding of findings) {
      const id = findingRowId(finding, run);
      const flowIds = finding.flowIds.map((flowId) => run * FLOWS_PER_RUN + flowId);
      if (isScan(finding)) {
        this.#scans.insert([scanRow(finding, run)]);
        this.#scanLinks.set(id, flowIds);
      } else {
        this.#anomalies.insert([anomalyRow(finding, run)]);
        this.#anomalyLinks.set(id, flowIds);
      }
    }
  }

  /** What a run left open when it died is over. */
  closeAll(): void {
    for (const table of ["scans", "anomalies"]) {
      this.#database.exec(`UPDATE ${table} SET is_open = 0 WHERE is_open = 1`);
    }
  }
}

class FlowLinks {
  readonly #delete: StatementSync;
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync, part: "scan" | "anomaly") {
    this.#delete = database.prepare(`DELETE FROM ${part}_flows WHERE ${part}_id = ?`);
    this.#insert = database.prepare(
      `INSERT OR IGNORE INTO ${part}_flows(${part}_id, flow_id) VALUES (?, ?)`,
    );
  }

  set(id: number, flowIds: readonly number[]): void {
    this.#delete.run(id);
    for (const flowId of flowIds) this.#insert.run(id, flowId);
  }
}

function inserter<Column extends string>(
  database: DatabaseSync,
  table: string,
  columns: readonly Column[],
): RowInserter<{ readonly [column in Column]: Cell }> {
  const updates = columns.filter((column) => column !== "id")
    .map((column) => `${column} = excluded.${column}`);
  return new RowInserter({
    database,
    table,
    columns,
    conflictClause: `ON CONFLICT(id) DO UPDATE SET ${updates.join(", ")}`,
    pushCells: (row, cells) => {
      for (const column of columns) cells.push(row[column]);
    },
  });
}
