/** Mutes as people write them, and what of the past one would have held back. */
import { checkMute, holds, type MuteScope } from "../../agent/alert/mutes.ts";
import type { DashboardContext, NewMute } from "../../agent/dashboard_context.ts";
import type { Mute } from "../../agent/records.ts";
import type { StoredIncident } from "../../agent/store/schema.ts";
import { checkNames, ParameterError, textParameter, timeParameter } from "./parameters.ts";

const fieldNames = ["kind", "source", "destination", "port", "until", "note", "back"];
const noteMax = 200;
const dayUs = 86_400e6;
const previewUs = 7 * dayUs;
/** Incidents looked at, and listed. */
const lookedAtMax = 5000;
const listedMax = 50;
const spans: Readonly<Record<string, number>> = { "1h": 3600e6, "1d": dayUs, "1w": 7 * dayUs };

/**
 * A mute of the fields kind, source, destination, port, note, and until: a time, 1h, 1d or 1w from now, or forever (also when
 * it is missing). Throws RangeError with what is wrong.
 */
export function readMute(fields: URLSearchParams, nowUs: number): NewMute {
  checkNames(fields, fieldNames);
  const text = (name: string) => textParameter(fields, name) ?? "";
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

export interface MutePreview {
  /** Incidents of the last seven days that lie within the mute. */
  readonly count: number;
  /** More were there than are looked at. */
  readonly isPartial: boolean;
  /** The newest of them. */
  readonly incidents: readonly StoredIncident[];
}

export function previewMute(
  { queries, live }: Pick<DashboardContext, "queries" | "live">,
  wanted: NewMute,
): MutePreview {
  const newestUs = live.mode === "replay" ? live.snapshot?.tsUs ?? 0 : Date.now() * 1000;
  const mute: Mute = { ...wanted, id: 0, createdUs: 0 };
  const held: StoredIncident[] = [];
  let lookedAt = 0;
  let cursor: string | undefined;
  do {
    const page = queries.incidents({
      fromUs: Math.trunc(newestUs - previewUs),
      limit: 1000,
      cursor,
    });
    lookedAt += page.rows.length;
    held.push(...page.rows.filter((row) => holds(mute, scopeOfRow(row))));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && lookedAt < lookedAtMax);
  return {
    count: held.length,
    isPartial: cursor !== undefined,
    incidents: held.slice(0, listedMax),
  };
}

/** An incident's row as mutes see it. */
export function scopeOfRow(row: StoredIncident): MuteScope {
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
