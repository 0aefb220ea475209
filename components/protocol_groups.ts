/**
 * The seven groups of the protocol charts, in the order of the design's colours `proto-1` to `proto-7`. A protocol
 * keeps its number everywhere.
 */
import type { PipelineSnapshot } from "../agent/records.ts";

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

/** Bytes and packets of each group since the start, in order of colour, "other" last. */
export function groupProtocols(snapshot: PipelineSnapshot | null): readonly ProtocolGroup[] {
  const named = groups.map(({ name, applications }, index) => {
    const totals = applications.map((application) => snapshot?.applications[application]);
    return {
      name,
      colour: index + 1,
      bytes: totals.reduce((sum, total) => sum + (total?.bytes ?? 0), 0),
      packets: totals.reduce((sum, total) => sum + (total?.packets ?? 0), 0),
    };
  });
  const sum = (key: "bytes" | "packets") => named.reduce((total, group) => total + group[key], 0);
  const other = {
    name: "Other",
    colour: groups.length + 1,
    bytes: Math.max(0, (snapshot?.bytes ?? 0) - sum("bytes")),
    packets: Math.max(0, (snapshot?.packets ?? 0) - sum("packets")),
  };
  return [...named, other];
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
    other: "other",
  };
  return special[name] ?? name.toUpperCase();
}
