/**
 * The only SELECTs for people: the pages of the dashboard, its JSON interface and `export`. Opens the database
 * read-only, so it reads beside the writer and never holds it up; results have the tables' column names.
 *
 * Every query is bounded. Lists are read along an index, at most 1,000 rows a page and 50,000 looked at, fewer of an address (time_list.ts).
 * Sums over time read `stats` for six hours at most (21,600 rows) and `stats_minutes` beyond; sums by who and what read roll-ups, or
 * the newest 10,000 flows of the range, and say so (history.ts). `hosts` is at most some 200,000 rows and read whole.
 *
 * While the file does not exist all lists are empty. Methods throw RangeError for a bad filter, limit or cursor,
 * UsageError for a database that this version must not read, and StoreError when the database cannot be read.
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { ifThere, UsageError } from "../errors.ts";
import {
  type BookHost,
  countHosts,
  type DeviceHour,
  type FirstContact,
  type HostBook,
  type KnownDevice,
  readDevicesOf,
  readHost,
  readHosts,
  readHours,
  withDevices,
} from "./device_queries.ts";
import { toStoreError } from "./failure.ts";
import {
  type AgentHostRow,
  type AgentIncidentRow,
  type AgentRow,
  type AgentSumRow,
  type DeadLetterRow,
  findAgents,
  readAgentHosts,
  readAgentIncidents,
  readAgents,
  readAgentSeries,
  readAgentSums,
  readDeadLetters,
  readHostAgents,
} from "./fleet_queries.ts";
import {
  alertConditions,
  type AlertFilter,
  bounds,
  episodeConditions,
  type EpisodeFilter,
  type FirstContactFilter,
  type FlowFilter,
  gravity,
  type HostFilter,
  incidentConditions,
  type IncidentFilter,
  listValues,
  type PacketFilter,
  type ScanFilter,
} from "./filters.ts";
import type { FindingRole } from "../records.ts";
import type { SearchList } from "../search/fields.ts";
import { parseSearch } from "../search/parse.ts";
import { knownHostsMax, resolveAgents, resolveHosts } from "../search/resolve.ts";
import { searchSql } from "../search/sql.ts";
import { ALL, type SearchTree } from "../search/tree.ts";
import {
  type History,
  type HistoryPoint,
  type HistoryQuery,
  type NewHere,
  readGaps,
  readHistory,
  readNewHere,
  readSeries,
  readUsual,
  readWindows,
  type Usual,
} from "./history.ts";
import { lastingFlows } from "./flow_spans.ts";
import { lookupOf } from "./lookup.ts";
import { openForReading } from "./open.ts";
import {
  FLOWS_PER_RUN,
  STATS_COUNTERS,
  STATS_LEVELS,
  type StoredAlert,
  type StoredAnomaly,
  type StoredFlow,
  type StoredHost,
  type StoredIncident,
  type StoredMute,
  type StoredPacket,
  type StoredScan,
  type StoredStats,
} from "./schema.ts";
import {
  type Condition,
  type Count,
  countTimeList,
  type Page,
  readTimeList,
  rowsLookedAtMax,
  type TimeListQuery,
} from "./time_list.ts";

/** Counters summed and levels at their highest over `bucketUs` from each `ts_us`. Empty buckets are left out. */
interface StatsSeries {
  readonly bucketUs: number;
  readonly points: readonly StoredStats[];
}

/** Packets of a range of time, and those dropped by place. */
export interface PacketLosses {
  readonly packets: number;
  readonly kernel: number;
  readonly interface: number;
  readonly queue: number;
}

/** A finding of an incident: its row in `list`, and its role. */
interface IncidentFindingRow {
  readonly list: "scans" | "anomalies";
  readonly role: FindingRole;
  readonly row: Readonly<Record<string, SQLOutputValue>>;
}

/** Rows of each table. Of packets and flows the writer keeps count. */
interface RowCounts {
  readonly packets: number;
  readonly flows: number;
  readonly hosts: number;
  readonly anomalies: number;
  readonly scans: number;
  readonly incidents: number;
  readonly alerts: number;
}
/** How much is new, see FirstContact. */
export interface NewCounts {
  readonly devices: number;
  readonly services: number;
  readonly peers: number;
  /** Nothing before is told as new; null before the first traffic. */
  readonly learningUntilUs: number | null;
}
interface DatabaseSize {
  /** The file, and its write-ahead log. */
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes of the file that are free to be used again. */
  readonly freeBytes: number;
}

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
const secondsRangeMaxUs = 6 * 3600 * secondUs;
const pointCountMax = 300;
/** Sentences about a damaged file. */
const damagesMax = 10;
const findingFlowsMax = 200;
/** Findings of an incident of each list, and incidents taken up again. */
const incidentFindingsMax = 500;
const openIncidentsMax = 1000;
const findingsNamingMax = 200;
const alertsResumedMax = 10_000;
/** Mutes that may be in force. */
const mutesMax = 1000;

/** Of any of these lists. */
type AnyFindingFilter =
  & Omit<ScanFilter & IncidentFilter & AlertFilter, "order">
  & { readonly order?: string | undefined };
type FindingListName = "anomalies" | "scans" | "incidents" | "alerts";
const findingListConditions = {
  anomalies: episodeConditions,
  scans: episodeConditions,
  incidents: incidentConditions,
  alerts: alertConditions,
};

export class StoreQueries {
  readonly #path: string;
  #database: DatabaseSync | null = null;
  #inode: number | null = null;

  /** `path` is that of `packet_logs.db`; nothing is opened before the first question. */
  constructor(path: string) {
    this.#path = path;
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
  }

  /** What a search says, with the hosts that it names. Throws SearchError. */
  readSearch(list: SearchList, q = ""): SearchTree {
    return this.resolve(parseSearch(q, list).tree);
  }

  /** A search with the addresses of the hosts that it names. Throws SearchError. */
  resolve(tree: SearchTree): SearchTree {
    const resolved = resolveHosts(tree, (by, text) => this.#hostAddresses(by, text));
    return resolveAgents(
      resolved,
      (text) => this.#ask((database) => database && findAgents(database, text)),
    );
  }

  #hostAddresses(by: "name" | "mac", text: string): string[] {
    const isPattern = by === "name" && /[*?]/.test(text);
    const rows = this.#all(
      `SELECT address FROM hosts WHERE lower(${by}) ${isPattern ? "GLOB" : "="} ? LIMIT ?`,
      isPattern ? text.replaceAll("[", "[[]") : text,
      knownHostsMax + 1,
    );
    return rows.map(({ address }) => String(address));
  }

  packets(filter: PacketFilter = {}): Page<StoredPacket> {
    const query = this.#packetQuery(filter);
    return this.#ask((database) => readTimeList(database, query));
  }

  packetCount(filter: PacketFilter = {}): Count {
    return this.#count(this.#packetQuery(filter));
  }

  #packetQuery(filter: PacketFilter): TimeListQuery {
    return {
      list: "packets",
      time: "ts_us",
      ...bounds(filter),
      conditions: this.#searchConditions("packets", this.readSearch("packets", filter.q)),
      ...orderOf("packets", filter),
      limit: filter.limit,
      cursor: filter.cursor,
    };
  }

  #count(query: TimeListQuery): Count {
    return this.#ask((database) => countTimeList(database, query));
  }

  packet(id: number): StoredPacket | null {
    return this.#ask((database) =>
      database?.prepare("SELECT * FROM packets WHERE id = ?").get(id) as unknown as StoredPacket
    ) ?? null;
  }

  /** How many rows before this one say the same of a packet: of several at one moment, which one it is. */
  packetRank({ id, ts_us, wire_length, src, dst }: StoredPacket): number {
    return this.#ask((database) =>
      Number(
        database?.prepare(
          `SELECT count(*) AS rank FROM packets
           WHERE ts_us = ? AND id < ? AND wire_length = ? AND src = ? AND dst = ?`,
        ).get(ts_us, id, wire_length, src, dst)?.rank ?? 0,
      )
    );
  }

  /** The rows before and after this one in its flow, as far as one page of a list looks; null where there is none. */
  packetsBeside(
    { id, ts_us, flow_id }: StoredPacket,
  ): { readonly previous: number | null; readonly next: number | null } {
    if (flow_id === null) return { previous: null, next: null };
    const beside = (comparison: string, order: string) =>
      this.#ask((database) =>
        database?.prepare(
          `SELECT id FROM (SELECT id, flow_id FROM packets WHERE (ts_us, id) ${comparison} (?, ?)
             ORDER BY ts_us ${order}, id ${order} LIMIT ${rowsLookedAtMax})
           WHERE flow_id = ? LIMIT 1`,
        ).get(ts_us, id, flow_id)?.id as number | undefined
      ) ?? null;
    return { previous: beside("<", "DESC"), next: beside(">", "ASC") };
  }

  flows(filter: FlowFilter = {}): Page<StoredFlow> {
    const query = this.#flowQuery(filter);
    return this.#ask((database) => readTimeList(database, query));
  }

  flowCount(filter: FlowFilter = {}): Count {
    return this.#count(this.#flowQuery(filter));
  }

  #flowQuery(filter: FlowFilter): TimeListQuery {
    const { fromUs, toUs } = bounds(filter);
    const { lookup, rest } = lookupOf(this.readSearch("flows", filter.q));
    const conditions = this.#searchConditions("flows", rest);
    return {
      list: "flows",
      time: "end_us",
      fromUs,
      toUs,
      lasting: lastingFlows,
      ...(lookup && { lookup }),
      lookedAtMax: filter.lookedAtMax,
      conditions,
      ...orderOf("flows", filter),
      limit: filter.limit,
      cursor: filter.cursor,
    };
  }

  #searchConditions(list: SearchList, tree: SearchTree): Condition[] {
    return tree === ALL ? [] : [searchSql(tree, list)];
  }

  /** The flow with this `flows.id`; null when it is not (or no longer) there. */
  flow(id: number): StoredFlow | null {
    return this.#ask((database) =>
      database?.prepare("SELECT * FROM flows WHERE id = ?").get(id) as unknown as StoredFlow
    ) ?? null;
  }

  anomalies(filter: EpisodeFilter = {}): Page<StoredAnomaly> {
    return this.#page(this.#findingQuery("anomalies", filter));
  }

  scans(filter: ScanFilter = {}): Page<StoredScan> {
    return this.#page(this.#findingQuery("scans", filter));
  }

  /** Newest first by the time of their last evidence, unless another order is asked for. */
  incidents(filter: IncidentFilter = {}): Page<StoredIncident> {
    return this.#page(this.#findingQuery("incidents", filter));
  }

  findingCount(
    list: FindingListName,
    filter: AnyFindingFilter = {},
  ): Count {
    return this.#count(this.#findingQuery(list, filter));
  }

  /** Incidents that are open or not acknowledged, but for those of severity info; the gravest at most. */
  incidentsToLookAt(limit: number): readonly StoredIncident[] {
    return this.#all(
      `SELECT * FROM incidents WHERE (state = 'open' OR acknowledged_us IS NULL) AND severity <> 'info'
       ORDER BY ${gravity("last_us")} DESC, id DESC LIMIT ?`,
      limit,
    ) as unknown as StoredIncident[];
  }

  /** Incidents that began with what was done in this one, oldest first. */
  incidentsFrom(id: number): readonly StoredIncident[] {
    return this.#all(
      `SELECT * FROM incidents WHERE origin_id = ? ORDER BY first_us LIMIT ${incidentFindingsMax}`,
      id,
    ) as unknown as StoredIncident[];
  }

  /** Numbers of the incidents that findings of a list belong to, by the findings' ids. */
  incidentIds(
    list: "scans" | "anomalies",
    findingIds: readonly number[],
  ): ReadonlyMap<number, number> {
    const rows = this.#all(
      `SELECT finding_id, incident_id FROM incident_findings
       WHERE list = ? AND finding_id IN (SELECT value FROM json_each(?))`,
      list,
      JSON.stringify(findingIds),
    );
    return new Map(rows.map((row) => [Number(row.finding_id), Number(row.incident_id)]));
  }

  /** The row of `incidents` with this id; null when it is not (or no longer) there. */
  incident(id: number): StoredIncident | null {
    return this.#all("SELECT * FROM incidents WHERE id = ?", id)[0] as StoredIncident ?? null;
  }

  /** The findings of an incident that are (still) stored, with their roles, oldest first. */
  incidentFindings(id: number): readonly IncidentFindingRow[] {
    const of = (list: "scans" | "anomalies") =>
      this.#all(
        `SELECT role, ${list}.* FROM incident_findings JOIN ${list} ON ${list}.id = finding_id
         WHERE incident_id = ? AND list = '${list}' ORDER BY first_us LIMIT ${incidentFindingsMax}`,
        id,
      ).map(({ role, ...row }) => ({ list, role: role as FindingRole, row }));
    return [...of("scans"), ...of("anomalies")]
      .sort((a, b) => Number(a.row.first_us) - Number(b.row.first_us));
  }

  /** From the first to the last packet of the stored flows that are evidence of what an incident's actor did; null without any. */
  incidentFlowSpan(id: number): { readonly fromUs: number; readonly toUs: number } | null {
    const of = (part: "scan" | "anomaly", list: string) =>
      `SELECT flow_id FROM incident_findings JOIN ${part}_flows ON ${part}_id = finding_id
       WHERE incident_id = ? AND list = '${list}' AND role <> 'effect'`;
    const [row] = this.#all(
      `SELECT min(start_us) AS first, max(end_us) AS last FROM flows
       WHERE id IN (${of("scan", "scans")} UNION ${of("anomaly", "anomalies")})`,
      id,
      id,
    );
    if (row?.first === null || row?.first === undefined) return null;
    return { fromUs: Number(row.first), toUs: Number(row.last) };
  }

  /** The incident that a finding belongs to; null when it is (as yet) in none. */
  incidentOf(list: "scans" | "anomalies", findingId: number): StoredIncident | null {
    return this.#all(
      `SELECT incidents.* FROM incident_findings JOIN incidents ON incidents.id = incident_id
       WHERE list = ? AND finding_id = ?`,
      list,
      findingId,
    )[0] as StoredIncident ?? null;
  }

  /** Findings of a list within a stretch of time that name one of the addresses, the newest at most. */
  findingsNaming(
    list: "scans" | "anomalies",
    addresses: readonly string[],
    { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  ): readonly Readonly<Record<string, SQLOutputValue>>[] {
    const names = addresses.map((address) => JSON.stringify(address));
    const named = names.map(() => "instr(sources, ?) > 0 OR instr(targets, ?) > 0").join(" OR ");
    if (names.length === 0) return [];
    return this.#all(
      `SELECT * FROM ${list} WHERE last_us >= ? AND first_us <= ? AND (${named})
       ORDER BY last_us DESC LIMIT ${findingsNamingMax}`,
      fromUs,
      toUs,
      ...names.flatMap((name) => [name, name]),
    );
  }

  /** The highest number of a finding within a run; 0 without one. */
  lastFindingId(run: number): number {
    const [from, to] = [run * FLOWS_PER_RUN, (run + 1) * FLOWS_PER_RUN];
    const [row] = this.#all(
      `SELECT max(id) AS id FROM (SELECT max(id) AS id FROM scans WHERE id BETWEEN ? AND ?
       UNION ALL SELECT max(id) FROM anomalies WHERE id BETWEEN ? AND ?)`,
      ...[from, to - 1, from, to - 1],
    );
    return row?.id ? Number(row.id) - from : 0;
  }

  /** The newest incident of an actor within a stretch of time, of those up to a number; null without one. */
  incidentOfActor(
    actor: string,
    { fromUs, toUs, lastId, agents }: {
      readonly fromUs: number;
      readonly toUs: number;
      readonly lastId: number;
      /** On a hub: one of these has seen it. */
      readonly agents?: readonly number[];
    },
  ): StoredIncident | null {
    const own = agents === undefined
      ? ""
      : "AND EXISTS (SELECT 1 FROM json_each(agents) WHERE value IN (SELECT value FROM json_each(?)))";
    return this.#all(
      `SELECT * FROM incidents WHERE last_us >= ? AND first_us <= ? AND actor = ? AND id <= ? ${own}
       ORDER BY last_us DESC LIMIT 1`,
      fromUs,
      toUs,
      actor,
      lastId,
      ...(agents === undefined ? [] : [JSON.stringify(agents)]),
    )[0] as StoredIncident ?? null;
  }

  /** Incidents that an earlier run left open, the newest at most; and the highest number of any. */
  openIncidents(): { readonly rows: readonly StoredIncident[]; readonly lastId: number } {
    const rows = this.#all(
      `SELECT * FROM incidents WHERE state = 'open' ORDER BY id DESC LIMIT ${openIncidentsMax}`,
    ) as unknown as StoredIncident[];
    const [last] = this.#all("SELECT max(id) AS id FROM incidents");
    return { rows, lastId: Number(last?.id ?? 0) };
  }

  alerts(filter: AlertFilter = {}): Page<StoredAlert> {
    return this.#page(this.#findingQuery("alerts", filter));
  }

  /** The row of `alerts` with this id; null when it is not (or no longer) there. */
  alert(id: number): StoredAlert | null {
    return this.#all("SELECT * FROM alerts WHERE id = ?", id)[0] as StoredAlert ?? null;
  }

  /** What a new start has to know: alerts since `sinceUs` and all that wait, in order of time, and the highest numbers. */
  alertsToResume(sinceUs: number): {
    readonly rows: readonly StoredAlert[];
    readonly lastAlertId: number;
    readonly lastMuteId: number;
  } {
    const rows = this.#all(
      `SELECT * FROM alerts WHERE id IN (
         SELECT id FROM alerts WHERE ts_us >= ? UNION SELECT id FROM alerts WHERE state IN ('waiting', 'held'))
       ORDER BY id DESC LIMIT ${alertsResumedMax}`,
      Math.trunc(sinceUs),
    ) as unknown as StoredAlert[];
    const [last] = this.#all(
      "SELECT (SELECT max(id) FROM alerts) AS alert, (SELECT max(id) FROM mutes) AS mute",
    );
    return {
      rows: rows.reverse(),
      lastAlertId: Number(last?.alert ?? 0),
      lastMuteId: Number(last?.mute ?? 0),
    };
  }

  /** How many alerts each mute has held back, by its id; those that retention has not removed. */
  mutedCounts(): ReadonlyMap<number, number> {
    const rows = this.#all(
      `SELECT mute_id, count(*) AS held FROM alerts WHERE mute_id IS NOT NULL
       GROUP BY mute_id ORDER BY mute_id DESC LIMIT ${mutesMax}`,
    );
    return new Map(rows.map(({ mute_id, held }) => [Number(mute_id), Number(held)]));
  }

  /** All mutes, the newest first. */
  mutes(): readonly StoredMute[] {
    return this.#all(
      `SELECT * FROM mutes ORDER BY id DESC LIMIT ${mutesMax}`,
    ) as unknown as StoredMute[];
  }

  /** The row of `anomalies` with this id; null when it is not (or no longer) there. */
  anomaly(id: number): StoredAnomaly | null {
    return this.#all("SELECT * FROM anomalies WHERE id = ?", id)[0] as StoredAnomaly ?? null;
  }

  /** The row of `scans` with this id; null when it is not (or no longer) there. */
  scan(id: number): StoredScan | null {
    return this.#all("SELECT * FROM scans WHERE id = ?", id)[0] as StoredScan ?? null;
  }

  /** Flows that are evidence of a finding and are stored, oldest first. */
  findingFlows(list: "anomalies" | "scans", id: number): readonly StoredFlow[] {
    const part = list === "scans" ? "scan" : "anomaly";
    return this.#all(
      `SELECT flows.* FROM ${part}_flows JOIN flows ON flows.id = flow_id
       WHERE ${part}_id = ? ORDER BY start_us, flows.id LIMIT ${findingFlowsMax}`,
      id,
    ) as unknown as StoredFlow[];
  }

  /** Whether one of the flows is evidence of a finding. */
  isEvidence(list: "anomalies" | "scans", id: number, flowIds: readonly number[]): boolean {
    const part = list === "scans" ? "scan" : "anomaly";
    return this.#all(
      `SELECT 1 FROM ${part}_flows WHERE ${part}_id = ? AND flow_id IN (${
        flowIds.map(() => "?").join(", ")
      }) LIMIT 1`,
      id,
      ...flowIds,
    ).length > 0;
  }

  hostCount(filter: HostFilter = {}): Count {
    const tree = this.readSearch("hosts", filter.q);
    return this.#ask((database) => countHosts(database, tree));
  }

  /** Devices, and hosts that are of none. */
  hosts(filter: HostFilter = {}): Page<BookHost> {
    const tree = this.readSearch("hosts", filter.q);
    return this.#ask((database) => readHosts(database, tree, filter));
  }

  /** All that is known of the host with this number, MAC address or address; null when there is none. */
  hostBook(
    text: string,
    range: { readonly fromUs: number; readonly toUs: number },
  ): HostBook | null {
    return this.#ask((database) => database && readHost(database, text, range));
  }

  /** The devices that addresses belong to, by address; those of none are left out. */
  devicesOf(addresses: readonly string[]): Readonly<Record<string, KnownDevice>> {
    return this.#ask((database) => database === null ? {} : readDevicesOf(database, addresses));
  }

  /** Traffic by the hour of devices, by their numbers. */
  deviceHours(
    ids: readonly number[],
    sinceUs: number,
  ): Readonly<Record<number, readonly DeviceHour[]>> {
    return this.#ask((database) => database === null ? {} : readHours(database, ids, sinceUs));
  }

  /** What was met for the first time, newest first. */
  firstContacts(filter: FirstContactFilter = {}): Page<FirstContact> {
    const query = contactQuery(filter);
    return this.#ask((database) => {
      const page = readTimeList<Record<string, SQLOutputValue>>(database, query);
      return database === null ? { rows: [], nextCursor: null } : {
        rows: withDevices(database, page.rows),
        nextCursor: page.nextCursor,
      };
    });
  }

  firstContactCount(filter: FirstContactFilter = {}): Count {
    return this.#count(contactQuery(filter));
  }

  /** First contacts since a time by kind, and until when nothing is new; null before the first traffic. */
  newCounts(sinceUs: number): NewCounts {
    const rows = this.#all(
      "SELECT kind, count(*) AS n FROM first_contacts WHERE ts_us >= ? GROUP BY kind",
      Math.trunc(sinceUs),
    );
    const of = (kind: string) => Number(rows.find((row) => row.kind === kind)?.n ?? 0);
    const until = this.meta().learning_until_us;
    return {
      devices: of("device"),
      services: of("service"),
      peers: of("peer"),
      learningUntilUs: until === undefined ? null : Number(until),
    };
  }

  /** Incidents that name one of the addresses, the newest at most. */
  incidentsNaming(addresses: readonly string[], limit: number): readonly StoredIncident[] {
    const names = addresses.map((address) => JSON.stringify(address));
    if (names.length === 0) return [];
    const named = names.map(() => "instr(sources, ?) > 0 OR instr(targets, ?) > 0").join(" OR ");
    return this.#all(
      `SELECT * FROM incidents WHERE ${named} ORDER BY last_us DESC LIMIT ?`,
      ...names.flatMap((name) => [name, name]),
      limit,
    ) as unknown as StoredIncident[];
  }

  host(address: string): StoredHost | null {
    return this.#ask((database) =>
      database?.prepare("SELECT * FROM hosts WHERE address = ?")
        .get(address.toLowerCase()) as unknown as StoredHost
    ) ?? null;
  }

  /** Known names of hosts, else of their devices, by address. */
  hostNames(addresses: readonly string[]): Readonly<Record<string, string>> {
    const rows = this.#all(
      `SELECT hosts.address, coalesce(nullif(hosts.name, ''), devices.name) AS name
       FROM hosts LEFT JOIN devices ON devices.id = device_id
       WHERE hosts.address IN (SELECT value FROM json_each(?)) AND coalesce(nullif(hosts.name, ''), devices.name, '') <> ''`,
      JSON.stringify(addresses.map((address) => address.toLowerCase())),
    );
    return Object.fromEntries(rows.map(({ address, name }) => [String(address), String(name)]));
  }

  /** Of a hub, as all that speak of agents: see fleet_queries.ts. */
  agents(): readonly AgentRow[] {
    return this.#ask((database) => database && readAgents(database)) ?? [];
  }

  deadLetters(limit: number): readonly DeadLetterRow[] {
    return this.#ask((database) => database && readDeadLetters(database, limit)) ?? [];
  }

  agentSums(asked: Parameters<typeof readAgentSums>[1]): readonly AgentSumRow[] {
    return this.#ask((database) => database && readAgentSums(database, asked)) ?? [];
  }

  agentSeries(asked: Parameters<typeof readAgentSeries>[1]): readonly AgentSumRow[] {
    return this.#ask((database) => database && readAgentSeries(database, asked)) ?? [];
  }

  agentHosts(agent: number, limit: number): readonly AgentHostRow[] {
    return this.#ask((database) => database && readAgentHosts(database, agent, limit)) ?? [];
  }

  hostAgents(addresses: readonly string[]): ReturnType<typeof readHostAgents> {
    return this.#ask((database) => database && readHostAgents(database, addresses)) ?? {};
  }

  agentIncidents(incidentId: number, limit: number): readonly AgentIncidentRow[] {
    return this.#ask((database) => database && readAgentIncidents(database, incidentId, limit)) ??
      [];
  }

  /** Packets captured and dropped in a range; null when no second of it was recorded. */
  losses(fromUs: number, toUs: number): PacketLosses | null {
    const [row] = this.#all(
      `SELECT count(*) AS seconds, sum(packets) AS packets, sum(kernel_drops) AS kernel,
         sum(interface_drops) AS interface, sum(queue_drops) AS queue
       FROM stats WHERE ts_us >= ? AND ts_us < ?`,
      fromUs,
      toUs,
    );
    if (!row || row.seconds === 0) return null;
    const { seconds: _, ...losses } = row;
    return losses as unknown as PacketLosses;
  }

  /** Traffic time of the newest recorded second; null for none. */
  newestSecondUs(): number | null {
    return this.#all("SELECT max(ts_us) AS ts_us FROM stats")[0]?.ts_us as number | null ?? null;
  }

  /** What is wrong inside the file, a few sentences of SQLite's; reads all tables but those left out, and their indexes. */
  damages(leftOut: readonly string[] = []): string[] {
    const tables = this.#all("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .map(({ name }) => String(name)).filter((name) => !leftOut.includes(name));
    const rows = leftOut.length === 0
      ? this.#all(`PRAGMA quick_check(${damagesMax})`)
      : tables.flatMap((name) => this.#all(`PRAGMA quick_check('${name.replaceAll("'", "''")}')`));
    return rows.flatMap((row) => String(Object.values(row)[0]).split("\n"))
      .filter((line) => line !== "ok" && !line.startsWith("***")).slice(0, damagesMax);
  }

  /** What happened from `fromUs` to `toUs`, in at most `pointCount` (300) buckets of whole seconds or minutes; `columns` if not all. */
  stats(
    { fromUs, toUs }: { fromUs: number; toUs: number },
    pointCount = pointCountMax,
    columns: readonly string[] = [...STATS_COUNTERS, ...STATS_LEVELS],
  ): StatsSeries {
    checkStats(fromUs, toUs, pointCount);
    const spanUs = toUs - fromUs;
    const isFine = spanUs <= secondsRangeMaxUs;
    const unitUs = isFine ? secondUs : minuteUs;
    // One bucket is spare: neither end of the range needs to be the edge of a bucket.
    const bucketUs = Math.ceil(spanUs / Math.max(1, pointCount - 1) / unitUs) * unitUs;
    const sums = [
      ...STATS_COUNTERS.map((column) => [column, `sum(${column})`] as const),
      ...STATS_LEVELS.map((column) => [column, `max(${column})`] as const),
    ].filter(([column]) => columns.includes(column)).map(([column, sum]) => `${sum} AS ${column}`);
    // A question for each bucket: grouping all rows at once sorts them first, which takes twice as long.
    const points = this.#ask((database) => {
      const bucket = database?.prepare(
        `SELECT count(*) AS rows, ${sums.join(", ")} FROM ${isFine ? "stats" : "stats_minutes"}
         WHERE ts_us >= ? AND ts_us < ?`,
      );
      const found: StoredStats[] = [];
      for (let us = Math.floor(fromUs / bucketUs) * bucketUs; us < toUs; us += bucketUs) {
        const firstUs = Math.max(us, Math.floor(fromUs / unitUs) * unitUs);
        const row = bucket?.get(firstUs, Math.min(us + bucketUs, toUs));
        if (!row || row.rows === 0) continue;
        const { rows: _, ...rest } = row;
        found.push({ ts_us: us, ...rest } as unknown as StoredStats);
      }
      return found;
    });
    return { bucketUs, points };
  }

  /** Who and what had how much, of what a search finds; null without a database. Throws SearchError. */
  history({ q, ...query }: Omit<HistoryQuery, "tree"> & { readonly q: string }): History | null {
    const tree = this.readSearch("flows", q);
    return this.#ask((database) => database && readHistory(database, { ...query, tree }));
  }

  /** The series of a history alone. Throws SearchError. */
  historySeries(
    { q, ...query }: Omit<HistoryQuery, "tree" | "limit"> & { readonly q: string },
  ): readonly HistoryPoint[] {
    const tree = this.readSearch("flows", q);
    return this.#ask((database) => database && readSeries(database, { ...query, tree })) ?? [];
  }

  /** Windows that detection judged, and unusual ones among them, in buckets. */
  windows(query: Omit<HistoryQuery, "tree" | "limit">): ReturnType<typeof readWindows> {
    return this.#ask((database) => database && readWindows(database, query)) ?? [];
  }

  /** First contacts of a stretch: how many, and the newest. */
  newHere(
    query: { readonly fromUs: number; readonly toUs: number; readonly limit: number },
  ): NewHere {
    return this.#ask((database) => database && readNewHere(database, query)) ??
      { count: 0, rows: [] };
  }

  /** The usual range of traffic in the hours of a stretch. */
  usual(range: { readonly fromUs: number; readonly toUs: number }): Usual {
    return this.#ask((database) => database && readUsual(database, range)) ??
      { weeks: 0, hours: [] };
  }

  /** Stretches of time in which nothing was captured. */
  gaps(range: { readonly fromUs: number; readonly toUs: number }): ReturnType<typeof readGaps> {
    return this.#ask((database) => database && readGaps(database, range)) ?? [];
  }

  counts(): RowCounts {
    const meta = this.meta();
    const count = (table: string) =>
      Number(this.#all(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0);
    return {
      packets: Number(meta.packets_rows ?? 0),
      flows: Number(meta.flows_rows ?? 0),
      hosts: count("hosts"),
      anomalies: count("anomalies"),
      scans: count("scans"),
      incidents: count("incidents"),
      alerts: count("alerts"),
    };
  }

  size(): DatabaseSize {
    const free = this.#all(
      "SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size",
    );
    return {
      fileBytes: fileBytes(this.#path),
      walBytes: fileBytes(`${this.#path}-wal`),
      freeBytes: Number(free[0]?.bytes ?? 0),
    };
  }

  /** Oldest and newest time of `packets` and `flows` together; null while both are empty. */
  span(): { readonly oldestUs: number; readonly newestUs: number } | null {
    const [row] = this.#all(
      `SELECT min(oldest) AS oldest, max(newest) AS newest FROM (
         SELECT (SELECT min(ts_us) FROM packets) AS oldest, (SELECT max(ts_us) FROM packets) AS newest
         UNION ALL SELECT (SELECT min(end_us) FROM flows), (SELECT max(end_us) FROM flows))`,
    );
    if (!row || row.oldest === null) return null;
    return { oldestUs: Number(row.oldest), newestUs: Number(row.newest) };
  }

  /** All of `meta`: schema_version, tool_version, created_us, runs, packets_rows, flows_rows. */
  meta(): Readonly<Record<string, string | number>> {
    return Object.fromEntries(
      this.#all("SELECT key, value FROM meta").map((
        { key, value },
      ) => [String(key), value as string | number]),
    );
  }

  #findingQuery(
    list: FindingListName,
    filter: AnyFindingFilter,
  ): TimeListQuery {
    const conditions = findingListConditions[list]({ ...filter, order: undefined });
    const { limit, cursor } = filter;
    return {
      list,
      time: list === "scans" || list === "incidents" ? "last_us" : "ts_us",
      ...bounds(filter),
      conditions: [
        ...conditions,
        ...this.#searchConditions(list, this.readSearch(list, filter.q)),
      ],
      ...orderOf(list, filter),
      limit,
      cursor,
    };
  }

  #page<Row>(query: TimeListQuery): Page<Row> {
    return this.#ask((database) => readTimeList(database, query));
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return this.#ask((database) => database?.prepare(sql).all(...parameters)) ?? [];
  }

  #ask<Result>(question: (database: DatabaseSync | null) => Result): Result {
    try {
      return question(this.#opened());
    } catch (error) {
      if (error instanceof RangeError || error instanceof UsageError) throw error;
      this.close();
      throw toStoreError(error, this.#path);
    }
  }

  /** The database, opened anew when the file was set aside or removed and begun again. */
  #opened(): DatabaseSync | null {
    const inode = inodeOf(this.#path);
    if (this.#database && inode === this.#inode) return this.#database;
    this.close();
    this.#inode = inode;
    this.#database = openForReading(this.#path);
    return this.#database;
  }
}

/** Nothing for a list's own order. */
function orderOf(
  list: keyof typeof listValues,
  { order, isAscending = false }: {
    readonly order?: string | undefined;
    readonly isAscending?: boolean | undefined;
  },
): Pick<TimeListQuery, "order"> {
  const values: Readonly<Record<string, string>> = listValues[list];
  const [own] = Object.keys(values);
  const name = order ?? own!;
  if (name === own && !isAscending) return {};
  return { order: { name, sql: values[name]!, isAscending } };
}

function contactQuery(filter: FirstContactFilter): TimeListQuery {
  const { kind, deviceId, limit, cursor } = filter;
  const conditions: Condition[] = [];
  if (kind !== undefined) conditions.push({ sql: "kind = ?", parameters: [kind] });
  if (deviceId !== undefined) conditions.push({ sql: "device_id = ?", parameters: [deviceId] });
  return { list: "first_contacts", time: "ts_us", ...bounds(filter), conditions, limit, cursor };
}

function checkStats(fromUs: number, toUs: number, pointCount: number): void {
  bounds({ fromUs, toUs });
  if (toUs <= fromUs) throw new RangeError(`Cannot sum up: toUs ${toUs} is not after ${fromUs}`);
  if (!Number.isInteger(pointCount) || pointCount < 2 || pointCount > pointCountMax) {
    throw new RangeError(
      `Cannot sum up: points must be from 2 to ${pointCountMax}, got ${pointCount}`,
    );
  }
}

function inodeOf(path: string): number | null {
  return ifThere(() => Deno.statSync(path).ino);
}

function fileBytes(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw toStoreError(error, path);
  }
}
