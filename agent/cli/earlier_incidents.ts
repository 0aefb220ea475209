/** What the incidents of an earlier run need to go on: read from the database at the start. */
import { type FindingList, readFinding } from "../finding_reader.ts";
import type { OpenIncident } from "../incident/incident_book.ts";
import { subjectOf } from "../incident/kinship.ts";
import { readIncident } from "../incident_reader.ts";
import { type Finding, type FindingRole, INCIDENT_QUIET_US } from "../records.ts";
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
