/** Writes alerts, mutes, and what people have acknowledged. A part of StoreWriter, which opens the transactions. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AlertsMessage } from "../messages.ts";
import { alertRow, muteRow } from "./alert_rows.ts";
import { ALERT_COLUMNS, MUTE_COLUMNS } from "./schema.ts";

/** What an AlertsMessage carries. */
export type AlertChanges = Omit<AlertsMessage, "type" | "sequence">;

export class AlertWriter {
  readonly #alert: StatementSync;
  readonly #mute: StatementSync;
  readonly #unmute: StatementSync;
  readonly #acknowledge: StatementSync;

  constructor(database: DatabaseSync) {
    // The incident may have become part of another, which its alerts then belong to (IncidentWriter), or be deleted.
    this.#alert = database.prepare(replaceSql("alerts", ALERT_COLUMNS, {
      value: { incident_id: "(SELECT id FROM incidents WHERE id = ?)" },
      update: { incident_id: "coalesce(excluded.incident_id, alerts.incident_id)" },
    }));
    this.#mute = database.prepare(replaceSql("mutes", MUTE_COLUMNS));
    this.#unmute = database.prepare("DELETE FROM mutes WHERE id = ?");
    this.#acknowledge = database.prepare("UPDATE incidents SET acknowledged_us = ? WHERE id = ?");
  }

  write({ alerts, mutes, unmutedIds, acknowledged }: AlertChanges): void {
    for (const alert of alerts) {
      const row = alertRow(alert);
      this.#alert.run(...ALERT_COLUMNS.map((column) => row[column]));
    }
    for (const mute of mutes) {
      const row = muteRow(mute);
      this.#mute.run(...MUTE_COLUMNS.map((column) => row[column]));
    }
    for (const id of unmutedIds) this.#unmute.run(id);
    for (const { incidentId, atUs } of acknowledged) this.#acknowledge.run(atUs, incidentId);
  }
}

/** `special` has the SQL of columns that are not taken as they come. */
function replaceSql(
  table: string,
  columns: readonly string[],
  special: Readonly<Record<"value" | "update", Readonly<Record<string, string>>>> = {
    value: {},
    update: {},
  },
): string {
  const values = columns.map((column) => special.value[column] ?? "?");
  const updates = columns.filter((column) => column !== "id")
    .map((column) => `${column} = ${special.update[column] ?? `excluded.${column}`}`);
  return `INSERT INTO ${table}(${columns.join(", ")}) VALUES (${values.join(", ")})
    ON CONFLICT(id) DO UPDATE SET ${updates.join(", ")}`;
}
