/** Rows for the tests of the fleet. */
import type { FlowProcess } from "../records.ts";
import { processRow } from "../text/processes.ts";
import { anomalyRow, scanRow } from "../store/finding_rows.ts";
import type { StoredFlow } from "../store/schema.ts";
import { bruteForceFinding, scanFinding, startUs } from "../store/testing.ts";
import type { FindingItem, HealthReport, IncidentItem, RollupRow } from "./wire.ts";

const curl: FlowProcess = {
  pid: 4711,
  name: "curl",
  executable: "/usr/bin/curl",
  command: "curl",
  user: "bob",
  unit: "cron.service",
};

export { many, startUs } from "../store/testing.ts";

export function storedFlow(id: number, changes: Partial<StoredFlow> = {}): StoredFlow {
  return {
    id: 2 ** 32 + id,
    start_us: startUs + id * 1000,
    end_us: startUs + id * 1000 + 500_000,
    orig_h: `192.168.1.${id % 250}`,
    orig_p: 40_000 + id % 20_000,
    resp_h: `198.51.100.${id % 100}`,
    resp_p: 443,
    ip_version: 4,
    proto: "tcp",
    service: "tls",
    name: `www${id % 50}.example.com`,
    ja4: "t13d1516h2_8daaf6152771_02713d6af862",
    orig_pkts: 10,
    orig_bytes: 1000 + id % 7,
    orig_wire_bytes: 1600,
    resp_pkts: 12,
    resp_bytes: 9000,
    resp_wire_bytes: 9700,
    conn_state: "SF",
    history: "ShADadFf",
    community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    rtt_us: 12_345,
    orig_retransmissions: 0,
    resp_retransmissions: 1,
    orig_copies: 0,
    resp_copies: 2,
    local_orig: 1,
    local_resp: 0,
    interface_id: 0,
    vlan_id: null,
    end_reason: "closed",
    ...(id % 3 === 0 ? processRow(curl) : processRow(undefined)),
    summed_flows: null,
    ...changes,
  };
}

export function rollupRow(number: number, changes: Partial<RollupRow> = {}): RollupRow {
  const { orig_h, resp_h, resp_p, proto, service, name, ja4 } = storedFlow(number);
  return {
    start_us: startUs + number * 1000,
    end_us: startUs + number * 1000 + 20_000_000,
    ...{ orig_h, resp_h, resp_p, proto, service, name, ja4 },
    local_orig: 1,
    local_resp: 0,
    flows: 3,
    failed_flows: 1,
    orig_pkts: 30,
    orig_bytes: 3000,
    orig_wire_bytes: 4800,
    resp_pkts: 36,
    resp_bytes: 27_000,
    resp_wire_bytes: 29_000,
    ...changes,
  };
}

export function scanItem(id: number): FindingItem {
  const { scan, ...finding } = scanFinding(id);
  return { list: "scans", row: scanRow({ ...finding, scan: scan! }, 1), flow_ids: [2 ** 32 + 1] };
}

export function anomalyItem(id: number): FindingItem {
  return { list: "anomalies", row: anomalyRow(bruteForceFinding(id), 1), flow_ids: [] };
}

export function incidentItem(
  id: number,
  changes: Readonly<Record<string, string | number | null>> = {},
): IncidentItem {
  return {
    row: {
      id,
      actor: "192.168.1.9",
      actor_name: "",
      severity: "high",
      state: "open",
      sources: '["192.168.1.9"]',
      source_count: 1,
      targets: '["192.168.1.20"]',
      target_count: 1,
      tactics: '["TA0006"]',
      techniques: '["T1110"]',
      kinds: '["brute_force"]',
      ports: '["22"]',
      first_us: startUs,
      last_us: startUs + 2_000_000,
      detected_us: startUs + 1_000_000,
      headline: "192.168.1.9 tried 30 logins at SSH of 192.168.1.20",
      detail: "",
      course: JSON.stringify([{
        tsUs: startUs,
        tactic: "TA0006",
        technique: "T1110",
        text: "It tried 30 logins",
      }]),
      amount: 30,
      has_succeeded: 0,
      origin_id: null,
      origin_text: null,
      finding_count: 1,
      ...processRow(id % 2 === 0 ? curl : undefined),
      ...changes,
    },
    findings: [{ list: "anomalies", id: 2 ** 32 + 1, role: "cause" }],
  };
}

export function healthReport(changes: Partial<HealthReport> = {}): HealthReport {
  const counts = { spooled: 100, committed: 90, given_up: 0 };
  return {
    name: "web-01",
    site: "",
    version: "1.2.3",
    level: "flows",
    dashboard_url: "https://web-01.example:8055/",
    now_us: startUs + 60_000_000,
    started_us: startUs,
    packets: 1000,
    bytes: 1_000_000,
    flows_per_s: 2.5,
    drops: { kernel: 0, interface: 0, queue: 0, recorder: 0, store: 0 },
    interfaces: ["eth0"],
    spool: { batches: 1, bytes: 4000, bytes_max: 2 ** 30, oldest_s: 2 },
    flows: counts,
    findings: counts,
    rejected: 0,
    resent: 0,
    reconnects: 0,
    ...changes,
  };
}
