/**
 * How findings become rows of `scans` and `anomalies`, by the columns' names: what the writer stores and `/api/events`
 * tells before that.
 */
import type { Finding, Incident, ScanDetails } from "../records.ts";
import { processRow } from "../text/processes.ts";
import {
  FLOWS_PER_RUN,
  type INCIDENT_HUMAN_COLUMNS,
  type StoredAnomaly,
  type StoredIncident,
  type StoredScan,
} from "./schema.ts";

/** The id of the finding's row in the run with this number; findings of earlier runs have it already. */
export function findingRowId({ id }: Pick<Finding, "id">, run: number): number {
  return id < FLOWS_PER_RUN ? run * FLOWS_PER_RUN + id : id;
}

/** The row of `scans` of a finding with `scan`. */
export function scanRow(
  finding: Finding & { readonly scan: ScanDetails },
  run: number,
): StoredScan {
  const { scan } = finding;
  return {
    ...commonCells(finding, run),
    kind: scan.kind,
    probe: scan.probe,
    ports: scan.ports,
    port_count: scan.portCount,
    attempts: scan.attempts,
    answered: scan.answered,
    answered_ports: scan.answeredPorts,
    tempo: scan.tempo,
    tool: scan.tool,
    has_decoys: Number(scan.hasDecoys),
    came_back: JSON.stringify(scan.cameBack),
    found: JSON.stringify(scan.found),
  };
}

/** The row of `anomalies` of a finding of any other kind. */
export function anomalyRow(finding: Finding, run: number): StoredAnomaly {
  const { anomaly, sources, detectedUs } = finding;
  return {
    ...commonCells(finding, run),
    kind: finding.kind,
    ts_us: Math.trunc(anomaly?.tsUs ?? detectedUs),
    window_us: anomaly?.windowUs ?? 0,
    entity: anomaly?.entity ?? sources[0] ?? "",
    score: anomaly?.score ?? null,
    threshold: anomaly?.threshold ?? null,
    top_features: JSON.stringify(anomaly?.topFeatures ?? []),
    amount: finding.amount,
    has_succeeded: Number(finding.hasSucceeded ?? false),
    ports: finding.ports ?? "",
  };
}

/** The row of `incidents`, but for what people write there. */
export function incidentRow(
  incident: Incident,
): Omit<StoredIncident, typeof INCIDENT_HUMAN_COLUMNS[number]> {
  return {
    id: incident.id,
    actor: incident.actor,
    actor_name: incident.actorName,
    severity: incident.severity,
    state: incident.isOpen ? "open" : "closed",
    sources: JSON.stringify(incident.sources),
    source_count: incident.sourceCount,
    targets: JSON.stringify(incident.targets),
    target_count: incident.targetCount,
    tactics: JSON.stringify(incident.tactics),
    techniques: JSON.stringify(incident.techniques),
    kinds: JSON.stringify(incident.kinds),
    ports: JSON.stringify(incident.ports),
    first_us: Math.trunc(incident.firstUs),
    last_us: Math.trunc(incident.lastUs),
    detected_us: Math.trunc(incident.detectedUs),
    headline: incident.headline,
    detail: incident.detail,
    course: JSON.stringify(incident.course),
    amount: incident.amount,
    has_succeeded: Number(incident.hasSucceeded),
    origin_id: incident.origin?.incidentId ?? null,
    origin_text: incident.origin?.text ?? null,
    finding_count: incident.findingCount,
    ...processRow(incident.process),
  };
}

/** Whether the finding is a row of `scans`. */
export function isScan(finding: Finding): finding is Finding & { readonly scan: ScanDetails } {
  return finding.scan !== undefined;
}

function commonCells(finding: Finding, run: number) {
  return {
    id: findingRowId(finding, run),
    first_us: Math.trunc(finding.firstUs),
    last_us: Math.trunc(finding.lastUs),
    detected_us: Math.trunc(finding.detectedUs),
    sources: JSON.stringify(finding.sources),
    source_count: finding.sourceCount,
    targets: JSON.stringify(finding.targets),
    target_count: finding.targetCount,
    severity: finding.severity,
    confidence: finding.confidence,
    attack_id: finding.attackId === "" ? null : finding.attackId,
    reason: finding.reason,
    is_open: Number(finding.isOpen),
    ...processRow(finding.process),
  };
}

/** Columns of findings and incidents that hold lists as JSON texts; `ports` only of incidents. */
const listColumns = new Set([
  ...["sources", "targets", "tactics", "techniques", "kinds", "ports"],
  ...["top_features", "came_back", "found"],
]);

/** A row of scans, anomalies or incidents with its lists as lists: as `analyze` tells them. */
export function withLists<Row extends object>(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, cell]) => [
      column,
      listColumns.has(column) && typeof cell === "string" && cell.startsWith("[")
        ? JSON.parse(cell)
        : cell,
    ]),
  ) as Row;
}
