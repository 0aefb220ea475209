/**
 * Lines as Suricata's EVE log has them, from what the pipeline reads and the detectors find: `flow`, `dns`, `tls`, `http`,
 * `stats`, `alert`, `anomaly`. Names, types and the form of times are those of etc/schema.json of Suricata; rule metadata,
 * where authors choose the keys, carries what it has no name for. What is not known is left out rather than guessed.
 */
import { isoTime } from "../text/time.ts";
import { processRow } from "../text/processes.ts";
import { endsOf } from "../finding_ends.ts";
import {
  type ApplicationDetails,
  type Finding,
  type FindingKind,
  type Flow,
  type FlowProcess,
  hasPorts,
  type Incident,
  type StatsSecond,
  type TopFeature,
} from "../records.ts";

/** Of gid 1 in the range that Suricata leaves to local rules; the categories are texts of its classification.config. */
interface Signature {
  readonly id: number;
  readonly name: string;
  readonly category: string;
}
/** Once given, a number keeps its meaning. */
export const SIGNATURES: { readonly [kind in FindingKind | "incident"]: Signature } = {
  scan: { id: 1_000_001, name: "port scan", category: "Detection of a Network Scan" },
  brute_force: {
    id: 1_000_002,
    name: "brute force",
    category: "Attempted Administrator Privilege Gain",
  },
  flood: { id: 1_000_003, name: "flood", category: "Detection of a Denial of Service Attack" },
  arp_spoof: { id: 1_000_004, name: "ARP spoofing", category: "Potentially Bad Traffic" },
  dns_tunnel: { id: 1_000_005, name: "DNS tunnel", category: "A Network Trojan was detected" },
  beacon: {
    id: 1_000_006,
    name: "beacon",
    category: "Malware Command and Control Activity Detected",
  },
  reflection: {
    id: 1_000_007,
    name: "reflected traffic",
    category: "Detection of a Denial of Service Attack",
  },
  blocklist: {
    id: 1_000_009,
    name: "on a block list",
    category: "Potentially Bad Traffic",
  },
  anomaly: { id: 1_000_008, name: "unusual traffic", category: "Misc activity" },
  exfiltration: {
    id: 1_000_010,
    name: "unusual upload",
    category: "Potential Corporate Privacy Violation",
  },
  fleet_scan: {
    id: 1_000_011,
    name: "scan of the fleet",
    category: "Detection of a Network Scan",
  },
  lateral_movement: {
    id: 1_000_012,
    name: "move from host to host",
    category: "Successful Administrator Privilege Gain",
  },
  first_seen: { id: 1_000_013, name: "first seen in the fleet", category: "Misc activity" },
  agent_silent: { id: 1_000_014, name: "silent agent", category: "Misc activity" },
  agent_cloned: { id: 1_000_015, name: "agent in two places", category: "Potentially Bad Traffic" },
  first_contact: { id: 1_000_016, name: "first contact", category: "Misc activity" },
  incident: { id: 1_000_100, name: "incident", category: "Misc Attack" },
};
/** Suricata's priorities: 1 is the gravest. */
const priorities = { critical: 1, high: 1, medium: 2, low: 3, info: 3 } as const;

/** The line of a finished flow. */
export function eveFlow(flow: Flow): string {
  return line({
    ...tuple(flow, flow.endUs, "flow"),
    ...(flow.vlanId >= 0 && { vlan: [flow.vlanId] }),
    ...(flow.service && { app_proto: flow.service }),
    flow: {
      pkts_toserver: flow.origPkts,
      pkts_toclient: flow.respPkts,
      bytes_toserver: flow.origWireBytes,
      bytes_toclient: flow.respWireBytes,
      start: eveTime(flow.startUs),
      end: eveTime(flow.endUs),
      age: Math.floor((flow.endUs - flow.startUs) / 1e6),
      state: flowState(flow),
      reason: endReasons[flow.endReason],
    },
    ...(flow.summed && { metadata: { flowints: { summed_flows: flow.summed.flows } } }),
    ...(flow.process && { process: processPart(flow.process) }),
  });
}

/** The one part that is not Suricata's: what is known of the process, by the names of `flows`. */
function processPart(process: FlowProcess) {
  const known = Object.entries(processRow(process)).filter(([, cell]) => cell !== null);
  return Object.fromEntries(
    known.map(([name, cell]) => [name === "process" ? "name" : name, cell]),
  );
}

function processMetadata(process: FlowProcess | undefined): Record<string, string[]> {
  const known = Object.entries(processRow(process)).filter(([, cell]) => cell !== null);
  return Object.fromEntries(known.map(([name, cell]) => [name, [String(cell)]]));
}

/** The line of a DNS message, a ClientHello or an HTTP message; null for other details. */
export function eveDetails(
  details: ApplicationDetails,
  timestampUs: number,
  flow: () => Flow,
): string | null {
  if (details.dns) return line({ ...tuple(flow(), timestampUs, "dns"), dns: dnsPart(details.dns) });
  if (details.tls) {
    const { serverName, version, alpn, ja4 } = details.tls;
    return line({
      ...tuple(flow(), timestampUs, "tls"),
      tls: { sni: serverName, version, client_alpns: alpn, ja4 },
    });
  }
  if (!details.http) return null;
  const { method, host, path, userAgent, status } = details.http;
  return line({
    ...tuple(flow(), timestampUs, "http"),
    http: { hostname: host, url: path, http_user_agent: userAgent, http_method: method, status },
  });
}

function dnsPart(dns: NonNullable<ApplicationDetails["dns"]>) {
  const { id, isResponse, queryName, queryType, rcode, answers } = dns;
  return {
    version: 2,
    type: isResponse ? "answer" : "query",
    id,
    rrname: queryName,
    rrtype: queryType,
    ...(isResponse && {
      rcode,
      answers: answers.map(({ name, type, data }) => ({ rrname: name, rrtype: type, rdata: data })),
    }),
  };
}

/**
 * The line of a finding: `alert`, or `anomaly` for a host's window out of the ordinary, with an `alert` part that explains
 * it. `incidentId` is the incident it belongs to, where that is known.
 */
export function eveFinding(finding: Finding, incidentId: number | null): string {
  const { kind, anomaly, scan, severity, attackId, firstUs, lastUs, detectedUs } = finding;
  const ends = endsOf(finding);
  const signature = SIGNATURES[kind];
  return line({
    ...head(anomaly ? firstUs : detectedUs, anomaly ? "anomaly" : "alert", {
      from: ends.from.addresses[0],
      to: ends.to.addresses[0],
    }),
    ...(anomaly && {
      anomaly: { type: "behaviour", event: `unusual_${anomaly.topFeatures[0]?.name ?? "window"}` },
    }),
    alert: alertPart(signature, {
      name: scan ? `${scan.kind} ${scan.probe} scan` : signature.name,
      severity,
      metadata: {
        ...attackId !== "" && { mitre_technique_id: [attackId] },
        confidence: [short(finding.confidence)],
        signature_severity: [severity],
        reason: [finding.reason],
        first: [eveTime(firstUs)],
        last: [eveTime(lastUs)],
        sources: finding.sources,
        targets: finding.targets,
        ...scan && scan.ports !== "" && { ports: [scan.ports] },
        ...anomaly && {
          entity: [anomaly.entity],
          window_s: [String(anomaly.windowUs / 1e6)],
          score: [short(anomaly.score)],
          threshold: [short(anomaly.threshold)],
          top_features: anomaly.topFeatures.map(featureText),
        },
        ...processMetadata(finding.process),
        ...incidentId !== null && { incident: [String(incidentId)] },
      },
    }),
  });
}

/** The line of an incident as it stands. */
export function eveIncident(incident: Incident): string {
  const { id, actor, severity, tactics, techniques, headline, detail } = incident;
  const { sources, targets, firstUs, lastUs, detectedUs } = incident;
  return line({
    ...head(Math.max(lastUs, detectedUs), "alert", { from: actor ?? sources[0], to: targets[0] }),
    alert: alertPart(SIGNATURES.incident, {
      name: SIGNATURES.incident.name,
      severity,
      metadata: {
        ...tactics.length > 0 && { mitre_tactic_id: tactics },
        ...techniques.length > 0 && { mitre_technique_id: techniques },
        signature_severity: [severity],
        reason: [headline],
        ...detail !== "" && { detail: [detail] },
        first: [eveTime(firstUs)],
        last: [eveTime(lastUs)],
        sources,
        targets,
        ...processMetadata(incident.process),
        incident: [String(id)],
      },
    }),
  });
}

interface AlertParts {
  readonly name: string;
  readonly severity: keyof typeof priorities;
  readonly metadata: Readonly<Record<string, readonly string[]>>;
}

function alertPart({ id, category }: Signature, { name, severity, metadata }: AlertParts) {
  return {
    action: "allowed",
    gid: 1,
    signature_id: id,
    rev: 1,
    signature: `TAPWATCH ${name}`,
    category,
    severity: priorities[severity],
    metadata,
  };
}

function featureText({ name, value, typical: [low, high] }: TopFeature): string {
  return `${name} ${value === null ? "unknown" : short(value)} (usually ${short(low)} to ${
    short(high)
  })`;
}

function short(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

function head(
  timestampUs: number,
  type: "alert" | "anomaly",
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
) {
  return {
    timestamp: eveTime(timestampUs),
    event_type: type,
    ...isAddress(from) && { src_ip: from },
    ...isAddress(to) && { dest_ip: to },
  };
}

/** All traffic of the link has none. */
function isAddress(text: string | undefined): boolean {
  return text !== undefined && text !== "link";
}

const summed = [
  "packets",
  "bytes",
  "tcpPackets",
  "udpPackets",
  "newFlows",
  "kernelDrops",
  "interfaceDrops",
  "queueDrops",
] as const;
type Summed = typeof summed[number];

/** Lines of what was counted since the start, one in eight seconds of traffic time, as Suricata's default is. */
export class StatsLines {
  readonly #write: (line: string) => void;
  #first: StatsSecond | null = null;
  #newest: StatsSecond | null = null;
  #told: StatsSecond | null = null;
  readonly #totals = Object.fromEntries(summed.map((key) => [key, 0])) as Record<Summed, number>;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  add(second: StatsSecond): void {
    for (const key of summed) this.#totals[key] += second[key];
    this.#first ??= second;
    this.#newest = second;
    // A clock that was set back goes on from where it is.
    const passedUs = Math.abs(second.tsUs - (this.#told ?? this.#first).tsUs);
    if (passedUs >= statsIntervalUs) this.finish();
  }

  /** Tells what has not been told: the input is at its end. */
  finish(): void {
    const [first, newest, totals] = [this.#first, this.#newest, this.#totals];
    if (first === null || newest === null || newest === this.#told) return;
    this.#told = newest;
    this.#write(line({
      timestamp: eveTime(newest.tsUs + 1_000_000),
      event_type: "stats",
      stats: {
        uptime: Math.max(1, Math.round((newest.tsUs - first.tsUs) / 1e6) + 1),
        capture: {
          kernel_packets: totals.packets + totals.queueDrops,
          kernel_drops: totals.kernelDrops,
          kernel_ifdrops: totals.interfaceDrops,
        },
        decoder: {
          pkts: totals.packets,
          bytes: totals.bytes,
          tcp: totals.tcpPackets,
          udp: totals.udpPackets,
        },
        flow: { active: newest.activeFlows, total: totals.newFlows },
      },
    }));
  }
}

const statsIntervalUs = 8_000_000;

function tuple(flow: Flow, timestampUs: number, type: string) {
  return {
    timestamp: eveTime(timestampUs),
    flow_id: flow.id,
    event_type: type,
    src_ip: flow.origH,
    ...hasPorts(flow.proto) && { src_port: flow.origP },
    dest_ip: flow.respH,
    ...hasPorts(flow.proto) && { dest_port: flow.respP },
    proto: flow.proto === "icmpv6" ? "IPv6-ICMP" : flow.proto.toUpperCase(),
    ...(flow.communityId && { community_id: flow.communityId }),
  };
}

const closedStates = new Set(["SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SHR"]);
const establishedStates = new Set(["S1", "S2", "S3"]);

/** Suricata's word for Zeek's state. */
function flowState({ proto, connState, respPkts, origPkts }: Flow): string {
  if (proto === "tcp" && closedStates.has(connState)) return "closed";
  const isEstablished = proto === "tcp" && connState !== "OTH"
    ? establishedStates.has(connState)
    : origPkts > 0 && respPkts > 0;
  return isEstablished ? "established" : "new";
}

const endReasons: { readonly [reason in Flow["endReason"]]: string } = {
  closed: "timeout",
  idle: "timeout",
  active: "forced",
  evicted: "forced",
  end: "shutdown",
  summed: "forced",
  "": "unknown",
};

/** Texts of seconds up to their dot: most lines are of the same few. */
const secondTexts = new Map<number, string>();
const secondTextsMax = 256;

/** RFC 3339 but for the colon in the offset, as Suricata writes it: "2026-11-22T14:07:31.000123+0000". */
function eveTime(timestampUs: number): string {
  const second = Math.floor(timestampUs / 1e6);
  let text = secondTexts.get(second);
  if (text === undefined) {
    text = isoTime(second * 1e6).split(".")[0]!;
    if (secondTexts.size >= secondTextsMax) secondTexts.clear();
    secondTexts.set(second, text);
  }
  const micros = Math.floor(timestampUs - second * 1e6);
  return `${text}.${String(micros + 1e6).slice(1)}+0000`;
}

/** What breaks lines or turns the direction of text in some readers: C1 controls, Unicode's breaks, marks of direction. */
const unsafe = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const allUnsafe = new RegExp(unsafe, "g");

function line(fields: object): string {
  const text = JSON.stringify(fields);
  if (!unsafe.test(text)) return text;
  return text.replace(
    allUnsafe,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
