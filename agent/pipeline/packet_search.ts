/**
 * A search as a test of captured packets. A packet has the addresses of its innermost IP header, of its outer one in a tunnel,
 * and those that ARP speaks of; MAC addresses are those of its frame. Cold: it makes objects.
 */
import {
  formatAddressWords,
  formatMac,
  isInNetwork,
  parseIpWords,
  parseNetwork,
} from "../decode/addresses.ts";
import { placeOf } from "../geo/places.ts";
import { type Packet, Transport, TRANSPORT_NAMES } from "../records.ts";
import { makeGlob } from "../search/match.ts";
import type { Columns, Range, SearchTree, Test } from "../search/tree.ts";

/** An address as `Packet` holds it. */
export type Words = readonly [number, number, number, number];
/** `end` is that of the captured bytes; `timestampUs` is left out where no test asks for it. */
export type PacketTest = (
  packet: Packet,
  bytes: Uint8Array,
  end: number,
  wireLength: number,
  timestampUs?: number,
) => boolean;

export const portTransports: ReadonlySet<number> = new Set([
  Transport.tcp,
  Transport.udp,
  Transport.sctp,
  Transport.dccp,
]);

/** Of a search of the subject "pcap". Throws TypeError for what packets do not show. */
export function makePacketTest(tree: SearchTree): PacketTest {
  if (tree.op === "and" || tree.op === "or") {
    const parts = tree.parts.map(makePacketTest);
    return tree.op === "and"
      ? (...packet) => parts.every((fits) => fits(...packet))
      : (...packet) => parts.some((fits) => fits(...packet));
  }
  if (tree.op === "not") {
    const fits = makePacketTest(tree.part);
    return (...packet) => !fits(...packet);
  }
  return makeTest(tree);
}

function makeTest(test: Test): PacketTest {
  switch (test.op) {
    case "in":
      return test.columns[0] === "protocol" ? protocolTest(test.values) : addressTest(test);
    case "network": {
      const network = parseNetwork(test.network)!;
      return (packet, bytes, end) =>
        addressesOf(packet, bytes, end, test.columns).some((words) =>
          isInNetwork(network, ...words)
        );
    }
    case "place": {
      const wanted = new Set<unknown>(test.values);
      return (packet, bytes, end) =>
        addressesOf(packet, bytes, end, test.columns)
          .some((words) => wanted.has(placeOf(formatAddressWords(...words))?.[test.by]));
    }
    case "number":
      return (packet) =>
        test.columns.some((column) => isInRanges(numberOf(packet, column), test.ranges));
    case "sum":
      return (_packet, _bytes, _end, wireLength) => isInRanges(wireLength, test.ranges);
    case "contains":
      return (packet, bytes, end) =>
        addressesOf(packet, bytes, end, test.columns).some((words) =>
          formatAddressWords(...words).includes(test.text)
        );
    case "glob": {
      const fits = makeGlob(test.pattern);
      return ({ transport }) => fits(TRANSPORT_NAMES[transport]!);
    }
  }
  throw new TypeError(`Cannot test packets: they have no ${test.op}`);
}

function protocolTest(values: readonly (string | number)[]): PacketTest {
  const transports = new Set(
    values.map((value) => TRANSPORT_NAMES.findIndex((name) => name === value)),
  );
  return ({ transport }) => transports.has(transport);
}

function addressTest({ columns, values }: Extract<Test, { op: "in" }>): PacketTest {
  const hosts = values.map((value) => parseIpWords(String(value))).filter((words) =>
    words !== null
  );
  const macs = new Set(values.filter((value) => parseIpWords(String(value)) === null));
  return (packet, bytes, end) =>
    hosts.length > 0 &&
      addressesOf(packet, bytes, end, columns).some((words) =>
        hosts.some((host) => host.every((word, index) => word === words[index]))
      ) ||
    macs.size > 0 && macsOf(packet, bytes, end, columns).some((mac) => macs.has(mac));
}

/** Addresses of the sides that `columns` name. */
function addressesOf(packet: Packet, bytes: Uint8Array, end: number, columns: Columns): Words[] {
  const found: Words[] = [];
  for (const isSource of [true, false]) {
    if (!columns.includes(isSource ? "src" : "dst")) continue;
    if (packet.arpOffset >= 0) {
      const at = arpAddressAt(packet, bytes, isSource);
      if (at >= 0 && at + 4 <= end) found.push(wordsAt(bytes, at, 4));
      continue;
    }
    if (packet.ipVersion !== 0) found.push(innerWords(packet, isSource));
    const outer = isSource ? packet.outerSourceOffset : packet.outerDestinationOffset;
    if (packet.tunnelDepth > 0 && outer >= 0) {
      found.push(wordsAt(bytes, outer, packet.outerIpVersion));
    }
  }
  return found;
}

/** The sender's and the target's protocol address follow the two hardware addresses (RFC 826). */
function arpAddressAt({ arpOffset }: Packet, bytes: Uint8Array, isSource: boolean): number {
  const hardwareLength = bytes[arpOffset + 4];
  if (bytes[arpOffset + 5] !== 4) return -1;
  const sender = arpOffset + 8 + hardwareLength;
  return isSource ? sender : sender + 4 + hardwareLength;
}

function macsOf(
  { linkOffset }: Packet,
  bytes: Uint8Array,
  end: number,
  columns: Columns,
): string[] {
  if (linkOffset < 0 || linkOffset + 12 > end) return [];
  const sides = [["dst", 0], ["src", 6]] as const;
  return sides.filter(([side]) => columns.includes(side))
    .map(([, at]) => formatMac(bytes, linkOffset + at));
}

function innerWords(packet: Packet, isSource: boolean): Words {
  return isSource
    ? [packet.source0, packet.source1, packet.source2, packet.source3]
    : [packet.destination0, packet.destination1, packet.destination2, packet.destination3];
}

function wordsAt(bytes: Uint8Array, offset: number, ipVersion: number): Words {
  const word = (index: number) =>
    bytes[offset + 4 * index] << 24 | bytes[offset + 4 * index + 1] << 16 |
    bytes[offset + 4 * index + 2] << 8 | bytes[offset + 4 * index + 3];
  return ipVersion === 6 ? [word(0), word(1), word(2), word(3)] : [0, 0, 0xffff, word(0)];
}

/** NaN where the packet has none. */
function numberOf(packet: Packet, column: string): number {
  if (column === "vlan_id") return packet.vlanId < 0 ? NaN : packet.vlanId;
  if (!portTransports.has(packet.transport)) return NaN;
  const port = column === "src_port" ? packet.sourcePort : packet.destinationPort;
  return port < 0 ? NaN : port;
}

function isInRanges(value: number, ranges: readonly Range[]): boolean {
  return ranges.some(([min, max]) => value >= min && value <= max);
}
