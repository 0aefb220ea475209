/** The incidents of `analyze`: all findings joined once the input has been judged. */
import { IncidentBook } from "../incident/incident_book.ts";
import type { Finding, FindingRole, Incident } from "../records.ts";
import type { DetectionResult } from "./analyze_detection.ts";

export interface FoundIncident {
  readonly incident: Incident;
  /** By Finding.id, in order of time. */
  readonly roles: ReadonlyMap<number, FindingRole>;
}

/** What detection found, and the stories that it makes. */
export interface Judgement extends DetectionResult {
  readonly incidents: readonly FoundIncident[];
}

/** In the order of their first evidence. `nameOf` gives "" for a host without a name. */
export function joinFindings(
  findings: readonly Finding[],
  nameOf: (address: string) => string,
): FoundIncident[] {
  let lastId = 0;
  const found = new Map<number, { describe: () => Incident; roles: Map<number, FindingRole> }>();
  const book = new IncidentBook({
    nextId: () => ++lastId,
    nameOf,
    report: ({ id: incidentId, describe, joined, absorbedIds }) => {
      const roles = found.get(incidentId)?.roles ?? new Map<number, FindingRole>();
      for (const id of absorbedIds) {
        for (const [findingId, role] of found.get(id)?.roles ?? []) roles.set(findingId, role);
        found.delete(id);
      }
      for (const { finding, role } of joined) roles.set(finding.id, role);
      found.set(incidentId, { describe, roles });
    },
  });
  for (const finding of [...findings].sort(byDetection)) {
    book.advance(finding.detectedUs);
    book.take(finding);
  }
  book.finish();
  const incidents = [...found.values()].map(({ describe, roles }) => ({
    incident: describe(),
    roles,
  }));
  return incidents.sort((a, b) =>
    a.incident.firstUs - b.incident.firstUs || a.incident.id - b.incident.id
  );
}

function byDetection(a: Finding, b: Finding): number {
  return a.detectedUs - b.detectedUs || a.id - b.id;
}
