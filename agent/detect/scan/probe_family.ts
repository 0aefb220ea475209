/** What kind of probe a flow's first packet could be. Flags as in nmap's manual, "Port scanning techniques". */
import { type ScanProbe, Transport } from "../../records.ts";
import { Mark, type Observation } from "../observation.ts";

/** Probes that are judged together; SYN and connect scans are told apart afterwards. */
export const Family = {
  none: 0,
  tcp: 1,
  fin: 2,
  null: 3,
  xmas: 4,
  ack: 5,
  maimon: 6,
  udp: 7,
  icmp: 8,
  arp: 9,
  sctp: 10,
} as const;

/** By Family; that of TCP is "syn" or "connect", by what most probes look like. */
export const PROBE_OF_FAMILY: readonly ScanProbe[] = [
  "syn",
  "syn",
  "fin",
  "null",
  "xmas",
  "ack",
  "maimon",
  "udp",
  "icmp_echo",
  "arp",
  "sctp_init",
];

export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
/** Observation.tcpFlags where the flags were cut off. */
const unknownFlags = 0xffff;

/** What is remembered of a probe's first packet; the lower four bits of a probe's word are its Family. */
export const Trait = {
  /** A SYN of a scanner's own making: no TCP options but, perhaps, the segment size. */
  isRaw: 1 << 4,
  /** An echo request without data, or an old sort of ICMP request: no ping command sends it. */
  isOddPing: 1 << 5,
  isNmapLike: 1 << 6,
  isMasscanLike: 1 << 7,
  isZmapLike: 1 << 8,
  isSourceLocal: 1 << 9,
  isDestinationLocal: 1 << 10,
  /** The source was told this address by DNS a moment ago. */
  isResolved: 1 << 11,
} as const;

/** Whether the family is a sweep of hosts, without ports. */
export function isSweep(family: number): boolean {
  return family === Family.icmp || family === Family.arp;
}

/** Probes that no benign host sends and that are judged at once. */
export function isOddByItself(family: number): boolean {
  return family === Family.fin || family === Family.null || family === Family.xmas;
}

/** Family of a flow's first packet; none for what is an answer, a group message or no probe. */
export function familyOf(o: Observation): number {
  if ((o.marks & (Mark.isToMany | Mark.isLinkBroadcast)) !== 0) return Family.none;
  // A later fragment whose first one was not seen.
  if ((o.marks & Mark.isFragment) !== 0 && o.destinationPort === 0) return Family.none;
  switch (o.transport) {
    case Transport.tcp:
      return tcpFamilyOf(o);
    case Transport.udp:
      return o.has(Mark.sentByOriginator) && !isTraceroute(o) ? Family.udp : Family.none;
    case Transport.icmp:
      // Echo, timestamp and address mask requests (RFC 792, 950).
      return o.sourcePort === 8 || o.sourcePort === 13 || o.sourcePort === 17
        ? Family.icmp
        : Family.none;
    case Transport.icmpv6:
      return o.sourcePort === 128 ? Family.icmp : Family.none;
    case Transport.sctp:
      return o.has(Mark.sentByOriginator) ? Family.sctp : Family.none;
    default:
      return Family.none;
  }
}

function tcpFamilyOf(o: Observation): number {
  const flags = o.tcpFlags;
  const isAsker = (o.marks & Mark.sentByOriginator) !== 0;
  if (flags === unknownFlags) {
    // A first fragment without room for the flags (RFC 1858): nobody's stack makes it.
    return isAsker && o.has(Mark.isFragment) && o.destinationPort > 0 ? Family.tcp : Family.none;
  }
  if ((flags & TcpFlag.rst) !== 0) return Family.none;
  if ((flags & TcpFlag.syn) !== 0) {
    return (flags & TcpFlag.ack) === 0 && isAsker ? Family.tcp : Family.none;
  }
  if (o.payloadLength > 0) return Family.none;
  switch (flags & 0x3f) {
    case 0:
      return Family.null;
    case TcpFlag.fin | TcpFlag.psh | TcpFlag.urg:
      return Family.xmas;
    case TcpFlag.fin:
      return isAsker ? Family.fin : Family.none;
    case TcpFlag.fin | TcpFlag.ack:
      return isAsker ? Family.maimon : Family.none;
    case TcpFlag.ack:
      return isAsker ? Family.ack : Family.none;
    default:
      return Family.none;
  }
}

function isOddPing(o: Observation): boolean {
  return o.payloadLength === 0 || o.sourcePort === 13 || o.sourcePort === 17;
}

/** Ports and hop limits of traceroute (Jacobson's and Butskoy's: from 33434 up, hop by hop). */
function isTraceroute(o: Observation): boolean {
  return o.destinationPort >= 33434 && o.destinationPort <= 33600 && o.ttl <= 30;
}

/** Trait bits of a first packet. */
export function traitsOf(o: Observation, family: number): number {
  let traits = (o.marks & Mark.isSourceLocal) !== 0 ? Trait.isSourceLocal : 0;
  if ((o.marks & Mark.isDestinationLocal) !== 0) traits |= Trait.isDestinationLocal;
  if (family === Family.icmp && isOddPing(o)) traits |= Trait.isOddPing;
  if (o.ipIdentification === 54321) traits |= Trait.isZmapLike;
  if (family === Family.tcp) traits |= synTraits(o);
  return traits;
}

/**
 * The SYN's shape: stacks send 12 to 20 bytes of options; nmap -sS only the segment size, with one of four windows and
 * a hop limit of at most 60; masscan the window 1024 and a hop limit of 255.
 */
function synTraits(o: Observation): number {
  const isIpv4 = o.source0 === 0 && o.source1 === 0 && o.source2 === 0xffff;
  const options = o.headerLength - (isIpv4 ? 40 : 60);
  if (options > 4) return 0;
  const { tcpWindow, ttl } = o;
  let traits: number = Trait.isRaw;
  const isNmapWindow = tcpWindow >= 1024 && tcpWindow <= 4096 && tcpWindow % 1024 === 0;
  if (options === 4 && isNmapWindow && ttl <= 64) traits |= Trait.isNmapLike;
  if (isIpv4 && tcpWindow === 1024 && ttl > 192) traits |= Trait.isMasscanLike;
  return traits;
}
