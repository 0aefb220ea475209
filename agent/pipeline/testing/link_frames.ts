/** Ethernet frames between hosts that a test names by their MAC and IP addresses. */
import { formatMac, parseIp, parseMac } from "../../decode/addresses.ts";
import { filler, join, tcp, uint16 } from "../../decode/packet_builder.ts";

export interface LinkEnd {
  readonly mac: string;
  /** IPv4 or IPv6. */
  readonly ip: string;
}

interface SegmentFields {
  readonly ports?: readonly [number, number];
  /** SYN unless told otherwise. */
  readonly flags?: number;
  /** Hop limit. */
  readonly ttl?: number;
  readonly payloadLength?: number;
}

const SYN = 2;
const windowOffset = 14;
/** So that no packet is taken for a copy of another. */
let made = 0;

/** A TCP segment. */
export function segment(from: LinkEnd, to: LinkEnd, fields: SegmentFields = {}): Uint8Array {
  const { ports = [40_000, 443], flags = SYN, payloadLength = 0 } = fields;
  const bytes = tcp({ flags }, filler(payloadLength));
  bytes.set([...uint16(ports[0]), ...uint16(ports[1])]);
  bytes.set(uint16(1024 + ++made % 50_000), windowOffset);
  return packet(from, to, { protocol: 6, ttl: fields.ttl ?? 64, payload: bytes });
}

export interface PacketFields {
  /** IP protocol or next header. */
  readonly protocol: number;
  readonly ttl: number;
  readonly payload: Uint8Array;
}

/** An IP packet in a frame. */
export function packet(from: LinkEnd, to: LinkEnd, fields: PacketFields): Uint8Array {
  const source = parseIp(from.ip)!;
  const destination = parseIp(to.ip)!;
  const { protocol, ttl, payload } = fields;
  const header = source.length === 4
    ? [0x45, 0, ...uint16(20 + payload.length), 0, 1, 0, 0, ttl, protocol, 0, 0]
    : [0x60, 0, 0, 0, ...uint16(payload.length), protocol, ttl];
  const type = source.length === 4 ? 0x0800 : 0x86dd;
  return frame(from.mac, to.mac, type, join(header, source, destination, payload));
}

export function frame(from: string, to: string, type: number, payload: Uint8Array): Uint8Array {
  return join(parseMac(to)!, parseMac(from)!, uint16(type), payload);
}

/** An ARP request for `target`, to all; `from` is who asks. */
export function arpRequest(from: LinkEnd, target: string): Uint8Array {
  return frame(from.mac, "ff:ff:ff:ff:ff:ff", 0x0806, arp(1, from, { mac: noMac, ip: target }));
}

/** An ARP answer to `to` that `from` is at its MAC address. */
export function arpReply(from: LinkEnd, to: LinkEnd): Uint8Array {
  return frame(from.mac, to.mac, 0x0806, arp(2, from, to));
}

const noMac = "00:00:00:00:00:00";

function arp(operation: number, sender: LinkEnd, target: LinkEnd): Uint8Array {
  const ends = [sender, target].flatMap(({ mac, ip }) => [...parseMac(mac)!, ...parseIp(ip)!]);
  return join([0, 1, 8, 0, 6, 4, ...uint16(operation)], ends);
}

/** Who has `target`? To the group of all that may have it (RFC 4861 section 4.3). */
export function solicitation(from: LinkEnd, target: string): Uint8Array {
  const bytes = parseIp(target)!;
  const last = formatMac(bytes, 10).slice(9);
  const group = `ff02::1:ff${last.slice(0, 2)}:${last.slice(3, 5)}${last.slice(6)}`;
  const to = { mac: `33:33:ff:${last}`, ip: group };
  const body = join([135, 0, 0, 0, 0, 0, 0, 0], bytes, [1, 1], parseMac(from.mac)!);
  return packet(from, to, { protocol: 58, ttl: 255, payload: body });
}

/** `from` has the address asked for by `to` (section 4.4). */
export function advertisement(from: LinkEnd, to: LinkEnd, isRouter = false): Uint8Array {
  const body = [136, 0, 0, 0, isRouter ? 0xe0 : 0x60, 0, 0, 0];
  const payload = join(body, parseIp(from.ip)!, [2, 1], parseMac(from.mac)!);
  return packet(from, to, { protocol: 58, ttl: 255, payload });
}

/** A router tells all of a prefix (sections 4.2 and 4.6.2). */
export function routerAdvertisement(from: LinkEnd, prefix: string, length: number): Uint8Array {
  const head = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
  const option = [3, 4, length, 0xc0, 0, 0, 14, 16, 0, 0, 14, 16, 0, 0, 0, 0];
  const payload = join(head, option, parseIp(prefix)!);
  const all = { mac: "33:33:00:00:00:01", ip: "ff02::1" };
  return packet(from, all, { protocol: 58, ttl: 255, payload });
}
