/** The lists of pages and `/api`: a query string in, a bounded page of rows out. */
import { page, type PageResponse } from "fresh";
import {
  ALERT_KINDS,
  ALERT_STATES,
  APPLICATION_NAMES,
  FINDING_KINDS,
  FIRST_CONTACT_KINDS,
  type PacketRow,
  SCAN_KINDS,
  SCAN_PROBES,
  SEVERITIES,
  TRANSPORT_NAMES,
} from "../../agent/records.ts";
import type {
  AlertFilter,
  EpisodeFilter,
  FirstContactFilter,
  FlowFilter,
  HostFilter,
  IncidentFilter,
  PacketFilter,
  Paging,
  ScanFilter,
  TimeRange,
} from "../../agent/store/filters.ts";
import { chipsOf, narrow, narrower, quoteValue, term } from "../../agent/search/edit.ts";
import type { SearchList, SearchSubject } from "../../agent/search/fields.ts";
import { placeColumns, placedRow } from "../../agent/geo/places.ts";
import { parseSearch } from "../../agent/search/parse.ts";
import { SearchError } from "../../agent/search/search_error.ts";
import { HOST_ORDERS, ordersOf } from "../../agent/store/filters.ts";
import { csvHeader, csvRow, type Row as CsvRow } from "../../agent/store/csv.ts";
import {
  ALERT_COLUMNS,
  ANOMALY_COLUMNS,
  BOOK_COLUMNS,
  FIRST_CONTACT_COLUMNS,
  FLOW_COLUMNS,
  INCIDENT_COLUMNS,
  INCIDENT_HUMAN_COLUMNS,
  PACKET_COLUMNS,
  SCAN_COLUMNS,
  type StoredPacket,
} from "../../agent/store/schema.ts";
import type { StoreQueries } from "../../agent/store/queries.ts";
import type { StoreReader } from "../../agent/store/reader.ts";
import { withLists } from "../../agent/store/finding_rows.ts";
import type { Count, Page } from "../../agent/store/time_list.ts";
import { formatCount } from "../../components/format.ts";
import type { ShownSearch } from "../../components/SearchChips.tsx";
import { fromWire } from "../../components/wire.ts";
import {
  addressParameter,
  checkNames,
  choiceParameter,
  ParameterError,
  textParameter,
  timeRange,
  wholeNumber,
} from "./parameters.ts";
import { AGENT_COLUMNS } from "./agent_columns.ts";
import { errorJson } from "./plain_answers.ts";
import type { State } from "./state.ts";

const limitMax = 1000;
/** Rows of a page. */
export const limitDefault = 100;
/** Rows of one at most: the main thread draws some ten a millisecond. */
const shownMax = 150;
const pagingNames = ["limit", "cursor"];
const rangeNames = ["from", "to", "q"];
const sortingNames = ["order", "direction"];
const protocols = [...TRANSPORT_NAMES, ...APPLICATION_NAMES].filter((name) => name !== "");
const anomalyKinds = FINDING_KINDS.filter((kind) => kind !== "scan");

/** Parameters that say what a search says too, by list, besides `q`. */
const searchParameters = {
  flows: ["protocol", "host", "port", "state", "name", "text"],
  packets: ["protocol", "host", "port", "text", "flow"],
  hosts: ["text", "local"],
} as const;
type SearchedList = keyof typeof searchParameters;

export function packetFilter(query: URLSearchParams): PacketFilter {
  checkNames(query, [...searchParameters.packets, ...sortingNames, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    ...sorting(query, ordersOf("packets")),
    q: searchText("packets", query),
  };
}

export function flowFilter(query: URLSearchParams): FlowFilter {
  const own = [...searchParameters.flows, "agent", ...sortingNames];
  checkNames(query, [...own, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    ...sorting(query, ordersOf("flows")),
    q: ofAgent("flows", query, searchText("flows", query)),
  };
}

export function hostFilter(query: URLSearchParams): HostFilter {
  const own = [...searchParameters.hosts, "agent", ...sortingNames];
  checkNames(query, ["q", ...own, ...pagingNames]);
  return {
    ...paging(query),
    ...sorting(query, HOST_ORDERS),
    q: ofAgent("hosts", query, searchText("hosts", query)),
  };
}

/** Of /hosts/new. */
export function firstContactFilter(query: URLSearchParams): FirstContactFilter {
  checkNames(query, ["kind", "device", ...rangeNames, ...pagingNames]);
  return {
    ...paging(query),
    ...timeRange(query),
    kind: choiceParameter(query, "kind", FIRST_CONTACT_KINDS),
    deviceId: wholeNumber(query, "device", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
}

/**
 * The search of an address: `q`, and what the other parameters say, in one text. Throws SearchError for what is wrong in `q`, and
 * ParameterError for the others.
 */
function searchText(
  list: SearchedList,
  query: URLSearchParams,
): string {
  let text = query.get("q")?.trim() ?? "";
  parseSearch(text, list);
  for (const name of searchParameters[list]) {
    const own = parameterTerm(query, name);
    if (own === null) continue;
    checkTerm(list, name, own);
    text = narrow(text, own, list);
  }
  return text;
}

/** What a list's page shows of its search, also of one that is refused. */
export function shownSearch(list: SearchList, url: URL): ShownSearch {
  const names = list in searchParameters ? searchParameters[list as SearchedList] : [];
  const replaced = ["cursor", ...names];
  let text = url.searchParams.get("q")?.trim() ?? "";
  try {
    if (names.length > 0) text = searchText(list as SearchedList, url.searchParams);
    const chips = chipsOf(text, list).map(({ text, isNot, without }) => ({
      text,
      isNot,
      href: searchLink(url, without, replaced),
    }));
    return { list, text, chips, replaced };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { list, text, chips: [], replaced };
  }
}

/** The same page with another search, from its first row. */
export function searchLink(url: URL, q: string, dropped: readonly string[]): string {
  const query = new URLSearchParams(url.search);
  // A form sends what was left empty, too.
  const isEmpty = (name: string) => query.get(name) === "";
  for (const name of [...dropped, ...[...query.keys()].filter(isEmpty)]) query.delete(name);
  if (q === "") query.delete("q");
  else query.set("q", q);
  return query.size === 0 ? url.pathname : `${url.pathname}?${query}`;
}

/** The links of a list's rows: the same page with one more term, for which its address is taken apart once. */
export function narrowingLinks(
  url: URL,
  { list, text, replaced }: ShownSearch,
): (term: string) => string {
  const narrowed = narrower(text, list);
  const [before, after] = searchLink(url, "*", replaced).split(/(?<=[?&])q=\*(?=&|$)/);
  return (term) => `${before}${new URLSearchParams({ q: narrowed(term) })}${after}`;
}

/** A parameter as a search says it; null without it. Throws ParameterError. */
export function parameterTerm(query: URLSearchParams, name: string): string | null {
  const value = textParameter(query, name);
  if (value === undefined) return null;
  if (name === "protocol") {
    const protocol = choiceParameter(query, name, protocols)!;
    return term(isTransport(protocol) ? "proto" : "service", protocol);
  }
  if (name === "port") return term(name, wholeNumber(query, name, { min: 0, max: 65_535 })!);
  if (name === "flow") {
    return term(name, wholeNumber(query, name, { min: 0, max: Number.MAX_SAFE_INTEGER })!);
  }
  if (name === "local") return term(name, oneOfTwo(query, name, ["1", "0"]) ? "yes" : "no");
  if (name === "text") return quoteValue(value);
  if (name === "name") return `name ${quoteValue(`*${value}*`)}`;
  return `${name} ${quoteValue(value)}`;
}

/** Throws ParameterError: a refusal names the parameter, not a place in a text that nobody typed. */
export function checkTerm(list: SearchSubject, name: string, text: string): void {
  try {
    parseSearch(text, list);
  } catch (error) {
    if (error instanceof SearchError) throw new ParameterError(`${name}: ${error.detail}`);
    throw error;
  }
}

function isTransport(name: string): boolean {
  return (TRANSPORT_NAMES as readonly string[]).includes(name);
}

/** Of /anomalies. */
export function anomalyFilter(query: URLSearchParams): EpisodeFilter {
  checkNames(query, findingNames);
  return {
    ...findingFilter("anomalies", query, anomalyKinds),
    ...sorting(query, ordersOf("anomalies")),
  };
}

/** Of /scans. */
export function scanFilter(query: URLSearchParams): ScanFilter {
  checkNames(query, [...findingNames, "probe"]);
  return {
    ...findingFilter("scans", query, SCAN_KINDS),
    ...sorting(query, ordersOf("scans")),
    probe: choiceParameter(query, "probe", SCAN_PROBES),
  };
}

export function alertFilter(query: URLSearchParams): AlertFilter {
  const own = ["kind", "severity", "state", "incident", "mute", ...sortingNames];
  checkNames(query, [...own, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    ...sorting(query, ordersOf("alerts")),
    kind: choiceParameter(query, "kind", ALERT_KINDS),
    severity: choiceParameter(query, "severity", SEVERITIES),
    state: choiceParameter(query, "state", ALERT_STATES),
    incidentId: wholeNumber(query, "incident", { min: 0, max: Number.MAX_SAFE_INTEGER }),
    muteId: wholeNumber(query, "mute", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
}

/** Of /incidents. */
export function incidentFilter(query: URLSearchParams): IncidentFilter {
  const own = ["severity", "kind", "actor", "source", "target", "state", "acknowledged", "agent"];
  checkNames(query, [...own, ...sortingNames, ...rangeNames, ...pagingNames]);
  return {
    ...pagingAndRange(query),
    q: ofAgent("incidents", query, query.get("q")),
    ...sorting(query, ordersOf("incidents")),
    kind: choiceParameter(query, "kind", FINDING_KINDS),
    severity: choiceParameter(query, "severity", SEVERITIES),
    actor: addressParameter(query, "actor", { takesMac: true }),
    source: addressParameter(query, "source", { takesMac: true }),
    target: addressParameter(query, "target", { takesMac: true }),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
    isAcknowledged: oneOfTwo(query, "acknowledged", ["yes", "no"]),
  };
}

const findingNames = ["source", "target", "kind", "severity", "state", "agent", ...rangeNames]
  .concat(sortingNames, pagingNames);

function findingFilter(
  list: "scans" | "anomalies",
  query: URLSearchParams,
  kinds: readonly string[],
): Omit<EpisodeFilter, "order"> {
  return {
    ...pagingAndRange(query),
    q: ofAgent(list, query, query.get("q")),
    kind: choiceParameter(query, "kind", kinds),
    severity: choiceParameter(query, "severity", SEVERITIES),
    source: addressParameter(query, "source", { takesMac: true }),
    target: addressParameter(query, "target", { takesMac: true }),
    isOpen: oneOfTwo(query, "state", ["open", "closed"]),
  };
}

/** The search with `agent`, which on a hub is the name of the one that told it. Throws SearchError. */
function ofAgent(list: SearchList, query: URLSearchParams, q: string | null): string | undefined {
  const name = textParameter(query, "agent");
  return name === undefined ? q ?? undefined : narrow(q ?? "", term("agent", name), list);
}

/** Whether a list is narrowed by what rows that arrive later cannot be tried on. */
export function isSearched({ searchParams }: URL): boolean {
  return Boolean(searchParams.get("q") || searchParams.get("agent"));
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

function sorting<Order extends string>(
  query: URLSearchParams,
  orders: readonly Order[],
): { readonly order: Order | undefined; readonly isAscending: boolean | undefined } {
  return {
    order: choiceParameter(query, "order", orders),
    isAscending: oneOfTwo(query, "direction", ["up", "down"]),
  };
}

/** With the search; of flows, packets and hosts searchText() says more. */
function pagingAndRange(query: URLSearchParams): Paging & TimeRange & { q: string | undefined } {
  return { ...paging(query), ...timeRange(query), q: query.get("q") ?? undefined };
}

/** A stored packet with the names that the components use. */
export function toPacketRow(row: StoredPacket): PacketRow & { readonly id: number } {
  const packet = fromWire<PacketRow & { id: number; flowId: number | null }>(row);
  return { ...packet, flowId: packet.flowId ?? 0 };
}

/** An answer of the database, or `fallback` and why there is none. */
interface Attempt<T> {
  readonly value: T;
  /** A sentence for people; "" when all is well. */
  readonly error: string;
  /** Of the page that tells of it: 400 for what cannot be asked for. */
  readonly status: number;
}

/** Asks the database for a page: a refusal or a failure becomes words on it, not an error page. */
export async function attempt<T>(ask: () => T | Promise<T>, fallback: T): Promise<Attempt<T>> {
  try {
    return { value: await ask(), error: "", status: 200 };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const status = error instanceof RangeError ? 400 : 200;
    return { value: fallback, error: withRemedy(error.message), status };
  }
}

function withRemedy(message: string): string {
  return /\bis damaged$/.test(message)
    ? `${message}. tapwatch moves a damaged database aside and begins a new one; if this stays, start it again.`
    : message;
}

/** A page of a list, the first with how many rows there are in all. */
export interface CountedPage<Row> extends Page<Row> {
  readonly total: Count | null;
}
export const emptyPage = { rows: [], nextCursor: null, total: null };

/** A page of a list and its count, which pages after the first do without. */
export async function counted<Row>(
  { cursor, limit = limitDefault }: Paging,
  asked: Promise<Page<Row>>,
  count: () => Promise<Count>,
): Promise<CountedPage<Row>> {
  const page = await asked;
  if (cursor !== undefined) return { ...page, total: null };
  const isAll = page.rows.length < limit;
  return withTotal(page, isAll ? countOf(page) : await count());
}

/** A full page may hold the last row: nothing leads on from it then. */
export function withTotal<Row>(page: Page<Row>, total: Count): CountedPage<Row> {
  const isLast = !total.isMore && page.rows.length >= total.count;
  return { ...page, ...isLast && { nextCursor: null }, total };
}

/** Of a page that is not full: it has looked as far as a count would. */
export function countOf({ rows, nextCursor }: Page<unknown>): Count {
  return { count: rows.length, isMore: nextCursor !== null };
}

/** The same of a page for people, which draws less at a time than programs may read. */
export function shown<Filter extends Paging>(filter: Filter): Filter {
  return { ...filter, limit: Math.min(filter.limit ?? limitDefault, shownMax) };
}

/** A page of findings, incidents or alerts. */
export function countedFindings<List extends "scans" | "anomalies" | "incidents" | "alerts">(
  queries: StoreReader,
  list: List,
  filter: NonNullable<Parameters<StoreQueries[List]>[0]>,
): Promise<CountedPage<ReturnType<StoreQueries[List]>["rows"][number]>> {
  type Row = ReturnType<StoreQueries[List]>["rows"][number];
  const ask = queries[list] as (asked: typeof filter) => Promise<Page<Row>>;
  return counted(filter, ask(filter), () => queries.findingCount(list, filter));
}

/** "100 of 2,418 flows", "more than 10,000 packets, the newest 25,000 sorted"; "" on a page without a count. */
export function countText(
  { rows, total, sortedNewest }: CountedPage<unknown>,
  [one, many]: readonly [one: string, many: string],
): string {
  if (total === null || total.count === 0 && !total.isMore) return "";
  const all = `${total.isMore ? "more than " : ""}${formatCount(total.count)}`;
  const part = rows.length < total.count || total.isMore ? `${formatCount(rows.length)} of ` : "";
  const sorted = sortedNewest === undefined
    ? ""
    : `, the newest ${formatCount(sortedNewest)} sorted`;
  return `${part}${all} ${total.count === 1 && !total.isMore ? one : many}${sorted}`;
}

/** A list's page, empty with the reason when it cannot be read. */
export async function listPage<Row>(
  ask: () => Promise<CountedPage<Row>>,
): Promise<PageResponse<Attempt<CountedPage<Row>>>> {
  const asked = await attempt(ask, emptyPage);
  return page(asked, { status: asked.status });
}

/** Columns of each list as CSV. */
const csvColumns = {
  flows: [...FLOW_COLUMNS, "state"],
  packets: ["id", ...PACKET_COLUMNS],
  hosts: BOOK_COLUMNS,
  first_contacts: FIRST_CONTACT_COLUMNS,
  scans: SCAN_COLUMNS,
  anomalies: ANOMALY_COLUMNS,
  incidents: [...INCIDENT_COLUMNS, ...INCIDENT_HUMAN_COLUMNS],
  alerts: ALERT_COLUMNS,
  agents: AGENT_COLUMNS,
} as const;

const hasLists: ReadonlySet<string> = new Set(["scans", "anomalies", "incidents"]);

interface Asked {
  readonly url: URL;
  readonly req: Request;
  readonly state?: Pick<State, "agents">;
}
/** With what else the JSON says. */
type ListedPage<Row> = CountedPage<Row> & { readonly beside?: object };

/**
 * A list for programs: JSON, or CSV when that is asked for (`format`, or the Accept header). 400 for a wrong parameter, 503 for a
 * database that cannot be read.
 */
export async function listAnswer<Row extends object>(
  name: keyof typeof csvColumns,
  asked: Asked,
  ask: (query: URLSearchParams) => Promise<ListedPage<Row>>,
): Promise<Response> {
  const answer = await attempt(async () => {
    const { isCsv, page } = readList(asked, ask);
    return { isCsv, page: await page };
  }, null);
  return writeList(name, asked, answer);
}

function readList<Answer>({ url, req }: Asked, ask: (query: URLSearchParams) => Answer) {
  const query = new URLSearchParams(url.search);
  const isCsv = wantsCsv(query, req);
  query.delete("format");
  return { isCsv, page: ask(query) };
}

function writeList<Row extends object>(
  name: keyof typeof csvColumns,
  { url, state }: Asked,
  { value, error, status }: Attempt<{ isCsv: boolean; page: ListedPage<Row> } | null>,
): Response {
  if (value === null) return errorJson(status === 400 ? 400 : 503, error);
  const { nextCursor, total, sortedNewest, beside } = value.page;
  const rows = value.page.rows.map((row) => withAgents(placedRow(name, row), state?.agents));
  if (!value.isCsv) {
    return Response.json({
      [name]: hasLists.has(name) ? rows.map(withLists) : rows,
      next_cursor: nextCursor,
      total: total && { count: total.count, is_more: total.isMore },
      ...(sortedNewest !== undefined && { sorted_newest: sortedNewest }),
      ...beside,
    });
  }
  const columns = [
    ...csvColumns[name],
    ...placeColumns(name),
    ...agentColumns.filter((column) => rows[0] !== undefined && column in rows[0]),
  ];
  const lines = rows.map((row) => csvRow(row as CsvRow, columns));
  return new Response(csvHeader(columns) + lines.join(""), {
    headers: {
      "content-type": "text/csv; charset=utf-8; header=present",
      "content-disposition": `attachment; filename="tapwatch-${name}.csv"`,
      ...(nextCursor !== null && { link: `<${nextPath(url, nextCursor)}>; rel="next"` }),
    },
  });
}

/** Of a hub: the numbers of agents in rows, and their names. */
const agentColumns = ["agent", "agent_name", "agents", "agent_names"];

function withAgents<Row extends object>(row: Row, agents: State["agents"]): Row {
  if (agents === undefined) return row;
  const nameOf = (id: unknown) => agents.get(Number(id))?.name ?? "";
  const { agent, agents: listed } = row as { readonly agent?: unknown; readonly agents?: unknown };
  if (agent !== undefined) return { ...row, agent_name: nameOf(agent) };
  if (typeof listed !== "string") return row;
  const ids: unknown[] = JSON.parse(listed);
  return { ...row, agents: ids, agent_names: ids.map(nameOf) };
}

function wantsCsv(query: URLSearchParams, req: Request): boolean {
  if (query.getAll("format").length > 1) {
    throw new ParameterError("format can be given only once");
  }
  const format = choiceParameter(query, "format", ["json", "csv"]);
  if (format !== undefined) return format === "csv";
  const accepted = (req.headers.get("accept") ?? "").split(",").map((type) =>
    type.split(";")[0]!.trim()
  );
  return accepted.includes("text/csv") && !accepted.includes("application/json");
}

function nextPath(url: URL, cursor: string): string {
  const query = new URLSearchParams(url.search);
  query.set("cursor", cursor);
  return `${url.pathname}?${query}`;
}
