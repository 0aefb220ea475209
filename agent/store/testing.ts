/** Rows and folders for the tests of the store. */
import type { RowsMessage } from "../messages.ts";
import type {
  Finding,
  Flow,
  HostTotals,
  Incident,
  PacketRow,
  ScanDetails,
  StatsSecond,
} from "../records.ts";
import { StoreWriter, type StoreWriterOptions } from "./writer.ts";

/** 2026-01-01T00:00:00Z. */
export const startUs = 1_767_225_600_000_000;

/** Runs `work` with the path of a database in a folder of its own, then removes the folder. */
export async function withDatabasePath(
  work: (path: string) => void | Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "tapwatch-store-" });
  try {
    await work(`${folder}/packet_logs.db`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

export function openWriter(path: string, options: Partial<StoreWriterOptions> = {}): StoreWriter {
  return new StoreWriter({
    path,
    retentionDays: 14,
    retentionBytes: 1e9,
    toolVersion: "0.0.0-test",
    nowUs: startUs,
    ...options,
  });
}

export function packetRow(number: number, changes: Partial<PacketRow> = {}): PacketRow {
  return {
    tsUs: startUs + number * 1000,
    interfaceId: 0,
    wireLength: 60 + number % 1400,
    capturedLength: 60 + number % 1400,
    src: `192.168.1.${number % 250}`,
    dst: "198.51.100.7",
    srcPort: 40_000 + number % 20_000,
    dstPort: 443,
    protocol: "tcp",
    application: "tls",
    tcpFlags: 24,
    vlanId: null,
    flowId: 1 + Math.floor(number / 10),
    sampleK: 1,
    info: "PSH ACK",
    ...changes,
  };
}

export function flow(id: number, changes: Partial<Flow> = {}): Flow {
  return {
    id,
    startUs: startUs + id * 1000,
    endUs: startUs + id * 1000 + 500_000,
    origH: `192.168.1.${id % 250}`,
    origP: 40_000 + id % 20_000,
    respH: `198.51.100.${id % 100}`,
    respP: 443,
    ipVersion: 4,
    proto: "tcp",
    service: "tls",
    name: `www${id % 50}.example.com`,
    ja4: "t13d1516h2_8daaf6152771_02713d6af862",
    origPkts: 10,
    origBytes: 1000,
    origWireBytes: 1600,
    respPkts: 12,
    respBytes: 9000,
    respWireBytes: 9700,
    connState: "SF",
    history: "ShADadFf",
    communityId: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    rttUs: 12_345,
    origRetransmissions: 0,
    respRetransmissions: 1,
    origCopies: 0,
    respCopies: 2,
    isOrigLocal: true,
    isRespLocal: false,
    interfaceId: 0,
    vlanId: -1,
    endReason: "closed",
    ...changes,
  };
}

export function second(number: number, changes: Partial<StatsSecond> = {}): StatsSecond {
  return {
    tsUs: startUs + number * 1_000_000,
    packets: 10,
    bytes: 10_000,
    inBytes: 4000,
    outBytes: 5000,
    internalBytes: 1000,
    tcpPackets: 6,
    udpPackets: 2,
    icmpPackets: 1,
    otherPackets: 1,
    newFlows: 3,
    activeFlows: 20,
    activeHosts: 5,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: 0,
    ...changes,
  };
}

export function hostRow(address: string, changes: Partial<HostTotals> = {}): HostTotals {
  return {
    address,
    mac: "",
    name: "",
    isLocal: true,
    firstSeenUs: startUs,
    lastSeenUs: startUs + 1_000_000,
    inPackets: 1,
    inBytes: 100,
    outPackets: 2,
    outBytes: 200,
    ...changes,
  };
}

export function scanFinding(
  id: number,
  { scan, ...changes }: Partial<Omit<Finding, "scan">> & { scan?: Partial<ScanDetails> } = {},
): Finding {
  return {
    ...bruteForceFinding(id),
    kind: "scan",
    attackId: "T1046",
    reason: "192.168.1.9 probed 5 ports of 192.168.1.20",
    scan: {
      kind: "vertical",
      probe: "syn",
      ports: "21-25",
      portCount: 5,
      attempts: 5,
      answered: 1,
      answeredPorts: "22",
      tempo: "T4",
      tool: "nmap",
      hasDecoys: false,
      found: [],
      cameBack: [],
      ...scan,
    },
    ...changes,
  };
}

export function bruteForceFinding(id: number, changes: Partial<Finding> = {}): Finding {
  return {
    id,
    kind: "brute_force",
    severity: "high",
    attackId: "T1110",
    sources: ["192.168.1.9"],
    sourceCount: 1,
    targets: ["192.168.1.20"],
    targetCount: 1,
    firstUs: startUs,
    lastUs: startUs + 2_000_000,
    detectedUs: startUs + 1_000_000,
    confidence: 0.9,
    reason: "192.168.1.9 tried 30 logins at SSH of 192.168.1.20",
    isOpen: true,
    flowIds: [1, 2],
    amount: 30,
    ports: "22",
    ...changes,
  };
}

/** An open scan of one port of one host by 10.0.0.9. */
export function incident(id: number, changes: Partial<Incident> = {}): Incident {
  return {
    id,
    actor: "10.0.0.9",
    actorName: "",
    severity: "high",
    isOpen: true,
    sources: ["10.0.0.9"],
    sourceCount: 1,
    targets: ["10.0.0.2"],
    targetCount: 1,
    tactics: ["TA0007"],
    techniques: ["T1046"],
    kinds: ["scan"],
    ports: ["22"],
    firstUs: startUs,
    lastUs: startUs + 2_000_000,
    detectedUs: startUs + 1_000_000,
    headline: "10.0.0.9 scanned 10.0.0.2",
    detail: "",
    course: [],
    amount: 10,
    hasSucceeded: false,
    origin: null,
    findingCount: 1,
    ...changes,
  };
}

export function rows(changes: Partial<RowsMessage> = {}): RowsMessage {
  return { type: "rows", sequence: 0, packets: [], flows: [], seconds: [], hosts: [], ...changes };
}

/** `count` of whatever `make` makes, numbered from `from`. */
export function many<Row>(count: number, make: (number: number) => Row, from = 0): Row[] {
  return Array.from({ length: count }, (_, index) => make(from + index));
}
