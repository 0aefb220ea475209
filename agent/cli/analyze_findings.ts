/** What detection found, as `analyze` reports it: the objects of the contract, and a block of text for people. */
import { counted, formatCount } from "../text/amounts.ts";
import type { Finding, Severity } from "../records.ts";
import { SEVERITIES } from "../records.ts";
import { type Coverage, graveGaps, verdictOn } from "../coverage.ts";
import type { FoundIncident, Judgement } from "./analyze_incidents.ts";
import { isoTime } from "../text/time.ts";

/** Names are the contract's. */
export interface FindingReport {
  readonly scans: readonly object[];
  readonly anomalies: {
    readonly windows: number;
    readonly flagged: number;
    readonly rate_pct: number;
    readonly items: readonly object[];
  };
  readonly findings: readonly object[];
  readonly incidents: readonly object[];
}

/** In the text; `--json` has all. */
const incidentsListed = 50;
const evidenceListed = 5;
const lineLength = 120;

export function makeFindingReport(
  { findings, state, incidents }: Judgement,
): FindingReport {
  const inOrder = [...findings].sort((a, b) => a.detectedUs - b.detectedUs || a.id - b.id);
  const lists = {
    scans: inOrder.filter(({ scan }) => scan),
    anomalies: inOrder.filter(({ anomaly }) => anomaly),
    findings: inOrder.filter(({ scan, anomaly }) => !scan && !anomaly),
  };
  const places = new Map(
    Object.entries(lists).flatMap(([list, members]) =>
      members.map(({ id }, index) => [id, { list, index }] as const)
    ),
  );
  return {
    scans: lists.scans.map(scanItem),
    anomalies: {
      windows: state?.windows ?? 0,
      flagged: state?.windowsFlagged ?? 0,
      rate_pct: state?.anomalyRatePct ?? 0,
      items: lists.anomalies.map(anomalyItem),
    },
    findings: lists.findings.map(otherItem),
    incidents: incidents.map((found) => incidentItem(found, places)),
  };
}

/** Where a finding stands in the report. */
interface Place {
  readonly list: string;
  readonly index: number;
}

function incidentItem({ incident, roles }: FoundIncident, places: ReadonlyMap<number, Place>) {
  return {
    id: incident.id,
    severity: incident.severity,
    state: incident.isOpen ? "open" : "closed",
    actor: incident.actor,
    actor_name: incident.actorName,
    sources: incident.sources,
    source_count: incident.sourceCount,
    targets: incident.targets,
    target_count: incident.targetCount,
    tactics: incident.tactics,
    techniques: incident.techniques,
    first_ts: isoTime(incident.firstUs),
    last_ts: isoTime(incident.lastUs),
    detected_ts: isoTime(incident.detectedUs),
    headline: incident.headline,
    detail: incident.detail,
    has_succeeded: incident.hasSucceeded,
    origin: incident.origin &&
      { incident_id: incident.origin.incidentId, text: incident.origin.text },
    findings: [...roles].map(([id, role]) => ({ ...places.get(id), role })),
  };
}

function scanItem(finding: Finding) {
  const scan = finding.scan!;
  return {
    kind: scan.kind,
    probe: scan.probe,
    ...ends(finding),
    ports: scan.ports,
    port_count: scan.portCount,
    attempts: scan.attempts,
    answered: scan.answered,
    answered_ports: scan.answeredPorts,
    tempo: scan.tempo,
    tool: scan.tool,
    has_decoys: scan.hasDecoys,
    found: scan.found,
    came_back: scan.cameBack,
    ...verdict(finding),
  };
}

function anomalyItem(finding: Finding) {
  const { tsUs, windowUs, entity, score, threshold, topFeatures } = finding.anomaly!;
  const { severity, reason } = finding;
  return {
    ts: isoTime(tsUs),
    window_s: windowUs / 1e6,
    entity,
    score,
    threshold,
    top_features: topFeatures,
    severity,
    reason,
  };
}

function otherItem(finding: Finding) {
  return { kind: finding.kind, ...ends(finding), ...verdict(finding) };
}

function ends({ sources, sourceCount, targets, targetCount }: Finding) {
  return { sources, source_count: sourceCount, targets, target_count: targetCount };
}

function verdict(finding: Finding) {
  const { severity, attackId, firstUs, lastUs, detectedUs, confidence, reason } = finding;
  return {
    severity,
    attack_id: attackId,
    first_ts: isoTime(firstUs),
    last_ts: isoTime(lastUs),
    detected_ts: isoTime(detectedUs),
    confidence,
    reason,
  };
}

/**
 * What is to be said first, then a line for each incident, the gravest first, and one for each of its findings below; or
 * what was looked for in vain.
 */
export function findingBlock(found: Judgement, coverage: Coverage): string {
  const { findings, incidents } = found;
  const { text } = verdictOn(coverage, foundText(found));
  const remedies = graveGaps(coverage).map(({ remedy }) => remedy);
  if (findings.length === 0) {
    const lookedFor = coverage.state === "none" ? "" : lookedForText(coverage);
    return wrapped([`${text}.`, ...remedies, lookedFor].join(" "));
  }
  const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
  const inOrder = [...incidents].sort(({ incident: a }, { incident: b }) =>
    rank(b.severity) - rank(a.severity) || a.firstUs - b.firstUs || a.id - b.id
  );
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  const width = Math.max(...incidents.map(({ incident }) => incident.severity.length));
  const listed = inOrder.slice(0, incidentsListed);
  const rest = incidents.length - listed.length;
  return [
    wrapped(`${text} (times are UTC):`),
    ...listed.flatMap((found) => incidentLines(found, { byId, width })),
    ...rest > 0 ? [`  … and ${formatCount(rest)} more; --json lists them.`] : [],
  ].join("\n");
}

function lookedForText({ gaps }: Coverage): string {
  const behaviour = gaps.some(({ kind }) => kind === "learning")
    ? ""
    : "unusual behaviour of hosts, ";
  return `Looked for port scans, ${behaviour}brute force, floods, reflected traffic, ` +
    "ARP spoofing, DNS tunnels, beacons and unusual uploads.";
}

/** "1 incident of 2 findings"; "" without any. */
export function foundText({ findings, incidents, leftOutCount }: Judgement): string {
  if (findings.length === 0) return "";
  return `${counted(incidents.length, "incident")} of ${
    counted(findings.length + leftOutCount, "finding")
  }`;
}

function incidentLines(
  { incident, roles }: FoundIncident,
  { byId, width }: { readonly byId: ReadonlyMap<number, Finding>; readonly width: number },
): string[] {
  const { severity, headline, firstUs, origin } = incident;
  const time = isoTime(firstUs).slice(0, 19).replace("T", " ");
  const indent = " ".repeat(width + time.length + 6);
  const story = origin === null ? headline : `${headline} (${origin.text})`;
  const members = [...roles.keys()].map((id) => byId.get(id)!);
  // One finding that the headline repeats needs no line of its own.
  const evidence = members.length === 1 && members[0]!.reason === headline ? [] : members;
  return [
    wrapped(story, `  ${severity.padEnd(width)}  ${time}  `),
    ...evidence.slice(0, evidenceListed).map(({ reason }) => wrapped(reason, `${indent}- `)),
    ...evidence.length > evidenceListed
      ? [`${indent}- and ${counted(evidence.length - evidenceListed, "more finding")}`]
      : [],
  ];
}

/** `text` behind `head`, in lines that begin where it begins. */
function wrapped(text: string, head = ""): string {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(" ").filter((word) => word !== "")) {
    if (line.length + word.length > lineLength && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(head.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}
