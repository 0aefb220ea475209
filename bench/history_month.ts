/**
 * The part of a month that is written by StoreWriter itself, hour by hour: devices with addresses, names, peers, services, hours and
 * first contacts, the flows that they come from, packets, and what was found and told.
 */
import {
  type Alert,
  type Flow,
  FLOWS_LINKED_MAX,
  type HostTotals,
  type IncidentNews,
  type PacketRow,
} from "../agent/records.ts";
import {
  bruteForceFinding,
  flow,
  hostRow,
  incident,
  many,
  openWriter,
  packetRow,
  scanFinding,
} from "../agent/store/testing.ts";
import type { StoreWriter } from "../agent/store/writer.ts";

/** Own hosts, 192.168.1.0 and on; the last of them are new in the course of the month. */
export const ownHosts = 64;
const newcomers = 8;
/** Further ones, which come while the bench writes. */
export const newOwnHosts = 16;
/** Hosts elsewhere, a tenth of them known to any device that talks to many. */
export const peerCount = 2000;
const findingsPerHour = 4;
const hourUs = 3_600_000_000;
const router = 1;
const server = 7;
/** What the server offers, one more every three days. */
const offered = [
  [22, "ssh"],
  [445, "smb"],
  [443, "tls"],
  [80, "http"],
  [5432, ""],
  [8080, "http"],
  [9100, ""],
  [32_400, "http"],
] as const;

interface Hours {
  readonly fromUs: number;
  readonly hours: number;
  /** Every which of them is written. */
  readonly step: number;
}

/** Fills the new database at `path`; flows written, with ids of the first run from 1 on. */
export function writeMonth(path: string, { fromUs, hours, step }: Hours): number {
  const writer = openWriter(path, { nowUs: fromUs, retentionDays: 3650, retentionBytes: 2 ** 40 });
  let flowId = 0;
  let findingId = 0;
  for (let hour = 0; hour < hours; hour += step) {
    const atUs = fromUs + hour * hourUs;
    const flows = flowsOf(hour, atUs, flowId);
    flowId += flows.length;
    const packets = flows.flatMap(packetsOf).sort((a, b) => a.tsUs - b.tsUs);
    const strangers = hour === 0 ? peerCount : 50;
    const seen = { firstSeenUs: atUs, lastSeenUs: atUs + hourUs - 1 };
    const hosts = [
      ...many(presentAt(hour), (number) => number).flatMap((number) => ownHost(number, seen)),
      ...many(
        strangers,
        (number) =>
          hostRow(peerAddress((number + hour * 50) % peerCount), { isLocal: false, ...seen }),
      ),
    ];
    writer.write({ packets, flows, seconds: [], hosts });
    writer.writeWindows([{ tsUs: atUs, windows: 360, flagged: hour % 7, ratePct: hour % 7 / 3.6 }]);
    writeFound(writer, {
      atUs,
      findingId,
      flowIds: flows.slice(0, FLOWS_LINKED_MAX).map(({ id }) => id),
    });
    findingId += 2 * findingsPerHour;
  }
  writer.close();
  return flowId;
}

function presentAt(hour: number): number {
  return ownHosts - newcomers + Math.min(newcomers, Math.floor(hour / 72));
}

export function ownAddress(number: number): string {
  return `192.168.1.${number}`;
}

/** What an own host gained when it was seen, at its two addresses. */
export function ownHost(
  number: number,
  seen: Pick<HostTotals, "firstSeenUs" | "lastSeenUs">,
): HostTotals[] {
  const name = `host-${number}`;
  const row = {
    mac: `02:00:5e:10:00:${number.toString(16).padStart(2, "0")}`,
    isRouter: number === router,
    ...{ inPackets: 900, inBytes: 90_000 * (number + 1) },
    ...{ outPackets: 1000, outBytes: 9000 * (number + 1), ...seen },
  };
  return [
    hostRow(ownAddress(number), { ...row, name, names: [{ name, origin: "dhcp" }] }),
    hostRow(`2001:db8:1::${number.toString(16)}`, { ...row, inBytes: 40_000, outBytes: 2000 }),
  ];
}

export function peerAddress(index: number): string {
  return `203.${index % 50}.${Math.floor(index / 50)}.${index * 13 % 250}`;
}

/** The same in SQL, of an expression. */
export function peerAddressSql(index: string): string {
  return `'203.' || (${index} % 50) || '.' || (${index} / 50) || '.' || (${index} * 13 % 250)`;
}

/** Of each device what it asked the resolver, and talk with two peers; now and then it uses the server. */
function flowsOf(hour: number, atUs: number, idBefore: number): Flow[] {
  const flows: Flow[] = [];
  const present = presentAt(hour);
  const add = (number: number, changes: Partial<Flow>) => {
    const id = idBefore + flows.length + 1;
    const startUs = atUs + Math.floor(flows.length / (present * 4) * (hourUs - 60e6));
    flows.push(flow(id, {
      ...{ startUs, endUs: startUs + 5_000_000, origH: ownAddress(number) },
      ...changes,
    }));
  };
  for (let number = 0; number < present; number++) {
    const internal = { isRespLocal: true, name: "" };
    if (number !== router) {
      const dns = { proto: "udp", service: "dns", respP: 53 } as const;
      add(number, { ...internal, ...dns, respH: ownAddress(router) });
    }
    if (number !== server && (number + hour) % 8 === 0) {
      const [respP, service] = offered[Math.floor(hour / 72) % offered.length]!;
      add(number, { ...internal, respP, service, respH: ownAddress(server) });
    }
    for (let turn = 0; turn < 2; turn++) {
      const peer = peerOf(number, hour, turn);
      const asked = turn === 0 ? { respP: 443, service: "tls" } as const : {
        ...{ proto: "udp", respP: 443, service: "quic" } as const,
      };
      add(number, { ...asked, respH: peerAddress(peer), name: `www${peer}.example.com` });
    }
  }
  return flows;
}

/** Three of four devices talk to some hundreds; the others to six, and to a new one every three days. */
function peerOf(number: number, hour: number, turn: number): number {
  const count = hour * 2 + turn;
  if (number % 4 !== 3) return (number * 31 + count % 400 * 5) % peerCount;
  const isNew = turn === 0 && hour % 72 === 0;
  return (number * 31 + (isNew ? 100 + hour / 72 : count % 6)) % peerCount;
}

function packetsOf(flow: Flow): PacketRow[] {
  const { id, origH: src, origP: srcPort, respH: dst, respP: dstPort, startUs: tsUs } = flow;
  const kind = { flowId: id, protocol: flow.proto === "udp" ? "udp" : "tcp" } as const;
  const application = { application: flow.service } as Partial<PacketRow>;
  return [
    packetRow(id, { ...kind, ...application, tsUs, src, srcPort, dst, dstPort }),
    packetRow(id + 1, {
      ...kind,
      ...application,
      ...{ tsUs: tsUs + 12_000, src: dst, srcPort: dstPort, dst: src, dstPort: srcPort },
    }),
  ];
}

interface Found {
  readonly atUs: number;
  readonly findingId: number;
  readonly flowIds: readonly number[];
}

/** Scans by strangers, and what unusual or repeated logins they led to; of each pair an incident and an alert. */
function writeFound(writer: StoreWriter, { atUs, findingId, flowIds }: Found): void {
  const incidents: IncidentNews[] = [];
  const alerts: Alert[] = [];
  for (let turn = 0; turn < findingsPerHour; turn++) {
    const id = findingId / 2 + turn + 1;
    const source = turn === 0 ? ownAddress(id % ownHosts) : `198.51.100.${id % 250}`;
    const targets = many(id % 16 + 1, (number) => ownAddress((id + number) % ownHosts));
    const firstUs = atUs + turn * 600e6;
    const about = {
      ...{ sources: [source], targets, targetCount: targets.length, flowIds, isOpen: false },
      ...{ firstUs, lastUs: firstUs + 120e6, detectedUs: firstUs + 10e6 },
      severity: (["low", "medium", "high", "critical"] as const)[id % 4]!,
    };
    const scan = scanFinding(findingId + 2 * turn + 1, {
      ...about,
      reason: `${source} probed 120 ports of ${targets.length} hosts`,
      scan: { ports: "1-120", portCount: 120, attempts: 120, found: [`${targets[0]}:22`] },
    });
    const other = bruteForceFinding(findingId + 2 * turn + 2, {
      ...about,
      reason: `${source} tried 30 logins at SSH of ${targets[0]}`,
      ...(turn % 2 === 1 && {
        ...{ kind: "anomaly" as const, reason: `${source} had 40 times its usual outgoing bytes` },
        anomaly: {
          ...{ tsUs: firstUs, windowUs: 10_000_000, entity: source, score: 0.71, threshold: 0.6 },
          topFeatures: many(5, (number) => ({
            ...{ name: "bytes_out", value: 4e6, typical: [1000, 100_000] as const },
            contribution: 0.3 / (number + 1),
          })),
        },
      }),
    });
    const headline = `${source} scanned ${targets.length} hosts and tried logins at ${targets[0]}`;
    incidents.push({
      incident: incident(id, {
        ...about,
        ...{ actor: source, headline, detail: `${scan.reason}. ${other.reason}.` },
        ...{ kinds: [scan.kind, other.kind], techniques: ["T1046", "T1110"], findingCount: 2 },
        course: many(8, (number) => ({
          ...{ tsUs: firstUs + number * 10e6, tactic: "TA0007", technique: "T1046" },
          text: `${source} probed ports of ${targets[number % targets.length]}`,
        })),
      }),
      joined: [{ finding: scan, role: "cause" }, { finding: other, role: "support" }],
      absorbedIds: [],
    });
    alerts.push({
      ...{ id, tsUs: about.detectedUs, kind: "incident", trigger: "opened" },
      ...{ subject: `incident ${id}`, severity: about.severity, source, headline },
      ...{ detail: scan.reason, reason: "It is the first of this incident.", attackId: "T1046" },
      ...{ incidentId: id, amount: 120, hasSucceeded: false, state: "sent", heldBy: "" },
      ...{ muteId: null, digestId: null },
      deliveries: [{
        ...{ channel: "mail to soc@example.org", state: "sent", attempts: 1 },
        ...{ triedUs: about.detectedUs, nextUs: null, answer: "250 queued" },
      }],
    });
  }
  const findings = incidents.flatMap(({ joined }) => joined.map(({ finding }) => finding));
  writer.writeFindings(findings, incidents);
  const acknowledged = incidents.filter(({ incident }) => incident.id % 3 > 0)
    .map(({ incident }) => ({ incidentId: incident.id, atUs: atUs + hourUs }));
  writer.writeAlerts({ alerts, mutes: [], unmutedIds: [], acknowledged });
}
