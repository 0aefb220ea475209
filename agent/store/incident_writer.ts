/** Writes incidents, and which findings belong to them. A part of StoreWriter, which opens the transactions. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IncidentNews } from "../records.ts";
import { findingRowId, incidentRow, isScan } from "./finding_rows.ts";
import { INCIDENT_COLUMNS } from "./schema.ts";

export class IncidentWriter {
  readonly #upsert: StatementSync;
  readonly #join: StatementSync;
  readonly #moveAll: StatementSync;
  readonly #moveAlerts: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    const updates = INCIDENT_COLUMNS.filter((column) => column !== "id")
      .map((column) => `${column} = excluded.${column}`);
    this.#upsert = database.prepare(
      `INSERT INTO incidents(${INCIDENT_COLUMNS.join(", ")})
       VALUES (${INCIDENT_COLUMNS.map(() => "?").join(", ")})
       ON CONFLICT(id) DO UPDATE SET ${updates.join(", ")}`,
    );
    this.#join = database.prepare(
      "INSERT OR REPLACE INTO incident_findings(list, finding_id, incident_id, role) VALUES (?, ?, ?, ?)",
    );
    this.#moveAll = database.prepare(
      "UPDATE incident_findings SET incident_id = ? WHERE incident_id = ?",
    );
    this.#moveAlerts = database.prepare(
      "UPDATE alerts SET incident_id = ? WHERE incident_id = ?",
    );
    this.#remove = database.prepare("DELETE FROM incidents WHERE id = ?");
  }

  /** `run` as in `FLOWS_PER_RUN`. */
  write(news: readonly IncidentNews[], run: number): void {
    for (const { incident, joined, absorbedIds } of news) {
      const row = incidentRow(incident);
      this.#upsert.run(...INCIDENT_COLUMNS.map((column) => row[column]));
      for (const id of absorbedIds) {
        this.#moveAll.run(incident.id, id);
        this.#moveAlerts.run(incident.id, id);
        this.#remove.run(id);
      }
      for (const { finding, role } of joined) {
        const list = isScan(finding) ? "scans" : "anomalies";
        this.#join.run(list, findingRowId(finding, run), incident.id, role);
      }
    }
  }
}
