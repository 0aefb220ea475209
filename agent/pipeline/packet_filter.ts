/**
 * Turns a filter of hosts, flows and a search into a test of raw packets, for exports. Every part that is given
 * must hold.
 */
import { parseIpWords } from "../decode/addresses.ts";
import { decodePacket, furtherPacketAt } from "../decode/decode.ts";
import { FURTHER_PACKET } from "../decode/step.ts";
import { tunnelPorts } from "../decode/tunnel_ports.ts";
import { UsageError } from "../errors.ts";
import { isUnspecified, Linktype, Packet, Transport, type TransportName } from "../records.ts";
import { ALL, type SearchTree } from "../search/tree.ts";
import { makePacketTest, type PacketTest, portTransports, type Words } from "./packet_search.ts";

/** The five values that name a flow, as in Zeek's conn.log; for ICMP the ports are type and code. */
export interface FlowTuple {
  readonly origH: string;
  readonly origP: number;
  readonly respH: string;
  readonly respP: number;
  readonly proto: TransportName;
  /**
   * Of many flows to one target (SummedFlows), from when to when: all that goes there in that time, from `origH` unless that is
   * 0.0.0.0 or ::, from any port, and to any where `respP` is 0.
   */
  readonly sum?: Span;
}

export interface PacketFilter {
  /** IP addresses of which a packet comes from or goes to at least one, in its outer or inner header, or by ARP. */
  readonly hosts?: readonly string[];
  /** The same of the other end: addresses that `hosts` talk to. */
  readonly peers?: readonly string[];
  /** A search of the subject "pcap", with its hosts resolved. */
  readonly search?: SearchTree;
  /**
   * Either direction of any of the flows, by the innermost IP header. Without ports to compare (ICMP, later fragments) the
   * addresses and the protocol decide.
   */
  readonly flows?: readonly FlowTuple[];
}

const none: readonly number[] = [];
const ipv4At = 14;
const ipv4LengthMin = 20;
const ipv4SourceAt = ipv4At + 12;
const ipv4DestinationAt = ipv4At + 16;

/** Microseconds since 1970, both ends in it. */
interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Where a packet lies, its lengths and its link type. */
type Place = [
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linktype: number,
];

/** A test of one packet. */
type PacketPredicate = (...packet: [...Place, timestampUs?: number]) => boolean;

/**
 * `vxlanPorts` are UDP ports of VXLAN besides the usual ones.
 *
 * @throws UsageError when a host or an end of the flow is no IP address.
 */
export function createPacketFilter(
  filter: PacketFilter,
  vxlanPorts: readonly number[] = [],
): PacketPredicate {
  const tests = testsOf(filter);
  if (tests.length === 0) return () => true;
  const packet = new Packet();
  const ports = tunnelPorts(vxlanPorts);
  return (bytes, offset, capturedLength, wireLength, linktype, timestampUs) => {
    const end = offset + capturedLength;
    const wireEnd = offset + Math.max(wireLength, capturedLength);
    // A frame may hold several packets: one of them is to pass all tests.
    for (let at = offset, link = linktype; at >= 0; at = furtherPacketAt(), link = FURTHER_PACKET) {
      decodePacket(bytes, at, Math.max(end - at, 0), wireEnd - at, link, packet, ports);
      if (tests.every((test) => test(packet, bytes, end, wireLength, timestampUs))) return true;
    }
    return false;
  };
}

function testsOf(filter: PacketFilter): PacketTest[] {
  const tests: PacketTest[] = [];
  const { search, flows } = filter;
  if (search !== undefined && search !== ALL) tests.push(makePacketTest(search));
  if (flows !== undefined) tests.push(anyFlowTest(flows));
  for (const addresses of [filter.hosts ?? [], filter.peers ?? []]) {
    if (addresses.length === 0) continue;
    const hosts = addresses.map(parseWords);
    tests.push((packet, bytes, end) => hosts.some((host) => hasHost(packet, bytes, end, host)));
  }
  return tests;
}

/**
 * Tells of a packet which of many filters it passes, by their numbers, each once. It is decoded once, and only filters that
 * have one of its addresses among their hosts, or no hosts, are tried.
 *
 * @throws UsageError as createPacketFilter.
 */
type PacketSorter = (
  ...packet: [...Place, found: (index: number) => void]
) => void;

export function createPacketSorter(
  filters: readonly PacketFilter[],
  vxlanPorts: readonly number[] = [],
): PacketSorter {
  const tests = filters.map(testsOf);
  const hostless: number[] = [];
  const byHost = new Map<number, number[]>();
  for (const [index, { hosts = [] }] of filters.entries()) {
    if (hosts.length === 0) hostless.push(index);
    for (const host of hosts) {
      const key = hashOf(...parseWords(host));
      const indices = byHost.get(key) ?? [];
      if (indices.at(-1) !== index) byHost.set(key, [...indices, index]);
    }
  }
  const all = filters.map((_, index) => index);
  const packet = new Packet();
  const ports = tunnelPorts(vxlanPorts);
  const passed = new Set<number>();
  const isOfHost = (bytes: Uint8Array, at: number) =>
    byHost.has(hashOf(0, 0, 0xffff, wordAt(bytes, at)));
  return (bytes, offset, capturedLength, wireLength, linktype, found) => {
    if (
      hostless.length === 0 && linktype === Linktype.ethernet &&
      isPlainIpv4(bytes, offset, capturedLength, ports) &&
      !isOfHost(bytes, offset + ipv4SourceAt) && !isOfHost(bytes, offset + ipv4DestinationAt)
    ) return;
    const end = offset + capturedLength;
    const wireEnd = offset + Math.max(wireLength, capturedLength);
    passed.clear();
    for (let at = offset, link = linktype; at >= 0; at = furtherPacketAt(), link = FURTHER_PACKET) {
      decodePacket(bytes, at, Math.max(end - at, 0), wireEnd - at, link, packet, ports);
      // ARP and tunnels have addresses in other places too.
      const isPlain = packet.arpOffset < 0 && packet.tunnelDepth === 0;
      const tryAll = (indices: readonly number[]) => {
        for (const index of indices) {
          if (passed.has(index)) continue;
          if (tests[index].every((test) => test(packet, bytes, end, wireLength))) passed.add(index);
        }
      };
      if (isPlain) {
        tryAll(hostless);
        tryAll(byHost.get(sourceHash(packet)) ?? none);
        tryAll(byHost.get(destinationHash(packet)) ?? none);
      } else tryAll(all);
    }
    passed.forEach(found);
  };
}

/**
 * An Ethernet frame with TCP, ICMP or UDP right in IPv4, as most are: it has no addresses but those two, and no other packet in
 * it. What is not told for sure is not plain.
 */
function isPlainIpv4(
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  tunnels: Uint8Array,
): boolean {
  if (capturedLength < ipv4At + ipv4LengthMin) return false;
  if (bytes[offset + 12] !== 0x08 || bytes[offset + 13] !== 0x00) return false;
  const first = bytes[offset + ipv4At];
  if (first < 0x45 || first > 0x4f) return false;
  const protocol = bytes[offset + ipv4At + 9];
  if (protocol === 6 || protocol === 1) return true;
  const at = offset + ipv4At + 4 * (first & 15);
  if (protocol !== 17 || at + 4 > offset + capturedLength) return false;
  return tunnels[(bytes[at] << 8) | bytes[at + 1]] === 0 &&
    tunnels[(bytes[at + 2] << 8) | bytes[at + 3]] === 0;
}

function hashOf(word0: number, word1: number, word2: number, word3: number): number {
  return Math.imul(Math.imul(word0 ^ Math.imul(word1, 0x9e3779b1), 31) ^ word2, 0x85ebca6b) ^ word3;
}

function sourceHash({ source0, source1, source2, source3 }: Packet): number {
  return hashOf(source0, source1, source2, source3);
}

function destinationHash(
  { destination0, destination1, destination2, destination3 }: Packet,
): number {
  return hashOf(destination0, destination1, destination2, destination3);
}

function parseWords(address: string): Words {
  const words = parseIpWords(address);
  if (words === null) throw new UsageError(`"${address}" is no IPv4 or IPv6 address.`);
  return words;
}

function anyFlowTest(flows: readonly FlowTuple[]): PacketTest {
  const single = flows.filter(({ sum }) => sum === undefined);
  const sums = flows.filter(({ sum }) => sum !== undefined);
  const singleTest = single.length === 1 ? flowTest(single[0]!) : flowsTest(single);
  if (sums.length === 0) return singleTest;
  const toTarget = sumsTest(sums);
  if (single.length === 0) return toTarget;
  return (...packet) => singleTest(...packet) || toTarget(...packet);
}

/** Nothing has come back. */
function sumsTest(sums: readonly FlowTuple[]): PacketTest {
  const spans = new Map<string, Span[]>();
  for (const { origH, respH, respP, proto, sum } of sums) {
    const transport = Transport[proto];
    const from = isUnspecified(origH) ? "" : parseWords(origH).join();
    const to = `${transport} ${from} ${parseWords(respH).join()}`;
    const isAny = respP === 0 || !portTransports.has(transport);
    for (const port of isAny ? ["any"] : [respP, "later"]) {
      const key = `${to} ${port}`;
      spans.set(key, joinSpans([...spans.get(key) ?? [], sum!]));
    }
  }
  return (packet, _bytes, _end, _wireLength, timestampUs) => {
    if (packet.ipVersion === 0) return false;
    const { transport, source0, source1, source2, source3 } = packet;
    const { destination0, destination1, destination2, destination3 } = packet;
    const to = `${destination0},${destination1},${destination2},${destination3}`;
    const port = packet.isLaterFragment === 1 ? "later" : packet.destinationPort;
    return ["", `${source0},${source1},${source2},${source3}`].some((from) =>
      ["any", port].some((port) =>
        spans.get(`${transport} ${from} ${to} ${port}`)?.some(({ fromUs, toUs }) =>
          timestampUs === undefined || timestampUs >= fromUs && timestampUs < toUs + 1
        )
      )
    );
  };
}

/** Those of seconds that follow each other are one. */
function joinSpans(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromUs - b.fromUs)) {
    const last = joined.at(-1);
    if (last === undefined || span.fromUs > last.toUs + 1e6) joined.push(span);
    else joined[joined.length - 1] = { ...last, toUs: Math.max(last.toUs, span.toUs) };
  }
  return joined;
}

function flowTest({ origH, origP, respH, respP, proto }: FlowTuple): PacketTest {
  const originator = parseWords(origH);
  const responder = parseWords(respH);
  const transport = Transport[proto];
  const hasPorts = portTransports.has(transport);
  return (packet) => {
    if (packet.transport !== transport || packet.ipVersion === 0) return false;
    const isPortless = !hasPorts || packet.isLaterFragment === 1;
    const { sourcePort, destinationPort } = packet;
    if (isSource(packet, originator) && isDestination(packet, responder)) {
      if (isPortless || (sourcePort === origP && destinationPort === respP)) return true;
    }
    return isSource(packet, responder) && isDestination(packet, originator) &&
      (isPortless || (sourcePort === respP && destinationPort === origP));
  };
}

/** Of many flows, by a table of both directions. */
function flowsTest(flows: readonly FlowTuple[]): PacketTest {
  const keys = new Set<string>();
  for (const { origH, origP, respH, respP, proto } of flows) {
    const transport = Transport[proto];
    const [from, to] = [parseWords(origH).join(), parseWords(respH).join()];
    const ports = portTransports.has(transport) ? [origP, respP] as const : null;
    for (const isTurned of [false, true]) {
      const ends = isTurned ? `${to} ${from}` : `${from} ${to}`;
      // Later fragments have no ports.
      keys.add(`${transport} ${ends}`);
      if (ports) keys.add(`${transport} ${ends} ${(isTurned ? ports.toReversed() : ports).join()}`);
    }
  }
  return (packet) => {
    if (packet.ipVersion === 0) return false;
    const { transport, source0, source1, source2, source3 } = packet;
    const { destination0, destination1, destination2, destination3 } = packet;
    const ends = `${source0},${source1},${source2},${source3} ` +
      `${destination0},${destination1},${destination2},${destination3}`;
    const isPortless = !portTransports.has(transport) || packet.isLaterFragment === 1;
    const ports = isPortless ? "" : ` ${packet.sourcePort},${packet.destinationPort}`;
    return keys.has(`${transport} ${ends}${ports}`);
  };
}

function hasHost(packet: Packet, bytes: Uint8Array, end: number, host: Words): boolean {
  if (packet.arpOffset >= 0) return hasArpHost(bytes, packet.arpOffset, end, host);
  if (packet.ipVersion !== 0 && (isSource(packet, host) || isDestination(packet, host))) {
    return true;
  }
  if (packet.tunnelDepth === 0 || packet.outerSourceOffset < 0) return false;
  const { outerIpVersion, outerSourceOffset, outerDestinationOffset } = packet;
  return isAddressAt(bytes, outerSourceOffset, outerIpVersion, host) ||
    isAddressAt(bytes, outerDestinationOffset, outerIpVersion, host);
}

/** The sender's and the target's protocol address follow the two hardware addresses (RFC 826). */
function hasArpHost(bytes: Uint8Array, offset: number, end: number, host: Words): boolean {
  const hardwareLength = bytes[offset + 4];
  const protocolLength = bytes[offset + 5];
  const sender = offset + 8 + hardwareLength;
  const target = sender + protocolLength + hardwareLength;
  if (protocolLength !== 4 || target + 4 > end) return false;
  return isAddressAt(bytes, sender, 4, host) || isAddressAt(bytes, target, 4, host);
}

function isSource(packet: Packet, host: Words): boolean {
  return packet.source3 === host[3] && packet.source2 === host[2] &&
    packet.source1 === host[1] && packet.source0 === host[0];
}

function isDestination(packet: Packet, host: Words): boolean {
  return packet.destination3 === host[3] && packet.destination2 === host[2] &&
    packet.destination1 === host[1] && packet.destination0 === host[0];
}

function isAddressAt(bytes: Uint8Array, offset: number, ipVersion: number, host: Words): boolean {
  if (ipVersion === 6) {
    return host.every((word, index) => word === wordAt(bytes, offset + 4 * index));
  }
  const isIpv4 = host[0] === 0 && host[1] === 0 && host[2] === 0xffff;
  return isIpv4 && host[3] === wordAt(bytes, offset);
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) |
    bytes[offset + 3];
}
