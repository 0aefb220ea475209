/**
 * Suricata-style EVE lines (docs.suricata.io, "Eve JSON Format") from what the pipeline reads and the detectors find:
 * `flow`, `dns`, `tls`, `http`, `stats`, `alert`, `anomaly`. Where tapwatch has no such field, it is left out rather than guessed.
 */
import { endsOf } from "../finding_ends.ts";
import type { ApplicationDetails, Finding, FindingKind, Flow, StatsSecond } from "../records.ts";
import { isoTime } from "./time_text.ts";

/** Signature ids of our own, in the range that Suricata leaves to local rules, and the classtypes' texts. */
const signatures: {
  readonly [kind in Exclude<FindingKind, "anomaly">]: {
    readonly id: number;
    readonly name: string;
    readonly category: string;
  };
} = {
  scan: { id: 1_000_001, name: "port scan", category: "Detection of a Network Scan" },
  brute_force: {
    id: 1_000_002,
    name: "brute force",
    category: "Attempted Administrator Privilege Gain",
  },
  flood: { id: 1_000_003, name: "flood", category: "Detection of a Denial of Service Attack" },
  reflection: {
    id: 1_000_007,
    name: "reflected traffic",
    category: "Detection of a Denial of Service Attack",
  },
  arp_spoof: { id: 1_000_004, name: "ARP spoofing", category: "Potentially Bad Traffic" },
  dns_tunnel: {
    id: 1_000_005,
    name: "DNS tunnel",
    category: "A Network Trojan was detected",
  },
  beacon: {
    id: 1_000_006,
    name: "beacon",
    category: "Malware Command and Control Activity Detected",
  },
};
/** Suricata's priorities: 1 is the gravest. */
const priorities = { critical: 1, high: 1, medium: 2, low: 3, info: 3 } as const;

/** The line of a finished flow. */
export function eveFlow(flow: Flow): string {
  return JSON.stringify({
    ...tuple(flow, flow.endUs, "flow"),
    ...(flow.service && { app_proto: flow.service }),
    flow: {
      pkts_toserver: flow.origPkts,
      pkts_toclient: flow.respPkts,
      bytes_toserver: flow.origWireBytes,
      bytes_toclient: flow.respWireBytes,
      start: isoTime(flow.startUs),
      end: isoTime(flow.endUs),
      age: Math.floor((flow.endUs - flow.startUs) / 1e6),
      state: flow.connState,
      reason: flow.endReason,
    },
  });
}

/** The line of a DNS message, a ClientHello or an HTTP message; null for other details. */
export function eveDetails(
  details: ApplicationDetails,
  timestampUs: number,
  flow: Flow,
): string | null {
  if (details.dns) {
    const { dns } = details;
    return JSON.stringify({
      ...tuple(flow, timestampUs, "dns"),
      dns: {
        type: dns.isResponse ? "answer" : "query",
        id: dns.id,
        rrname: dns.queryName,
        rrtype: dns.queryType,
        ...(dns.isResponse && {
          rcode: dns.rcode,
          answers: dns.answers.map(({ name, type, data }) => ({
            rrname: name,
            rrtype: type,
            rdata: data,
          })),
        }),
      },
    });
  }
  if (details.tls) {
    const { serverName, version, alpn, ja4 } = details.tls;
    return JSON.stringify({
      ...tuple(flow, timestampUs, "tls"),
      tls: { sni: serverName, version, client_alpns: alpn, ja4 },
    });
  }
  if (!details.http) return null;
  const { method, host, path, userAgent, status } = details.http;
  return JSON.stringify({
    ...tuple(flow, timestampUs, "http"),
    http: { hostname: host, url: path, http_user_agent: userAgent, http_method: method, status },
  });
}

/** The line of a finding: `anomaly` for a window out of the ordinary, else `alert`. */
export function eveFinding(finding: Finding): string {
  return finding.kind === "anomaly"
    ? JSON.stringify({ ...findingHead(finding, "anomaly"), anomaly: anomalyPart(finding) })
    : JSON.stringify({
      ...findingHead(finding, "alert"),
      alert: alertPart(finding, signatures[finding.kind]),
    });
}

function findingHead(finding: Finding, type: "alert" | "anomaly") {
  const { firstUs, detectedUs, anomaly } = finding;
  const [source, target] = Object.values(endsOf(finding)).map(({ addresses }) => addresses[0]);
  return {
    timestamp: isoTime(anomaly ? firstUs : detectedUs),
    event_type: type,
    ...isAddress(source) && { src_ip: source },
    ...isAddress(target) && { dest_ip: target },
  };
}

/** All traffic of the link has none. */
function isAddress(text: string | undefined): boolean {
  return text !== undefined && text !== "link";
}

function alertPart(finding: Finding, signature: typeof signatures["scan"]) {
  const { scan, severity, attackId, firstUs, lastUs, confidence, reason } = finding;
  const name = scan ? `${scan.kind} ${scan.probe} scan` : signature.name;
  return {
    action: "allowed",
    gid: 1,
    signature_id: signature.id,
    rev: 1,
    signature: `TAPWATCH ${name}`,
    category: signature.category,
    severity: priorities[severity],
    metadata: {
      ...attackId !== "" && { mitre_technique_id: [attackId] },
      confidence: [String(confidence)],
      signature_severity: [severity],
      reason: [reason],
      first: [isoTime(firstUs)],
      last: [isoTime(lastUs)],
      sources: finding.sources,
      targets: finding.targets,
      ...scan && scan.ports !== "" && { ports: [scan.ports] },
    },
  };
}

function anomalyPart({ anomaly, severity, reason }: Finding) {
  return {
    type: "behaviour",
    event: "host_window",
    severity,
    reason,
    ...anomaly && {
      start: isoTime(anomaly.tsUs),
      window_s: anomaly.windowUs / 1e6,
      entity: anomaly.entity,
      score: anomaly.score,
      threshold: anomaly.threshold,
      top_features: anomaly.topFeatures,
    },
  };
}

/** The line of one second's totals. */
export function eveStats(second: StatsSecond): string {
  return JSON.stringify({
    timestamp: isoTime(second.tsUs),
    event_type: "stats",
    stats: {
      decoder: {
        pkts: second.packets,
        bytes: second.bytes,
        tcp: second.tcpPackets,
        udp: second.udpPackets,
      },
      flow: { active: second.activeFlows, total_new: second.newFlows },
      capture: { kernel_drops: second.kernelDrops },
    },
  });
}

function tuple(flow: Flow, timestampUs: number, type: string) {
  return {
    timestamp: isoTime(timestampUs),
    flow_id: flow.id,
    event_type: type,
    src_ip: flow.origH,
    ...hasPorts(flow) && { src_port: flow.origP },
    dest_ip: flow.respH,
    ...hasPorts(flow) && { dest_port: flow.respP },
    proto: flow.proto.toUpperCase(),
    community_id: flow.communityId,
  };
}

function hasPorts(flow: Flow): boolean {
  return flow.proto === "tcp" || flow.proto === "udp" || flow.proto === "sctp";
}
