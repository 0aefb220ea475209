/** Reads findings from rows of `scans` and `anomalies`: of the database, `/api`, events. Safe in browsers. */
import {
  type AnomalyDetails,
  type Finding,
  type FindingKind,
  type ScanDetails,
  type ScanKind,
  type ScanProbe,
  SEVERITIES,
  type TopFeature,
} from "./records.ts";
import { readProcess } from "./text/processes.ts";

/** The two lists: each has a page, a table and a place in `/api` of that name. */
export type FindingList = "scans" | "anomalies";

/** A row as SQLite or JSON brings it: snake_case; lists are arrays or JSON texts. */
export type FindingRow = Readonly<Record<string, unknown>>;

/** The finding that a row of `list` stands for; `flowIds` are not in rows and stay empty. */
export function readFinding(list: FindingList, row: FindingRow): Finding {
  const sources = texts(row.sources);
  const targets = texts(row.targets);
  const startUs = number(row.first_us ?? row.ts_us);
  const process = readProcess(row);
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
    amount: number(row.attempts ?? row.amount),
    hasSucceeded: row.has_succeeded === true || row.has_succeeded === 1,
    ports: text(row.ports),
    ...(process && { process }),
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
    found: texts(row.found),
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
