/** The lists of pages and `/api`: a query string in, a bounded page of rows out. */
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import type { PacketRow } from "../../agent/records.ts";
import type {
  EpisodeFilter,
  FindingFilter,
  FlowFilter,
  HostFilter,
  HostOrder,
  IncidentFilter,
  PacketFilter,
  Paging,
  ScanFilter,
  TimeRange,
} from "../../agent/store/filters.ts";
import type { StoredPacket } from "../../agent/store/schema.ts";
import type { Page } from "../../agent/store/time_list.ts";
import { fromWire } from "../../components/wire.ts";
import { textParameter, timeParameter, wholeNumber } from "./parameters.ts";
import { errorJson } from "./plain_answers.ts";

const limitMax = 1000;
const hostOrders: readonly HostOrder[] = ["bytes", "last_seen", "first_seen", "address"];

export function packetFilter(query: URLSearchParams): PacketFilter {
  return {
    ...pagingAndRange(query),
    protocol: textParameter(query, "protocol")?.toLowerCase(),
    host: textParameter(query, "host"),
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }),
    text: textParameter(query, "text"),
    flowId: wholeNumber(query, "flow", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
}

export function flowFilter(query: URLSearchParams): FlowFilter {
  return {
    ...pagingAndRange(query),
    protocol: textParameter(query, "protocol")?.toLowerCase(),
    host: textParameter(query, "host"),
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }),
    connState: textParameter(query, "state"),
    name: textParameter(query, "name"),
    text: textParameter(query, "text"),
  };
}

export function hostFilter(query: URLSearchParams): HostFilter {
  const order = textParameter(query, "order") ?? "bytes";
  const known = hostOrders.find((name) => name === order);
  if (!known) throw new RangeError(`order must be one of ${hostOrders.join(", ")}, got "${order}"`);
  const local = textParameter(query, "local");
  return {
    ...paging(query),
    order: known,
    text: textParameter(query, "text"),
    isLocal: local === undefined ? undefined : local === "1",
  };
}

export function findingFilter(query: URLSearchParams): FindingFilter {
  return {
    ...pagingAndRange(query),
    kind: textParameter(query, "kind"),
    severity: textParameter(query, "severity"),
  };
}

/** Of /anomalies: what findingFilter takes, and source, target and state (open or closed). */
export function episodeFilter(query: URLSearchParams): EpisodeFilter {
  return {
    ...findingFilter(query),
    source: textParameter(query, "source"),
    target: textParameter(query, "target"),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
  };
}

export function incidentFilter(query: URLSearchParams): IncidentFilter {
  return {
    ...pagingAndRange(query),
    severity: textParameter(query, "severity"),
    actor: textParameter(query, "actor"),
    source: textParameter(query, "source"),
    target: textParameter(query, "target"),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
    isAcknowledged: oneOfTwo(query, "acknowledged", ["yes", "no"]),
  };
}

/** Whether a parameter has the first of two values; undefined without it. Throws RangeError. */
function oneOfTwo(
  query: URLSearchParams,
  name: string,
  [first, second]: readonly [string, string],
): boolean | undefined {
  const value = textParameter(query, name);
  if (value === undefined) return undefined;
  if (value !== first && value !== second) {
    throw new RangeError(`${name} must be ${first} or ${second}, got "${value}"`);
  }
  return value === first;
}

/** Of /scans: what episodeFilter takes, and probe. */
export function scanFilter(query: URLSearchParams): ScanFilter {
  return { ...episodeFilter(query), probe: textParameter(query, "probe") };
}

function paging(query: URLSearchParams): Paging {
  return {
    limit: wholeNumber(query, "limit", { min: 1, max: limitMax }),
    cursor: textParameter(query, "cursor", 400),
  };
}

function pagingAndRange(query: URLSearchParams): Paging & TimeRange {
  return {
    ...paging(query),
    fromUs: timeParameter(query, "from"),
    toUs: timeParameter(query, "to"),
  };
}

/** The newest packet rows of the database as the pages show them. */
export function packetRows(
  { queries }: DashboardContext,
  { protocol, limit }: { readonly protocol: string; readonly limit: number },
): readonly PacketRow[] {
  return queries.packets({ protocol: protocol || undefined, limit }).rows.map(toPacketRow);
}

/** A stored packet with the names that the components use. */
export function toPacketRow(row: StoredPacket): PacketRow {
  const packet = fromWire<PacketRow & { flowId: number | null }>(row);
  return { ...packet, flowId: packet.flowId ?? 0 };
}

/** An answer of the database, or `fallback` and why there is none. */
export interface Attempt<T> {
  readonly value: T;
  /** A sentence for people; "" when all is well. */
  readonly error: string;
}

/** Asks the database for a page: a refusal or a failure becomes words on it, not an error page. */
export function attempt<T>(ask: () => T, fallback: T): Attempt<T> {
  try {
    return { value: ask(), error: "" };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { value: fallback, error: error.message };
  }
}

/** A list's page, empty with the reason when it cannot be read. */
export function attemptPage<Row>(ask: () => Page<Row>): Attempt<Page<Row>> {
  return attempt(ask, { rows: [], nextCursor: null });
}

/** The same as JSON: 400 for a wrong parameter, 503 for a database that cannot be read. */
export function listJson<Row>(name: string, ask: () => Page<Row>): Response {
  try {
    const { rows, nextCursor } = ask();
    return Response.json({ [name]: rows, next_cursor: nextCursor });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return errorJson(error instanceof RangeError ? 400 : 503, error.message);
  }
}
