/** What people ask of hosts: a part of StoreQueries. A list has a row for each device, and for each host that is of none. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { searchSql } from "../search/sql.ts";
import { ALL, type SearchTree } from "../search/tree.ts";
import { type FirstContactKind, isUnspecified } from "../records.ts";
import { decodeHostCursor, encodeHostCursor } from "./cursor.ts";
import { type HostFilter, hostValues } from "./filters.ts";
import type { StoredHost } from "./schema.ts";
import { checkLimit, type Condition, type Count, countMax, type Page } from "./time_list.ts";

/** A device with sums over all its addresses, or a host that is of none. */
export interface BookHost extends StoredHost {
  /** Of a device; null for another host. */
  readonly id: number | null;
  /** MAC address, or the address. */
  readonly key: string;
  readonly is_router: number;
  /** Seen last first, at most ADDRESSES_MAX. */
  readonly addresses: readonly string[];
  /** Peers of a device; null for another host. */
  readonly peers: number | null;
  /** What a device offers, as "tcp/554", the one used last first. */
  readonly offers: readonly string[];
  /** Gravest incident that is open or not acknowledged with one of its addresses as source; "" without one. */
  readonly severity: string;
}
interface DeviceName {
  readonly origin: string;
  readonly name: string;
  readonly first_us: number;
}
export interface DeviceService {
  /** 1 for what the device offers, 0 for what it uses. */
  readonly is_offered: number;
  readonly proto: string;
  readonly port: number;
  readonly service: string;
  readonly first_us: number;
  readonly last_us: number;
  readonly is_new: number;
}
export interface DevicePeer {
  readonly peer: string;
  readonly name: string;
  /** Of the first contact; null where it is not kept. */
  readonly first_us: number | null;
  readonly last_us: number;
  readonly is_new: number;
  /** Within the range that was asked for. */
  readonly flows: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
}
export interface DeviceHour {
  readonly hour_us: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
}
/** All that is known of one host. */
export interface HostBook {
  readonly host: BookHost;
  readonly addresses: readonly StoredHost[];
  readonly names: readonly DeviceName[];
  readonly services: readonly DeviceService[];
  /** Those with most bytes. */
  readonly peers: readonly DevicePeer[];
  /** True when there were too many flows and older ones are left out. */
  readonly isPartial: boolean;
  /** Of the four weeks before the end of the range, oldest first. */
  readonly hours: readonly DeviceHour[];
}
/** Something that a device did for the first time, see device_writer.ts. */
export interface FirstContact {
  readonly id: number;
  readonly ts_us: number;
  readonly kind: FirstContactKind;
  readonly device_id: number;
  readonly address: string;
  readonly mac: string;
  /** Of the device. */
  readonly device_name: string;
  readonly peer: string;
  readonly proto: string;
  readonly port: number | null;
  /** Of a new country its code. */
  readonly service: string;
  /** Of the peer. */
  readonly name: string;
}

export const ADDRESSES_MAX = 64;
/** Of flows: the name of the responder that was asked for. */
const namedSql =
  "CASE WHEN service IN ('tls', 'http', 'quic', 'dtls') AND name GLOB '*[a-z]*' AND name NOT GLOB '*:*:*' THEN name ELSE '' END";
/** Of all its addresses, as originator and as responder together. */
const flowsSummedMax = 10_000;
const addressesSummedMax = 16;
const peersListedMax = 200;
const incidentsReadMax = 500;
const weeksUs = 28 * 86_400_000_000;

/** Of the rows of `book`. */
const columns = `address, mac, name, is_local, first_seen_us, last_seen_us, in_packets, in_bytes,
  out_packets, out_bytes, id, key, is_router`;

/** One page of hosts in an order; `tree` is a search of them. */
export function readHosts(
  database: DatabaseSync | null,
  tree: SearchTree,
  { order = "own", isAscending = false, limit: asked, cursor }: HostFilter,
): Page<BookHost> {
  const limit = checkLimit(asked);
  const direction = `${order}-${isAscending ? "up" : "down"}`;
  const start = cursor === undefined ? null : decodeHostCursor(direction, cursor);
  if (database === null) return { rows: [], nextCursor: null };
  const value = hostValues[order];
  const sign = isAscending ? ">" : "<";
  const { sql, parameters } = bookSql(tree);
  const after = start === null ? "" : `WHERE (${value} ${sign} ? OR (${value} = ? AND key > ?))`;
  const rows = database.prepare(
    `SELECT *, ${value} AS place FROM (${sql}) ${after}
     ORDER BY place ${isAscending ? "ASC" : "DESC"}, key LIMIT ${limit}`,
  ).all(...parameters, ...(start === null ? [] : [start.value, start.value, start.address]));
  const last = rows.length === limit ? rows.at(-1)! : null;
  return {
    rows: complete(database, rows),
    nextCursor: last && encodeHostCursor(direction, {
      value: Number(last.place),
      address: String(last.key),
    }),
  };
}

export function countHosts(database: DatabaseSync | null, tree: SearchTree): Count {
  if (database === null) return { count: 0, isMore: false };
  const { sql, parameters } = bookSql(tree);
  const n = Number(
    database.prepare(`SELECT count(*) AS n FROM (SELECT 1 FROM (${sql}) LIMIT ${countMax + 1})`)
      .get(...parameters)!.n,
  );
  return { count: Math.min(n, countMax), isMore: n > countMax };
}

/** The host with this number, MAC address or address; null when there is none. `fromUs` to `toUs` is the range of its peers. */
export function readHost(
  database: DatabaseSync,
  text: string,
  range: { readonly fromUs: number; readonly toUs: number },
): HostBook | null {
  const all = <Row>(sql: string, ...parameters: SQLInputValue[]) =>
    database.prepare(sql).all(...parameters) as unknown as readonly Row[];
  const found = findHost(database, text.toLowerCase());
  if (found === null) return null;
  const [host] = complete(database, [found]) as [BookHost];
  const isDevice = host.id !== null;
  const addresses = all<StoredHost>(
    `SELECT * FROM hosts WHERE ${isDevice ? "device_id" : "address"} = ?
     ORDER BY last_seen_us DESC LIMIT ${ADDRESSES_MAX}`,
    isDevice ? host.id : host.address,
  );
  const own = isDevice ? [...host.addresses] : [host.address];
  return {
    host,
    addresses,
    names: all(
      "SELECT origin, name, first_us FROM device_names WHERE device_id = ? ORDER BY first_us",
      host.id,
    ),
    services: all(
      `SELECT is_offered, proto, port, service, first_us, last_us, is_new FROM device_services
       WHERE device_id = ? ORDER BY is_offered DESC, last_us DESC`,
      host.id,
    ),
    ...readPeers(database, host.id, own.slice(0, addressesSummedMax), range),
    hours: all(
      `SELECT hour_us, in_bytes, out_bytes FROM device_hours
       WHERE device_id = ? AND hour_us > ? AND hour_us <= ? ORDER BY hour_us`,
      host.id,
      range.toUs - weeksUs,
      range.toUs,
    ),
  };
}

/** A device, in short. */
export interface KnownDevice {
  readonly id: number;
  readonly address: string;
  readonly mac: string;
  readonly name: string;
  /** How many it has. */
  readonly addresses: number;
}

export function readDevicesOf(
  database: DatabaseSync,
  addresses: readonly string[],
): Readonly<Record<string, KnownDevice>> {
  const rows = database.prepare(
    `SELECT hosts.address AS of, id, devices.address, devices.mac, devices.name,
       (SELECT count(*) FROM hosts AS own WHERE own.device_id = devices.id) AS addresses
     FROM hosts JOIN devices ON devices.id = hosts.device_id
     WHERE hosts.address IN (SELECT value FROM json_each(?))`,
  ).all(JSON.stringify(addresses));
  return Object.fromEntries(
    rows.map(({ of, ...device }) => [String(of), device as unknown as KnownDevice]),
  );
}

/** Traffic by the hour of devices since a time, by their numbers. */
export function readHours(
  database: DatabaseSync,
  ids: readonly number[],
  sinceUs: number,
): Readonly<Record<number, readonly DeviceHour[]>> {
  const rows = database.prepare(
    `SELECT device_id, hour_us, in_bytes, out_bytes FROM device_hours
     WHERE device_id IN (SELECT value FROM json_each(?)) AND hour_us >= ? ORDER BY hour_us`,
  ).all(JSON.stringify(ids), Math.trunc(sinceUs));
  const hours: Record<number, DeviceHour[]> = {};
  for (const { device_id, ...hour } of rows) {
    (hours[Number(device_id)] ??= []).push(hour as unknown as DeviceHour);
  }
  return hours;
}

/** Adds what first contacts say of their devices. */
export function withDevices(
  database: DatabaseSync,
  rows: readonly Readonly<Record<string, SQLOutputValue>>[],
): FirstContact[] {
  const devices = new Map(
    database.prepare(
      "SELECT id, address, mac, name FROM devices WHERE id IN (SELECT value FROM json_each(?))",
    ).all(JSON.stringify(rows.map(({ device_id }) => device_id))).map((row) => [row.id, row]),
  );
  return rows.map((row) => {
    const device = devices.get(row.device_id!);
    return {
      ...row,
      address: device?.address ?? row.address,
      mac: device?.mac ?? "",
      device_name: device?.name ?? "",
      port: row.kind === "service" ? row.port : null,
    } as unknown as FirstContact;
  });
}

/** Rows of devices and other hosts that a search finds. */
function bookSql(tree: SearchTree): Condition {
  const devices = tree === ALL ? { sql: "1", parameters: [] } : deviceSql(tree);
  const hosts = searchSql(tree, "hosts");
  return {
    sql:
      `SELECT address, mac, name, 1 AS is_local, first_seen_us, last_seen_us, in_packets, in_bytes,
        out_packets, out_bytes, id, key, is_router FROM devices WHERE ${devices.sql}
      UNION ALL
      SELECT address, mac, name, is_local, first_seen_us, last_seen_us, in_packets, in_bytes,
        out_packets, out_bytes, NULL, address, 0 FROM hosts
      WHERE device_id IS NULL AND ${hosts.sql}`,
    parameters: [...devices.parameters, ...hosts.parameters],
  };
}

/** A device fits a test with any of its addresses and names, and its opposite with none. */
function deviceSql(tree: SearchTree): Condition {
  if (tree.op === "and" || tree.op === "or") {
    const parts = tree.parts.map(deviceSql);
    if (parts.length === 0) return { sql: tree.op === "and" ? "1" : "0", parameters: [] };
    return {
      sql: `(${parts.map(({ sql }) => sql).join(tree.op === "and" ? " AND " : " OR ")})`,
      parameters: parts.flatMap(({ parameters }) => parameters),
    };
  }
  if (tree.op === "not") {
    const { sql, parameters } = deviceSql(tree.part);
    return { sql: `NOT ${sql}`, parameters };
  }
  const { sql, parameters } = searchSql(tree, "hosts");
  return {
    sql: `devices.id IN (SELECT id FROM (
      SELECT d.id, ifnull(h.address, d.address) AS address, d.mac, ifnull(n.name, d.name) AS name,
        1 AS is_local, d.in_packets, d.in_bytes, d.out_packets, d.out_bytes
      FROM devices AS d LEFT JOIN hosts AS h ON h.device_id = d.id
        LEFT JOIN device_names AS n ON n.device_id = d.id) WHERE ${sql})`,
    parameters,
  };
}

function findHost(database: DatabaseSync, text: string) {
  const device = database.prepare(
    `SELECT ${columns.replace("is_local", "1 AS is_local")} FROM devices
     WHERE id = CAST(? AS INTEGER) OR key = ? OR id = (SELECT device_id FROM hosts WHERE address = ?)
     ORDER BY key = ? DESC LIMIT 1`,
  ).get(/^\d{1,15}$/.test(text) ? text : "-1", text, text, text);
  if (device !== undefined) return device;
  // Of a device that has been quiet for long, or a host that is of none.
  return database.prepare(
    `SELECT address, mac, name, is_local, first_seen_us, last_seen_us, in_packets, in_bytes,
       out_packets, out_bytes, NULL AS id, address AS key, 0 AS is_router FROM hosts WHERE address = ?`,
  ).get(text) ?? database.prepare(
    `SELECT ${columns.replace("is_local", "1 AS is_local")} FROM devices WHERE address = ?
     ORDER BY last_seen_us DESC LIMIT 1`,
  ).get(text) ?? null;
}

/** Adds what other tables say of rows of the book. */
function complete(
  database: DatabaseSync,
  rows: readonly Readonly<Record<string, SQLOutputValue>>[],
): BookHost[] {
  const ids = JSON.stringify(rows.map(({ id }) => id).filter((id) => id !== null));
  const addresses = new Map<unknown, string[]>();
  const found = database.prepare(
    `SELECT device_id, address FROM hosts WHERE device_id IN (SELECT value FROM json_each(?))
     ORDER BY last_seen_us DESC`,
  ).all(ids);
  for (const { device_id, address } of found) {
    const listed = addresses.get(device_id) ?? [];
    if (listed.length < ADDRESSES_MAX) listed.push(String(address));
    addresses.set(device_id, listed);
  }
  const peers = new Map(
    database.prepare(
      `SELECT device_id, count(*) AS n FROM device_peers
       WHERE device_id IN (SELECT value FROM json_each(?)) GROUP BY device_id`,
    ).all(ids).map(({ device_id, n }) => [device_id, Number(n)]),
  );
  const offers = new Map<unknown, string[]>();
  const offered = database.prepare(
    `SELECT device_id, proto, port FROM device_services
     WHERE is_offered = 1 AND device_id IN (SELECT value FROM json_each(?)) ORDER BY last_us DESC`,
  ).all(ids);
  for (const { device_id, proto, port } of offered) {
    const listed = offers.get(device_id);
    if (listed === undefined) offers.set(device_id, [`${proto}/${port}`]);
    else listed.push(`${proto}/${port}`);
  }
  const severities = sourceSeverities(database);
  return rows.map(({ place: _, ...row }) => {
    const own = row.id === null ? [] : addresses.get(row.id!) ?? [];
    const all = own.length > 0 ? own : [String(row.address)];
    return {
      ...row,
      addresses: all,
      offers: offers.get(row.id) ?? [],
      peers: row.id === null ? null : peers.get(row.id!) ?? 0,
      severity: all.map((address) => severities.get(address) ?? "").find((text) => text !== "") ??
        "",
    } as unknown as BookHost;
  });
}

/** Of each source of incidents that need a look: that of the gravest. */
function sourceSeverities(database: DatabaseSync): ReadonlyMap<string, string> {
  const rank =
    "CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END";
  const severities = new Map<string, string>();
  const rows = database.prepare(
    `SELECT severity, sources FROM incidents
     WHERE (state = 'open' OR acknowledged_us IS NULL) AND severity <> 'info'
     ORDER BY ${rank} DESC, id DESC LIMIT ${incidentsReadMax}`,
  ).all();
  for (const { severity, sources } of rows) {
    for (const source of JSON.parse(String(sources)) as string[]) {
      if (!severities.has(source)) severities.set(source, String(severity));
    }
  }
  return severities;
}

/** Stands for many: multicast and broadcast addresses. */
function isGroup(address: string): boolean {
  return /^(22[4-9]|23\d|255)\.|^ff/.test(address);
}

function readPeers(
  database: DatabaseSync,
  id: number | null,
  addresses: readonly string[],
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
): Pick<HostBook, "peers" | "isPartial"> {
  const limit = Math.ceil(flowsSummedMax / 2 / Math.max(1, addresses.length));
  const side = (own: "orig" | "resp", other: "orig" | "resp") =>
    `SELECT * FROM (SELECT ${other}_h AS peer, ${own === "orig" ? namedSql : "''"} AS name,
       ${other}_wire_bytes AS in_bytes, ${own}_wire_bytes AS out_bytes, start_us, end_us, summed_flows FROM flows
     WHERE ${own}_h = ? AND end_us >= ? AND end_us < ? ORDER BY end_us DESC LIMIT ${limit})`;
  const sides = addresses.flatMap((address) => [
    { sql: side("orig", "resp"), parameters: [address, Math.trunc(fromUs), Math.trunc(toUs)] },
    { sql: side("resp", "orig"), parameters: [address, Math.trunc(fromUs), Math.trunc(toUs)] },
  ]);
  let isPartial = false;
  const sums = new Map<string, { -readonly [key in keyof DevicePeer]: DevicePeer[key] }>();
  for (const { sql, parameters } of sides) {
    const rows = database.prepare(
      `SELECT peer, max(name) AS name, sum(ifnull(summed_flows, 1)) AS flows, count(*) AS rows,
         sum(in_bytes) AS in_bytes, sum(out_bytes) AS out_bytes, max(end_us) AS last_us FROM (${sql}) GROUP BY peer`,
    ).all(...parameters);
    let rowsRead = 0;
    for (const { rows: rowsOfPeer, ...row } of rows) {
      rowsRead += Number(rowsOfPeer);
      const peer = String(row.peer);
      // 0.0.0.0 stands for many where flows were added up.
      if (isGroup(peer) || isUnspecified(peer)) continue;
      const sum = sums.get(peer);
      if (sum === undefined) {
        const own = row as unknown as DevicePeer;
        sums.set(peer, { ...own, first_us: null, is_new: 0 });
        continue;
      }
      sum.flows += Number(row.flows);
      sum.in_bytes += Number(row.in_bytes);
      sum.out_bytes += Number(row.out_bytes);
      sum.last_us = Math.max(sum.last_us, Number(row.last_us));
      sum.name ||= String(row.name);
    }
    isPartial ||= rowsRead >= limit;
  }
  const peers = [...sums.values()]
    .sort((a, b) => b.in_bytes + b.out_bytes - a.in_bytes - a.out_bytes)
    .slice(0, peersListedMax);
  const known = new Map(
    database.prepare("SELECT peer, name, first_us, is_new FROM device_peers WHERE device_id = ?")
      .all(id).map((row) => [String(row.peer), row]),
  );
  for (const peer of peers) {
    const row = known.get(peer.peer);
    if (row === undefined) continue;
    peer.first_us = Number(row.first_us);
    peer.is_new = Number(row.is_new);
    peer.name ||= String(row.name);
  }
  return { peers, isPartial };
}
