/**
 * Incidents as pages have them: those of the database with what arrives while the page stands, ordered and filtered. Pure; the
 * same on server and browser.
 */
import { findMute } from "../agent/alert/mutes.ts";
import type { Incident, Mute, Severity } from "../agent/records.ts";
import { severityRank } from "./findings.ts";
import { formatCount } from "./format.ts";
import { muteEndText, muteScopeText } from "./mute_fields.ts";

/** An incident as a row shows it. */
export interface IncidentItem {
  readonly incident: Incident;
  readonly isAcknowledged: boolean;
  /** "muted until Sat 21:30: Scan from 10.0.0.9 …"; "" when nothing holds it back. */
  readonly muted: string;
  /** Of a hub: names of the agents that have evidence of it, … */
  readonly agents?: readonly string[];
  /** … and how many agents have ever reported. */
  readonly fleetSize?: number;
}

/** An incident as it arrives: an event does not know what people have said to it. */
export interface LiveIncident {
  readonly incident: Incident;
  readonly isAcknowledged: boolean | null;
}

/** What tells whether an incident is muted, and until when. Wall clock. */
export interface MuteView {
  readonly mutes: readonly Mute[];
  readonly nowUs: number;
  readonly zone: string;
}

export function incidentPath({ id }: Pick<Incident, "id">): string {
  return `/incidents/${id}`;
}

/** What holds an incident back, in words; "" when nothing does. */
export function mutedText(incident: Incident, { mutes, nowUs, zone }: MuteView): string {
  const mute = findMute(mutes, incident, nowUs);
  if (mute === null) return "";
  return `muted ${muteEndText(mute, nowUs, zone)} by “${mute.note || muteScopeText(mute)}”`;
}

/**
 * Whether somebody should look: it is open, or nobody has said to have seen it. Not what is muted, and not what is told for
 * information only.
 */
export function needsLook({ incident, isAcknowledged, muted }: IncidentItem): boolean {
  return muted === "" && incident.severity !== "info" && (incident.isOpen || !isAcknowledged);
}

/** Incidents that need a look are counted up to here. */
export const lookMax = 200;

/** "2 things need a look". */
export function lookText(count: number): string {
  if (count === 0) return "Nothing needs a look";
  if (count === 1) return "1 thing needs a look";
  return count > lookMax
    ? `More than ${formatCount(lookMax)} things need a look`
    : `${formatCount(count)} things need a look`;
}

/** As much of an incident that needs a look as counting takes. */
export interface LookItem {
  readonly id: number;
  readonly severity: Severity;
  readonly isAcknowledged: boolean;
}

export function lookItem({ incident: { id, severity }, isAcknowledged }: IncidentItem): LookItem {
  return { id, severity, isAcknowledged };
}

/** What has been told since the page was made. */
export interface Arrived {
  readonly incidents: readonly LiveIncident[];
  /** Numbers of incidents that have become part of others. */
  readonly absorbedIds: ReadonlySet<number>;
}

/** `known` in their newest states, with those that are new, in no order. */
export function mergeIncidents(
  known: readonly IncidentItem[],
  { incidents, absorbedIds }: Arrived,
  view: MuteView,
): readonly IncidentItem[] {
  const byId = new Map(known.map((item) => [item.incident.id, item]));
  for (const { incident, isAcknowledged } of incidents) {
    const before = byId.get(incident.id);
    byId.set(incident.id, {
      incident,
      isAcknowledged: isAcknowledged ?? before?.isAcknowledged ?? false,
      muted: mutedText(incident, view),
      ...before?.agents && { agents: before.agents, fleetSize: before.fleetSize ?? 0 },
    });
  }
  return [...byId.values()].filter(({ incident }) => !absorbedIds.has(incident.id));
}

/** What needs a look of `known` after what has arrived. */
export function stillToLookAt(
  known: readonly LookItem[],
  { incidents, absorbedIds }: Arrived,
  view: MuteView,
): readonly LookItem[] {
  const byId = new Map(known.map((item) => [item.id, item]));
  for (const { incident, isAcknowledged } of incidents) {
    const seen = isAcknowledged ?? byId.get(incident.id)?.isAcknowledged ?? false;
    const item = { incident, isAcknowledged: seen, muted: mutedText(incident, view) };
    if (needsLook(item)) byId.set(incident.id, lookItem(item));
    else byId.delete(incident.id);
  }
  return [...byId.values()].filter(({ id }) => !absorbedIds.has(id));
}

/** As the lists have them, newest first. */
export function byTime({ incident: a }: IncidentItem, { incident: b }: IncidentItem): number {
  return b.lastUs - a.lastUs || b.id - a.id;
}

export function bySeverity(a: IncidentItem, b: IncidentItem): number {
  return severityRank(b.incident.severity) - severityRank(a.incident.severity) || byTime(a, b);
}

/** Those that need a look first, of them the gravest. */
export function byWeight(a: IncidentItem, b: IncidentItem): number {
  return Number(needsLook(b)) - Number(needsLook(a)) || bySeverity(a, b);
}

const dayUs = 86_400e6;
/** Incidents later than this are of other traffic: a replay writes beside what was captured live. */
export const aheadUs = 3600e6;

/** What the overview speaks of: what needs a look, and what was in the last 24 hours, the weightiest first. */
export function recentIncidents(
  items: readonly IncidentItem[],
  nowUs: number,
): readonly IncidentItem[] {
  return items.filter((item) => {
    const { lastUs } = item.incident;
    return needsLook(item) || lastUs < nowUs + aheadUs && lastUs > nowUs - dayUs;
  }).sort(byWeight);
}

/** As much of an incident as a row shows of it; the rest would only make the page heavy. */
export function forRow(item: IncidentItem): IncidentItem {
  const { incident } = item;
  const { sources, targets } = incident;
  return {
    ...item,
    incident: {
      ...incident,
      sources: sources.slice(0, 1),
      targets: targets.slice(0, 1),
      course: [],
      detail: "",
    },
  };
}

/** What a list page asks for; "" and null take everything. Times are microseconds. */
export interface IncidentQuery {
  readonly order: "newest" | "severity";
  readonly actor: string;
  readonly source: string;
  readonly target: string;
  readonly kind: string;
  readonly severity: string;
  readonly state: string;
  readonly acknowledged: string;
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

/** Whether an incident that has just arrived belongs on a page that asks for `query`. */
export function fitsQuery(
  { incident, isAcknowledged }: Pick<IncidentItem, "incident" | "isAcknowledged">,
  query: IncidentQuery,
): boolean {
  const { actor, sources, targets, kinds, severity, isOpen, lastUs } = incident;
  return (query.actor === "" || query.actor === actor) &&
    (query.source === "" || sources.includes(query.source)) &&
    (query.target === "" || targets.includes(query.target)) &&
    (query.kind === "" || kinds.some((kind) => kind === query.kind)) &&
    (query.severity === "" || query.severity === severity) &&
    (query.state === "" || (query.state === "open") === isOpen) &&
    (query.acknowledged === "" || (query.acknowledged === "yes") === isAcknowledged) &&
    (query.fromUs === null || lastUs >= query.fromUs) &&
    (query.toUs === null || lastUs < query.toUs);
}
