/** What detection found, as `analyze` reports it: the objects of the contract, and a block of text for people. */
import { formatCount } from "../detect/common/sentence.ts";
import type { Finding, Severity } from "../records.ts";
import { SEVERITIES } from "../records.ts";
import type { DetectionResult } from "./analyze_detection.ts";
import { isoTime } from "./time_text.ts";

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
}

/** Lines of the text; `--json` has all. */
const findingsListed = 50;
const lineLength = 120;

export function makeFindingReport({ findings, state }: DetectionResult): FindingReport {
  const inOrder = [...findings].sort((a, b) => a.detectedUs - b.detectedUs || a.id - b.id);
  return {
    scans: inOrder.filter(({ scan }) => scan).map(scanItem),
    anomalies: {
      windows: state?.windows ?? 0,
      flagged: state?.windowsFlagged ?? 0,
      rate_pct: state?.anomalyRatePct ?? 0,
      items: inOrder.filter(({ anomaly }) => anomaly).map(anomalyItem),
    },
    findings: inOrder.filter(({ scan, anomaly }) => !scan && !anomaly).map(otherItem),
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

/** A line for each finding, the gravest first; or what was looked for in vain. */
export function findingBlock({ findings, leftOutCount, state }: DetectionResult): string {
  const learnt = learntSentence(state);
  if (findings.length === 0) {
    return wrapped(
      "Nothing suspicious found. Looked for port scans, unusual behaviour of hosts, brute force, floods, " +
        `ARP spoofing, DNS tunnels and beacons. ${learnt}`,
    );
  }
  const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
  const inOrder = [...findings].sort((a, b) =>
    rank(b.severity) - rank(a.severity) || a.firstUs - b.firstUs || a.id - b.id
  );
  const width = Math.max(...findings.map(({ severity }) => severity.length));
  const lines = inOrder.slice(0, findingsListed).map(({ severity, firstUs, reason }) => {
    const head = `  ${severity.padEnd(width)}  ${
      isoTime(firstUs).slice(0, 19).replace("T", " ")
    }  `;
    return wrapped(reason, head);
  });
  const count = findings.length + leftOutCount;
  const rest = count - lines.length;
  return [
    `${formatCount(count)} ${count === 1 ? "finding" : "findings"} (times are UTC):`,
    ...lines,
    ...rest > 0 ? [`  … and ${formatCount(rest)} more; --json lists them.`] : [],
    ...learnt === "" ? [] : [wrapped(learnt)],
  ].join("\n");
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

/** Whether behaviour could be judged at all; "" when it was. */
function learntSentence(state: DetectionResult["state"]): string {
  if (state === null || state.state === "ready") return "";
  return "There was too little traffic to learn what is usual, so behaviour was not judged" +
    (state.windowsNeeded > 0
      ? ` (${state.windowsLearnt} of ${state.windowsNeeded} windows of 10 s).`
      : ".");
}
