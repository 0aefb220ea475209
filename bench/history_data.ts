/** A database of a busy month: flow rows, roll-ups and minutes by SQL, all else by history_month.ts. */
import { DatabaseSync } from "node:sqlite";
import { ROLLUP_SPANS } from "../agent/store/rollup_spans.ts";
import { ownHosts, peerAddressSql, peerCount, writeMonth } from "./history_month.ts";

interface HistorySize {
  readonly flows: number;
  readonly rollups: number;
  /** Every which hour of the month what is not made by SQL is written. */
  readonly hourStep: number;
}
/** Rows of each table. */
export type HistoryCounts = Readonly<Record<typeof counted[number], number>>;
const counted = [
  "flows",
  "rollups",
  "packets",
  "scans",
  "anomalies",
  "incidents",
  "alerts",
  "hosts",
  "devices",
  "device_peers",
  "device_services",
  "device_hours",
  "first_contacts",
] as const;

const dayUs = 86_400_000_000;
const days = 30;
/** Keys of a bucket of each kind. */
const keys = ownHosts;
const chunk = 500_000;

/** Fills the new database at `path`, up to `nowUs`. */
export function makeHistory(path: string, size: HistorySize, nowUs: number): HistoryCounts {
  const fromUs = Math.floor((nowUs - days * dayUs) / 60e6) * 60e6;
  const written = writeMonth(path, { fromUs, hours: days * 24, step: size.hourStep });
  const database = new DatabaseSync(path);
  database.exec("PRAGMA synchronous = OFF");
  const indexes = database.prepare(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'flows' AND sql IS NOT NULL",
  ).all();
  for (const { name } of indexes) database.exec(`DROP INDEX ${name}`);
  const stepUs = Math.floor(days * dayUs / size.flows);
  for (let at = written + 1; at <= size.flows; at += chunk) {
    database.exec(flowsSql(at, Math.min(size.flows + 1, at + chunk), { fromUs, stepUs }));
  }
  for (const { sql } of indexes) database.exec(String(sql));
  database.exec("UPDATE meta SET value = (SELECT count(*) FROM flows) WHERE key = 'flows_rows'");
  database.exec(minutesSql(fromUs));
  database.exec(`INSERT INTO runs(run, first_us, last_us) VALUES (1, ${fromUs}, ${nowUs})`);
  // Those of a minute a month ago would not be kept.
  database.exec("DELETE FROM rollups WHERE kind IN ('all', 'host', 'service', 'peer')");
  makeRollups(database, size.rollups, nowUs);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const counts = countRows(database);
  database.close();
  return counts;
}

export function countRows(database: DatabaseSync): HistoryCounts {
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
  return Object.fromEntries(counted.map((table) => [table, count(table)])) as HistoryCounts;
}

const numbers = (from: number, to: number) =>
  `WITH RECURSIVE t(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM t WHERE n < ${to - 1})`;

function flowsSql(
  from: number,
  to: number,
  { fromUs, stepUs }: { readonly fromUs: number; readonly stepUs: number },
): string {
  return `INSERT INTO flows(id, start_us, end_us, orig_h, orig_p, resp_h, resp_p, ip_version, proto, service,
      name, ja4, orig_pkts, orig_bytes, orig_wire_bytes, resp_pkts, resp_bytes, resp_wire_bytes,
      conn_state, history, community_id, rtt_us, orig_retransmissions, resp_retransmissions,
      orig_copies, resp_copies, local_orig, local_resp, interface_id, vlan_id, end_reason)
    ${numbers(from, to)}
    SELECT 4294967296 + n, ${fromUs} + n * ${stepUs} - n % 7 * 1000000, ${fromUs} + n * ${stepUs},
      '192.168.1.' || (n * 7919 % ${keys}), 40000 + n % 20000,
      ${peerAddressSql(`((n / ${keys} * 7919 + n * 31) % ${peerCount})`)},
      CASE n % 4 WHEN 0 THEN 53 WHEN 1 THEN 8443 ELSE 443 END, 4,
      CASE n % 4 WHEN 0 THEN 'udp' ELSE 'tcp' END,
      CASE n % 4 WHEN 0 THEN 'dns' WHEN 1 THEN '' WHEN 2 THEN 'tls' ELSE 'quic' END,
      'www' || (n % 5000) || '.example.com', 't13d1516h2_8daaf6152771_02713d6af862',
      10, 1000, 1600 + n % 1000, 12, 9000, 9700 + n * 37 % 100000, 'SF', 'ShADadFf',
      '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', 12345, 0, 1, 0, 0, 1, 0, 0, NULL, 'closed'
    FROM t`;
}

function minutesSql(fromUs: number): string {
  return `INSERT INTO stats_minutes(ts_us, packets, bytes, in_bytes, out_bytes, internal_bytes, tcp_packets,
      udp_packets, icmp_packets, other_packets, new_flows, kernel_drops, interface_drops, queue_drops,
      active_flows, active_hosts)
    ${
    numbers(0, days * 1440)
  } SELECT ${fromUs} + n * 60000000, 100000 + n % 7000, 60000000 + n % 1000 * 9000,
      50000000, 9000000, 1000000, 90000, 9000, 10, 10, 230, 0, 0, 0, 600, 60 FROM t`;
}

/** All spans as long as they are kept, hours as far back as `count` goes. */
function makeRollups(database: DatabaseSync, count: number, nowUs: number): void {
  const perBucket = 3 * keys + 1;
  let left = count;
  for (const { spanUs, days: kept } of ROLLUP_SPANS) {
    const most = kept === null ? Infinity : Math.floor(kept * dayUs / spanUs);
    const wanted = Math.max(1, Math.floor(left / perBucket));
    const buckets = Math.min(most, spanUs === dayUs ? 365 : wanted);
    const lastUs = Math.floor(nowUs / spanUs) * spanUs;
    const kinds = [
      ["all", "''", 1],
      ["host", "'192.168.1.' || k.n", keys],
      [
        "service",
        "CASE k.n WHEN 0 THEN 'tls' WHEN 1 THEN 'quic' WHEN 2 THEN 'dns' ELSE 'tcp/' || k.n END",
        keys,
      ],
      ["peer", "'203.' || k.n || '.7.0/24'", keys],
    ] as const;
    for (const [kind, key, keyCount] of kinds) {
      database.exec(
        `INSERT INTO rollups(span_us, kind, ts_us, key, packets, bytes, in_bytes, out_bytes, flows)
         WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < ${buckets - 1}),
           k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < ${keyCount - 1})
         SELECT ${spanUs}, '${kind}', ${lastUs} - (${buckets - 1} - t.n) * ${spanUs}, ${key},
           1000 + k.n, 1000000 * (k.n + 1), 900000 * (k.n + 1), 100000 * (k.n + 1), 40
         FROM t, k`,
      );
    }
    left -= buckets * perBucket;
  }
}
