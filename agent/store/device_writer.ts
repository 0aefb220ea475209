/**
 * The device book: a device of the own networks with all its addresses, names, peers and services, and what it did for the first
 * time. A part of StoreWriter, which opens the transactions. Sums come from the increments of hosts, which a replay sends once;
 * all else are times that only widen, so that a row written again changes nothing.
 *
 * A device is all addresses of one MAC address; where that is not known, one address, which joins its device when it is.
 * Nothing is new while tapwatch still learns what is usual: in the first hour of a database, and after a day without traffic; of a
 * device's peers and services, in its first day.
 *
 *     of each device 1,000 peers, 256 services, 16 names; of all deviceCountMax() and peerCountMax()
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import {
  type FirstContactKind,
  type FirstContactNews,
  type Flow,
  type HostNaming,
  type HostTotals,
  NAME_ORIGINS,
  type NameOrigin,
} from "../records.ts";
import { placeOf } from "../geo/places.ts";
import { deviceCountMax } from "./retention.ts";

export const learningUs = 3_600_000_000;
const deviceLearningUs = 86_400_000_000;
/** A new peer is told of a device that talks to as many; of others it is nothing special. */
const settledPeersMax = 32;
const peersMax = 1000;
const servicesMax = 256;
const namesMax = 16;
const nameLengthMax = 255;
/** First contacts of one kind that are told in an hour. */
const toldPerHourMax = 100;
const hourUs = 3_600_000_000;
/** What of a device goes with it when it joins another. */
const deviceTables = [
  "device_names",
  "device_peers",
  "device_services",
  "device_countries",
  "first_contacts",
];
/** Rows are not written again for each later packet. */
const freshUs = 60_000_000;
const cacheMax = 65_536;
const waitingMax = 20_000;

interface DeviceWriterOptions {
  readonly retentionBytes: number;
}

interface Device {
  readonly id: number;
  readonly key: string;
  readonly firstUs: number;
}
/** What a flow says of one of its ends. */
interface Contact {
  /** Of the device. */
  readonly own: string;
  readonly isOffered: boolean;
  readonly peer: string;
  /** Of the peer, by what the flow was for; "" when the device is the one that was asked. */
  readonly peerName: string;
  /** By what the device was asked for. */
  readonly ownName: string;
  readonly proto: string;
  /** Of the responder; null where it says nothing. */
  readonly port: number | null;
  readonly service: string;
  readonly firstUs: number;
  readonly lastUs: number;
}
interface Span {
  firstUs: number;
  lastUs: number;
}

export class DeviceWriter {
  readonly #database: DatabaseSync;
  readonly #deviceMax: number;
  readonly #statements = new Map<string, StatementSync>();
  /** Of addresses that have a row: their device, null for those that are of none. */
  readonly #byAddress = new Map<string, Device | null>();
  readonly #spans = new Map<string, Span>();
  readonly #names = new Set<string>();
  /** Of devices that met somebody new lately: the countries of their peers. */
  readonly #countries = new Map<string, Set<string>>();
  /** Rows of a device: peers, services. */
  readonly #counts = new Map<string, number>();
  /** Contacts of addresses whose rows are still to come. */
  readonly #waiting = new Map<string, Contact[]>();
  #waitingCount = 0;
  #deviceCount: number | null = null;
  #newestUs: number | null = null;
  #learningUntilUs = Infinity;
  #toldHourUs = 0;
  readonly #told = new Map<string, number>();
  #news: FirstContactNews[] = [];

  constructor(database: DatabaseSync, { retentionBytes }: DeviceWriterOptions) {
    this.#database = database;
    this.#deviceMax = deviceCountMax(retentionBytes);
  }

  /** Hosts have their rows already. Returns the first contacts that are told. */
  write(hosts: readonly HostTotals[], flows: readonly Flow[]): readonly FirstContactNews[] {
    this.#news = [];
    for (const host of hosts) this.#writeHost(host);
    for (const flow of flows) {
      const contact = contactOf(flow);
      if (contact === null) continue;
      this.#meet(flow.origH, contact);
      this.#meet(flow.respH, turned(contact, flow));
    }
    return this.#news;
  }

  /** What was written is not, or rows have been removed: forget what was known of it. */
  forget(): void {
    this.#byAddress.clear();
    this.#spans.clear();
    this.#names.clear();
    this.#countries.clear();
    this.#counts.clear();
    this.#deviceCount = null;
    this.#newestUs = null;
  }

  #writeHost(host: HostTotals): void {
    const { address, isLocal } = host;
    const before = this.#deviceOf(address) ?? null;
    const device = isLocal && (before !== null || host.outPackets > 0)
      ? this.#deviceFor(host, before)
      : null;
    if (device?.id !== before?.id) {
      this.#run("UPDATE hosts SET device_id = ? WHERE address = ?", device?.id ?? null, address);
    }
    remember(this.#byAddress, address, device);
    if (device !== null) {
      this.#addUp(device, host);
      this.#name(device, host);
    }
    const contacts = this.#waiting.get(address);
    if (contacts === undefined) return;
    this.#waiting.delete(address);
    this.#waitingCount -= contacts.length;
    if (device !== null) { for (const contact of contacts) this.#note(device, contact); }
  }

  /** The device that the host is of, made or joined where need be; null when there is no room. */
  #deviceFor(host: HostTotals, before: Device | null): Device | null {
    const key = host.mac || host.address;
    if (before?.key === key) return before;
    // One MAC address that is not known now may be so again: the address stays where it was.
    if (before !== null && host.mac === "") return before;
    const known = this.#one("SELECT id, key, first_seen_us FROM devices WHERE key = ?", key);
    const isOfAddress = before !== null && before.key === host.address;
    if (known === undefined) {
      return isOfAddress ? this.#rename(before, host) : this.#begin(host, key);
    }
    const device = deviceFrom(known);
    if (isOfAddress) this.#join(before, device);
    return device;
  }

  #begin(host: HostTotals, key: string): Device | null {
    this.#observe(host.firstSeenUs);
    this.#deviceCount ??= Number(this.#one("SELECT count(*) AS n FROM devices")!.n);
    if (this.#deviceCount >= this.#deviceMax) return null;
    this.#deviceCount++;
    const firstUs = Math.trunc(host.firstSeenUs);
    const { lastInsertRowid } = this.#run(
      `INSERT INTO devices(key, mac, address, name, name_origin, is_router, first_seen_us, last_seen_us,
         in_packets, in_bytes, out_packets, out_bytes) VALUES (?, ?, ?, '', '', 0, ?, ?, 0, 0, 0, 0)`,
      key,
      host.mac,
      host.address,
      firstUs,
      firstUs,
    );
    const device = { id: Number(lastInsertRowid), key, firstUs };
    if (firstUs >= this.#learningUntilUs) {
      const { address, mac } = host;
      this.#tell(device, { kind: "device", tsUs: firstUs, address, mac });
    }
    return device;
  }

  /** The MAC address of a device that was one address is known now. */
  #rename(device: Device, { mac }: HostTotals): Device {
    this.#run("UPDATE devices SET key = ?, mac = ? WHERE id = ?", mac, mac, device.id);
    return { ...device, key: mac };
  }

  /** What was a device of one address is one of `device`'s. */
  #join(from: Device, { id }: Device): void {
    this.#run(
      `UPDATE devices SET first_seen_us = min(devices.first_seen_us, old.first_seen_us),
         last_seen_us = max(devices.last_seen_us, old.last_seen_us),
         in_packets = devices.in_packets + old.in_packets, in_bytes = devices.in_bytes + old.in_bytes,
         out_packets = devices.out_packets + old.out_packets, out_bytes = devices.out_bytes + old.out_bytes
       FROM (SELECT * FROM devices WHERE id = ?) AS old WHERE devices.id = ?`,
      from.id,
      id,
    );
    this.#run(
      `INSERT INTO device_hours SELECT ?, hour_us, in_bytes, out_bytes FROM device_hours WHERE device_id = ?
       ON CONFLICT DO UPDATE SET in_bytes = in_bytes + excluded.in_bytes, out_bytes = out_bytes + excluded.out_bytes`,
      id,
      from.id,
    );
    for (const table of deviceTables) {
      this.#run(
        `UPDATE OR IGNORE ${table} SET device_id = ? WHERE device_id = ?${
          table === "first_contacts" ? " AND kind <> 'device'" : ""
        }`,
        id,
        from.id,
      );
    }
    this.#run("UPDATE hosts SET device_id = ? WHERE device_id = ?", id, from.id);
    this.#run("DELETE FROM devices WHERE id = ?", from.id);
    this.forget();
  }

  #addUp(device: Device, host: HostTotals): void {
    const lastUs = Math.trunc(host.lastSeenUs);
    this.#observe(lastUs);
    this.#run(
      `UPDATE devices SET first_seen_us = min(first_seen_us, ?), last_seen_us = max(last_seen_us, ?),
         address = CASE WHEN ? >= ${addressRankSql} THEN ? ELSE address END, is_router = max(is_router, ?),
         in_packets = in_packets + ?, in_bytes = in_bytes + ?, out_packets = out_packets + ?, out_bytes = out_bytes + ?
       WHERE id = ?`,
      Math.trunc(host.firstSeenUs),
      lastUs,
      host.outPackets > 0 ? addressRank(host.address) : -1,
      host.address,
      host.isRouter ? 1 : 0,
      host.inPackets,
      host.inBytes,
      host.outPackets,
      host.outBytes,
      device.id,
    );
    this.#run(
      `INSERT INTO device_hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         in_bytes = in_bytes + excluded.in_bytes, out_bytes = out_bytes + excluded.out_bytes`,
      device.id,
      Math.floor(lastUs / hourUs) * hourUs,
      host.inBytes,
      host.outBytes,
    );
  }

  #name(device: Device, { name, names = named(name), lastSeenUs }: HostTotals): void {
    for (const { name, origin } of names) this.#addName(device, name, origin, lastSeenUs);
  }

  #addName(device: Device, whole: string, origin: NameOrigin, tsUs: number): void {
    const name = whole.slice(0, nameLengthMax);
    const cached = `${device.id} ${origin} ${name}`;
    if (name === "" || this.#names.has(cached)) return;
    if (this.#names.size >= cacheMax) this.#names.clear();
    this.#names.add(cached);
    this.#run(
      `INSERT INTO device_names SELECT ?, ?, ?, ?
       WHERE (SELECT count(*) FROM device_names WHERE device_id = ?) < ${namesMax}
       ON CONFLICT DO UPDATE SET first_us = min(first_us, excluded.first_us)`,
      device.id,
      origin,
      name,
      Math.trunc(tsUs),
      device.id,
    );
    this.#run(
      `UPDATE devices SET name = ?, name_origin = ? WHERE id = ? AND ? <= ${rankSql}`,
      name,
      origin,
      device.id,
      NAME_ORIGINS.indexOf(origin),
    );
  }

  #meet(address: string, contact: Contact): void {
    const device = this.#deviceOf(address);
    if (device === null) return;
    if (device !== undefined) return this.#note(device, contact);
    if (this.#waitingCount >= waitingMax) {
      this.#waiting.clear();
      this.#waitingCount = 0;
    }
    this.#waitingCount++;
    const contacts = this.#waiting.get(address);
    if (contacts === undefined) this.#waiting.set(address, [contact]);
    else contacts.push(contact);
  }

  #note(device: Device, contact: Contact): void {
    const { isOffered, own, peer, peerName, ownName, proto, port, service } = contact;
    this.#observe(contact.lastUs);
    if (ownName !== "") {
      this.#addName(device, ownName, service === "http" ? "http" : "tls", contact.firstUs);
    }
    this.#notePeer(device, peer, peerName, contact);
    if (port === null) return;
    const cached = `${device.id} ${isOffered ? "<" : ">"} ${proto} ${port}`;
    if (!this.#isNews(cached, contact)) return;
    const isNew = isOffered && this.#isSettled(device, contact.firstUs);
    const { changes } = this.#run(
      `INSERT INTO device_services VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      device.id,
      isOffered ? 1 : 0,
      proto,
      port,
      service,
      contact.firstUs,
      contact.lastUs,
      isNew ? 1 : 0,
    );
    if (changes === 0) {
      this.#run(
        `UPDATE device_services SET first_us = min(first_us, ?), last_us = max(last_us, ?),
           service = CASE ? WHEN '' THEN service ELSE ? END
         WHERE device_id = ? AND is_offered = ? AND proto = ? AND port = ?`,
        contact.firstUs,
        contact.lastUs,
        service,
        service,
        device.id,
        isOffered ? 1 : 0,
        proto,
        port,
      );
      return;
    }
    this.#bound(device, "device_services", servicesMax);
    if (!isNew) return;
    const tsUs = contact.firstUs;
    this.#tell(device, { kind: "service", tsUs, address: own, proto, port, service });
  }

  #notePeer(device: Device, peer: string, name: string, span: Span & { own: string }): void {
    if (!this.#isNews(`${device.id} ${peer}`, span)) return;
    const known = this.#one(
      "SELECT 1 FROM device_peers WHERE device_id = ? AND peer = ?",
      device.id,
      peer,
    );
    if (known !== undefined) {
      this.#run(
        `UPDATE device_peers SET first_us = min(first_us, ?), last_us = max(last_us, ?),
           name = CASE ? WHEN '' THEN name ELSE ? END WHERE device_id = ? AND peer = ?`,
        span.firstUs,
        span.lastUs,
        name,
        name,
        device.id,
        peer,
      );
      return;
    }
    const isNew = this.#isSettled(device, span.firstUs);
    const isTold = isNew && this.#isSpecial(device, peer, name);
    const country = this.#newCountry(device, peer, span.firstUs);
    this.#run(
      "INSERT INTO device_peers VALUES (?, ?, ?, ?, ?, ?)",
      device.id,
      peer,
      name,
      span.firstUs,
      span.lastUs,
      isNew ? 1 : 0,
    );
    this.#bound(device, "device_peers", peersMax);
    const kind = isNew && country !== "" ? "country" : isTold ? "peer" : null;
    if (kind === null) return;
    const { own: address, firstUs: tsUs } = span;
    this.#tell(device, { kind, tsUs, address, peer, name, service: country });
  }

  /** The country of a peer, if none of the device's is there; "" else, and where it is not known (--geo-db). */
  #newCountry(device: Device, peer: string, tsUs: number): string {
    const country = placeOf(peer)?.country ?? "";
    if (country === "") return "";
    const known = this.#countriesOf(device);
    if (known.has(country)) return "";
    known.add(country);
    this.#run("INSERT OR IGNORE INTO device_countries VALUES (?, ?, ?)", device.id, country, tsUs);
    return country;
  }

  /** Of a device that was there before countries were known: those of the peers that it has. */
  #countriesOf(device: Device): Set<string> {
    const key = String(device.id);
    let known = this.#countries.get(key);
    if (known !== undefined) return known;
    const rows = this.#statement("SELECT country FROM device_countries WHERE device_id = ?")
      .all(device.id);
    known = new Set(rows.map(({ country }) => String(country)));
    remember(this.#countries, key, known);
    if (known.size > 0) return known;
    const peers = this.#statement("SELECT peer, first_us FROM device_peers WHERE device_id = ?")
      .all(device.id);
    for (const { peer, first_us } of peers) {
      this.#newCountry(device, String(peer), Number(first_us));
    }
    return known;
  }

  /** Of a device that talks to few: a peer of another name, and of another network, than those that it knows. */
  #isSpecial(device: Device, peer: string, name: string): boolean {
    const known = this.#statement(
      `SELECT peer, name FROM device_peers WHERE device_id = ? LIMIT ${settledPeersMax + 1}`,
    ).all(device.id);
    return known.length <= settledPeersMax &&
      known.every((other) =>
        networkOf(String(other.peer)) !== networkOf(peer) && (name === "" || other.name !== name)
      );
  }

  /** Remembers the span; false when its row says as much. */
  #isNews(key: string, { firstUs, lastUs }: Span): boolean {
    const known = this.#spans.get(key);
    if (known === undefined) {
      remember(this.#spans, key, { firstUs, lastUs });
      return true;
    }
    const isNews = firstUs < known.firstUs || lastUs >= known.lastUs + freshUs;
    if (!isNews) return false;
    known.firstUs = Math.min(known.firstUs, firstUs);
    known.lastUs = Math.max(known.lastUs, lastUs);
    return true;
  }

  /** A row has been added: when there are too many, those seen least lately leave. */
  #bound({ id }: Device, table: "device_peers" | "device_services", max: number): void {
    const counted = `${table} ${id}`;
    const count = this.#counts.get(counted) ?? Number(
          this.#one(`SELECT count(*) AS n FROM ${table} WHERE device_id = ?`, id)!.n,
        ) - 1;
    remember(this.#counts, counted, count + 1);
    if (count + 1 <= max) return;
    const { changes } = this.#run(
      `DELETE FROM ${table} WHERE device_id = ? AND last_us <= (
         SELECT last_us FROM ${table} WHERE device_id = ? ORDER BY last_us LIMIT 1 OFFSET ${
        max >> 3
      })`,
      id,
      id,
    );
    this.#counts.set(counted, count + 1 - Number(changes));
    this.#spans.clear();
  }

  /** What the device does now for the first time is new. */
  #isSettled(device: Device, tsUs: number): boolean {
    return tsUs >= this.#learningUntilUs && tsUs >= device.firstUs + deviceLearningUs;
  }

  /** Learning begins with the first traffic, and anew after a day without any. */
  #observe(tsUs: number): void {
    if (this.#newestUs === null) {
      const newest = this.#one("SELECT max(last_seen_us) AS us FROM devices")!.us;
      const until = this.#one("SELECT value FROM meta WHERE key = 'learning_until_us'")?.value;
      this.#newestUs = newest === null || until === undefined ? -Infinity : Number(newest);
      this.#learningUntilUs = until === undefined ? Infinity : Number(until);
    }
    // Nor the other way: another capture, or a clock that was wrong.
    if (Math.abs(tsUs - this.#newestUs) > deviceLearningUs) {
      this.#newestUs = tsUs;
      this.#learningUntilUs = Math.trunc(tsUs) + learningUs;
      this.#run(
        "INSERT OR REPLACE INTO meta(key, value) VALUES ('learning_until_us', CAST(? AS INTEGER))",
        this.#learningUntilUs,
      );
    }
    this.#newestUs = Math.max(this.#newestUs, tsUs);
  }

  #tell(
    device: Device,
    { kind, tsUs, address, mac = "", peer = "", proto = "", port = 0, service = "", name = "" }:
      & { readonly kind: FirstContactKind; readonly tsUs: number; readonly address: string }
      & Partial<FirstContactNews>,
  ): void {
    const hour = Math.floor(tsUs / hourUs);
    if (hour !== this.#toldHourUs) this.#told.clear();
    this.#toldHourUs = hour;
    const told = (this.#told.get(kind) ?? 0) + 1;
    this.#told.set(kind, told);
    if (told > toldPerHourMax) return;
    const { changes } = this.#run(
      `INSERT OR IGNORE INTO first_contacts(ts_us, kind, device_id, address, peer, proto, port, service, name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      Math.trunc(tsUs),
      kind,
      device.id,
      // Of other kinds that of the device holds, which may become another.
      kind === "device" ? address : "",
      peer,
      proto,
      port,
      service,
      name,
    );
    if (changes === 0) return;
    this.#news.push({ kind, tsUs, address, mac, peer, name, proto, port, service });
  }

  /** Of an address with a row: its device, null for one that is of none; undefined without a row. */
  #deviceOf(address: string): Device | null | undefined {
    const cached = this.#byAddress.get(address);
    if (cached !== undefined) return cached;
    const row = this.#one(
      `SELECT devices.id, key, devices.first_seen_us FROM hosts LEFT JOIN devices ON devices.id = device_id
       WHERE hosts.address = ?`,
      address,
    );
    if (row === undefined) return undefined;
    const device = row.id === null ? null : deviceFrom(row);
    remember(this.#byAddress, address, device);
    return device;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #one(sql: string, ...parameters: SQLInputValue[]) {
    return this.#statement(sql).get(...parameters);
  }

  #run(sql: string, ...parameters: SQLInputValue[]) {
    return this.#statement(sql).run(...parameters);
  }
}

function named(name: string): readonly HostNaming[] {
  return name === "" ? [] : [{ name, origin: "dns" }];
}

/** Of the name that a device has: lower is better. */
const rankSql = `CASE name_origin ${
  NAME_ORIGINS.map((origin, rank) => `WHEN '${origin}' THEN ${rank}`).join(" ")
} ELSE ${NAME_ORIGINS.length} END`;

function deviceFrom(row: Readonly<Record<string, unknown>>): Device {
  return { id: Number(row.id), key: String(row.key), firstUs: Number(row.first_seen_us) };
}

function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= cacheMax && !cache.has(key)) cache.clear();
  cache.set(key, value);
}

/** People know a device by IPv4 where it has any, and not by what only its link knows. */
function addressRank(address: string): number {
  if (/^(169\.254\.|fe80:)/.test(address)) return 0;
  return address.includes(":") ? 1 : 2;
}
const addressRankSql =
  "CASE WHEN address LIKE '169.254.%' OR address LIKE 'fe80:%' THEN 0 WHEN address LIKE '%:%' THEN 1 ELSE 2 END";

/** Whose flows bear the name of their responder. */
const namingServices: ReadonlySet<string> = new Set(["tls", "http", "quic", "dtls"]);
const established = new Set(["SF", "S1", "S2", "S3", "RSTO", "RSTR"]);

/** What a flow says of its originator; null where nobody has talked: probes, refusals, what goes to all. */
function contactOf(flow: Flow): Contact | null {
  if (flow.summed !== undefined) return null;
  const { proto, connState, origBytes, respBytes, origPkts, respPkts, origH, respH } = flow;
  const isSure = proto === "tcp"
    ? established.has(connState)
    : (proto === "udp" || proto === "sctp") && respPkts > 0;
  const isTalk = isSure ||
    (proto === "tcp"
      ? origBytes > 0 && respBytes > 0
      : proto === "udp" && origPkts >= 4 && !isGroup(respH));
  if (!isTalk) return null;
  return {
    isOffered: false,
    own: origH,
    peer: respH,
    peerName: nameFor(flow),
    ownName: "",
    proto,
    port: isSure && flow.service !== "ftp-data" ? flow.respP : null,
    service: flow.service,
    firstUs: Math.trunc(flow.startUs),
    lastUs: Math.trunc(flow.endUs),
  };
}

/** The same, of its responder. */
function turned(contact: Contact, { origH, respH }: Flow): Contact {
  return {
    ...contact,
    isOffered: true,
    own: respH,
    peer: origH,
    peerName: "",
    ownName: contact.peerName,
  };
}

/** The name of the responder that the originator asked for: no address, and without a port. */
function nameFor({ service, name }: Flow): string {
  if (!namingServices.has(service)) return "";
  const bare = name.replace(/:\d+$/, "");
  return /^[\d.]+$|[[\]:]/.test(bare) ? "" : bare;
}

function isGroup(address: string): boolean {
  return /^(22[4-9]|23\d|255)\.|\.255$|^ff/.test(address);
}

/** /24 of IPv4, /48 of IPv6. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address.slice(0, address.lastIndexOf("."));
  const [head = ""] = address.split("::");
  return head.split(":").slice(0, 3).join(":");
}
