/**
 * The columns of `packet_logs.db` as the present version of the schema has them: what the writer fills, what the
 * queries read, and the rows that the HTTP interface and `export` hand out under the same names. The SQL that makes the
 * tables, one step a version, is in migrations.ts; a test holds the two together.
 *
 * Times are integer microseconds since 1970 UTC. Flow columns carry Zeek's names and meaning.
 */
import { PROCESS_COLUMNS } from "../text/processes.ts";

/** Version of the schema that this program reads and writes; kept in `PRAGMA user_version` and `meta`. */
export const SCHEMA_VERSION = 15;

/** `PRAGMA application_id` of our files ("tapw"), so that somebody else's database is never changed. */
export const APPLICATION_ID = 0x74617077;

/**
 * `flows.id`, `scans.id` and `anomalies.id` are the number of the run times this, plus the id of the flow or finding
 * within the run.
 */
export const FLOWS_PER_RUN = 2 ** 32;

export const PACKET_COLUMNS = [
  "ts_us",
  "interface_id",
  "wire_length",
  "captured_length",
  "src",
  "dst",
  "src_port",
  "dst_port",
  "protocol",
  "application",
  "tcp_flags",
  "vlan_id",
  "flow_id",
  "sample_k",
  "info",
] as const;

export const FLOW_COLUMNS = [
  "id",
  "start_us",
  "end_us",
  "orig_h",
  "orig_p",
  "resp_h",
  "resp_p",
  "ip_version",
  "proto",
  "service",
  "name",
  "ja4",
  "orig_pkts",
  "orig_bytes",
  "orig_wire_bytes",
  "resp_pkts",
  "resp_bytes",
  "resp_wire_bytes",
  "conn_state",
  "history",
  "community_id",
  "rtt_us",
  "orig_retransmissions",
  "resp_retransmissions",
  "orig_copies",
  "resp_copies",
  "local_orig",
  "local_resp",
  "interface_id",
  "vlan_id",
  "end_reason",
  ...PROCESS_COLUMNS,
  "summed_flows",
] as const;

/** Counters of a second, which add up, … */
export const STATS_COUNTERS = [
  "packets",
  "bytes",
  "in_bytes",
  "out_bytes",
  "internal_bytes",
  "tcp_packets",
  "udp_packets",
  "icmp_packets",
  "other_packets",
  "new_flows",
  "kernel_drops",
  "interface_drops",
  "queue_drops",
] as const;

/** … and its levels, of which the highest counts. */
export const STATS_LEVELS = ["active_flows", "active_hosts"] as const;

export const STATS_COLUMNS = ["ts_us", ...STATS_COUNTERS, ...STATS_LEVELS] as const;

/** Sums by bucket, kind and key: see rollup_spans.ts. */
export const ROLLUP_COLUMNS = [
  "span_us",
  "kind",
  "ts_us",
  "key",
  "packets",
  "bytes",
  "in_bytes",
  "out_bytes",
  "flows",
] as const;

/** When tapwatch was at work, by run: of a file, its traffic time. */
export const RUN_COLUMNS = ["id", "run", "first_us", "last_us"] as const;

export const HOST_COLUMNS = [
  "address",
  "mac",
  "name",
  "is_local",
  "first_seen_us",
  "last_seen_us",
  "in_packets",
  "in_bytes",
  "out_packets",
  "out_bytes",
] as const;

/** Of a host in lists for programs, besides; see device_queries.ts. */
export const BOOK_COLUMNS = [
  ...HOST_COLUMNS,
  "id",
  "addresses",
  "vendor",
  "kind",
  "peers",
  "offers",
  "severity",
] as const;

/** A device of the own networks: all addresses of one MAC address, or one address. See device_writer.ts. */
export const DEVICE_COLUMNS = [
  "id",
  "key",
  "mac",
  "address",
  "name",
  "name_origin",
  "is_router",
  "first_seen_us",
  "last_seen_us",
  "in_packets",
  "in_bytes",
  "out_packets",
  "out_bytes",
] as const;

/** What was met for the first time: see device_writer.ts. */
export const FIRST_CONTACT_COLUMNS = [
  "id",
  "ts_us",
  "kind",
  "device_id",
  "address",
  "peer",
  "proto",
  "port",
  "service",
  "name",
] as const;

export const ANOMALY_COLUMNS = [
  "id",
  "ts_us",
  "window_us",
  "detected_us",
  "kind",
  "entity",
  "sources",
  "targets",
  "score",
  "threshold",
  "top_features",
  "severity",
  "confidence",
  "attack_id",
  "reason",
  "first_us",
  "last_us",
  "is_open",
  "source_count",
  "target_count",
  "amount",
  "has_succeeded",
  "ports",
  ...PROCESS_COLUMNS,
] as const;

export const SCAN_COLUMNS = [
  "id",
  "first_us",
  "last_us",
  "detected_us",
  "kind",
  "probe",
  "sources",
  "source_count",
  "targets",
  "target_count",
  "ports",
  "port_count",
  "attempts",
  "answered",
  "severity",
  "confidence",
  "attack_id",
  "reason",
  "answered_ports",
  "tempo",
  "tool",
  "has_decoys",
  "came_back",
  "is_open",
  "found",
  ...PROCESS_COLUMNS,
] as const;

/** Written by what is found … */
export const INCIDENT_COLUMNS = [
  "id",
  "actor",
  "actor_name",
  "severity",
  "state",
  "sources",
  "source_count",
  "targets",
  "target_count",
  "tactics",
  "techniques",
  "kinds",
  "ports",
  "first_us",
  "last_us",
  "detected_us",
  "headline",
  "detail",
  "course",
  "amount",
  "has_succeeded",
  "origin_id",
  "origin_text",
  "finding_count",
  ...PROCESS_COLUMNS,
] as const;
/** … and by people. */
export const INCIDENT_HUMAN_COLUMNS = ["acknowledged_us"] as const;

export const ALERT_COLUMNS = [
  "id",
  "ts_us",
  "kind",
  "trigger",
  "subject",
  "severity",
  "source",
  "headline",
  "detail",
  "reason",
  "attack_id",
  "incident_id",
  "amount",
  "has_succeeded",
  "state",
  "held_by",
  "mute_id",
  "digest_id",
  "deliveries",
] as const;

export const MUTE_COLUMNS = [
  "id",
  "created_us",
  "kind",
  "source",
  "destination",
  "port",
  "until_us",
  "note",
] as const;

/** Files that were replayed: see replayed_files.ts. */
export const FILE_COLUMNS = [
  "run",
  "fingerprint",
  "path",
  "decoder",
  "begun_us",
  "packets",
  "is_whole",
  "packets_id",
  "tail_id",
] as const;

/** What is new for the fleet: see fleet_feed.ts. */
export const FEED_COLUMNS = ["id", "list", "flows_before", "ids"] as const;

/** A cell as SQLite hands it out. */
export type Cell = string | number | null;

export interface StoredPacket {
  readonly id: number;
  readonly ts_us: number;
  readonly interface_id: number;
  readonly wire_length: number;
  readonly captured_length: number;
  readonly src: string;
  readonly dst: string;
  readonly src_port: number | null;
  readonly dst_port: number | null;
  readonly protocol: string;
  readonly application: string;
  readonly tcp_flags: number | null;
  readonly vlan_id: number | null;
  /** `flows.id`; null when the packet belongs to no flow. */
  readonly flow_id: number | null;
  readonly sample_k: number;
  readonly info: string;
}

export interface StoredFlow {
  readonly id: number;
  readonly start_us: number;
  readonly end_us: number;
  readonly orig_h: string;
  readonly orig_p: number;
  readonly resp_h: string;
  readonly resp_p: number;
  readonly ip_version: number;
  readonly proto: string;
  readonly service: string;
  readonly name: string;
  readonly ja4: string;
  readonly orig_pkts: number;
  readonly orig_bytes: number;
  readonly orig_wire_bytes: number;
  readonly resp_pkts: number;
  readonly resp_bytes: number;
  readonly resp_wire_bytes: number;
  readonly conn_state: string;
  readonly history: string;
  readonly community_id: string;
  readonly rtt_us: number | null;
  readonly orig_retransmissions: number;
  readonly resp_retransmissions: number;
  readonly orig_copies: number;
  readonly resp_copies: number;
  /** 1 or 0; null where an older version wrote the row. */
  readonly local_orig: number | null;
  readonly local_resp: number | null;
  readonly interface_id: number;
  readonly vlan_id: number | null;
  readonly end_reason: string;
  /** Of the process of this host, see FlowProcess; null where it is not known. */
  readonly pid: number | null;
  readonly process: string | null;
  readonly executable: string | null;
  readonly command: string | null;
  readonly user: string | null;
  readonly unit: string | null;
  /** Flows of a flood that the row adds up, see SummedFlows; null where it is one flow. */
  readonly summed_flows: number | null;
}

export interface StoredHost {
  readonly address: string;
  readonly mac: string;
  readonly name: string;
  /** 1 or 0. */
  readonly is_local: number;
  readonly first_seen_us: number;
  readonly last_seen_us: number;
  readonly in_packets: number;
  readonly in_bytes: number;
  readonly out_packets: number;
  readonly out_bytes: number;
}

/** One second, or several added up: counters are sums, levels the highest. */
export type StoredStats = { readonly [column in typeof STATS_COLUMNS[number]]: number };

/**
 * `sources`, `targets`, `top_features`, `came_back` and `found` are JSON texts; `is_open`, `has_decoys` and `has_succeeded` are
 * 1 or 0. `anomalies`
 * also holds the findings of all other kinds but scans, with the moment of detection as `ts_us`.
 */
export type StoredAnomaly = { readonly [column in typeof ANOMALY_COLUMNS[number]]: Cell };
export type StoredScan = { readonly [column in typeof SCAN_COLUMNS[number]]: Cell };
/** `sources`, `targets`, `tactics`, `techniques` and `course` are JSON texts; `state` is "open" or "closed". */
export type StoredIncident = {
  readonly [
    column in typeof INCIDENT_COLUMNS[number] | typeof INCIDENT_HUMAN_COLUMNS[number]
  ]: Cell;
};
/** `deliveries` is a JSON text, an AlertDelivery each; `trigger` is one of ALERT_TRIGGERS, `state` one of ALERT_STATES. */
export type StoredAlert = { readonly [column in typeof ALERT_COLUMNS[number]]: Cell };
export type StoredMute = { readonly [column in typeof MUTE_COLUMNS[number]]: Cell };
