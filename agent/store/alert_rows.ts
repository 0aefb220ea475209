/** How alerts and mutes become rows and come back, by the columns' names. */
import type {
  Alert,
  AlertDelivery,
  AlertKind,
  AlertState,
  AlertTrigger,
  Mute,
  Severity,
} from "../records.ts";
import type { StoredAlert, StoredMute } from "./schema.ts";

export function alertRow(alert: Alert): StoredAlert {
  return {
    id: alert.id,
    ts_us: Math.trunc(alert.tsUs),
    kind: alert.kind,
    trigger: alert.trigger,
    subject: alert.subject,
    severity: alert.severity,
    source: alert.source,
    headline: alert.headline,
    detail: alert.detail,
    reason: alert.reason,
    attack_id: alert.attackId === "" ? null : alert.attackId,
    incident_id: alert.incidentId,
    amount: Math.trunc(alert.amount),
    has_succeeded: Number(alert.hasSucceeded),
    state: alert.state,
    held_by: alert.heldBy,
    mute_id: alert.muteId,
    digest_id: alert.digestId,
    deliveries: JSON.stringify(alert.deliveries),
  };
}

export function readAlert(row: StoredAlert): Alert {
  return {
    id: Number(row.id),
    tsUs: Number(row.ts_us),
    kind: row.kind as AlertKind,
    trigger: row.trigger as AlertTrigger,
    subject: String(row.subject),
    severity: row.severity as Severity,
    source: String(row.source),
    headline: String(row.headline),
    detail: String(row.detail),
    reason: String(row.reason),
    attackId: row.attack_id === null ? "" : String(row.attack_id),
    incidentId: row.incident_id === null ? null : Number(row.incident_id),
    amount: Number(row.amount),
    hasSucceeded: row.has_succeeded === 1,
    state: row.state as AlertState,
    heldBy: String(row.held_by),
    muteId: row.mute_id === null ? null : Number(row.mute_id),
    digestId: row.digest_id === null ? null : Number(row.digest_id),
    deliveries: JSON.parse(String(row.deliveries)) as AlertDelivery[],
  };
}

export function muteRow(mute: Mute): StoredMute {
  return {
    id: mute.id,
    created_us: Math.trunc(mute.createdUs),
    kind: mute.kind,
    source: mute.source,
    destination: mute.destination,
    port: mute.port,
    until_us: mute.untilUs === null ? null : Math.trunc(mute.untilUs),
    note: mute.note,
  };
}

export function readMute(row: StoredMute): Mute {
  return {
    id: Number(row.id),
    createdUs: Number(row.created_us),
    kind: String(row.kind),
    source: String(row.source),
    destination: String(row.destination),
    port: String(row.port),
    untilUs: row.until_us === null ? null : Number(row.until_us),
    note: String(row.note),
  };
}
