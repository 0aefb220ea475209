/** A scan as the finding that is told, and how grave it is. */
import type { Finding, Severity } from "../../records.ts";
import type { Incident } from "./incident.ts";
import { isSweep, Trait } from "./probe_family.ts";
import { scanReason } from "./scan_text.ts";

/** MITRE ATT&CK: Network Service Discovery; Active Scanning: Scanning IP Blocks, for what comes from outside. */
export const ATTACK_ID_INSIDE = "T1046";
export const ATTACK_ID_OUTSIDE = "T1595.001";

export function scanFinding(incident: Incident, isOpen: boolean, evidenceMin: number): Finding {
  const { kind, probe, source, targets, targetCount, attempts, answered } = incident;
  const ports = incident.ports.toString();
  return {
    id: incident.id,
    kind: "scan",
    severity: severityOf(incident),
    attackId: isFromOutside(incident) ? ATTACK_ID_OUTSIDE : ATTACK_ID_INSIDE,
    sources: [source],
    sourceCount: 1,
    targets: [...targets],
    targetCount,
    firstUs: incident.firstUs,
    lastUs: incident.lastUs,
    detectedUs: incident.detectedUs,
    confidence: confidenceOf(attempts, evidenceMin),
    reason: scanReason({
      kind,
      probe,
      source,
      sourceCount: 1,
      target: targets[0],
      targetCount,
      ports,
      portCount: incident.ports.count,
      answered,
      spanUs: incident.lastUs - incident.firstUs,
      decoyCount: incident.decoyCount,
      cameBack: incident.cameBack,
    }),
    isOpen,
    flowIds: [...incident.flowIds],
    scan: {
      kind,
      probe,
      ports,
      portCount: incident.ports.count,
      attempts,
      answered,
      answeredPorts: incident.answeredPorts.toString(),
      tempo: incident.tempo.name(),
      tool: incident.tool,
      hasDecoys: incident.decoyCount > 0,
      cameBack: [...incident.cameBack],
    },
  };
}

/** 0.75 with just enough evidence, nearing 1 as it grows. */
export function confidenceOf(attempts: number, evidenceMin: number): number {
  return Math.round((1 - 0.25 * Math.min(1, evidenceMin / attempts)) * 1000) / 1000;
}

function isFromOutside({ traits }: Incident): boolean {
  return (traits & (Trait.isSourceLocal | Trait.isDestinationLocal)) === Trait.isDestinationLocal;
}

/**
 * Whoever scans from inside may be a host taken over; from outside everyone is scanned all the time, which matters
 * once something answered, and most when the scanner came back to it.
 */
function severityOf(incident: Incident): Severity {
  const isOutside = isFromOutside(incident);
  if (incident.cameBack.length > 0) return isOutside ? "critical" : "high";
  if (isSweep(incident.family)) return isOutside ? "info" : "low";
  if (isOutside) return incident.answered > 0 ? "medium" : "low";
  return incident.answered > 0 ? "high" : "medium";
}
