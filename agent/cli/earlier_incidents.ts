/** What the incidents of an earlier run need to go on: read from the database at the start. */
import { readFinding } from "../finding_reader.ts";
import type { FindingKind, FindingRole, Incident, IncidentStep, Severity } from "../records.ts";
import type { StoreQueries } from "../store/queries.ts";
import type { StoredIncident } from "../store/schema.ts";
import type { EarlierIncidents } from "./detect_host.ts";

/** Throws what StoreQueries throws. */
export function readEarlierIncidents(queries: StoreQueries): EarlierIncidents {
  const { rows, lastId } = queries.openIncidents();
  return {
    lastId,
    open: rows.map((row) => ({
      incident: readIncident(row),
      members: queries.incidentFindings(Number(row.id)).map(({ list, role, row: cells }) => ({
        finding: { ...readFinding(list, cells), isOpen: false },
        role: role as FindingRole,
      })),
    })),
  };
}

/** The incident of a row of `incidents`. */
export function readIncident(row: StoredIncident): Incident {
  const texts = (cell: unknown): string[] => JSON.parse(String(cell));
  return {
    id: Number(row.id),
    actor: row.actor === null ? null : String(row.actor),
    actorName: String(row.actor_name),
    severity: row.severity as Severity,
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
  };
}
