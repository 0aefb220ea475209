import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ApplicationDetails, Flow, Incident, IncidentNews, StatsSecond } from "../records.ts";
import { Application } from "../records.ts";
import { bruteForceFinding, flow as sampleFlow, incident, scanFinding } from "../store/testing.ts";
import { eveDetails, eveFinding, eveFlow, eveIncident, SIGNATURES, StatsLines } from "./lines.ts";
import { FindingLines } from "./finding_lines.ts";
import { parseEveLine } from "./testing/suricata_schema.ts";

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
  const line = eveDetails({ application: 0, isComplete: true, ...details }, startUs, () => flow);
  return line === null ? null : parseEveLine(line);
}

Deno.test("eveFlow() writes counters by direction", () => {
  deepStrictEqual(parseEveLine(eveFlow(flow)), {
    timestamp: "2023-11-14T22:13:22.500000+0000",
    event_type: "flow",
    ...tuple,
    app_proto: "tls",
    flow: {
      pkts_toserver: 5,
      pkts_toclient: 6,
      bytes_toserver: 500,
      bytes_toclient: 6000,
      start: "2023-11-14T22:13:20.000000+0000",
      end: "2023-11-14T22:13:22.500000+0000",
      age: 2,
      state: "closed",
      reason: "timeout",
    },
  });
});

Deno.test("eveFlow() says how many flows of a flood share a line", () => {
  const summed = { flows: 4900, sources: [] };
  const line = parseEveLine(
    eveFlow({ ...flow, origH: "0.0.0.0", communityId: "", endReason: "summed", summed }),
  );
  deepStrictEqual(line.metadata, { flowints: { summed_flows: 4900 } });
  strictEqual("community_id" in line, false);
  strictEqual((line.flow as { reason: string }).reason, "forced");
});

Deno.test("eveFlow() leaves out what a flow does not have", () => {
  const line = parseEveLine(eveFlow({ ...flow, proto: "icmp", service: "" }));
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
    timestamp: "2023-11-14T22:13:20.000000+0000",
    event_type: "dns",
    ...tuple,
    dns: { version: 2, type: "query", id: 9, rrname: "example.org", rrtype: "A" },
  });
  const answers = [{ name: "example.org", type: "A", data: "192.0.2.7" }];
  const { dns } = lineOf({
    dns: { ...query, isResponse: true, rcode: "NOERROR", answers },
  }) as { dns: object };
  deepStrictEqual(dns, {
    version: 2,
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

function second(index: number, changes: Partial<StatsSecond> = {}): StatsSecond {
  return {
    tsUs: startUs + index * 1_000_000,
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
    activeFlows: 3 + index,
    activeHosts: 4,
    kernelDrops: 1,
    interfaceDrops: 0,
    queueDrops: 2,
    ...changes,
  };
}

Deno.test("StatsLines sums up, one line in eight seconds and one at the end", () => {
  const written: string[] = [];
  const lines = new StatsLines((line) => written.push(line));
  lines.finish();
  for (let index = 0; index < 12; index++) lines.add(second(index));
  lines.finish();
  lines.finish();
  const stats = written.map((line) => parseEveLine(line));
  deepStrictEqual(stats.map(({ timestamp }) => timestamp), [
    "2023-11-14T22:13:29.000000+0000",
    "2023-11-14T22:13:32.000000+0000",
  ]);
  deepStrictEqual(stats[1].stats, {
    uptime: 12,
    capture: { kernel_packets: 144, kernel_drops: 12, kernel_ifdrops: 0 },
    decoder: { pkts: 120, bytes: 12_000, tcp: 72, udp: 48 },
    flow: { active: 14, total: 24 },
  });
});

Deno.test("StatsLines goes on when the clock was set back", () => {
  const written: string[] = [];
  const lines = new StatsLines((line) => written.push(line));
  for (const index of [3600, 3601, 0, 1, 7, 8, 9]) lines.add(second(index));
  const times = written.map((line) => parseEveLine(line).timestamp);
  deepStrictEqual(times, ["2023-11-14T22:13:21.000000+0000", "2023-11-14T22:13:29.000000+0000"]);
});

Deno.test("states and ends of flows are told in Suricata's words", () => {
  const told = ([
    ["tcp", "S0", 0, "idle"],
    ["tcp", "S1", 3, "end"],
    ["tcp", "SF", 3, "closed"],
    ["tcp", "REJ", 1, "closed"],
    ["tcp", "OTH", 3, "active"],
    ["udp", "S0", 0, "idle"],
    ["udp", "SF", 2, "evicted"],
    ["icmpv6", "OTH", 2, "idle"],
  ] as const).map(([proto, connState, respPkts, endReason]) => {
    const line = parseEveLine(eveFlow({ ...flow, proto, connState, respPkts, endReason }));
    return `${line.proto} ${line.flow.state} ${line.flow.reason}`;
  });
  deepStrictEqual(told, [
    "TCP new timeout",
    "TCP established shutdown",
    "TCP closed timeout",
    "TCP closed timeout",
    "TCP established forced",
    "UDP new timeout",
    "UDP established forced",
    "IPv6-ICMP established timeout",
  ]);
});

Deno.test("hostile names stay one line and turn no text around", () => {
  const name = 'a"}\n\r\u2028\u202e{"event_type":"alert"}\u0000\ud800\x85';
  const details = {
    application: 0,
    isComplete: true,
    tls: { serverName: name, version: "TLS 1.3", alpn: [name] },
  };
  const text = eveDetails(details, startUs, () => flow)!;
  // deno-lint-ignore no-control-regex
  ok(!/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/.test(text));
  const line = parseEveLine(text);
  deepStrictEqual([line.event_type, line.tls.sni, line.tls.client_alpns], ["tls", name, [name]]);
});

Deno.test("each kind has a signature of its own", () => {
  const ids = Object.values(SIGNATURES).map(({ id }) => id);
  strictEqual(new Set(ids).size, ids.length);
  ok(ids.every((id) => id >= 1_000_000 && id < 2_000_000));
});

Deno.test("eveIncident() writes an alert with tactics, techniques and headline", () => {
  const line = parseEveLine(eveIncident(incident(7, { severity: "critical" })));
  deepStrictEqual(
    [line.event_type, line.src_ip, line.dest_ip, line.alert.signature_id, line.alert.severity],
    ["alert", "10.0.0.9", "10.0.0.2", 1_000_100, 1],
  );
  const { metadata } = line.alert;
  deepStrictEqual(
    [metadata.mitre_tactic_id, metadata.mitre_technique_id, metadata.reason, metadata.incident],
    [["TA0007"], ["T1046"], ["10.0.0.9 scanned 10.0.0.2"], ["7"]],
  );
});

Deno.test("FindingLines tells a finding with its incident, and an incident again when it is graver", () => {
  const written: string[] = [];
  const lines = new FindingLines((line) => written.push(line));
  const finding = bruteForceFinding(3);
  const news = (changes: Partial<Incident>): IncidentNews[] => [
    { incident: incident(7, changes), joined: [{ finding, role: "cause" }], absorbedIds: [] },
  ];
  lines.finding(finding, news({}));
  lines.incidents(news({}));
  lines.incidents(news({ amount: 20 }));
  lines.incidents(news({ severity: "critical" }));
  lines.incidents(news({ severity: "critical", isOpen: false }));
  lines.restore([incident(8)]);
  lines.incidents([{ incident: incident(8), joined: [], absorbedIds: [] }]);
  const told = written.map((line) => parseEveLine(line).alert);
  deepStrictEqual(
    told.map((
      { signature, metadata },
    ) => [signature, metadata.incident, metadata.signature_severity]),
    [
      ["TAPWATCH brute force", ["7"], ["high"]],
      ["TAPWATCH incident", ["7"], ["high"]],
      ["TAPWATCH incident", ["7"], ["critical"]],
    ],
  );
});

Deno.test("eveFinding() writes an alert with signature, priority and ATT&CK technique", () => {
  const finding = scanFinding(1, {
    severity: "medium",
    scan: { kind: "horizontal", probe: "udp" },
  });
  deepStrictEqual(parseEveLine(eveFinding(finding, null)), {
    timestamp: "2026-01-01T00:00:01.000000+0000",
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
        first: ["2026-01-01T00:00:00.000000+0000"],
        last: ["2026-01-01T00:00:02.000000+0000"],
        sources: ["192.168.1.9"],
        targets: ["192.168.1.20"],
        ports: ["21-25"],
      },
    },
  });
  const other = parseEveLine(eveFinding(bruteForceFinding(2), 4));
  deepStrictEqual(
    [other.alert.signature, other.alert.severity, other.alert.metadata.incident],
    ["TAPWATCH brute force", 1, ["4"]],
  );
});

Deno.test("eveFinding() writes an anomaly for a window out of the ordinary", () => {
  const topFeatures = [{
    name: "new_flows",
    value: 412,
    typical: [3, 20],
    contribution: 0.6,
  }] as const;
  const line = parseEveLine(eveFinding({
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
  }, 4));
  deepStrictEqual(Object.keys(line), ["timestamp", "event_type", "src_ip", "anomaly", "alert"]);
  deepStrictEqual(line.anomaly, { type: "behaviour", event: "unusual_new_flows" });
  const { signature_id: id, metadata } = line.alert;
  deepStrictEqual([id, metadata.score, metadata.threshold, metadata.top_features], [
    1_000_008,
    ["0.7"],
    ["0.6"],
    ["new_flows 412 (usually 3 to 20)"],
  ]);
});

Deno.test("docs/EVE.md lists the signatures as they are", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/EVE.md", import.meta.url));
  const rows = [...text.matchAll(/^\| (\d{7}) \| (\w+) \| (.+) \|$/gm)].map((row) => row.slice(1));
  deepStrictEqual(
    rows.sort(),
    Object.entries(SIGNATURES).map(([kind, { id, category }]) => [String(id), kind, category])
      .sort(),
  );
});

Deno.test("times have microseconds, at the edges of seconds and of what can be told", () => {
  const told = [0, 1, 999_999, 1_000_000, 1_700_000_000_000_001, 1_700_000_000_999_999.5].map(
    (endUs) => parseEveLine(eveFlow({ ...flow, startUs: 0, endUs })).timestamp,
  );
  deepStrictEqual(told, [
    "1970-01-01T00:00:00.000000+0000",
    "1970-01-01T00:00:00.000001+0000",
    "1970-01-01T00:00:00.999999+0000",
    "1970-01-01T00:00:01.000000+0000",
    "2023-11-14T22:13:20.000001+0000",
    "2023-11-14T22:13:20.999999+0000",
  ]);
});
