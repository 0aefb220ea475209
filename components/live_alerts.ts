/** Alerts as they arrive while a page stands, and what the page's list makes of them. */
import { signal } from "@preact/signals";
import type { Alert } from "../agent/records.ts";
import { readAlert } from "../agent/store/alert_rows.ts";
import { followLive } from "./live.ts";

/** In their newest state as they arrived or were caught up with, newest first, at most 200. */
export const newAlerts = signal<readonly Alert[]>([]);

const alertsMax = 200;

followLive("alert", {
  take: (row) => takeAlerts([readAlert(row as Parameters<typeof readAlert>[0])]),
  catchUp: async () => {
    const response = await fetch("/api/alerts?limit=30").catch(() => null);
    if (response?.ok) takeAlerts((await response.json()).alerts.map(readAlert));
  },
});

function takeAlerts(alerts: readonly Alert[]): void {
  newAlerts.value = mergeAlerts(newAlerts.value, alerts).slice(0, alertsMax);
}

/** What a page asks for; "" and null take everything. */
export interface AlertQuery {
  readonly kind: string;
  readonly severity: string;
  readonly state: string;
  readonly incidentId: number | null;
  readonly muteId: number | null;
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

export function fitsAlertQuery(alert: Alert, query: AlertQuery): boolean {
  return (query.kind === "" || query.kind === alert.kind) &&
    (query.severity === "" || query.severity === alert.severity) &&
    (query.state === "" || query.state === alert.state) &&
    (query.incidentId === null || query.incidentId === alert.incidentId) &&
    (query.muteId === null || query.muteId === alert.muteId) &&
    (query.fromUs === null || alert.tsUs >= query.fromUs) &&
    (query.toUs === null || alert.tsUs < query.toUs);
}

/** Newest first, each in its newest state: `newer` goes before `older`. */
export function mergeAlerts(older: readonly Alert[], newer: readonly Alert[]): readonly Alert[] {
  const byId = new Map<number, Alert>();
  for (const alert of [...older, ...newer]) byId.set(alert.id, alert);
  return [...byId.values()].sort((a, b) => b.tsUs - a.tsUs || b.id - a.id);
}
