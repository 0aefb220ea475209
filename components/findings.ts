/**
 * Findings as pages have them: read from rows of `scans` and `anomalies` (database, `/api`, events), merged with those
 * that arrive while the page stands, ordered and filtered. Pure; the same on server and browser.
 */
import {
  type AnomalyDetails,
  type Finding,
  type FindingKind,
  type ScanDetails,
  type ScanKind,
  type ScanProbe,
  SEVERITIES,
  type Severity,
  type TopFeature,
} from "../agent/records.ts";

/** The two lists: each has a page, a table and a place in `/api` of that name. */
export type FindingList = "scans" | "anomalies";

/** A row as SQLite or JSON brings it: snake_case; lists are arrays or JSON texts. */
export type FindingRow = Readonly<Record<string, unknown>>;

/** The finding that a row of `list` stands for; `flowIds` are not in rows and stay empty. */
export function readFinding(list: FindingList, row: FindingRow): Finding {
  const sources = texts(row.sources);
  const targets = texts(row.targets);
  const startUs = number(row.first_us ?? row.ts_us);
  return {
    id: number(row.id),
    kind: list === "scans" ? "scan" : text(row.kind) as FindingKind,
    severity: SEVERITIES.find((name) => name === row.severity) ?? "info",
    attackId: text(row.attack_id),
    sources,
    sourceCount: Math.max(number(row.source_count), sources.length),
    targets,
    targetCount: Math.max(number(row.target_count), targets.length),
    firstUs: startUs,
    lastUs: row.last_us === undefined ? startUs + number(row.window_us) : number(row.last_us),
    detectedUs: number(row.detected_us),
    confidence: number(row.confidence),
    reason: text(row.reason),
    isOpen: row.is_open === true || row.is_open === 1,
    flowIds: [],
    ...(list === "scans" ? { scan: readScan(row) } : { anomaly: readAnomaly(row) }),
  };
}

function readScan(row: FindingRow): ScanDetails {
  return {
    kind: text(row.kind) as ScanKind,
    probe: text(row.probe) as ScanProbe,
    ports: text(row.ports),
    portCount: number(row.port_count),
    attempts: number(row.attempts),
    answered: number(row.answered),
    answeredPorts: text(row.answered_ports),
    tempo: text(row.tempo),
    tool: text(row.tool),
    hasDecoys: row.has_decoys === true || row.has_decoys === 1,
    cameBack: texts(row.came_back),
  };
}

function readAnomaly(row: FindingRow): AnomalyDetails {
  return {
    tsUs: number(row.ts_us),
    windowUs: number(row.window_us),
    entity: text(row.entity),
    score: number(row.score),
    threshold: number(row.threshold),
    topFeatures: list(row.top_features).map(readFeature),
  };
}

function readFeature(value: unknown): TopFeature {
  const feature = (value ?? {}) as FindingRow;
  const [low, high] = list(feature.typical);
  return {
    name: text(feature.name),
    value: typeof feature.value === "number" ? feature.value : null,
    typical: [number(low), number(high)],
    contribution: number(feature.contribution),
  };
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return list(value).map(text);
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "string" || value === "") return [];
  const parsed: unknown = JSON.parse(value);
  return Array.isArray(parsed) ? parsed : [];
}

/** The list that a finding stands in. */
export function listOf(finding: Finding): FindingList {
  return finding.kind === "scan" ? "scans" : "anomalies";
}

/** Address of a finding's own page; tells findings apart. */
export function findingPath(finding: Finding): string {
  return `/${listOf(finding)}/${finding.id}`;
}

const receivedFeatures = new Set(["packets_in", "sources", "ports_in", "failed_in"]);

/** Whether a window stands out by what others did to the host, rather than by what it did. */
export function isSoughtAfter({ anomaly }: Finding): boolean {
  return receivedFeatures.has(anomaly?.topFeatures[0]?.name ?? "");
}

/** Rising: 0 for info to 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** Whether a finding is one that must not be missed. */
export function isGrave({ severity }: Finding): boolean {
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
export function listTimeUs({ scan, anomaly, lastUs }: Finding): number {
  return scan ? lastUs : anomaly?.tsUs ?? lastUs;
}

/** As the lists have them, newest first. */
export function byTime(a: Finding, b: Finding): number {
  return listTimeUs(b) - listTimeUs(a) || b.id - a.id;
}

/** Open ones first, then the gravest, then the newest. */
export function byWeight(a: Finding, b: Finding): number {
  return Number(b.isOpen) - Number(a.isOpen) ||
    severityRank(b.severity) - severityRank(a.severity) || byTime(a, b);
}

/** As much of an open finding as the navigation shows. */
export interface OpenFinding {
  readonly path: string;
  readonly severity: Severity;
}

/** `open` after `arrived` have been told: new ones are added, ended ones go. */
export function stillOpen(
  open: readonly OpenFinding[],
  arrived: readonly Finding[],
): readonly OpenFinding[] {
  const byPath = new Map(open.map((finding) => [finding.path, finding]));
  for (const finding of arrived) {
    const path = findingPath(finding);
    if (finding.isOpen) byPath.set(path, { path, severity: finding.severity });
    else byPath.delete(path);
  }
  return [...byPath.values()];
}

const dayUs = 86_400e6;
/** Findings later than this are of other traffic: a replay writes beside what was captured live. */
export const aheadUs = 3600e6;

/** What the overview speaks of: open findings and those of the last 24 hours, the weightiest first. */
export function recentFindings(findings: readonly Finding[], nowUs: number): readonly Finding[] {
  return findings.filter(({ isOpen, lastUs }) =>
    lastUs < nowUs + aheadUs && (isOpen || lastUs > nowUs - dayUs)
  ).sort(byWeight);
}

/** As much of a finding as a row shows of it; the rest would only make the page heavy. */
export function forRow(finding: Finding): Finding {
  const { sources, targets, anomaly, scan } = finding;
  return {
    ...finding,
    sources: sources.slice(0, 1),
    targets: targets.slice(0, 1),
    ...(scan && { scan: { ...scan, ports: "", answeredPorts: "", cameBack: [] } }),
    ...(anomaly && { anomaly: { ...anomaly, topFeatures: anomaly.topFeatures.slice(0, 2) } }),
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
    (query.source === "" || finding.sources.includes(query.source.toLowerCase())) &&
    (query.target === "" || finding.targets.includes(query.target.toLowerCase())) &&
    (query.fromUs === null || listTimeUs(finding) >= query.fromUs) &&
    (query.toUs === null || listTimeUs(finding) < query.toUs);
}
