/** Frames of our own making: Ethernet, IPv4 or IPv6, perhaps in a tunnel, then TCP, UDP, ICMP echo or SCTP. */

/** An address as text: "10.0.0.9" or "fd00::9" (its groups written out or shortened by one "::"). */
export interface Ends {
  readonly source: string;
  readonly destination: string;
  /** IP protocol 4 or 41 around it, or GRE, between two tunnel ends. */
  readonly tunnel?: "ipip" | "gre";
}
export interface Ports {
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

const protocolNumber = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

export function tcpFrame(
  ends: Ends,
  { sourcePort, destinationPort }: Ports,
  { flags, sequence = 1000, window = 64_240, payload = 0 }: {
    readonly flags: number;
    readonly sequence?: number;
    readonly window?: number;
    readonly payload?: number;
  },
): Uint8Array {
  const header = [
    ...uint16(sourcePort),
    ...uint16(destinationPort),
    ...uint32(sequence),
    ...uint32((flags & TcpFlag.ack) !== 0 ? 1 : 0),
    0x50,
    flags,
    ...uint16(window),
    ...uint32(0),
  ];
  return ipFrame(ends, protocolNumber.tcp, [...header, ...zeros(payload)]);
}

export function udpFrame(
  ends: Ends,
  { sourcePort, destinationPort }: Ports,
  payload: readonly number[] = zeros(8),
): Uint8Array {
  const header = [...uint16(sourcePort), ...uint16(destinationPort), ...uint16(8 + payload.length)];
  return ipFrame(ends, protocolNumber.udp, [...header, 0, 0, ...payload]);
}

/** An echo request, or its answer. */
export function echoFrame(ends: Ends, kind: "request" | "reply", sequence = 1): Uint8Array {
  const isIpv6 = ends.source.includes(":");
  const type = kind === "request" ? (isIpv6 ? 128 : 8) : (isIpv6 ? 129 : 0);
  const message = [type, 0, 0, 0, 0, 7, ...uint16(sequence), ...zeros(8)];
  return ipFrame(ends, isIpv6 ? protocolNumber.icmpv6 : protocolNumber.icmp, message);
}

/** An SCTP packet with an INIT (1), INIT ACK (2) or ABORT (6) chunk (RFC 9260 section 3). */
export function sctpFrame(ends: Ends, ports: Ports, chunk: 1 | 2 | 6): Uint8Array {
  const { sourcePort, destinationPort } = ports;
  const header = [...uint16(sourcePort), ...uint16(destinationPort), ...uint32(0), ...uint32(0)];
  return ipFrame(ends, protocolNumber.sctp, [...header, chunk, 0, ...uint16(20), ...zeros(16)]);
}

function ipFrame(ends: Ends, protocol: number, payload: readonly number[]): Uint8Array {
  const isIpv6 = ends.source.includes(":");
  const packet = isIpv6 ? ipv6(ends, protocol, payload) : ipv4(ends, protocol, payload);
  const outer = tunnelled(ends.tunnel, packet, isIpv6);
  const etherType = outer[0] >> 4 === 6 ? 0x86dd : 0x0800;
  return Uint8Array.from([
    ...mac(ends.destination),
    ...mac(ends.source),
    ...uint16(etherType),
    ...outer,
  ]);
}

function tunnelled(tunnel: Ends["tunnel"], packet: number[], isIpv6: boolean): number[] {
  const ends = { source: "198.51.100.1", destination: "203.0.113.1" };
  if (tunnel === "ipip") return ipv4(ends, isIpv6 ? 41 : 4, packet);
  if (tunnel === "gre") {
    return ipv4(ends, 47, [0, 0, ...uint16(isIpv6 ? 0x86dd : 0x0800), ...packet]);
  }
  return packet;
}

function ipv4(
  { source, destination }: Ends,
  protocol: number,
  payload: readonly number[],
): number[] {
  return [
    ...[0x45, 0, ...uint16(20 + payload.length), 0, 1, 0x40, 0, 64, protocol, 0, 0],
    ...ipv4Bytes(source),
    ...ipv4Bytes(destination),
    ...payload,
  ];
}

function ipv6(
  { source, destination }: Ends,
  protocol: number,
  payload: readonly number[],
): number[] {
  return [
    ...[0x60, 0, 0, 0, ...uint16(payload.length), protocol, 64],
    ...ipv6Bytes(source),
    ...ipv6Bytes(destination),
    ...payload,
  ];
}

function ipv4Bytes(address: string): number[] {
  return address.split(".").map(Number);
}

function ipv6Bytes(address: string): number[] {
  const [head, tail] = address.split("::").map((part) => part === "" ? [] : part.split(":"));
  const groups = tail === undefined
    ? head
    : [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.flatMap((group) => uint16(parseInt(group, 16)));
}

/** Locally administered, told apart by the address's text. */
function mac(address: string): number[] {
  let hash = 0;
  for (const letter of address) hash = Math.imul(hash, 31) + letter.charCodeAt(0) | 0;
  return [2, 0, ...uint32(hash)];
}

function uint16(value: number): number[] {
  return [value >> 8 & 0xff, value & 0xff];
}

function uint32(value: number): number[] {
  return [...uint16(value >>> 16), ...uint16(value & 0xffff)];
}

function zeros(count: number): number[] {
  return Array<number>(count).fill(0);
}
