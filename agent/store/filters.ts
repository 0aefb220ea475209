/** What lists may be narrowed down by, and the SQL of it. Values only ever travel as parameters. */
import { SEVERITIES } from "../records.ts";
import { type FlowOrder, flowValues } from "../search/open_flows.ts";
import type { Condition } from "./time_list.ts";

/** From `fromUs` up to, but not including, `toUs`. */
export interface TimeRange {
  readonly fromUs?: number | null | undefined;
  readonly toUs?: number | null | undefined;
}
export interface Paging {
  /** 1 to 1000, 100 unless told. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** A search of agent/search. */
interface Searched {
  readonly q?: string | undefined;
}

/** In another order than the list's own it is the newest rows that are sorted. */
interface Sorted<Order extends string> {
  readonly order?: Order | undefined;
  readonly isAscending?: boolean | undefined;
}

export interface PacketFilter extends TimeRange, Paging, Searched, Sorted<PacketOrder> {}

/** Flows that overlap the time range, in the order of their ends, or in another among the newest of them. */
export interface FlowFilter extends TimeRange, Paging, Searched, Sorted<FlowOrder> {
  /** Flows that a page looks at, if fewer than usual. */
  readonly lookedAtMax?: number | undefined;
}
interface FindingFilter extends TimeRange, Paging, Searched {
  readonly kind?: string | undefined;
  readonly severity?: string | undefined;
}

/** Rows of `anomalies` and `scans`. */
export interface EpisodeFilter extends FindingFilter, Sorted<AnomalyOrder> {
  /** One of the listed sources or targets, whole. */
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly isOpen?: boolean | undefined;
}
export interface ScanFilter extends Omit<EpisodeFilter, "order">, Sorted<ScanOrder> {
  readonly probe?: string | undefined;
}

/** Rows of `alerts`. */
export interface AlertFilter extends FindingFilter, Sorted<AlertOrder> {
  readonly state?: string | undefined;
  readonly incidentId?: number | undefined;
  readonly muteId?: number | undefined;
}

/** Rows of `incidents`. */
export interface IncidentFilter extends TimeRange, Paging, Searched, Sorted<IncidentOrder> {
  readonly severity?: string | undefined;
  /** FindingKind of one of its causes. */
  readonly kind?: string | undefined;
  readonly actor?: string | undefined;
  /** One of the listed sources or targets, whole. */
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly isOpen?: boolean | undefined;
  readonly isAcknowledged?: boolean | undefined;
}

/** Rises with severity, and within one with the time of the last evidence. */
export function gravity(time: string): string {
  const ranks = SEVERITIES.map((name, rank) => `WHEN '${name}' THEN ${rank}`).join(" ");
  return `(CASE severity ${ranks} END * 1000000000000 + ${time} / 1000000)`;
}

/** What each order of a list goes by: whole numbers. The first is the list's own, newest first. */
export const listValues = {
  flows: flowValues,
  packets: { time: "ts_us", length: "wire_length" },
  anomalies: { newest: "ts_us", start: "first_us", severity: gravity("ts_us") },
  scans: {
    newest: "last_us",
    start: "first_us",
    severity: gravity("last_us"),
    targets: "target_count",
    attempts: "attempts",
    answered: "answered",
  },
  incidents: {
    newest: "last_us",
    start: "first_us",
    severity: gravity("last_us"),
    targets: "target_count",
    findings: "finding_count",
  },
  alerts: { newest: "ts_us", severity: gravity("ts_us") },
} as const;
type SortedList = keyof typeof listValues;
type OrderOf<List extends SortedList> = keyof typeof listValues[List] & string;
export type PacketOrder = OrderOf<"packets">;
export type AnomalyOrder = OrderOf<"anomalies">;
export type ScanOrder = OrderOf<"scans">;
export type IncidentOrder = OrderOf<"incidents">;
export type AlertOrder = OrderOf<"alerts">;

/** The orders of a list, its own first. */
export function ordersOf<List extends SortedList>(list: List): readonly OrderOf<List>[] {
  return Object.keys(listValues[list]) as OrderOf<List>[];
}

/** `own`: the own networks' first, with most bytes. By address where the order does not say otherwise. */
export const HOST_ORDERS = [
  "own",
  "bytes",
  "received",
  "sent",
  "last_seen",
  "first_seen",
  "address",
] as const;
export type HostOrder = typeof HOST_ORDERS[number];
export interface HostFilter extends Paging, Searched {
  readonly order?: HostOrder | undefined;
  readonly isAscending?: boolean | undefined;
}

/** The range with null for an open end. Throws RangeError for a time that is not whole microseconds. */
export function bounds(
  { fromUs, toUs }: TimeRange,
): { fromUs: number | null; toUs: number | null } {
  for (const value of [fromUs, toUs]) {
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new RangeError(`Cannot list rows: a time must be whole microseconds, got ${value}`);
    }
  }
  return { fromUs: fromUs ?? null, toUs: toUs ?? null };
}

function findingConditions({ kind, severity }: FindingFilter): Condition[] {
  const conditions: Condition[] = [];
  if (kind !== undefined) conditions.push({ sql: "kind = ?", parameters: [kind] });
  if (severity !== undefined) conditions.push({ sql: "severity = ?", parameters: [severity] });
  return conditions;
}

export function episodeConditions(filter: ScanFilter): Condition[] {
  const conditions = findingConditions(filter);
  const { source, target, isOpen, probe } = filter;
  if (source !== undefined) conditions.push(lists("sources", source));
  if (target !== undefined) conditions.push(lists("targets", target));
  if (isOpen !== undefined) {
    conditions.push({ sql: "is_open = ?", parameters: [isOpen ? 1 : 0] });
  }
  if (probe !== undefined) conditions.push({ sql: "probe = ?", parameters: [probe] });
  return conditions;
}

export function alertConditions(filter: AlertFilter): Condition[] {
  const conditions = findingConditions(filter);
  const { state, incidentId, muteId } = filter;
  if (state !== undefined) conditions.push({ sql: "state = ?", parameters: [state] });
  if (incidentId !== undefined) {
    conditions.push({ sql: "incident_id = ?", parameters: [incidentId] });
  }
  if (muteId !== undefined) conditions.push({ sql: "mute_id = ?", parameters: [muteId] });
  return conditions;
}

export function incidentConditions(filter: IncidentFilter): Condition[] {
  const { severity, kind, actor, source, target, isOpen, isAcknowledged } = filter;
  const conditions = findingConditions({ severity });
  if (kind !== undefined) conditions.push(lists("kinds", kind));
  if (actor !== undefined) {
    conditions.push({ sql: "actor = ?", parameters: [actor.toLowerCase()] });
  }
  if (source !== undefined) conditions.push(lists("sources", source));
  if (target !== undefined) conditions.push(lists("targets", target));
  if (isOpen !== undefined) {
    conditions.push({ sql: "state = ?", parameters: [isOpen ? "open" : "closed"] });
  }
  if (isAcknowledged !== undefined) {
    conditions.push({
      sql: `acknowledged_us IS ${isAcknowledged ? "NOT NULL" : "NULL"}`,
      parameters: [],
    });
  }
  return conditions;
}

/** `text` is an item of the JSON list in `column`. */
function lists(column: string, text: string): Condition {
  const item = JSON.stringify(text.toLowerCase());
  return { sql: `instr(${column}, ?) > 0`, parameters: [item] };
}

/** What each order goes by: safe integers. */
export const hostValues: { readonly [order in HostOrder]: string } = {
  own: "(is_local * 4000000000000000 + min(in_bytes + out_bytes, 3999999999999999))",
  bytes: "(in_bytes + out_bytes)",
  received: "in_bytes",
  sent: "out_bytes",
  last_seen: "last_seen_us",
  first_seen: "first_seen_us",
  // A bare number would be the number of a column.
  address: "CAST(0 AS INTEGER)",
};

/** Of first contacts. */
export interface FirstContactFilter extends TimeRange, Paging {
  readonly kind?: string | undefined;
  readonly deviceId?: number | undefined;
}
