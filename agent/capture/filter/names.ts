/** The words of the filter language: protocols, named numbers, services, and what libpcap knows but this does not. */

/** A protocol that stands before a primitive or alone. `over` is what it is looked for in. */
export type Protocol =
  | { readonly over: "link"; readonly name: string }
  | { readonly over: "ethernet"; readonly name: string; readonly type: number }
  | {
    readonly over: "ip" | "ip6" | "any ip";
    readonly name: string;
    readonly number: number;
  };

/** EtherTypes, and below 1,501 the service access points of IEEE 802.2. */
export const EtherType = {
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ip6: 0x86dd,
  vlan: 0x8100,
  serviceVlan: 0x88a8,
  oldServiceVlan: 0x9100,
  mpls: 0x8847,
  pppoeDiscovery: 0x8863,
  pppoeSession: 0x8864,
  appletalk: 0x809b,
  appletalkArp: 0x80f3,
  ipx: 0x8137,
  decnet: 0x6003,
  /** The highest that is a length and no type. */
  lengthMax: 1500,
} as const;

export const Sap = { ip: 0x06, bridge: 0x42, ipx: 0xe0, netbeui: 0xf0, iso: 0xfe } as const;

const etherTypes: Readonly<Record<string, number>> = {
  ip: EtherType.ip,
  ip6: EtherType.ip6,
  arp: EtherType.arp,
  rarp: EtherType.rarp,
  atalk: EtherType.appletalk,
  aarp: EtherType.appletalkArp,
  decnet: EtherType.decnet,
  lat: 0x6004,
  sca: 0x6007,
  mopdl: 0x6001,
  moprc: 0x6002,
};

const ipProtocols: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  igrp: 9,
  udp: 17,
  esp: 50,
  ah: 51,
  icmp6: 58,
  pim: 103,
  vrrp: 112,
  carp: 112,
  sctp: 132,
};

/** Which protocols libpcap looks for in IPv4 alone. */
const onlyIpv4 = new Set(["icmp", "igmp", "igrp", "vrrp", "carp"]);

const protocols: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ["ether", { over: "link", name: "ether" }],
  ["link", { over: "link", name: "link" }],
  ...Object.entries({ ...etherTypes, stp: Sap.bridge, ipx: Sap.ipx, netbeui: Sap.netbeui })
    .map(([name, type]): [string, Protocol] => [name, { over: "ethernet", name, type }]),
  ...Object.entries(ipProtocols).map(([name, number]): [string, Protocol] => {
    const over = onlyIpv4.has(name) ? "ip" : name === "icmp6" ? "ip6" : "any ip";
    return [name, { over, name, number }];
  }),
]);

export function protocolOf(word: string): Protocol | undefined {
  return protocols.get(word);
}

/** What may follow `ether proto`, as `\arp`. */
export const ETHER_PROTOCOLS: Readonly<Record<string, number>> = {
  ...etherTypes,
  loopback: 0x9000,
  iso: Sap.iso,
  stp: Sap.bridge,
  ipx: Sap.ipx,
  netbeui: Sap.netbeui,
};

/** What may follow `ip proto` and `ip6 proto`, as `\tcp`: names of the IANA registry as /etc/protocols has them. */
export const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  ...{ ip: 0, icmp: 1, igmp: 2, ipencap: 4, st: 5, tcp: 6, egp: 8, igp: 9, udp: 17, idp: 22 },
  ...{ rdp: 27, dccp: 33, ipv6: 41, rsvp: 46, gre: 47, esp: 50, ah: 51, "ipv6-icmp": 58 },
  ...{ eigrp: 88, ospf: 89, ipip: 94, etherip: 97, pim: 103, ipcomp: 108, vrrp: 112, l2tp: 115 },
  ...{ isis: 124, sctp: 132, udplite: 136 },
};

/** Named numbers, for `tcp[tcpflags]`, `icmp[icmptype]` and what is compared with them. */
export const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries({
  ...{ tcpflags: 13, "tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16 },
  ...{ "tcp-urg": 32, "tcp-ece": 64, "tcp-cwr": 128 },
  ...{ icmptype: 0, icmpcode: 1, "icmp-echoreply": 0, "icmp-unreach": 3 },
  ...{ "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8, "icmp-routeradvert": 9 },
  ...{ "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13 },
  ...{ "icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17 },
  ...{ "icmp-maskreply": 18, icmp6type: 0, icmp6code: 1, "icmp6-destinationunreach": 1 },
  ...{ "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4 },
  ...{ "icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130 },
  ...{ "icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132 },
  ...{ "icmp6-routersolicit": 133, "icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135 },
  ...{ "icmp6-neighboradvert": 136, "icmp6-redirect": 137, "icmp6-routerrenum": 138 },
  ...{ "icmp6-nodeinformationquery": 139, "icmp6-nodeinformationresponse": 140 },
  ...{ "icmp6-ineighbordiscoverysolicit": 141, "icmp6-ineighbordiscoveryadvert": 142 },
  ...{ "icmp6-multicastlistenerreportv2": 143, "icmp6-homeagentdiscoveryrequest": 144 },
  ...{ "icmp6-homeagentdiscoveryreply": 145, "icmp6-mobileprefixsolicit": 146 },
  ...{ "icmp6-mobileprefixadvert": 147, "icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149 },
  ...{ "icmp6-multicastrouteradvert": 151, "icmp6-multicastroutersolicit": 152 },
  ...{ "icmp6-multicastrouterterm": 153 },
}));

const tcp = 6;
const udp = 17;

/** Port of a service, and the transport that has it alone; null for both. */
export interface Service {
  readonly port: number;
  readonly transport: number | null;
}

const onlyTcp = {
  ...{ ftp: 21, "ftp-data": 20, ssh: 22, telnet: 23, smtp: 25, http: 80, pop3: 110, nntp: 119 },
  ...{ imap2: 143, imap: 143, bgp: 179, submission: 587, submissions: 465 },
  ...{ "ftps-data": 989, ftps: 990, telnets: 992, imaps: 993, pop3s: 995, mysql: 3306 },
  ...{ "ms-wbt-server": 3389, postgresql: 5432, amqp: 5672, x11: 6000, "git": 9418, whois: 43 },
  ...{ "microsoft-ds": 445, printer: 515, "http-alt": 8080, "socks": 1080, "ipp": 631 },
};
const onlyUdp = {
  ...{ bootps: 67, bootpc: 68, tftp: 69, ntp: 123, "netbios-ns": 137, "netbios-dgm": 138 },
  ...{ isakmp: 500, "ipsec-nat-t": 4500, mdns: 5353, route: 520 },
  ...{ "dhcpv6-client": 546, "dhcpv6-server": 547 },
};
const onBoth = {
  ...{ echo: 7, discard: 9, daytime: 13, time: 37, domain: 53, kerberos: 88, sunrpc: 111 },
  ...{
    snmp: 161,
    "snmp-trap": 162,
    ldap: 389,
    ldaps: 636,
    syslog: 514,
    https: 443,
    nfs: 2049,
    sip: 5060,
    "sip-tls": 5061,
  },
};

const entriesOf = (services: Readonly<Record<string, number>>, transport: number | null) =>
  Object.entries(services).map(([name, port]): [string, Service] => [name, { port, transport }]);

/** Services of /etc/services that filters name; others are to be given by number. */
export const SERVICES: ReadonlyMap<string, Service> = new Map([
  ...entriesOf(onlyTcp, tcp),
  ...entriesOf(onlyUdp, udp),
  ...entriesOf(onBoth, null),
]);

/** Words of pcap-filter(7) that are refused, by why. */
export const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ...wordsWith("it needs an 802.11, FDDI, Token Ring, SLIP or PPP device", [
    ...["fddi", "tr", "wlan", "ppp", "slip", "radio", "type", "subtype", "direction", "dir"],
    ...["addr1", "address1", "addr2", "address2", "addr3", "address3", "addr4", "address4"],
    ...["ra", "ta"],
  ]),
  ...wordsWith("it needs an ATM or SS7 device", [
    ...["lane", "metac", "bcc", "oam", "oamf4", "oamf4ec", "oamf4sc", "sc", "ilmic", "vpi", "vci"],
    ...["connectmsg", "metaconnect", "fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu"],
    ...["sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls"],
  ]),
  ...wordsWith("it needs a pflog device", [
    ...["on", "ifname", "rset", "ruleset", "rnr", "rulenum", "srnr", "subrulenum", "reason"],
    "action",
  ]),
  ...wordsWith("the kernel takes no program with a loop", ["protochain"]),
  ...wordsWith("it would need names of hosts to be looked up", ["gateway"]),
  ...wordsWith("only libpcap compiles it", [
    ...["iso", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp"],
    ...["clnp", "llc", "geneve", "byte"],
  ]),
]);

function wordsWith(reason: string, words: readonly string[]): [string, string][] {
  return words.map((word) => [word, reason]);
}
