/** Where an incident came from: its actor was a target of somebody else shortly before it began to act itself. */
import { type Finding, type Incident, INCIDENT_QUIET_US } from "../records.ts";
import { isAmong } from "./kinship.ts";

/** As much of an open incident as this asks. */
interface Earlier {
  readonly id: number;
  readonly causes: readonly Finding[];
}

/** The incident that led to `cause`, the latest before it; null when there is none. */
export function findOrigin(cause: Finding, open: Iterable<Earlier>): Incident["origin"] {
  const [actor] = cause.sources;
  let best: { readonly id: number; readonly deed: Finding; readonly sinceUs: number } | null = null;
  for (const { id, causes } of open) {
    for (const deed of causes) {
      if (actor === undefined || !isAmong(actor, cause, "targets", deed)) continue;
      if (isAmong(actor, cause, "sources", deed)) continue;
      const sinceUs = cause.firstUs - deed.firstUs;
      if (sinceUs <= 0 || cause.firstUs - deed.lastUs > INCIDENT_QUIET_US) continue;
      const isBetter = best === null || weight(deed) > weight(best.deed) ||
        weight(deed) === weight(best.deed) && sinceUs < best.sinceUs;
      if (isBetter) best = { id, deed, sinceUs };
    }
  }
  if (best === null) return null;
  const { id, deed } = best;
  const agoUs = cause.firstUs - (deed.lastUs <= cause.firstUs ? deed.lastUs : deed.firstUs);
  return { incidentId: id, text: `began ${durationText(agoUs)} after ${deedText(deed, actor!)}` };
}

/** What explains most that a host begins to act. */
function weight(deed: Finding): number {
  if (deed.hasSucceeded) return 2;
  return deed.scan && deed.scan.cameBack.length > 0 ? 1 : 0;
}

function deedText({ kind, sources, scan, hasSucceeded }: Finding, victim: string): string {
  const [who] = sources;
  if (hasSucceeded) return `${who} logged in`;
  if (scan?.cameBack.some((service) => service.includes(victim))) {
    return `${who} exchanged data with it`;
  }
  if (scan) return `${who} scanned it`;
  return kind === "brute_force" ? `${who} guessed passwords on it` : `${who} reached for it`;
}

function durationText(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 1) return "less than a second";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}
