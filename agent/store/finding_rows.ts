/**
 * How findings become rows of `scans` and `anomalies`, by the columns' names: what the writer stores and `/api/events`
 * tells before that.
 */
import type { Finding, ScanDetails } from "../records.ts";
import { FLOWS_PER_RUN, type StoredAnomaly, type StoredScan } from "./schema.ts";

/** The id of the finding's row in the run with this number. */
export function findingRowId({ id }: Finding, run: number): number {
  return run * FLOWS_PER_RUN + id;
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
  };
}
