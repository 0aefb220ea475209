/** The lists of pages and `/api`: a query string in, a bounded page of rows out. */
import { page, type PageResponse } from "fresh";
import type { DashboardContext } from "../../agent/dashboard_context.ts";
import {
  ALERT_KINDS,
  ALERT_STATES,
  APPLICATION_NAMES,
  FINDING_KINDS,
  type PacketRow,
  SCAN_KINDS,
  SCAN_PROBES,
  SEVERITIES,
  TRANSPORT_NAMES,
} from "../../agent/records.ts";
import type {
  AlertFilter,
  EpisodeFilter,
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
import {
  addressParameter,
  checkNames,
  choiceParameter,
  textParameter,
  timeRange,
  wholeNumber,
} from "./parameters.ts";
import { errorJson } from "./plain_answers.ts";

const limitMax = 1000;
const pagingNames = ["limit", "cursor"];
const rangeNames = ["from", "to"];
const hostOrders: readonly HostOrder[] = ["bytes", "last_seen", "first_seen", "address"];
const protocols = [...TRANSPORT_NAMES, ...APPLICATION_NAMES].filter((name) => name !== "");
/** Zeek's, in lower case. */
const connStates = ["s0", "s1", "sf", "rej", "s2", "s3", "rsto", "rstr", "rstos0", "rstrh", "sh"]
  .concat("shr", "oth");
const anomalyKinds = FINDING_KINDS.filter((kind) => kind !== "scan");

export function packetFilter(query: URLSearchParams): PacketFilter {
  checkNames(query, ["protocol", "host", "port", "text", "flow", ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    protocol: choiceParameter(query, "protocol", protocols),
    host: addressParameter(query, "host", { takesMac: true }),
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }),
    text: textParameter(query, "text"),
    flowId: wholeNumber(query, "flow", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
}

export function flowFilter(query: URLSearchParams): FlowFilter {
  const own = ["protocol", "host", "port", "state", "name", "text"];
  checkNames(query, [...own, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    protocol: choiceParameter(query, "protocol", protocols),
    host: addressParameter(query, "host", { takesMac: false }),
    port: wholeNumber(query, "port", { min: 0, max: 65_535 }),
    connState: choiceParameter(query, "state", connStates)?.toUpperCase(),
    name: textParameter(query, "name"),
    text: textParameter(query, "text"),
  };
}

export function hostFilter(query: URLSearchParams): HostFilter {
  checkNames(query, ["text", "local", "order", ...pagingNames]);
  return {
    ...paging(query),
    order: choiceParameter(query, "order", hostOrders) ?? "bytes",
    text: textParameter(query, "text"),
    isLocal: oneOfTwo(query, "local", ["1", "0"]),
  };
}

/** Of /anomalies. */
export function anomalyFilter(query: URLSearchParams): EpisodeFilter {
  checkNames(query, findingNames);
  return findingFilter(query, anomalyKinds);
}

/** Of /scans. */
export function scanFilter(query: URLSearchParams): ScanFilter {
  checkNames(query, [...findingNames, "probe"]);
  return {
    ...findingFilter(query, SCAN_KINDS),
    probe: choiceParameter(query, "probe", SCAN_PROBES),
  };
}

export function alertFilter(query: URLSearchParams): AlertFilter {
  const own = ["kind", "severity", "state", "incident", "mute"];
  checkNames(query, [...own, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    kind: choiceParameter(query, "kind", ALERT_KINDS),
    severity: choiceParameter(query, "severity", SEVERITIES),
    state: choiceParameter(query, "state", ALERT_STATES),
    incidentId: wholeNumber(query, "incident", { min: 0, max: Number.MAX_SAFE_INTEGER }),
    muteId: wholeNumber(query, "mute", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
}

/** Of /api/incidents. */
export function incidentFilter(query: URLSearchParams): IncidentFilter {
  const own = ["severity", "actor", "source", "target", "state", "acknowledged"];
  checkNames(query, [...own, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    severity: choiceParameter(query, "severity", SEVERITIES),
    actor: addressParameter(query, "actor", { takesMac: true }),
    source: addressParameter(query, "source", { takesMac: true }),
    target: addressParameter(query, "target", { takesMac: true }),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
    isAcknowledged: oneOfTwo(query, "acknowledged", ["yes", "no"]),
  };
}

const findingNames = ["source", "target", "kind", "severity", "state", ...rangeNames]
  .concat(pagingNames);

function findingFilter(query: URLSearchParams, kinds: readonly string[]): EpisodeFilter {
  return {
    ...pagingAndRange(query),
    kind: choiceParameter(query, "kind", kinds),
    severity: choiceParameter(query, "severity", SEVERITIES),
    source: addressParameter(query, "source", { takesMac: true }),
    target: addressParameter(query, "target", { takesMac: true }),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
  };
}

/** Whether a parameter has the first of two values; undefined without it. Throws ParameterError. */
function oneOfTwo(
  query: URLSearchParams,
  name: string,
  values: readonly [string, string],
): boolean | undefined {
  const value = choiceParameter(query, name, values);
  return value === undefined ? undefined : value === values[0];
}

function paging(query: URLSearchParams): Paging {
  return {
    limit: wholeNumber(query, "limit", { min: 1, max: limitMax }),
    cursor: textParameter(query, "cursor", 400),
  };
}

function pagingAndRange(query: URLSearchParams): Paging & TimeRange {
  return { ...paging(query), ...timeRange(query) };
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
  /** Of the page that tells of it: 400 for what cannot be asked for. */
  readonly status: number;
}

/** Asks the database for a page: a refusal or a failure becomes words on it, not an error page. */
export function attempt<T>(ask: () => T, fallback: T): Attempt<T> {
  try {
    return { value: ask(), error: "", status: 200 };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const status = error instanceof RangeError ? 400 : 200;
    return { value: fallback, error: error.message, status };
  }
}

/** A list's page, empty with the reason when it cannot be read. */
export function listPage<Row>(ask: () => Page<Row>): PageResponse<Attempt<Page<Row>>> {
  const asked = attempt(ask, { rows: [], nextCursor: null });
  return page(asked, { status: asked.status });
}

/** The same as JSON: 400 for a wrong parameter, 503 for a database that cannot be read. */
export function listJson<Row>(name: string, ask: () => Page<Row>): Response {
  const { value, error, status } = attempt<Page<Row> | null>(ask, null);
  if (value === null) return errorJson(status === 400 ? 400 : 503, error);
  return Response.json({ [name]: value.rows, next_cursor: value.nextCursor });
}
