/** What kinds of probes there are; assembly/probes.ts tells them apart. */
import type { ScanProbe } from "../../records.ts";

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
  /** Flags that belong to no packet of a connection, and those that could. */
  odd: 11,
  oddAck: 12,
  ndp: 13,
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
  "odd_flags",
  "odd_flags",
  "ndp",
];

export const TcpFlag = {
  fin: 1,
  syn: 2,
  rst: 4,
  psh: 8,
  ack: 16,
  urg: 32,
  ece: 64,
  cwr: 128,
} as const;
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
  /** Sent by the side that the flow takes for the one that was asked. */
  isReversed: 1 << 16,
  /** By its ports it may as well be a server's packet to its client. */
  isReplyLike: 1 << 17,
  hasPayload: 1 << 18,
  /** The port has accepted, or someone has answered. */
  isAnswered: 1 << 19,
  /** A datagram that clients send to servers outside, whether there is an answer or not. */
  isClientLike: 1 << 20,
  /** One by which programs look for devices. */
  isDiscovery: 1 << 21,
  /** Refused; whether its machine turns to the other version of IP is still to be seen. */
  isRefused: 1 << 22,
  /** From a host to itself. */
  isWithinHost: 1 << 23,
  /** Of these, what came from a MAC address, so that another host may have sent it. */
  isOnCable: 1 << 24,
} as const;

/** Whether the family is a sweep of hosts, without ports. */
export function isSweep(family: number): boolean {
  return family === Family.icmp || family === Family.arp || family === Family.ndp;
}
