/**
 * Findings as pages have them: those of the database merged with those that arrive while the page stands, ordered and
 * filtered. Pure; the same on server and browser.
 */
import { type Finding, SEVERITIES, type Severity } from "../agent/records.ts";
import type { FindingList } from "../agent/finding_reader.ts";

/** The list that a finding stands in. */
export function listOf(finding: Finding): FindingList {
  return finding.kind === "scan" ? "scans" : "anomalies";
}

/** Address of a finding's own page; tells findings apart. */
export function findingPath(finding: Finding): string {
  return `/${listOf(finding)}/${finding.id}`;
}

/** Rising: 0 for info to 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** Whether a finding is one that must not be missed. */
export function isGrave({ severity }: { readonly severity: Severity }): boolean {
  return severity === "high" || severity === "critical";
}

/** Findings of both lists, each in its newest state (`newer` goes before `older`), in no order. */
export function mergeFindings(
  older: readonly Finding[],
  newer: readonly Finding[],
): readonly Finding[] {
  const byPath = new Map<string, Finding>();
  for (const finding of [...older, ...newer]) byPath.set(findingPath(finding), finding);
  return [...byPath.values()];
}

/** The time that its list is ordered by: a scan's newest attempt, any other's window or detection. */
function listTimeUs({ scan, anomaly, lastUs }: Finding): number {
  return scan ? lastUs : anomaly?.tsUs ?? lastUs;
}

/** As the lists have them, newest first. */
export function byTime(a: Finding, b: Finding): number {
  return listTimeUs(b) - listTimeUs(a) || b.id - a.id;
}

/** As much of a finding as a row shows of it; the rest would only make the page heavy. */
export function forRow(finding: Finding): Finding {
  const { sources, targets, scan } = finding;
  return {
    ...finding,
    sources: sources.slice(0, 1),
    targets: targets.slice(0, 1),
    ...(scan && { scan: { ...scan, ports: "", answeredPorts: "", found: [], cameBack: [] } }),
  };
}

/** What a list page asks for; "" and null take everything. Times are microseconds. */
export interface FindingQuery {
  readonly source: string;
  readonly target: string;
  readonly kind: string;
  readonly probe: string;
  readonly severity: string;
  readonly state: string;
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

/** Whether a finding that has just arrived belongs on a page that asks for `query`. */
export function fitsQuery(finding: Finding, query: FindingQuery): boolean {
  const kind = finding.scan?.kind ?? finding.kind;
  return (query.kind === "" || query.kind === kind) &&
    (query.probe === "" || query.probe === finding.scan?.probe) &&
    (query.severity === "" || query.severity === finding.severity) &&
    (query.state === "" || (query.state === "open") === finding.isOpen) &&
    (query.source === "" || finding.sources.includes(query.source)) &&
    (query.target === "" || finding.targets.includes(query.target)) &&
    (query.fromUs === null || listTimeUs(finding) >= query.fromUs) &&
    (query.toUs === null || listTimeUs(finding) < query.toUs);
}
