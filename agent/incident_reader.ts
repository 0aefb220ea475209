/** Reads incidents from rows of `incidents`: of the database, `/api`, events. Safe in browsers. */
import { type FindingKind, type Incident, type IncidentStep, SEVERITIES } from "./records.ts";
import { readProcess } from "./text/processes.ts";

/** The incident that a row stands for. */
export function readIncident(row: Readonly<Record<string, unknown>>): Incident {
  const process = readProcess(row);
  // Of the database as JSON text, of /api as a list.
  const texts = (cell: unknown): string[] =>
    (Array.isArray(cell) ? cell : JSON.parse(String(cell))).map(String);
  return {
    id: Number(row.id),
    actor: row.actor === null ? null : String(row.actor),
    actorName: String(row.actor_name),
    severity: SEVERITIES.find((name) => name === row.severity) ?? "info",
    isOpen: row.state === "open",
    sources: texts(row.sources),
    sourceCount: Number(row.source_count),
    targets: texts(row.targets),
    targetCount: Number(row.target_count),
    tactics: texts(row.tactics),
    techniques: texts(row.techniques),
    kinds: texts(row.kinds) as FindingKind[],
    ports: texts(row.ports),
    firstUs: Number(row.first_us),
    lastUs: Number(row.last_us),
    detectedUs: Number(row.detected_us),
    headline: String(row.headline),
    detail: String(row.detail),
    course: JSON.parse(String(row.course)) as IncidentStep[],
    amount: Number(row.amount),
    hasSucceeded: row.has_succeeded === 1,
    origin: row.origin_id === null
      ? null
      : { incidentId: Number(row.origin_id), text: String(row.origin_text) },
    findingCount: Number(row.finding_count),
    ...(process && { process }),
  };
}
