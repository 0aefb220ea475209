/**
 * The seven groups of the protocol charts, in the order of the design's colours `proto-1` to `proto-7`. A protocol
 * keeps its number everywhere.
 */
export interface ProtocolGroup {
  readonly name: string;
  /** 1 to 7. */
  readonly colour: number;
  readonly bytes: number;
  readonly packets: number;
}

const groups: readonly { readonly name: string; readonly applications: readonly string[] }[] = [
  { name: "TLS", applications: ["tls", "dtls"] },
  { name: "QUIC", applications: ["quic"] },
  { name: "DNS", applications: ["dns", "mdns", "llmnr", "nbns"] },
  { name: "Files", applications: ["smb", "nbss", "nbdgm", "ftp", "ftp-data", "tftp"] },
  { name: "SSH, remote", applications: ["ssh", "rdp", "vnc", "telnet"] },
  { name: "HTTP", applications: ["http"] },
];

/** Bytes and packets of each group, in order of colour, "other" last; `applications` are those of the rows. */
export function groupRows(
  rows: readonly { readonly key: string; readonly bytes: number; readonly packets: number }[],
): readonly (ProtocolGroup & { readonly applications: readonly string[] })[] {
  const sum = (own: typeof rows, key: "bytes" | "packets") =>
    own.reduce((total, row) => total + row[key], 0);
  const named = groups.map(({ name, applications }, index) => {
    const own = rows.filter(({ key }) => applications.includes(key));
    return {
      name,
      colour: index + 1,
      bytes: sum(own, "bytes"),
      packets: sum(own, "packets"),
      applications: own.map(({ key }) => key),
    };
  });
  const all = groups.flatMap(({ applications }) => applications);
  const others = rows.filter(({ key }) => !all.includes(key));
  return [...named, {
    name: "Other",
    colour: groups.length + 1,
    bytes: sum(others, "bytes"),
    packets: sum(others, "packets"),
    applications: [],
  }];
}

/** Choices of the protocol filter: transports, then applications often looked for. */
export const PROTOCOL_CHOICES = [
  "tcp",
  "udp",
  "icmp",
  "icmpv6",
  "arp",
  "igmp",
  "sctp",
  "dns",
  "mdns",
  "tls",
  "quic",
  "http",
  "ssh",
  "dhcp",
  "ntp",
  "smb",
  "ssdp",
  "other",
] as const;

/** As people write it: "TCP", "ICMPv6", "mDNS". */
export function protocolLabel(name: string): string {
  const special: Record<string, string> = {
    icmpv6: "ICMPv6",
    dhcpv6: "DHCPv6",
    mdns: "mDNS",
    wireguard: "WireGuard",
    openvpn: "OpenVPN",
    bittorrent: "BitTorrent",
    postgresql: "PostgreSQL",
    mysql: "MySQL",
    redis: "Redis",
    kerberos: "Kerberos",
    modbus: "Modbus",
    syslog: "syslog",
    telnet: "Telnet",
    netbios: "NetBIOS",
    other: "other",
  };
  return special[name] ?? name.toUpperCase();
}
