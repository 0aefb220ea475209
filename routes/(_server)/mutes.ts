/** Mutes as people write them, and what of the past one would have held back. */
import { checkMute, findMute, holds, type MuteScope } from "../../agent/alert/mutes.ts";
import type { DashboardContext, NewMute } from "../../agent/dashboard_context.ts";
import { type FindingList, readFinding } from "../../agent/finding_reader.ts";
import { ALERT_KINDS, type Finding, type Mute } from "../../agent/records.ts";
import type { StoredAlert, StoredIncident } from "../../agent/store/schema.ts";
import type { Page } from "../../agent/store/time_list.ts";
import {
  muteFieldNames,
  type MuteFields,
  muteFieldsOf,
  noMuteFields,
  type PreviewMessage,
  readMuteFields,
} from "../../components/mute_fields.ts";
import { toWire } from "../../components/wire.ts";
import { checkNames, ParameterError, textParameter, timeParameter } from "./parameters.ts";

const noteMax = 200;
const dayUs = 86_400e6;
const previewUs = 7 * dayUs;
/** Incidents looked at, and listed. */
const lookedAtMax = 5000;
const listedMax = 50;
const spans: Readonly<Record<string, number>> = { "1h": 3600e6, "1d": dayUs, "1w": 7 * dayUs };

/**
 * A mute of the fields kind, source, destination and port (empty or "any" for all), note, and until: a time, 1h, 1d or 1w from now, or forever (also when
 * it is missing). Throws RangeError with what is wrong.
 */
export function readMute(fields: URLSearchParams, nowUs: number): NewMute {
  checkNames(fields, muteFieldNames);
  const text = (name: string) => {
    const given = textParameter(fields, name) ?? "";
    return given.toLowerCase() === "any" ? "" : given;
  };
  const mute = {
    kind: text("kind"),
    source: text("source").toLowerCase(),
    destination: text("destination").toLowerCase(),
    port: text("port"),
    untilUs: untilOf(fields, nowUs),
    note: textParameter(fields, "note", noteMax) ?? "",
  };
  checkMute(mute);
  return mute;
}

function untilOf(fields: URLSearchParams, nowUs: number): number | null {
  const text = textParameter(fields, "until") ?? "forever";
  if (text === "forever") return null;
  const spanUs = spans[text];
  const untilUs = spanUs !== undefined ? nowUs + spanUs : timeParameter(fields, "until")!;
  if (untilUs > nowUs) return untilUs;
  throw new ParameterError("until must be a time to come, 1h, 1d, 1w or forever");
}

/** The input that a refusal is about, "" for all of them: its message begins with the name. */
export function refusedField(message: string): string {
  const name = message.split(" ", 1)[0]!;
  return muteFieldNames.find((each) => each === name) ?? "";
}

/** What the form shows of an address's or a form's fields. */
export function fieldsOf(query: URLSearchParams): MuteFields {
  return readMuteFields((name) => query.get(name) ?? noMuteFields[name]);
}

/** What a mute is made from: the incident, or the finding, at a path of this site. */
export interface MuteStart {
  readonly fields: MuteFields;
  /** What holds all of it back now. */
  readonly mute: Mute | null;
}

/** Null when there is no such thing (any more). Throws what StoreQueries throws. */
export async function muteStart(
  { queries, alerts }: Pick<DashboardContext, "queries" | "alerts">,
  from: string,
): Promise<MuteStart | null> {
  const [, list, id] = /^\/(incidents|scans|anomalies)\/(\d{1,16})$/.exec(from) ?? [];
  if (list === undefined || id === undefined) return null;
  const row = list === "incidents" ? await queries.incident(Number(id)) : null;
  if (list === "incidents") return row && muteStartOf(alerts, scopeOfRow(row));
  const own = await (list === "scans" ? queries.scan(Number(id)) : queries.anomaly(Number(id)));
  return own && findingMuteStart({ queries, alerts }, readFinding(list as FindingList, own));
}

/** Alerts are about incidents: the mute of a finding is that of its incident, once it is in one. */
export async function findingMuteStart(
  { queries, alerts }: Pick<DashboardContext, "queries" | "alerts">,
  finding: Finding,
): Promise<MuteStart> {
  const list = finding.kind === "scan" ? "scans" : "anomalies";
  const incident = await queries.incidentOf(list, finding.id);
  if (incident) return muteStartOf(alerts, scopeOfRow(incident));
  const { kind, sources, sourceCount, targets, targetCount, scan, ports } = finding;
  const portTexts = [scan?.ports ?? ports ?? ""];
  return muteStartOf(alerts, {
    kinds: [kind],
    ports: portTexts,
    ...{ sources, sourceCount, targets, targetCount },
  });
}

/** Of an incident or a finding; also for their pages. */
export function muteStartOf(
  { mutes }: Pick<DashboardContext["alerts"], "mutes">,
  subject: MuteScope,
): MuteStart {
  return {
    fields: muteFieldsOf(subject),
    mute: findMute(mutes, subject, Date.now() * 1000),
  };
}

export interface MutePreview extends Omit<PreviewMessage, "rows"> {
  /** The newest of them: incidents, or alerts that are about none. */
  readonly incidents: readonly StoredIncident[];
  readonly alerts: readonly StoredAlert[];
}

export async function previewMute(
  { queries, live }: Pick<DashboardContext, "queries" | "live">,
  wanted: NewMute,
): Promise<MutePreview> {
  const newestUs = live.mode === "replay" ? live.snapshot?.tsUs ?? 0 : Date.now() * 1000;
  const mute: Mute = { ...wanted, id: 0, createdUs: 0 };
  const fromUs = Math.trunc(newestUs - previewUs);
  const kind = ALERT_KINDS.find((kind) => kind === wanted.kind);
  if (kind === undefined) {
    const scan = await scanRows((cursor) => queries.incidents({ fromUs, limit: pageRows, cursor }));
    const incidents = scan.rows.filter((row) => holds(mute, scopeOfRow(row)));
    return {
      ...summary(scan, incidents),
      isOfAlerts: false,
      incidents: incidents.slice(0, listedMax),
      alerts: [],
    };
  }
  const scan = await scanRows((cursor) =>
    queries.alerts({ kind, fromUs, limit: pageRows, cursor })
  );
  const alerts = scan.rows.filter(() => holds(mute, { ...scopeOfNothing, kinds: [kind] }));
  return {
    ...summary(scan, alerts),
    isOfAlerts: true,
    incidents: [],
    alerts: alerts.slice(0, listedMax),
  };
}

const pageRows = 1000;

interface Scanned<Row> {
  readonly rows: readonly Row[];
  readonly isPartial: boolean;
}

/** Rows of all pages, up to the most that are looked at. */
async function scanRows<Row>(
  ask: (cursor: string | undefined) => Promise<Page<Row>>,
): Promise<Scanned<Row>> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    rows.push(...page.rows);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && rows.length < lookedAtMax);
  return { rows, isPartial: cursor !== undefined };
}

function summary(
  { rows, isPartial }: Scanned<unknown>,
  held: readonly { readonly severity: unknown }[],
) {
  const graveCount =
    held.filter(({ severity }) => severity === "high" || severity === "critical").length;
  return { count: held.length, graveCount, lookedAt: rows.length, isPartial };
}

const scopeOfNothing: MuteScope = {
  kinds: [],
  sources: [],
  sourceCount: 0,
  targets: [],
  targetCount: 0,
  ports: [],
};

/** As `/api` tells it and the form takes it. */
export function previewJson({ incidents, alerts, ...counts }: MutePreview): object {
  const rows = [
    ...incidents.map(({ id, last_us, severity, headline }) => ({
      path: `/incidents/${id}`,
      time_us: last_us,
      severity,
      headline,
    })),
    ...alerts.map(({ id, ts_us, severity, headline }) => ({
      path: `/alerts#alert-${id}`,
      time_us: ts_us,
      severity,
      headline,
    })),
  ];
  return { ...toWire(counts) as object, incidents, alerts, rows };
}

/** An incident's row as mutes see it. */
function scopeOfRow(row: StoredIncident): MuteScope {
  const texts = (cell: unknown): string[] => JSON.parse(String(cell));
  return {
    kinds: texts(row.kinds),
    ports: texts(row.ports),
    sources: texts(row.sources),
    sourceCount: Number(row.source_count),
    targets: texts(row.targets),
    targetCount: Number(row.target_count),
  };
}
