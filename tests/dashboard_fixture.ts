/** A running program for the dashboard's tests: live state by hand, a real database in a temporary folder. */
import { checkMute } from "../agent/alert/mutes.ts";
import type { Mute } from "../agent/records.ts";
import type { AlertChanges } from "../agent/store/alert_writer.ts";
import { openWriter } from "../agent/store/testing.ts";
import type {
  AlertDesk,
  DashboardContext,
  ExportFilter,
  NewMute,
} from "../agent/dashboard_context.ts";
import { LiveState, type RunMode } from "../agent/live_state.ts";
import type {
  CaptureSourceState,
  Flow,
  HostTotals,
  PacketRow,
  PipelineSnapshot,
  StatsSecond,
} from "../agent/records.ts";
import { NO_OPEN_FLOWS } from "../agent/search/open_flows.ts";
import { StoreQueries } from "../agent/store/queries.ts";
import { readHere } from "../agent/store/reader.ts";
import { StoreWriter } from "../agent/store/writer.ts";

export interface Fixture {
  readonly context: DashboardContext;
  readonly live: LiveState;
  /** Filters that exportPcap was asked for. */
  readonly exports: ExportFilter[];
  readonly folder: string;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly mode?: RunMode;
  readonly password?: string | null;
  readonly host?: string;
  readonly exportPcap?: DashboardContext["exportPcap"];
  readonly ringSpan?: ReturnType<DashboardContext["ringSpan"]>;
  readonly hasEvidence?: DashboardContext["hasEvidence"];
  readonly readPacket?: DashboardContext["readPacket"];
  readonly openFlows?: DashboardContext["openFlows"];
}

/** A text that a page must show as text. */
export const hostileName = `<img src=x onerror="alert(1)">'&"`;

/** The packets of an empty pcap file: its header alone. */
export const emptyPcap = new Uint8Array([
  ...[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0],
]);

export async function openFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-dashboard-" });
  const path = `${folder}/packet_logs.db`;
  const live = new LiveState(options.mode ?? "live");
  live.store = {
    ...live.store,
    state: "ok",
    path,
    sizeBytes: 18_400_000,
    rowsWritten: 41_200,
    queueMax: 8,
    oldestUs: nowUs() - 5000e6,
  };
  live.recorder = {
    ...live.recorder,
    state: "ok",
    path: `${folder}/captured_traffic.pcap`,
    packetsWritten: 81_234,
    bytesWritten: 61e6,
    files: 3,
    sizeBytes: 261e6,
    bytesMax: 1000e6,
    filesMax: 10,
    oldestUs: nowUs() - 1500e6,
  };
  live.cpuCores = 0.11;
  live.behindS = 0.2;
  const queries = new StoreQueries(path);
  const exports: ExportFilter[] = [];
  const context: DashboardContext = {
    live,
    queries: readHere(queries),
    alerts: new FixtureAlerts(path),
    options: {
      host: options.host ?? "127.0.0.1",
      port: 8055,
      password: options.password ?? null,
      resultsFolder: folder,
      loopbackNote: "Loopback is not watched: <b>lo</b>.",
      hostname: "edge-tap-01",
      replay: options.mode === "replay" ? { file: "/captures/demo.pcap", speed: 10 } : null,
      anomalyThresholdPct: 10,
      telling: { severity: "medium", intervalS: 300, perHourMax: 12, quietHours: "" },
    },
    note: (severity, text) => live.note(severity, text),
    openFlows: options.openFlows ?? (() => Promise.resolve(NO_OPEN_FLOWS)),
    ringSpan: () =>
      options.ringSpan === undefined ? { startUs: 0, newestFileUs: 0 } : options.ringSpan,
    hasEvidence: options.hasEvidence ?? (() => false),
    readPacket: options.readPacket ?? (() => Promise.resolve(null)),
    exportPcap: (filter) => {
      exports.push(filter);
      return options.exportPcap?.(filter) ??
        Promise.resolve(new Blob([emptyPcap]).stream());
    },
  };
  const close = async () => {
    queries.close();
    await Deno.remove(folder, { recursive: true });
  };
  return { context, live, exports, folder, close };
}

/** Mutes and acknowledgements, written at once; nobody is told anything. */
class FixtureAlerts implements AlertDesk {
  readonly mutes: Mute[] = [];
  testCount = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  addMute(wanted: NewMute): Promise<Mute> {
    checkMute(wanted);
    const mute = { ...wanted, id: this.mutes.length + 1, createdUs: nowUs() };
    this.mutes.unshift(mute);
    this.#write({ mutes: [mute] });
    return Promise.resolve(mute);
  }

  removeMute(id: number): Promise<boolean> {
    const index = this.mutes.findIndex((mute) => mute.id === id);
    if (index >= 0) this.mutes.splice(index, 1);
    this.#write({ unmutedIds: [id] });
    return Promise.resolve(index >= 0);
  }

  acknowledge(incidentId: number, isAcknowledged: boolean): Promise<void> {
    this.#write({ acknowledged: [{ incidentId, atUs: isAcknowledged ? nowUs() : null }] });
    return Promise.resolve();
  }

  sendTest(): number {
    return ++this.testCount;
  }

  #write(changes: Partial<AlertChanges>): void {
    const writer = openWriter(this.#path);
    writer.writeAlerts({ alerts: [], mutes: [], unmutedIds: [], acknowledged: [], ...changes });
    writer.close();
  }
}

/** Puts what a short run leaves into the database. */
export function fillDatabase({ folder }: Fixture, packets: readonly PacketRow[]): void {
  const writer = new StoreWriter({
    path: `${folder}/packet_logs.db`,
    retentionDays: 14,
    retentionBytes: 2 ** 31,
    toolVersion: "test",
    nowUs: nowUs(),
  });
  const end = nowUs();
  const seconds = Array.from({ length: 3000 }, (_, i) => makeSecond(end - (3000 - i) * 1e6, i));
  writer.write({ packets, flows: [makeFlow()], seconds, hosts: makeTalkers() });
  writer.close();
}

export function nowUs(): number {
  return Date.now() * 1000;
}

export function makeSource(change: Partial<CaptureSourceState> = {}): CaptureSourceState {
  return {
    interfaceId: 0,
    name: "enp3s0",
    state: "capturing",
    detail: "capturing by libpcap, promiscuous",
    linktype: 1,
    isPromiscuous: true,
    packets: 81_234,
    received: 81_234,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: 0,
    queueDepth: 1,
    queueMax: 8,
    ...change,
  };
}

/** A second of plausible traffic; the same for the same number. */
export function makeSecond(tsUs: number, number: number): StatsSecond {
  const wave = 1 + 0.5 * Math.sin(number / 40) + 0.3 * Math.sin(number / 3.7);
  const inBytes = Math.round(2.9e6 * wave);
  const outBytes = Math.round(0.5e6 * (2.2 - wave));
  return {
    tsUs: Math.floor(tsUs / 1e6) * 1e6,
    packets: Math.round(4300 * wave),
    bytes: inBytes + outBytes,
    inBytes,
    outBytes,
    internalBytes: 0,
    tcpPackets: Math.round(3000 * wave),
    udpPackets: Math.round(1200 * wave),
    icmpPackets: 60,
    otherPackets: 40,
    newFlows: 12 + number % 7,
    activeFlows: 612,
    activeHosts: 37,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: 0,
  };
}

export function makePacket(change: Partial<PacketRow> = {}): PacketRow {
  return {
    tsUs: nowUs(),
    interfaceId: 0,
    wireLength: 583,
    capturedLength: 583,
    src: "192.168.10.23",
    dst: "203.0.113.77",
    srcPort: 50_412,
    dstPort: 443,
    protocol: "tcp",
    application: "tls",
    tcpFlags: 0x18,
    vlanId: null,
    flowId: 1,
    sampleK: 1,
    info: "ClientHello example.org",
    ...change,
  };
}

const packetKinds: readonly Partial<PacketRow>[] = [
  {},
  {
    src: "203.0.113.77",
    dst: "192.168.10.23",
    srcPort: 443,
    dstPort: 50_412,
    info: "",
    tcpFlags: 0x10,
    wireLength: 1514,
  },
  {
    protocol: "udp",
    application: "dns",
    dst: "192.168.10.1",
    dstPort: 53,
    tcpFlags: null,
    info: "A example.org",
    wireLength: 82,
  },
  {
    protocol: "arp",
    application: "",
    src: "02:00:5e:10:00:01",
    dst: "ff:ff:ff:ff:ff:ff",
    srcPort: null,
    dstPort: null,
    tcpFlags: null,
    flowId: 0,
    info: "who has 192.168.10.1",
    wireLength: 60,
  },
  {
    src: "2001:db8:4f:1:a8bb:ccff:fe12:7a3c",
    dst: "2001:db8:88:20::5a1",
    application: "quic",
    protocol: "udp",
    tcpFlags: null,
    info: hostileName,
    wireLength: 1292,
  },
];

/** `count` packets of several kinds, the newest last and now. */
export function makePackets(count: number, endUs = nowUs()): PacketRow[] {
  return Array.from({ length: count }, (_, index) =>
    makePacket({
      ...packetKinds[index % packetKinds.length],
      tsUs: endUs - (count - 1 - index) * 1237,
    }));
}

export function makeTalkers(): HostTotals[] {
  const hosts: readonly [string, string, number, number][] = [
    ["192.168.10.14", "nas-01", 38.2e6, 6.91e6],
    ["192.168.10.23", hostileName, 21.7e6, 1.04e6],
    ["192.168.10.21", "backup-02", 3.3e6, 14.8e6],
    ["2001:db8:4f:1:a8bb:ccff:fe12:7a3c", "", 4.41e6, 0.38e6],
    [
      "203.0.113.77",
      "ip-203-0-113-77.customer.static.example-hosting.net",
      0.02e6,
      4.81e6,
    ],
    ["192.168.10.25", "markus-pc", 2.87e6, 0.21e6],
  ];
  return hosts.map(([address, name, inBytes, outBytes], index) => ({
    address,
    name,
    names: name === "" ? [] : [{ name, origin: "dhcp" }],
    mac: address.startsWith("192.") ? `02:00:5e:10:00:0${index + 1}` : "",
    isLocal: address.startsWith("192."),
    firstSeenUs: nowUs() - 900e6,
    lastSeenUs: nowUs(),
    inPackets: 100,
    inBytes,
    outPackets: 80,
    outBytes,
  }));
}

export function makeFlow(): Flow {
  return {
    id: 1,
    startUs: nowUs() - 9e6,
    endUs: nowUs() - 1e6,
    origH: "192.168.10.23",
    origP: 50_412,
    respH: "203.0.113.77",
    respP: 443,
    ipVersion: 4,
    proto: "tcp",
    service: "tls",
    name: "example.org",
    ja4: "t13d1516h2_8daaf6152771_02713d6af862",
    origPkts: 10,
    origBytes: 1200,
    origWireBytes: 1800,
    respPkts: 12,
    respBytes: 14_000,
    respWireBytes: 15_000,
    connState: "SF",
    history: "ShADadFf",
    communityId: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    rttUs: 18_200,
    origRetransmissions: 0,
    respRetransmissions: 0,
    origCopies: 0,
    respCopies: 0,
    isOrigLocal: true,
    isRespLocal: false,
    interfaceId: 0,
    vlanId: -1,
    endReason: "closed",
  };
}

export function makeSnapshot(change: Partial<PipelineSnapshot> = {}): PipelineSnapshot {
  return {
    tsUs: nowUs(),
    packets: 81_234,
    bytes: 61_000_000,
    capturedBytes: 60_900_000,
    protocols: {
      tcp: { packets: 60_000, bytes: 50_000_000 },
      udp: { packets: 21_000, bytes: 10_900_000 },
      arp: { packets: 234, bytes: 100_000 },
    },
    applications: {
      tls: { packets: 50_000, bytes: 37_000_000, flows: 400 },
      quic: { packets: 11_000, bytes: 10_300_000, flows: 80 },
      smb: { packets: 5000, bytes: 7_300_000, flows: 4 },
      dns: { packets: 9000, bytes: 2_400_000, flows: 900 },
      ssh: { packets: 3000, bytes: 1_800_000, flows: 3 },
      http: { packets: 500, bytes: 600_000, flows: 20 },
    },
    decodeStops: { truncated: 1, malformed: 2, unsupported: 3 },
    unreadPackets: 0,
    decodeStopList: [
      {
        layer: "ethernet",
        reason: "unsupported",
        name: "EtherType 0x88cc (LLDP)",
        packets: 3,
        unread: 0,
      },
      { layer: "tcp", reason: "malformed", name: "TCP", packets: 2, unread: 0 },
      { layer: "tcp", reason: "truncated", name: "TCP", packets: 1, unread: 0 },
    ],
    flowsActive: 612,
    flowsTotal: 1407,
    flowsEvicted: 0,
    copies: 0,
    flowsMax: 1_000_000,
    flowNamesDropped: 0,
    hostsActive: 37,
    hostsTotal: 52,
    topTalkers: makeTalkers(),
    newestPackets: makePackets(40),
    sampleK: 1,
    packetRows: 81_234,
    packetRowsShed: 0,
    flowRowsShed: 0,
    flowsSummed: 0,
    recorderDrops: 0,
    observationsShed: 0,
    ...change,
  };
}

/** Fifteen minutes of traffic up to now. */
export function startTraffic(live: LiveState): void {
  live.setSource(makeSource());
  live.setSource(
    makeSource({ interfaceId: 1, name: "wg0", detail: "capturing", packets: 16, received: 16 }),
  );
  live.note("info", "Capturing from enp3s0, promiscuous");
  live.note("warning", "wg0: promiscuous mode was refused, capturing without it");
  const end = nowUs();
  const seconds = Array.from({ length: 900 }, (_, i) => makeSecond(end - (900 - i) * 1e6, i));
  live.setSnapshot(makeSnapshot(), seconds);
}
