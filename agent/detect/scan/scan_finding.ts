/** A scan as the finding that is told, and how grave it is. */
import type { Finding, ScanDetails, Severity } from "../../records.ts";
import type { PortList } from "./contact_judge.ts";
import type { Episode } from "./episode.ts";
import { CAME_BACK_MAX } from "./contact_layout.ts";
import { isSweep, Trait } from "./probe_family.ts";
import { scanReason } from "./scan_text.ts";

/** MITRE ATT&CK: Network Service Discovery; Active Scanning: Scanning IP Blocks, for what comes from outside. */
const attackIdInside = "T1046";
const attackIdOutside = "T1595.001";

/** What is known of a scan, whoever follows it. */
export interface ScanSummary
  extends
    Pick<Finding, "id" | "sources" | "sourceCount" | "targets" | "targetCount" | "severity">,
    Pick<Finding, "firstUs" | "lastUs" | "detectedUs" | "flowIds">,
    Pick<
      ScanDetails,
      "kind" | "probe" | "attempts" | "answered" | "tempo" | "tool" | "found" | "cameBack"
    > {
  readonly ports: PortList;
  readonly answeredPorts: PortList;
  readonly decoyCount: number;
  /** Trait bits of its probes. */
  readonly traits: number;
  /** Failures that were needed to open it. */
  readonly evidenceMin: number;
  /** A host has scanned itself. */
  readonly isWithinHost: boolean;
  /** Answers would not have been seen. */
  readonly isOneSided: boolean;
  /** There are more sources than are counted. */
  readonly areSourcesMore: boolean;
}

/** The finding of a scan as it stands. */
export function scanFinding(scan: ScanSummary, isOpen: boolean): Finding {
  const { attempts, answered, decoyCount } = scan;
  const { text: ports, count: portCount } = scan.ports;
  return {
    id: scan.id,
    kind: "scan",
    severity: scan.severity,
    attackId: attackIdOf(scan),
    sources: [...scan.sources],
    sourceCount: scan.sourceCount,
    targets: [...scan.targets],
    targetCount: scan.targetCount,
    firstUs: scan.firstUs,
    lastUs: scan.lastUs,
    detectedUs: scan.detectedUs,
    confidence: confidenceOf(attempts, scan.evidenceMin),
    reason: scanReason({
      ...scan,
      mayBeForged: (scan.traits & Trait.isOnCable) !== 0,
      source: scan.sources[0],
      target: scan.targets[0],
      ports,
      portCount,
      spanUs: scan.lastUs - scan.firstUs,
      isBackToMore: scan.cameBack.length === CAME_BACK_MAX,
    }),
    isOpen,
    flowIds: [...scan.flowIds],
    amount: attempts,
    scan: {
      kind: scan.kind,
      probe: scan.probe,
      ports,
      portCount,
      attempts,
      answered,
      answeredPorts: scan.answeredPorts.text,
      tempo: scan.tempo,
      tool: scan.tool,
      hasDecoys: decoyCount > 0,
      found: [...scan.found],
      cameBack: [...scan.cameBack],
    },
  };
}

/** What an episode of one source comes to, and what it takes more to tell that. */
export function episodeSummary(
  episode: Episode,
  more: Pick<
    ScanSummary,
    "ports" | "answeredPorts" | "evidenceMin" | "isOneSided" | "isWithinHost"
  >,
): ScanSummary {
  return {
    id: episode.id,
    ...more,
    kind: episode.kindWith(more.ports.count),
    probe: episode.probe,
    severity: more.isWithinHost ? "low" : severityOf(episode),
    sources: [episode.source],
    sourceCount: 1,
    areSourcesMore: false,
    targets: episode.targets,
    targetCount: episode.targetCount,
    firstUs: episode.firstUs,
    lastUs: episode.lastUs,
    detectedUs: episode.detectedUs,
    attempts: episode.attempts,
    answered: episode.answered,
    tempo: episode.tempo.name(),
    tool: episode.tool,
    decoyCount: episode.decoyCount,
    found: episode.found,
    // Programs of a host use each other's ports all the time.
    cameBack: more.isWithinHost ? [] : episode.cameBack,
    flowIds: episode.flowIds,
    traits: episode.traits,
  };
}

/** 0.75 with just enough evidence, nearing 1 as it grows. */
function confidenceOf(attempts: number, evidenceMin: number): number {
  return Math.round((1 - 0.25 * Math.min(1, evidenceMin / attempts)) * 1000) / 1000;
}

/** None where a host scans itself: see isOfItself() (agent/finding_ends.ts). */
function attackIdOf({ isWithinHost, traits }: ScanSummary): string {
  if (isWithinHost) return "";
  return isFromOutside(traits) ? attackIdOutside : attackIdInside;
}

function isFromOutside(traits: number): boolean {
  return (traits & (Trait.isSourceLocal | Trait.isDestinationLocal)) === Trait.isDestinationLocal;
}

/**
 * Whoever scans from inside may be a host taken over; from outside everyone is scanned all the time, which matters
 * once something answered, and most when the scanner came back to it.
 */
function severityOf({ family, traits, answered, cameBack }: Episode): Severity {
  const isOutside = isFromOutside(traits);
  if (cameBack.length > 0) return isOutside ? "critical" : "high";
  if (isSweep(family)) return isOutside ? "info" : "low";
  if (isOutside) return answered > 0 ? "medium" : "low";
  return answered > 0 ? "high" : "medium";
}
