/** What the incidents of an earlier run need to go on: read from the database at the start. */
import { type FindingList, readFinding } from "../finding_reader.ts";
import type { OpenIncident } from "../incident/incident_book.ts";
import { subjectOf } from "../incident/kinship.ts";
import {
  type Finding,
  type FindingKind,
  type FindingRole,
  type Incident,
  INCIDENT_QUIET_US,
  type IncidentStep,
  type Severity,
} from "../records.ts";
import type { StoreQueries } from "../store/queries.ts";
import type { StoredIncident } from "../store/schema.ts";
import type { EarlierFindings, EarlierIncidents } from "./detect_host.ts";

/** Throws what StoreQueries throws. */
export function readEarlierIncidents(queries: StoreQueries): EarlierIncidents {
  const { rows, lastId } = queries.openIncidents();
  return { lastId, open: rows.map((row) => readMembers(queries, row)) };
}

/** What a finding may be that is known: see KnownFindings. None when the database cannot be read, of which `note` tells once. */
export function earlierFindings(
  queries: StoreQueries,
  note: (text: string) => void,
): EarlierFindings {
  let isTold = false;
  const orNone = <T>(read: () => T, none: T): T => {
    try {
      return read();
    } catch (error) {
      if (!isTold) note(`Findings of earlier runs are not known again: ${error}.`);
      isTold = true;
      return none;
    }
  };
  return {
    find: (finding, fromUs, toUs) => {
      const list = listOf(finding);
      const addresses = [...finding.sources.slice(0, 1), ...finding.targets.slice(0, 1)];
      return orNone(() => queries.findingsNaming(list, addresses, { fromUs, toUs }), [])
        .map((row) => readFinding(list, row));
    },
    incidentOf: (finding, lastId) =>
      orNone(() => {
        const { actor } = subjectOf(finding);
        const span = {
          fromUs: finding.firstUs - INCIDENT_QUIET_US,
          toUs: finding.lastUs + INCIDENT_QUIET_US,
        };
        const row = queries.incidentOf(listOf(finding), finding.id) ??
          (actor === null ? null : queries.incidentOfActor(actor, { ...span, lastId }));
        return row && readMembers(queries, row);
      }, null),
  };
}

function listOf({ scan }: Finding): FindingList {
  return scan === undefined ? "anomalies" : "scans";
}

function readMembers(queries: StoreQueries, row: StoredIncident): OpenIncident {
  return {
    incident: readIncident(row),
    members: queries.incidentFindings(Number(row.id)).map(({ list, role, row: cells }) => ({
      finding: { ...readFinding(list, cells), isOpen: false },
      role: role as FindingRole,
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
