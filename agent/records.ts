/**
 * The records that pass between the parts of tapwatch, in the order of the path
 *
 *     bytes -> PacketBatch -> Packet -> Flow -> Observation -> Finding -> Incident -> row + event
 *
 * Times are microseconds since 1970-01-01 UTC of the packet's clock ("traffic time") unless a name says
 * otherwise; a double holds them exactly. Lengths are bytes.
 */

// ---------------------------------------------------------------- capture

/**
 * Packets as they left a capture source: the container's bytes and one index row a packet.
 * Valid only until the source fills it again; whoever keeps something copies it.
 */
export interface PacketBatch {
  /** What the offsets point into; may be larger than the packets and hold container headers. */
  bytes: Uint8Array;
  /** Rows in use; the arrays are longer. */
  count: number;
  readonly offsets: Uint32Array;
  readonly capturedLengths: Uint32Array;
  readonly wireLengths: Uint32Array;
  readonly timestampsUs: Float64Array;
  /** Nanoseconds after the microsecond, 0 to 999. */
  readonly nanoseconds: Uint16Array;
  /** LINKTYPE_ values of the file format (tcpdump.org/linktypes.html), not DLT_ values. */
  readonly linktypes: Uint16Array;
  /** Number of the interface in its source: order of `-i`, or of pcapng interface blocks. */
  readonly interfaceIds: Uint16Array;
}

/** Makes an empty batch with room for `capacity` packets over `bytes`. */
export function createPacketBatch(capacity: number, bytes = new Uint8Array(0)): PacketBatch {
  return {
    bytes,
    count: 0,
    offsets: new Uint32Array(capacity),
    capturedLengths: new Uint32Array(capacity),
    wireLengths: new Uint32Array(capacity),
    timestampsUs: new Float64Array(capacity),
    nanoseconds: new Uint16Array(capacity),
    linktypes: new Uint16Array(capacity),
    interfaceIds: new Uint16Array(capacity),
  };
}

/** LINKTYPE_ values that the decoder reads. */
export const Linktype = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** Raw IP as some BSDs number it in files. */
  rawBsd: 12,
  rawOpenBsd: 14,
  pppHdlc: 50,
  pppoe: 51,
  raw: 101,
  ciscoHdlc: 104,
  ieee80211: 105,
  frameRelay: 107,
  loop: 108,
  linuxSll: 113,
  pflog: 117,
  prism: 119,
  radiotap: 127,
  /** PKTAP as macOS numbers it: the second of the types that are anybody's own. */
  pktapAsUser2: 149,
  avs: 163,
  /** PPP as Linux's pppd sees it: the direction stands in the place of the address. */
  pppPppd: 166,
  ppi: 192,
  pppWithDirection: 204,
  ciscoHdlcWithDirection: 205,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  pktap: 258,
  linuxSll2: 276,
} as const;

// ---------------------------------------------------------------- decode

/** What a packet counts as: the transport of the innermost IP layer that could be read, `arp`, or `other`. */
export const TRANSPORT_NAMES = [
  "other",
  "tcp",
  "udp",
  "icmp",
  "icmpv6",
  "arp",
  "igmp",
  "sctp",
  "gre",
  "esp",
  "ah",
  "ospf",
  "pim",
  "vrrp",
  "dccp",
] as const;
export type TransportName = typeof TRANSPORT_NAMES[number];

/** Whether a transport, by its name, has ports. */
export function hasPorts(transport: string): boolean {
  return transport === "tcp" || transport === "udp" || transport === "sctp";
}

/** Index into TRANSPORT_NAMES by name. */
export const Transport: { readonly [name in TransportName]: number } = Object.fromEntries(
  TRANSPORT_NAMES.map((name, index) => [name, index]),
) as { [name in TransportName]: number };

/** Applications known by name; index 0 means not known (yet). Append only: the number is stored. */
export const APPLICATION_NAMES = [
  "",
  "dns",
  "mdns",
  "llmnr",
  "nbns",
  "tls",
  "quic",
  "http",
  "dhcp",
  "dhcpv6",
  "ssh",
  "ntp",
  "ftp",
  "ftp-data",
  "smtp",
  "imap",
  "pop3",
  "smb",
  "rdp",
  "mqtt",
  "sip",
  "snmp",
  "ssdp",
  "telnet",
  "ldap",
  "kerberos",
  "syslog",
  "rtp",
  "tftp",
  "radius",
  "wireguard",
  "openvpn",
  "ike",
  "stun",
  "bittorrent",
  "mysql",
  "postgresql",
  "redis",
  "modbus",
  "coap",
  "bgp",
  "rtsp",
  "irc",
  "vnc",
  "dtls",
  "nbdgm",
  "nbss",
  "bjnp",
] as const;
export type ApplicationName = typeof APPLICATION_NAMES[number];
/** Index into APPLICATION_NAMES by name. */
export const Application: { readonly [name in ApplicationName]: number } = Object.fromEntries(
  APPLICATION_NAMES.map((name, index) => [name, index]),
) as { [name in ApplicationName]: number };

/** Why decoding went no further; `complete` when nothing was left that tapwatch knows how to read. */
export const StopReason = { complete: 0, truncated: 1, malformed: 2, unsupported: 3 } as const;

/** Layers that a stop can be charged to, by number. */
export const LAYER_NAMES = [
  "none",
  "ethernet",
  "sll",
  "sll2",
  "null",
  "vlan",
  "pppoe",
  "ppp",
  "mpls",
  "arp",
  "ipv4",
  "ipv6",
  "ipv6-extension",
  "tcp",
  "udp",
  "icmp",
  "icmpv6",
  "igmp",
  "sctp",
  "gre",
  "vxlan",
  "geneve",
  "link",
  "llc",
  "ah",
  "dccp",
  "hdlc",
  "frame-relay",
  "nflog",
  "wifi",
  "teredo",
  "ppi",
  "pktap",
  "pflog",
  "a-msdu",
  "gtp-u",
  "l2tp",
  "tzsp",
  "nsh",
  "cmd",
  "lisp",
] as const;
export type LayerName = typeof LAYER_NAMES[number];
export const Layer: { readonly [name in LayerName]: number } = Object.fromEntries(
  LAYER_NAMES.map((name, index) => [name, index]),
) as { [name in LayerName]: number };

/** What stopUnsupported() says of a layer that has no numbers of its own for what it does not read. */
export const Unread = {
  /** LLC: the two service access points are the lower half. */
  saps: 0x10000,
  /** 802.11: management, control and empty frames; data that needs a key. */
  noData: 1,
  encrypted: 2,
} as const;

/**
 * One decoded packet. A single instance is filled again for every packet, so that the hot path allocates nothing;
 * all fields are small integers. Offsets are absolute positions in the batch's bytes. -1 means absent.
 *
 * "outer" fields describe the first IP header, the plain ones the innermost that could be read (they are the same
 * when there is no tunnel). Addresses are four big-endian 32-bit words as signed integers; an IPv4 address is
 * `0, 0, 0x0000ffff, address` (RFC 4291 section 2.5.5.2).
 */
export class Packet {
  /** Outer EtherType, 0x8100 when tagged; -1 where the link has none. */
  etherType = -1;
  /** VLAN id of the outermost 802.1Q/802.1ad tag. */
  vlanId = -1;
  /** 16 bits that stand for the virtual network the packet is in, see decode/virtual_network.ts; 0 without one. */
  virtualNetwork = 0;
  outerIpVersion = 0;
  outerSourceOffset = -1;
  outerDestinationOffset = -1;
  /** IPv4 protocol, or the last IPv6 next header reached. */
  outerIpProtocol = -1;
  outerSourcePort = -1;
  outerDestinationPort = -1;
  /** Twelve bits: the reserved ones too. */
  outerTcpFlags = -1;
  /** Tunnel headers passed on the way to the innermost IP header. */
  tunnelDepth = 0;
  /** 4, 6, or 0 without a readable IP header. */
  ipVersion = 0;
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  ipProtocol = -1;
  /** Bytes of the innermost IP packet by its own header (header included). */
  ipLength = 0;
  ttl = -1;
  /** Index into TRANSPORT_NAMES. */
  transport = 0;
  /** 1 when this is a fragment other than the first: ports and flags are absent. */
  isLaterFragment = 0;
  /** 1 when this is any fragment of a fragmented datagram. */
  isFragment = 0;
  /** Identification of the datagram that a fragment belongs to (IPv6: all 32 bits, signed); -1 otherwise. */
  ipIdentification = -1;
  /** TCP, UDP, SCTP port; ICMP: type of the message (see flow/five_tuple for its pairing). */
  sourcePort = -1;
  /** TCP, UDP, SCTP port; ICMP: code. */
  destinationPort = -1;
  /** ICMP identifier of echo messages. */
  icmpIdentifier = -1;
  /** Nine bits, NS to FIN (RFC 9293 section 3.1; RFC 3540). */
  tcpFlags = -1;
  tcpSequence = 0;
  tcpAcknowledgement = 0;
  tcpWindow = 0;
  /** Start of the transport payload (or of what ICMP quotes); -1 without one. */
  payloadOffset = -1;
  /** Payload bytes that were captured. */
  payloadCapturedLength = 0;
  /** Payload bytes by the headers' own lengths. */
  payloadLength = 0;
  /** ARP: offset of the fixed header (RFC 826). */
  arpOffset = -1;
  /**
   * Where MAC addresses stand: the source at +6, on Ethernet also the destination at +0 (Linux cooked captures have
   * none). -1 where the link has none.
   */
  linkOffset = -1;
  /** One of StopReason. */
  stopReason = 0;
  /** Index into LAYER_NAMES of the layer that was not good. */
  stopLayer = 0;
  /** Bytes that the stopping layer needed, and had; `unsupported`: the number of what it does not read, or 0 (Unread). */
  stopNeeded = 0;
  stopAvailable = 0;
}

/** Names and facts that an application's first messages show. Strings are bounded and safe to print. */
export interface ApplicationDetails {
  /** Index into APPLICATION_NAMES. */
  readonly application: number;
  /** False while more packets of the flow are needed (a ClientHello in several segments). */
  readonly isComplete: boolean;
  /** The name to show for the flow: SNI, queried name, HTTP host, DHCP host name … */
  readonly name?: string;
  readonly tls?: TlsDetails;
  readonly dns?: DnsDetails;
  readonly http?: HttpDetails;
  readonly dhcpHostName?: string;
  readonly sshBanner?: string;
}
export interface TlsDetails {
  readonly serverName?: string;
  readonly alpn: readonly string[];
  /** Highest version offered, as "TLS 1.3". */
  readonly version: string;
  /** JA4 of the ClientHello (FoxIO), where the whole hello was seen. */
  readonly ja4?: string;
}
export interface DnsDetails {
  readonly id: number;
  readonly isResponse: boolean;
  readonly queryName: string;
  /** As "AAAA"; unknown ones as "TYPE65280" (RFC 3597). */
  readonly queryType: string;
  /** As "NXDOMAIN"; only in responses. */
  readonly rcode?: string;
  /** Answers as text: addresses, names, or "TYPE len". At most 32. */
  readonly answers: readonly {
    readonly name: string;
    readonly type: string;
    readonly data: string;
  }[];
}
export interface HttpDetails {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly userAgent?: string;
  readonly status?: number;
}

// ---------------------------------------------------------------- flow

/** Values of Flow.connState in which a TCP connection is over, although its flow stands for late segments. */
export const OVER_STATES: ReadonlySet<unknown> = new Set([
  "SF",
  "REJ",
  "RSTO",
  "RSTR",
  "RSTOS0",
  "RSTRH",
]);

/** A bidirectional flow as it ended (or stands); field names and meaning are Zeek's conn.log where it has them. */
export interface Flow {
  /** Unique within a run, rising. */
  readonly id: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly origH: string;
  readonly origP: number;
  readonly respH: string;
  readonly respP: number;
  readonly ipVersion: 4 | 6;
  /** "tcp", "udp", "icmp" …: a TRANSPORT_NAMES entry. */
  readonly proto: TransportName;
  readonly service: ApplicationName;
  /** SNI, queried name or HTTP host; "" when none was seen. */
  readonly name: string;
  readonly ja4: string;
  /** As captured, copies among them. */
  readonly origPkts: number;
  /** Payload bytes, without headers (Zeek's orig_bytes): for TCP by sequence numbers, so each byte sent counts once. */
  readonly origBytes: number;
  readonly origWireBytes: number;
  readonly respPkts: number;
  readonly respBytes: number;
  readonly respWireBytes: number;
  readonly connState: string;
  readonly history: string;
  /** Community ID v1, seed 0. */
  readonly communityId: string;
  /** SYN to SYN-ACK; -1 when not seen. */
  readonly rttUs: number;
  readonly origRetransmissions: number;
  readonly respRetransmissions: number;
  /** Packets of these counts that the capture saw once more (hot/assembly/copies.ts). Payload bytes are without them. */
  readonly origCopies: number;
  readonly respCopies: number;
  /** Whether the end is local, as --home-net and the link say it; Zeek's local_orig and local_resp. */
  readonly isOrigLocal: boolean;
  readonly isRespLocal: boolean;
  readonly interfaceId: number;
  readonly vlanId: number;
  /** Why it left the table: "closed", "idle", "active" (cut into pieces), "evicted", "end"; "" while it stands; "summed" as SummedFlows has it. */
  readonly endReason: FlowEndReason | "";
  /** Of a record that is many flows of a flood, added up; see pipeline/flood_sums.ts. */
  readonly summed?: SummedFlows;
  /** Of the end that is an address of this host; of the originator's if both are. Only live. */
  readonly process?: FlowProcess;
}
export type FlowEndReason = "closed" | "idle" | "active" | "evicted" | "end" | "summed";

/**
 * Unanswered flows of one target in one record: packets and bytes are their sums, `startUs` is of the first and `endUs` of the last,
 * `id` is that of one of them. `origH` is 0.0.0.0 or ::, `origP` 0, texts "" and `connState` "S0" where they are not the same of all.
 */
export interface SummedFlows {
  readonly flows: number;
  /** Who sent them, adding up to the whole: the first 100, and "" for all others. For roll-ups; it is in no row. */
  readonly sources: readonly SummedSource[];
}
export interface SummedSource {
  readonly origH: string;
  readonly isOrigLocal: boolean;
  readonly flows: number;
  readonly origPkts: number;
  readonly origWireBytes: number;
}

/** "0.0.0.0" or "::": no host's address, but in a flow's row that is many flows (SummedFlows). */
export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * The process of this host at an end of a flow, as far as it could be seen. Texts are bounded and safe to print, "" where not
 * known; `pid` is 0 then.
 */
export interface FlowProcess {
  readonly pid: number;
  /** As ps(1) calls it: "curl". */
  readonly name: string;
  /** Path of its program. */
  readonly executable: string;
  /** Its first argument, or with --process-arguments all. */
  readonly command: string;
  /** Of the socket; a number where the user has no name. */
  readonly user: string;
  /** What it runs in: "ssh.service", "docker-0123456789ab". */
  readonly unit: string;
}

/** Length of the windows in which hosts' behaviour is summed up; they begin at multiples of it. */
export const WINDOW_US = 10_000_000;

/** What came of a login over SSH, see decode/ssh_login.ts. */
export const LoginOutcome = {
  /** All was refused. */
  refused: 0,
  /** A login was accepted, and nothing came after it. */
  accepted: 1,
  /** A login was accepted, and both sides went on. */
  session: 2,
} as const;

/** Bits of what a packet meant to its flow; most packets mean nothing. See FlowTable.turn and detect/observation.ts. */
export const FlowTurn = {
  /** First packet of the flow. */
  isNew: 1 << 0,
  /** First packet of its direction (set with isNew too). */
  isFirstOfSide: 1 << 1,
  /** The state of a TCP end has changed (SYN, SYN-ACK, FIN, RST …). */
  hasTcpStateMoved: 1 << 2,
  /** First payload of its direction. */
  isFirstPayload: 1 << 3,
  /** First packet of the flow in this window. */
  isFirstInWindow: 1 << 4,
  /** First packet of the flow after a silence of a second or more. */
  isResumed: 1 << 5,
  /** The direction's packet count has reached a power of two, 64 or more; or 4 or 8 of UDP that nothing has answered. */
  hasDoubled: 1 << 6,
  /** The flow goes on after being cut at its longest age; not a first contact. */
  isContinued: 1 << 7,
} as const;

// ---------------------------------------------------------------- rows and live state

/** A packet as the `packets` table and the packet list show it. */
export interface PacketRow {
  readonly tsUs: number;
  readonly interfaceId: number;
  readonly wireLength: number;
  readonly capturedLength: number;
  /** Innermost addresses; MAC addresses for ARP; "" when there are none. */
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number | null;
  readonly dstPort: number | null;
  readonly protocol: TransportName;
  readonly application: ApplicationName;
  readonly tcpFlags: number | null;
  readonly vlanId: number | null;
  /** Flow.id; 0 when the packet belongs to no flow. */
  readonly flowId: number;
  /** 1 row stands for this many packets. */
  readonly sampleK: number;
  /** A short text for people: queried name, SNI, "SYN" … */
  readonly info: string;
}

/** One second of traffic time (and the drops of that wall second). One row of `stats`. */
export interface StatsSecond {
  /** Start of the second. */
  readonly tsUs: number;
  readonly packets: number;
  readonly bytes: number;
  /** Bytes towards, from and between local addresses; the rest passes by. */
  readonly inBytes: number;
  readonly outBytes: number;
  readonly internalBytes: number;
  readonly tcpPackets: number;
  readonly udpPackets: number;
  readonly icmpPackets: number;
  readonly otherPackets: number;
  readonly newFlows: number;
  readonly activeFlows: number;
  readonly activeHosts: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
  readonly queueDrops: number;
}

/** Where a name of a host comes from. */
export const NAME_ORIGINS = ["dhcp", "mdns", "nbns", "llmnr", "dns", "tls", "http"] as const;
export type NameOrigin = typeof NAME_ORIGINS[number];
export interface HostNaming {
  readonly name: string;
  readonly origin: NameOrigin;
}

/** A name that was learnt, of an address or a card. */
export interface NameNews {
  readonly isOfMac: boolean;
  /** The address, or the card's. */
  readonly of: string;
  readonly naming: HostNaming;
}
/** What holds for all packets and was seen in one: a frame of ARP or neighbour discovery, or a name. */
export type Hearsay =
  | { readonly kind: "frame"; readonly linktype: number; readonly frame: Uint8Array<ArrayBuffer> }
  | { readonly kind: "name"; readonly news: NameNews };

/** Totals of one host since it was first seen. One row of `hosts`. */
export interface HostTotals {
  readonly address: string;
  /** The host's own, never that of a router before it; "" when it is not known. */
  readonly mac: string;
  /** DHCP, mDNS, DNS or NBNS name; "" when none was seen. */
  readonly name: string;
  /** All names, the one to show first. */
  readonly names?: readonly HostNaming[];
  /** The MAC address is that of a router, through which packets from elsewhere come. */
  readonly isRouter?: boolean;
  readonly isLocal: boolean;
  readonly firstSeenUs: number;
  readonly lastSeenUs: number;
  readonly inPackets: number;
  readonly inBytes: number;
  readonly outPackets: number;
  readonly outBytes: number;
}

export interface ProtocolTotals {
  readonly packets: number;
  readonly bytes: number;
}
export interface ApplicationTotals extends ProtocolTotals {
  readonly flows: number;
}

/** Packets that were not decoded to the end at one place and for one reason. */
export interface DecodeStop {
  readonly layer: LayerName;
  readonly reason: "truncated" | "malformed" | "unsupported";
  /** For people: "link type 189 (Linux USB)", "EtherType 0x88e5 (MACsec)", "TCP". */
  readonly name: string;
  readonly packets: number;
  /**
   * Of these, the packets of which nothing was seen that detection could judge: neither addresses nor ARP, or only those of
   * a tunnel's ends. Frames in which no traffic of hosts can be (spanning tree, LLDP, 802.11 beacons …) are none of them.
   */
  readonly unread: number;
}

/** What the pipeline says of itself every second; counters are totals since the start. */
export interface PipelineSnapshot {
  /** Traffic time of the newest packet. */
  readonly tsUs: number;
  readonly packets: number;
  readonly bytes: number;
  readonly capturedBytes: number;
  /** By TRANSPORT_NAMES; only those seen. */
  readonly protocols: Readonly<Record<string, ProtocolTotals>>;
  /** By APPLICATION_NAMES; only those seen. */
  readonly applications: Readonly<Record<string, ApplicationTotals>>;
  readonly decodeStops: {
    readonly truncated: number;
    readonly malformed: number;
    readonly unsupported: number;
  };
  /** Packets of which nothing was seen that detection could judge, see DecodeStop. */
  readonly unreadPackets: number;
  /** Where packets were not decoded to the end, most first, at most 20. */
  readonly decodeStopList: readonly DecodeStop[];
  readonly flowsActive: number;
  readonly flowsTotal: number;
  readonly flowsEvicted: number;
  /** Packets that were copies of others, as a bridge, `any` or a mirror port gives them. */
  readonly copies: number;
  readonly flowsMax: number;
  /** Names of flows not kept because too many different ones were held. */
  readonly flowNamesDropped: number;
  readonly hostsActive: number;
  readonly hostsTotal: number;
  /** Busiest hosts of the last minutes, most bytes first, at most 20. */
  readonly topTalkers: readonly HostTotals[];
  /** Newest last, at most 100. */
  readonly newestPackets: readonly PacketRow[];
  /** Packet rows written 1 in `sampleK` at the moment. */
  readonly sampleK: number;
  /** Rows handed to the store, and rows that it had no room for. */
  readonly packetRows: number;
  readonly packetRowsShed: number;
  readonly flowRowsShed: number;
  /** Flows of floods that share a row, see SummedFlows. */
  readonly flowsSummed: number;
  /** Packets not written to the capture ring because the writer was behind. */
  readonly recorderDrops: number;
  /** Observations not taken because detection was behind. */
  readonly observationsShed: number;
}

/** State of one capture source, as the capture worker last told it. */
export interface CaptureSourceState {
  readonly interfaceId: number;
  /** Device or file name. */
  readonly name: string;
  readonly state: "starting" | "capturing" | "retrying" | "finished" | "failed" | "stopped";
  /** A sentence for people: "capturing by libpcap, promiscuous", "device gone, next try in 4 s" … */
  readonly detail: string;
  readonly linktype: number;
  readonly isPromiscuous: boolean;
  /** Packets that were handed over (or that the file held so far). */
  readonly packets: number;
  /** Of the kernel since the start, over reopenings: those that passed the filter, and those that it and the card lost. */
  readonly received: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
  /** Packets thrown away because no buffer was free between capture and decoding. */
  readonly queueDrops: number;
  /** Buffers in flight, and how many there are. */
  readonly queueDepth: number;
  readonly queueMax: number;
}

/** State of the store worker. */
export interface StoreState {
  readonly state: "ok" | "retrying" | "failed" | "off";
  /** A sentence for people; "" when ok. */
  readonly detail: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly rowsWritten: number;
  readonly rowsLost: number;
  /** Rows that made room for others by age or size, and those of findings among them. */
  readonly rowsRemoved: number;
  readonly findingsRemoved: number;
  /** Packet and flow rows that were not written because the disk is nearly full. */
  readonly rowsHeldBack: number;
  /** Batches waiting, and the most that may. */
  readonly queueDepth: number;
  readonly queueMax: number;
  readonly oldestUs: number | null;
}

/** State of the capture-file ring. */
export interface RecorderState {
  readonly state: "ok" | "failed" | "off";
  readonly detail: string;
  readonly path: string;
  readonly bytesWritten: number;
  readonly packetsWritten: number;
  /** Packets that came but could not be written: disk full, folder gone, a link type that cannot be converted. */
  readonly packetsLost: number;
  readonly files: number;
  readonly sizeBytes: number;
  readonly bytesMax: number;
  readonly filesMax: number;
  /** Time of the oldest packet kept, to the second; null without one. */
  readonly oldestUs: number | null;
}

/** Packets of findings, kept beyond the ring. */
export interface EvidenceState {
  readonly state: "ok" | "failed" | "off";
  readonly detail: string;
  readonly path: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly bytesMax: number;
  /** Findings that have files, and those whose packets are being looked for. */
  readonly findings: number;
  readonly following: number;
  readonly packetsWritten: number;
  /** Packets for which there was no room: their finding had its share, or all that is kept is graver. */
  readonly packetsLeftOut: number;
  /** Files that made room for others. */
  readonly filesRemoved: number;
}

/** The EVE log. */
export interface EveState {
  readonly state: "ok" | "failed" | "off";
  readonly detail: string;
  readonly path: string;
  readonly linesWritten: number;
  /** Lines that found no room on their way, or could not be written: disk full, folder gone. */
  readonly linesLost: number;
  readonly files: number;
  readonly sizeBytes: number;
}

/** How an agent of a fleet does. */
export interface FleetState {
  /**
   * `connecting`, `connected`; `down`: the engine cannot be reached; `rejected`: it does not accept the credential; `refused`: it does
   * not take what is sent; `failing`: the spool cannot be written; `off`: there is no fleet, or its thread has ended.
   */
  readonly state:
    | "off"
    | "connecting"
    | "connected"
    | "down"
    | "rejected"
    | "refused"
    | "failing";
  /** Part of a sentence; "" when all is well. */
  readonly detail: string;
  /** As it was enrolled, and its id. */
  readonly name: string;
  readonly agent: string;
  readonly level: "findings" | "rollups" | "flows";
  readonly servers: readonly string[];
  /** What waits on disk for the hub, and its limit; when the oldest of it was made. */
  readonly batches: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly oldestUs: number | null;
  /** When the hub was last heard; null before. Wall clock. */
  readonly committedUs: number | null;
  /** Rows of this spool since it was made. */
  readonly flows: FleetCounts;
  readonly findings: FleetCounts;
  /** Of this run: what the engine refused, batches sent again after proven loss, connections made again. */
  readonly refusals: number;
  readonly resent: number;
  readonly reconnects: number;
}
export interface FleetCounts {
  readonly spooled: number;
  readonly committed: number;
  readonly givenUp: number;
}

/** What the program may do on its host. */
export interface RightsState {
  /** Name of its user. */
  readonly user: string;
  readonly isRoot: boolean;
  /** Capabilities that a thread has or may take up, as "cap_net_raw"; null where that cannot be told. */
  readonly capabilities: readonly string[] | null;
  /** No thread can gain rights by starting a program. */
  readonly hasNoNewPrivileges: boolean;
}

/** How looking for the processes behind this host's flows goes; counters since the start. */
export interface ProcessesState {
  readonly state: "ok" | "failed" | "off";
  /** A sentence: why it is off or failed, or what cannot be seen; "" when all can be. */
  readonly detail: string;
  /** Where sockets are looked up; "" while nowhere. */
  readonly source: "sock_diag" | "/proc/net" | "";
  /** Connections are seen as they begin, and not only with their packets. */
  readonly hasTap: boolean;
  /** The kernel tells who begins connections of TCP; and how often it had no room to. */
  readonly hasTrace: boolean;
  readonly traceLost: number;
  /** Flows of this host that were asked for: process found, only the user, nothing; and those passed over for want of time. */
  readonly named: number;
  readonly userOnly: number;
  readonly unknown: number;
  readonly passedOver: number;
  /** Processes whose sockets may not be looked at, and all, at the last look. */
  readonly closedProcesses: number;
  readonly processes: number;
  /** Other users' processes do not even show. */
  readonly hidesOthers: boolean;
}

/** A file with countries or networks of addresses. */
export interface GeoFileState {
  readonly path: string;
  readonly hasCountries: boolean;
  readonly hasNetworks: boolean;
  /** When it was made; 0 when it could not be read. */
  readonly builtUs: number;
  /** Why it, or what has replaced it, cannot be used; "" when it can. */
  readonly error: string;
}

/** One line of the log on the status page. */
export interface StatusEntry {
  /** Wall clock. */
  readonly tsUs: number;
  readonly severity: "info" | "warning" | "error";
  readonly text: string;
}

// ---------------------------------------------------------------- finding

/** Rising. */
export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = typeof SEVERITIES[number];

export const SCAN_KINDS = ["vertical", "horizontal", "block", "distributed"] as const;
export type ScanKind = typeof SCAN_KINDS[number];
export const SCAN_PROBES = [
  "syn",
  "connect",
  "fin",
  "null",
  "xmas",
  "ack",
  "maimon",
  "odd_flags",
  "udp",
  "icmp_echo",
  "arp",
  "ndp",
  "sctp_init",
] as const;
export type ScanProbe = typeof SCAN_PROBES[number];

/** What a device does for the first time. */
export const FIRST_CONTACT_KINDS = ["device", "service", "peer", "country"] as const;
export type FirstContactKind = typeof FIRST_CONTACT_KINDS[number];

/** A first contact when it is written; what its kind is not about is "" and 0. */
export interface FirstContactNews {
  readonly kind: FirstContactKind;
  /** Traffic time. */
  readonly tsUs: number;
  /** Of the device, that it had then. */
  readonly address: string;
  readonly mac: string;
  readonly peer: string;
  /** Of the peer. */
  readonly name: string;
  /** Of the service. */
  readonly proto: string;
  readonly port: number;
  /** Of a new country its code. */
  readonly service: string;
}

/** What no single host can see. */
export const FLEET_KINDS = [
  "fleet_scan",
  "lateral_movement",
  "first_seen",
  "agent_silent",
  "agent_cloned",
] as const;

/** What a detector found; `scan` and `anomaly` have their own parts. */
export const FINDING_KINDS = [
  "scan",
  "anomaly",
  "brute_force",
  "flood",
  "reflection",
  "arp_spoof",
  "dns_tunnel",
  "beacon",
  "blocklist",
  "exfiltration",
  // Only with --first-contact-findings.
  "first_contact",
  // What only a hub can tell (agent/fleet/hub/detect).
  ...FLEET_KINDS,
] as const;
export type FindingKind = typeof FINDING_KINDS[number];

/**
 * One finding of any detector: an episode that is opened when it is detected, told again under the same id when it
 * has grown, and once more when it is over.
 */
export interface Finding {
  /** Unique within a run, rising; the same for every state of one episode. */
  readonly id: number;
  readonly kind: FindingKind;
  readonly severity: Severity;
  /** MITRE ATT&CK technique, as "T1046"; "" where none fits. */
  readonly attackId: string;
  /** Addresses as text, at most ADDRESSES_LISTED_MAX, the weightiest first; the counts are of all. */
  readonly sources: readonly string[];
  readonly sourceCount: number;
  readonly targets: readonly string[];
  readonly targetCount: number;
  /** Traffic time of the first and newest evidence, and of the moment it sufficed. */
  readonly firstUs: number;
  readonly lastUs: number;
  readonly detectedUs: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** One sentence for a person: who did what, to whom, how much. */
  readonly reason: string;
  /** False once it is over: quiet, or the end of the input. */
  readonly isOpen: boolean;
  /** Flow.id of flows that are evidence, at most FLOWS_LINKED_MAX. */
  readonly flowIds: readonly number[];
  /** How much evidence there is, in the detector's own unit (probes, sessions, packets …); 1 where it is not counted. */
  readonly amount: number;
  /** Ports of the targets that it is about, as ScanDetails.ports; "" without any. */
  readonly ports?: string;
  /** It reached what it tried for: guessing ended in a session. */
  readonly hasSucceeded?: boolean;
  readonly scan?: ScanDetails;
  readonly anomaly?: AnomalyDetails;
  /** The process of this host that did it, when this host did. */
  readonly process?: FlowProcess;
  /** On a hub: where its private addresses are; absent on a single host. */
  readonly site?: string;
}
export const ADDRESSES_LISTED_MAX = 64;
/**
 * Of floods and reflected traffic a count of more than one is an estimate of two digits, and one that is above this says no
 * more than that there were more.
 */
export const ESTIMATE_MAX = 3000;
export const FLOWS_LINKED_MAX = 64;

export interface ScanDetails {
  readonly kind: ScanKind;
  readonly probe: ScanProbe;
  /** As "22,80,1000-1024"; "" without ports. */
  readonly ports: string;
  readonly portCount: number;
  /** First contacts counted as probes. */
  readonly attempts: number;
  /** Of them, those that were accepted or answered. */
  readonly answered: number;
  /** As `ports`: those that accepted. */
  readonly answeredPorts: string;
  /** "T0" … "T5" of nmap by the median gap between probes; "" with too few. */
  readonly tempo: string;
  /** "nmap", "masscan", "zmap" where certain, else "". */
  readonly tool: string;
  /** The sources probed the same targets together, so that all but one may be forged. */
  readonly hasDecoys: boolean;
  /** As "10.0.0.2:22", in order of discovery: what accepted or answered, at most SERVICES_FOUND_MAX. */
  readonly found: readonly string[];
  /** As "10.0.0.2:22": what the scanner later exchanged data with, at most 16. */
  readonly cameBack: readonly string[];
}
export const SERVICES_FOUND_MAX = 256;

export interface AnomalyDetails {
  /**
   * Start of the window, and its length; a capture's first one begins with the capture. Of windows in a row (Finding.amount) the
   * start of the first, all else of the most unusual one.
   */
  readonly tsUs: number;
  readonly windowUs: number;
  /** Address of the host, or "link" for all traffic. */
  readonly entity: string;
  /** Isolation Forest score, above 0 to 1. */
  readonly score: number;
  readonly threshold: number;
  /** The one that the reason names, then by weight; only such as are outside what is usual. */
  readonly topFeatures: readonly TopFeature[];
}
export interface TopFeature {
  /** As in agent/detect/features.ts. */
  readonly name: string;
  /** In the feature's own unit, not log-scaled; null where it is not known. */
  readonly value: number | null;
  /** Usual range in the same unit: 5th to 95th percentile of what was learnt, as far as windows in it are never flagged. */
  readonly typical: readonly [number, number];
  /** Share of the shortened path, 0 to 1. */
  readonly contribution: number;
}

// ---------------------------------------------------------------- incident

/** What a finding is to its incident: what was done, more of the same actor's unusual behaviour, or what it did to others. */
export const FINDING_ROLES = ["cause", "support", "effect"] as const;
export type FindingRole = typeof FINDING_ROLES[number];

/** One story: all findings about one actor without a pause of INCIDENT_QUIET_US, and what they did to others. */
export interface Incident {
  /** Unique within a results folder, rising. */
  readonly id: number;
  /** Address of who did it; null where it cannot be told from others: many sources of one flood, decoys. */
  readonly actor: string | null;
  /** Name of the actor; "" when none is known. */
  readonly actorName: string;
  readonly severity: Severity;
  /** False after INCIDENT_QUIET_US without evidence, or at the end of the input. */
  readonly isOpen: boolean;
  /** At most ADDRESSES_LISTED_MAX of each; the counts are of all. */
  readonly sources: readonly string[];
  readonly sourceCount: number;
  readonly targets: readonly string[];
  readonly targetCount: number;
  /** MITRE ATT&CK: tactics ("TA0007") and techniques ("T1046") of the causes, in order of time, each once. */
  readonly tactics: readonly string[];
  readonly techniques: readonly string[];
  /** FindingKind of its causes, and the ports that they were about ("22", "1-1024"), each once. */
  readonly kinds: readonly FindingKind[];
  readonly ports: readonly string[];
  /** Traffic time of the first and newest evidence, and of the moment it was first told. */
  readonly firstUs: number;
  readonly lastUs: number;
  readonly detectedUs: number;
  /** One sentence for people, at most HEADLINE_MAX characters: who did what to whom, and how far it got. */
  readonly headline: string;
  /** Sentences: what was tried, what answered, what was used afterwards. */
  readonly detail: string;
  /** What one finding after the other added, in order of time; at most COURSE_MAX. */
  readonly course: readonly IncidentStep[];
  /** Evidence of all causes together (Finding.amount). */
  readonly amount: number;
  /** A port found open was used, or guessing ended in a session. */
  readonly hasSucceeded: boolean;
  /** The incident in which the actor was a target before, and how soon it began, as "began 40 s after 10.0.0.9 logged in". */
  readonly origin: { readonly incidentId: number; readonly text: string } | null;
  readonly findingCount: number;
  /** As Finding.process, of the first cause that has one. */
  readonly process?: FlowProcess;
}
export interface IncidentStep {
  readonly tsUs: number;
  /** "" where none fits. */
  readonly tactic: string;
  readonly technique: string;
  readonly text: string;
}

/** An incident that is new or has changed, with the findings that have joined it, or changed their role, since it was told last. */
export interface IncidentNews {
  readonly incident: Incident;
  readonly joined: readonly {
    readonly finding: Finding;
    readonly role: FindingRole;
  }[];
  /** Incidents that turned out to be part of this one: they are no more. */
  readonly absorbedIds: readonly number[];
}

/** Traffic time without evidence after which what an actor does next is another incident. */
export const INCIDENT_QUIET_US = 15 * 60_000_000;
export const HEADLINE_MAX = 120;
export const COURSE_MAX = 64;

// ---------------------------------------------------------------- alert

/** What an alert is about: an incident, the share of anomalous traffic, the state of a part of tapwatch, several alerts at once, nothing. */
export const ALERT_KINDS = ["incident", "anomaly_rate", "health", "digest", "test"] as const;
export type AlertKind = typeof ALERT_KINDS[number];

/** Why somebody is told, and told again. */
const ALERT_TRIGGERS = [
  "opened",
  "severity",
  "growth",
  "success",
  "over",
  "digest",
  "test",
] as const;
export type AlertTrigger = typeof ALERT_TRIGGERS[number];

/**
 * `waiting`: some channel has not taken it yet; `sent`: all have, or gave up; `failed`: none has taken it;
 * `held`: waits for the digest; `digest`: was told in one; `muted`: a mute holds it back.
 */
export const ALERT_STATES = ["waiting", "sent", "failed", "held", "digest", "muted"] as const;
export type AlertState = typeof ALERT_STATES[number];

/** One message to people, and what became of it. One row of `alerts`. */
export interface Alert {
  /** Unique within a results folder, rising. */
  readonly id: number;
  /** Wall clock of the decision. */
  readonly tsUs: number;
  readonly kind: AlertKind;
  readonly trigger: AlertTrigger;
  /** Tells what it is about from everything else: "incident 7", "health store". */
  readonly subject: string;
  readonly severity: Severity;
  /** The actor, or the part; "" without one. */
  readonly source: string;
  readonly headline: string;
  readonly detail: string;
  /** A sentence: why it was told (or would have been). */
  readonly reason: string;
  readonly attackId: string;
  readonly incidentId: number | null;
  /** How far the incident had come, for the next comparison. */
  readonly amount: number;
  readonly hasSucceeded: boolean;
  readonly state: AlertState;
  /** A sentence: what holds it back; "" when nothing does. */
  readonly heldBy: string;
  /** The mute that holds it back, and the digest that told it. */
  readonly muteId: number | null;
  readonly digestId: number | null;
  readonly deliveries: readonly AlertDelivery[];
}

/** What one channel did with an alert. */
export interface AlertDelivery {
  /** As "mail to a@example.org" or "webhook https://example.org/hook". Without secrets. */
  readonly channel: string;
  readonly state: "waiting" | "sent" | "failed";
  readonly attempts: number;
  /** Wall clock of the last try, and of the next; null without one. */
  readonly triedUs: number | null;
  readonly nextUs: number | null;
  /** The server's words, or what went wrong; "" before the first try. */
  readonly answer: string;
}

/** What is told once its interval has passed, as it then stands. */
export interface PendingAlert {
  /** As in Alert. */
  readonly subject: string;
  readonly severity: Severity;
  readonly headline: string;
  readonly incidentId: number | null;
  readonly heldBy: string;
  /** Wall clock of when it is told at the earliest. */
  readonly dueUs: number;
}

/** How a way to people does; counters since the start. */
export interface ChannelState {
  /** As in AlertDelivery. */
  readonly channel: string;
  readonly sent: number;
  readonly failed: number;
  /** Tries that did not succeed. */
  readonly retries: number;
  readonly waiting: number;
  /** Wall clock; of earlier runs too; null where it has not happened in the last two days. */
  readonly lastSentUs: number | null;
  readonly lastFailedUs: number | null;
  /** The server's words then, or what went wrong. */
  readonly lastFailure: string;
  /** The last try failed. */
  readonly isFailing: boolean;
}

/** What somebody does not want to hear of; "" in a field takes any. One row of `mutes`. */
export interface Mute {
  readonly id: number;
  readonly createdUs: number;
  /** A FindingKind, or a kind of alert other than "incident". */
  readonly kind: string;
  /** An address or a network (CIDR). */
  readonly source: string;
  readonly destination: string;
  /** "22", "1-1024", "22,80"; of what was tried. */
  readonly port: string;
  /** Wall clock of its end; null is for good. */
  readonly untilUs: number | null;
  readonly note: string;
}

/** The hosts' windows of one stretch of ten seconds, judged. */
export interface JudgedWindows {
  /** Its begin, of the traffic. */
  readonly tsUs: number;
  readonly windows: number;
  readonly flagged: number;
  /** Anomalous share of the packets of the five minutes up to its end. */
  readonly ratePct: number;
}

/** What detection says of itself every second; counters are totals since the start. */
export interface DetectionState {
  readonly state: "off" | "learning" | "ready";
  /** Windows learnt from, and how many are needed before anomalies are reported. */
  readonly windowsLearnt: number;
  readonly windowsNeeded: number;
  /** Host windows scored, those flagged, over the last 5 minutes (the whole file). */
  readonly windows: number;
  readonly windowsFlagged: number;
  /** Packets in flagged windows, in per cent of all, over the same time. */
  readonly anomalyRatePct: number;
  /** Observations taken, and those shed because detection was behind. */
  readonly observations: number;
  readonly observationsShed: number;
  /** Bytes of the detectors' tables, and times that a full one forgot its oldest entry. */
  readonly stateBytes: number;
  readonly forgotten: number;
  readonly findings: number;
  readonly findingsOpen: number;
  /** Connections go on without an answer, or nothing is answered at all and was not part of a scan: one direction is missing. */
  readonly isOneWay: boolean;
  /** When the model in use was fitted (traffic time); null without one. */
  readonly modelFittedUs: number | null;
  /** What was read of the block lists; zeros without any. */
  readonly blocklists: {
    readonly lists: number;
    readonly entries: number;
    /** Lines that hold neither an entry nor a comment. */
    readonly badLines: number;
  };
}
