import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ApplicationDetails, Flow } from "../records.ts";
import { Application } from "../records.ts";
import { bruteForceFinding, flow as sampleFlow, scanFinding } from "../store/testing.ts";
import { eveDetails, eveFinding, eveFlow, eveStats } from "./eve.ts";

const startUs = 1_700_000_000_000_000;
const flow: Flow = {
  ...sampleFlow(7),
  startUs,
  endUs: startUs + 2_500_000,
  origH: "192.168.1.5",
  origP: 40_000,
  respH: "198.51.100.7",
  respP: 443,
  proto: "tcp",
  service: "tls",
  origPkts: 5,
  respPkts: 6,
  origWireBytes: 500,
  respWireBytes: 6000,
  connState: "SF",
  communityId: "1:abc=",
  endReason: "closed",
};
const tuple = {
  flow_id: 7,
  src_ip: "192.168.1.5",
  src_port: 40_000,
  dest_ip: "198.51.100.7",
  dest_port: 443,
  proto: "TCP",
  community_id: "1:abc=",
};

/** The line of application details at the flow's start. */
function lineOf(details: Partial<ApplicationDetails>): unknown {
  const line = eveDetails({ application: 0, isComplete: true, ...details }, startUs, flow);
  return line === null ? null : JSON.parse(line);
}

Deno.test("eveFlow() writes counters by direction", () => {
  deepStrictEqual(JSON.parse(eveFlow(flow)), {
    timestamp: "2023-11-14T22:13:22.500000Z",
    event_type: "flow",
    ...tuple,
    app_proto: "tls",
    flow: {
      pkts_toserver: 5,
      pkts_toclient: 6,
      bytes_toserver: 500,
      bytes_toclient: 6000,
      start: "2023-11-14T22:13:20.000000Z",
      end: "2023-11-14T22:13:22.500000Z",
      age: 2,
      state: "SF",
      reason: "closed",
    },
  });
});

Deno.test("eveFlow() leaves out what a flow does not have", () => {
  const line = JSON.parse(eveFlow({ ...flow, proto: "icmp", service: "" }));
  deepStrictEqual([line.src_port, line.dest_port, line.app_proto, line.proto], [
    undefined,
    undefined,
    undefined,
    "ICMP",
  ]);
});

Deno.test("eveDetails() writes DNS queries and answers", () => {
  const query = {
    id: 9,
    isResponse: false,
    queryName: "example.org",
    queryType: "A",
    answers: [],
  };
  deepStrictEqual(lineOf({ dns: query }), {
    timestamp: "2023-11-14T22:13:20.000000Z",
    event_type: "dns",
    ...tuple,
    dns: { type: "query", id: 9, rrname: "example.org", rrtype: "A" },
  });
  const answers = [{ name: "example.org", type: "A", data: "192.0.2.7" }];
  const { dns } = lineOf({
    dns: { ...query, isResponse: true, rcode: "NOERROR", answers },
  }) as { dns: object };
  deepStrictEqual(dns, {
    type: "answer",
    id: 9,
    rrname: "example.org",
    rrtype: "A",
    rcode: "NOERROR",
    answers: [{ rrname: "example.org", rrtype: "A", rdata: "192.0.2.7" }],
  });
});

Deno.test("eveDetails() writes TLS and HTTP without the fields that were not seen", () => {
  const tls = { serverName: "example.org", version: "TLS 1.3", alpn: ["h2"], ja4: "t13d" };
  const { tls: written } = lineOf({ tls }) as { tls: object };
  deepStrictEqual(written, {
    sni: "example.org",
    version: "TLS 1.3",
    client_alpns: ["h2"],
    ja4: "t13d",
  });
  const { http } = lineOf({ http: { method: "GET", host: "example.org", path: "/" } }) as {
    http: object;
  };
  deepStrictEqual(http, { hostname: "example.org", url: "/", http_method: "GET" });
});

Deno.test("eveDetails() is null for what EVE has no line of here", () => {
  strictEqual(lineOf({ application: Application.ssh, sshBanner: "SSH-2.0-x" }), null);
});

Deno.test("eveStats() writes the counters of a second", () => {
  const second = {
    tsUs: startUs,
    packets: 10,
    bytes: 1000,
    inBytes: 0,
    outBytes: 0,
    internalBytes: 0,
    tcpPackets: 6,
    udpPackets: 4,
    icmpPackets: 0,
    otherPackets: 0,
    newFlows: 2,
    activeFlows: 3,
    activeHosts: 4,
    kernelDrops: 1,
    interfaceDrops: 0,
    queueDrops: 0,
  };
  deepStrictEqual(JSON.parse(eveStats(second)), {
    timestamp: "2023-11-14T22:13:20.000000Z",
    event_type: "stats",
    stats: {
      decoder: { pkts: 10, bytes: 1000, tcp: 6, udp: 4 },
      flow: { active: 3, total_new: 2 },
      capture: { kernel_drops: 1 },
    },
  });
});

Deno.test("eveFinding() writes an alert with signature, priority and ATT&CK technique", () => {
  const finding = scanFinding(1, {
    severity: "medium",
    scan: { kind: "horizontal", probe: "udp" },
  });
  deepStrictEqual(JSON.parse(eveFinding(finding)), {
    timestamp: "2026-01-01T00:00:01.000000Z",
    event_type: "alert",
    src_ip: "192.168.1.9",
    dest_ip: "192.168.1.20",
    alert: {
      action: "allowed",
      gid: 1,
      signature_id: 1_000_001,
      rev: 1,
      signature: "TAPWATCH horizontal udp scan",
      category: "Detection of a Network Scan",
      severity: 2,
      metadata: {
        mitre_technique_id: ["T1046"],
        confidence: ["0.9"],
        signature_severity: ["medium"],
        reason: [finding.reason],
        first: ["2026-01-01T00:00:00.000000Z"],
        last: ["2026-01-01T00:00:02.000000Z"],
        sources: ["192.168.1.9"],
        targets: ["192.168.1.20"],
        ports: ["21-25"],
      },
    },
  });
  const other = JSON.parse(eveFinding(bruteForceFinding(2)));
  deepStrictEqual([other.alert.signature, other.alert.severity], ["TAPWATCH brute force", 1]);
});

Deno.test("eveFinding() writes an anomaly for a window out of the ordinary", () => {
  const topFeatures = [{
    name: "new_flows",
    value: 412,
    typical: [3, 20],
    contribution: 0.6,
  }] as const;
  const line = JSON.parse(eveFinding({
    ...bruteForceFinding(3, { targets: [] }),
    kind: "anomaly",
    anomaly: {
      tsUs: startUs,
      windowUs: 10_000_000,
      entity: "192.168.1.9",
      score: 0.7,
      threshold: 0.6,
      topFeatures,
    },
  }));
  deepStrictEqual(Object.keys(line), ["timestamp", "event_type", "src_ip", "anomaly"]);
  deepStrictEqual(line.anomaly, {
    type: "behaviour",
    event: "host_window",
    severity: "high",
    reason: "192.168.1.9 tried 30 logins at SSH of 192.168.1.20",
    start: "2023-11-14T22:13:20.000000Z",
    window_s: 10,
    entity: "192.168.1.9",
    score: 0.7,
    threshold: 0.6,
    top_features: topFeatures,
  });
});
