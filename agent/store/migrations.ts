/**
 * The numbered steps that bring a database of any older version to the present one. A step, once released, is never
 * edited: a change of the schema is a new step at the end.
 *
 * Indexes, with what they are for and what they cost (measured on 2 cores with 100 rows an INSERT):
 * - `packets(ts_us)`: every list, slice and age limit. 260 k rows/s without it, 240 k with it, 111 bytes a row. No index
 *   on addresses: two of them would leave 29 k rows/s. A search for a host walks back in time, a bounded stretch a page.
 * - `flows(end_us)`: the same. Rows come in that order, so it only ever grows at its end.
 * - `flows(orig_h, end_us)`, `flows(resp_h, end_us)`: all flows of a host, newest first, without a sort. 3 us of the processor a
 *   row without them, 7 us with them (row_inserter.ts), 211 bytes a row; flows are far fewer than packets.
 * - `flows_span`: flows of a second and more that stood at a moment (flow_spans.ts). 0.9 us of the processor and 22
 *   bytes a row where two thirds of the rows last so long.
 */
import type { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";

const statsColumns = `
  ts_us INTEGER PRIMARY KEY,
  packets INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL,
  internal_bytes INTEGER NOT NULL,
  tcp_packets INTEGER NOT NULL,
  udp_packets INTEGER NOT NULL,
  icmp_packets INTEGER NOT NULL,
  other_packets INTEGER NOT NULL,
  new_flows INTEGER NOT NULL,
  kernel_drops INTEGER NOT NULL,
  interface_drops INTEGER NOT NULL,
  queue_drops INTEGER NOT NULL,
  active_flows INTEGER NOT NULL,
  active_hosts INTEGER NOT NULL`;

/** Version 1: traffic. `stats_minutes` is `stats` added up by the minute, so that a fortnight is a short read. */
const trafficTables = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value ANY
) STRICT, WITHOUT ROWID;
CREATE TABLE packets (
  id INTEGER PRIMARY KEY,
  ts_us INTEGER NOT NULL,
  interface_id INTEGER NOT NULL,
  wire_length INTEGER NOT NULL,
  captured_length INTEGER NOT NULL,
  src TEXT NOT NULL,
  dst TEXT NOT NULL,
  src_port INTEGER,
  dst_port INTEGER,
  protocol TEXT NOT NULL,
  application TEXT NOT NULL,
  tcp_flags INTEGER,
  vlan_id INTEGER,
  flow_id INTEGER,
  sample_k INTEGER NOT NULL,
  info TEXT NOT NULL
) STRICT;
CREATE INDEX packets_time ON packets(ts_us);
CREATE TABLE flows (
  id INTEGER PRIMARY KEY,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  orig_h TEXT NOT NULL,
  orig_p INTEGER NOT NULL,
  resp_h TEXT NOT NULL,
  resp_p INTEGER NOT NULL,
  ip_version INTEGER NOT NULL,
  proto TEXT NOT NULL,
  service TEXT NOT NULL,
  name TEXT NOT NULL,
  ja4 TEXT NOT NULL,
  orig_pkts INTEGER NOT NULL,
  orig_bytes INTEGER NOT NULL,
  orig_wire_bytes INTEGER NOT NULL,
  resp_pkts INTEGER NOT NULL,
  resp_bytes INTEGER NOT NULL,
  resp_wire_bytes INTEGER NOT NULL,
  conn_state TEXT NOT NULL,
  history TEXT NOT NULL,
  community_id TEXT NOT NULL,
  rtt_us INTEGER,
  orig_retransmissions INTEGER NOT NULL,
  resp_retransmissions INTEGER NOT NULL,
  interface_id INTEGER NOT NULL,
  vlan_id INTEGER,
  end_reason TEXT NOT NULL
) STRICT;
CREATE INDEX flows_time ON flows(end_us);
CREATE INDEX flows_orig ON flows(orig_h, end_us);
CREATE INDEX flows_resp ON flows(resp_h, end_us);
CREATE TABLE stats (${statsColumns}) STRICT;
CREATE TABLE stats_minutes (${statsColumns}) STRICT;
CREATE TABLE hosts (
  address TEXT PRIMARY KEY,
  mac TEXT NOT NULL,
  name TEXT NOT NULL,
  is_local INTEGER NOT NULL,
  first_seen_us INTEGER NOT NULL,
  last_seen_us INTEGER NOT NULL,
  in_packets INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_packets INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Version 2: what the detectors find, linked to the flows it was found in. Lists in a cell are JSON. */
const findingTables = `
CREATE TABLE anomalies (
  id INTEGER PRIMARY KEY,
  ts_us INTEGER NOT NULL,
  window_us INTEGER NOT NULL,
  detected_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  entity TEXT NOT NULL,
  sources TEXT NOT NULL,
  targets TEXT NOT NULL,
  score REAL,
  threshold REAL,
  top_features TEXT NOT NULL,
  severity TEXT NOT NULL,
  confidence REAL NOT NULL,
  attack_id TEXT,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX anomalies_time ON anomalies(ts_us);
CREATE TABLE anomaly_flows (
  anomaly_id INTEGER NOT NULL REFERENCES anomalies(id) ON DELETE CASCADE,
  flow_id INTEGER NOT NULL,
  PRIMARY KEY (anomaly_id, flow_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE scans (
  id INTEGER PRIMARY KEY,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  detected_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  probe TEXT NOT NULL,
  sources TEXT NOT NULL,
  source_count INTEGER NOT NULL,
  targets TEXT NOT NULL,
  target_count INTEGER NOT NULL,
  ports TEXT NOT NULL,
  port_count INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  severity TEXT NOT NULL,
  confidence REAL NOT NULL,
  attack_id TEXT,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX scans_time ON scans(last_us);
CREATE TABLE scan_flows (
  scan_id INTEGER NOT NULL REFERENCES scans(id) ON DELETE CASCADE,
  flow_id INTEGER NOT NULL,
  PRIMARY KEY (scan_id, flow_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE alerts (
  id INTEGER PRIMARY KEY,
  ts_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  attack_id TEXT,
  anomaly_id INTEGER REFERENCES anomalies(id) ON DELETE SET NULL,
  scan_id INTEGER REFERENCES scans(id) ON DELETE SET NULL,
  repeats INTEGER NOT NULL,
  deliveries TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_time ON alerts(ts_us);
CREATE INDEX alerts_anomaly ON alerts(anomaly_id) WHERE anomaly_id IS NOT NULL;
CREATE INDEX alerts_scan ON alerts(scan_id) WHERE scan_id IS NOT NULL;
`;

/** Version 3: findings that stay open and grow. The indexes find those that a run left open when it died. */
const episodeColumns = `
ALTER TABLE anomalies ADD COLUMN first_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN last_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN source_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN target_count INTEGER NOT NULL DEFAULT 0;
UPDATE anomalies SET first_us = ts_us, last_us = ts_us + window_us;
CREATE INDEX anomalies_open ON anomalies(id) WHERE is_open = 1;
ALTER TABLE scans ADD COLUMN answered_ports TEXT NOT NULL DEFAULT '';
ALTER TABLE scans ADD COLUMN tempo TEXT NOT NULL DEFAULT '';
ALTER TABLE scans ADD COLUMN tool TEXT NOT NULL DEFAULT '';
ALTER TABLE scans ADD COLUMN has_decoys INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scans ADD COLUMN came_back TEXT NOT NULL DEFAULT '[]';
ALTER TABLE scans ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;
CREATE INDEX scans_open ON scans(id) WHERE is_open = 1;
`;

/**
 * Version 4: incidents, and of findings what their words are made from. A finding is in one incident: that may change, for
 * an unusual window can turn out to be what somebody else did. The index finds the incidents that a new start takes up again.
 */
const incidentTables = `
ALTER TABLE scans ADD COLUMN found TEXT NOT NULL DEFAULT '[]';
ALTER TABLE anomalies ADD COLUMN amount INTEGER NOT NULL DEFAULT 1;
ALTER TABLE anomalies ADD COLUMN has_succeeded INTEGER NOT NULL DEFAULT 0;
CREATE TABLE incidents (
  id INTEGER PRIMARY KEY,
  actor TEXT,
  actor_name TEXT NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,
  sources TEXT NOT NULL,
  source_count INTEGER NOT NULL,
  targets TEXT NOT NULL,
  target_count INTEGER NOT NULL,
  tactics TEXT NOT NULL,
  techniques TEXT NOT NULL,
  kinds TEXT NOT NULL,
  ports TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  detected_us INTEGER NOT NULL,
  headline TEXT NOT NULL,
  detail TEXT NOT NULL,
  course TEXT NOT NULL,
  amount INTEGER NOT NULL,
  has_succeeded INTEGER NOT NULL,
  origin_id INTEGER,
  origin_text TEXT,
  finding_count INTEGER NOT NULL,
  acknowledged_us INTEGER
) STRICT;
CREATE INDEX incidents_time ON incidents(last_us);
CREATE INDEX incidents_open ON incidents(id) WHERE state = 'open';
CREATE TABLE incident_findings (
  list TEXT NOT NULL,
  finding_id INTEGER NOT NULL,
  incident_id INTEGER NOT NULL REFERENCES incidents(id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  PRIMARY KEY (list, finding_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_findings_incident ON incident_findings(incident_id);
`;

/** Version 5: alerts with what became of each, and mutes. No version before this one wrote an alert. */
const alertTables = `
DROP TABLE alerts;
CREATE TABLE alerts (
  id INTEGER PRIMARY KEY,
  ts_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  trigger TEXT NOT NULL,
  subject TEXT NOT NULL,
  severity TEXT NOT NULL,
  source TEXT NOT NULL,
  headline TEXT NOT NULL,
  detail TEXT NOT NULL,
  reason TEXT NOT NULL,
  attack_id TEXT,
  incident_id INTEGER REFERENCES incidents(id) ON DELETE SET NULL,
  amount INTEGER NOT NULL,
  has_succeeded INTEGER NOT NULL,
  state TEXT NOT NULL,
  held_by TEXT NOT NULL,
  mute_id INTEGER,
  digest_id INTEGER,
  deliveries TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_time ON alerts(ts_us);
CREATE INDEX alerts_incident ON alerts(incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX alerts_open ON alerts(id) WHERE state IN ('waiting', 'held');
CREATE TABLE mutes (
  id INTEGER PRIMARY KEY,
  created_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  destination TEXT NOT NULL,
  port TEXT NOT NULL,
  until_us INTEGER,
  note TEXT NOT NULL
) STRICT;
`;

/**
 * Version 6: files that were replayed, so that none is written twice (replayed_files.ts). The index finds findings of earlier
 * runs that go on, as scans_time does.
 */
const fileTable = `
CREATE TABLE files (
  run INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  decoder TEXT NOT NULL,
  begun_us INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  is_whole INTEGER NOT NULL,
  packets_id INTEGER NOT NULL,
  tail_id INTEGER
) STRICT;
CREATE INDEX anomalies_last ON anomalies(last_us);
`;

/** Version 7: packets of a flow that the capture saw twice. */
const copyColumns = `
ALTER TABLE flows ADD COLUMN orig_copies INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flows ADD COLUMN resp_copies INTEGER NOT NULL DEFAULT 0;
`;

/** Version 8: the targets' ports that a finding is about, as those of scans. */
const portColumn = `
ALTER TABLE anomalies ADD COLUMN ports TEXT NOT NULL DEFAULT '';
`;

/**
 * Version 9: the device book. A device has the addresses of one MAC address, or is one address; what was known of local hosts
 * before becomes devices of one address each, which join when their MAC addresses are seen.
 */
const deviceTables = `
CREATE TABLE devices (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  mac TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  name_origin TEXT NOT NULL,
  is_router INTEGER NOT NULL,
  first_seen_us INTEGER NOT NULL,
  last_seen_us INTEGER NOT NULL,
  in_packets INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_packets INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL
) STRICT;
ALTER TABLE hosts ADD COLUMN device_id INTEGER;
CREATE INDEX hosts_device ON hosts(device_id) WHERE device_id IS NOT NULL;
CREATE TABLE device_names (
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  origin TEXT NOT NULL,
  name TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  PRIMARY KEY (device_id, origin, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_peers (
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  peer TEXT NOT NULL,
  name TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  is_new INTEGER NOT NULL,
  PRIMARY KEY (device_id, peer)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_services (
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  is_offered INTEGER NOT NULL,
  proto TEXT NOT NULL,
  port INTEGER NOT NULL,
  service TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  is_new INTEGER NOT NULL,
  PRIMARY KEY (device_id, is_offered, proto, port)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_hours (
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  hour_us INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL,
  PRIMARY KEY (device_id, hour_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE first_contacts (
  id INTEGER PRIMARY KEY,
  ts_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  peer TEXT NOT NULL,
  proto TEXT NOT NULL,
  port INTEGER NOT NULL,
  service TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (device_id, kind, peer, proto, port)
) STRICT;
CREATE INDEX first_contacts_time ON first_contacts(ts_us);
INSERT INTO devices(key, mac, address, name, name_origin, is_router, first_seen_us, last_seen_us,
  in_packets, in_bytes, out_packets, out_bytes)
  SELECT address, '', address, name, '', 0, first_seen_us, last_seen_us,
    in_packets, in_bytes, out_packets, out_bytes
  FROM hosts WHERE is_local = 1 AND out_packets > 0 ORDER BY last_seen_us DESC LIMIT 10000;
UPDATE hosts SET device_id = (SELECT id FROM devices WHERE key = hosts.address)
  WHERE is_local = 1 AND out_packets > 0;
`;

/** Version 10: sums by host, service and peer network, and when there was anything to sum up. */
const rollupTables = `
ALTER TABLE flows ADD COLUMN local_orig INTEGER;
ALTER TABLE flows ADD COLUMN local_resp INTEGER;
CREATE TABLE rollups (
  span_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ts_us INTEGER NOT NULL,
  key TEXT NOT NULL,
  packets INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  in_bytes INTEGER NOT NULL,
  out_bytes INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  PRIMARY KEY (span_us, kind, ts_us, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_time ON runs(last_us);
INSERT INTO rollups(span_us, kind, ts_us, key, packets, bytes, in_bytes, out_bytes, flows)
  SELECT span.us, 'all', (stats_minutes.ts_us / span.us) * span.us AS start_us, '', sum(packets),
    sum(bytes), sum(in_bytes), sum(out_bytes), sum(new_flows)
  FROM stats_minutes, (SELECT 60000000 AS us UNION ALL SELECT 600000000 UNION ALL
    SELECT 3600000000 UNION ALL SELECT 86400000000) AS span
  GROUP BY span.us, start_us;
`;

/** Version 11: what is new for the fleet (fleet_feed.ts). */
const fleetTable = `
CREATE TABLE fleet_feed (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  list TEXT NOT NULL,
  flows_before INTEGER NOT NULL,
  ids BLOB NOT NULL
) STRICT;
`;

/** Version 12: the process of this host behind a flow, a finding, an incident. */
const processColumns = ["flows", "scans", "anomalies", "incidents"].map((table) => `
ALTER TABLE ${table} ADD COLUMN pid INTEGER;
ALTER TABLE ${table} ADD COLUMN process TEXT;
ALTER TABLE ${table} ADD COLUMN executable TEXT;
ALTER TABLE ${table} ADD COLUMN command TEXT;
ALTER TABLE ${table} ADD COLUMN user TEXT;
ALTER TABLE ${table} ADD COLUMN unit TEXT;
`).join("");

/** Version 13: the countries of a device's peers (--geo-db). */
const countryTable = `
CREATE TABLE device_countries (
  device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  country TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  PRIMARY KEY (device_id, country)
) STRICT, WITHOUT ROWID;
`;

/** Version 14: flows that stood at a moment (flow_spans.ts). */
const spanIndex = `
CREATE INDEX flows_span ON flows((CASE WHEN end_us - start_us < 2000000 THEN 0 WHEN end_us - start_us < 4000000 THEN 1
  WHEN end_us - start_us < 8000000 THEN 2 WHEN end_us - start_us < 16000000 THEN 3 WHEN end_us - start_us < 32000000
  THEN 4 WHEN end_us - start_us < 64000000 THEN 5 WHEN end_us - start_us < 128000000 THEN 6 WHEN end_us - start_us <
  256000000 THEN 7 WHEN end_us - start_us < 512000000 THEN 8 WHEN end_us - start_us < 1024000000 THEN 9 WHEN end_us -
  start_us < 2048000000 THEN 10 ELSE 11 END), end_us, start_us)
  WHERE end_us - start_us >= 1000000;
`;

/** Version 15: rows that are many flows of a flood (pipeline/flood_sums.ts). */
const summedColumn = "ALTER TABLE flows ADD COLUMN summed_flows INTEGER;";

/** `MIGRATIONS[n]` leads from version n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  trafficTables,
  findingTables,
  episodeColumns,
  incidentTables,
  alertTables,
  fileTable,
  copyColumns,
  portColumn,
  deviceTables,
  rollupTables,
  fleetTable,
  processColumns,
  countryTable,
  spanIndex,
  summedColumn,
];

/** Brings `database` from its version to `targetVersion`, a transaction a step. A newer one is left as it is. */
export function migrate(database: DatabaseSync, targetVersion = SCHEMA_VERSION): void {
  for (;;) {
    database.exec("BEGIN IMMEDIATE");
    try {
      // Read under the write lock: another process may have just migrated.
      const version = readUserVersion(database);
      if (version < targetVersion) step(database, version);
      database.exec("COMMIT");
      if (version >= targetVersion) return;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

function step(database: DatabaseSync, version: number): void {
  database.exec(MIGRATIONS[version]!);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${version + 1}`);
  database.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES ('schema_version', ?)")
    .run(version + 1);
}

export function readUserVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()!.user_version);
}
