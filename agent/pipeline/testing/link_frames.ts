/** Ethernet frames between hosts that a test names by their MAC and IP addresses. */
import { parseIp, parseMac } from "../../decode/addresses.ts";
import { filler, join, tcp, uint16 } from "../../decode/packet_builder.ts";

export interface LinkEnd {
  readonly mac: string;
  /** IPv4 or IPv6. */
  readonly ip: string;
}

export interface SegmentFields {
  readonly ports?: readonly [number, number];
  /** SYN unless told otherwise. */
  readonly flags?: number;
  /** Hop limit. */
  readonly ttl?: number;
  readonly payloadLength?: number;
}

const SYN = 2;

/** A TCP segment. */
export function segment(from: LinkEnd, to: LinkEnd, fields: SegmentFields = {}): Uint8Array {
  const { ports = [40_000, 443], flags = SYN, payloadLength = 0 } = fields;
  const bytes = tcp({ flags }, filler(payloadLength));
  bytes.set([...uint16(ports[0]), ...uint16(ports[1])]);
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
