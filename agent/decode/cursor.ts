/**
 * Where decoding of one packet stands, and the few things every header does with it. A packet has two ends:
 *
 *     position ...... capturedEnd ...... declaredEnd
 *                     what was kept      what the headers so far promise
 *
 * A header that crosses declaredEnd is malformed, one that crosses only capturedEnd is truncated.
 */
import { type Packet, StopReason } from "../records.ts";
import { Step } from "./step.ts";
import { TUNNEL_PORTS } from "./tunnel_ports.ts";

/** Tunnels followed into each other before decoding gives up. */
export const TUNNEL_DEPTH_MAX = 8;

/** Position in the packet being decoded; one instance is used for all packets. All offsets are absolute. */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  capturedEnd = 0;
  declaredEnd = 0;
  /** Tunnel headers passed so far. */
  tunnelDepth = 0;
  /** IP headers passed so far. */
  ipHeaderCount = 0;
  /** The virtual network of what is inside of the headers passed so far; see virtual_network.ts. */
  network = 0;
  /** 1 while ports and flags belong to the outermost IP layer. */
  isOuter = 0;
  /** 1 when the 802.11 header that comes is filled up to a multiple of four bytes. */
  isPadded = 0;
  /** Where the next packet of the same frame begins (an A-MSDU holds several); -1 after the last. */
  furtherAt = -1;
  /** Tunnels by UDP port, see tunnel_ports.ts. */
  tunnelPorts: Uint8Array = TUNNEL_PORTS;
}

/** Records why decoding ends here. Returns Step.done. */
export function stop(
  packet: Packet,
  layer: number,
  reason: number,
  needed: number,
  available: number,
): number {
  packet.stopLayer = layer;
  packet.stopReason = reason;
  packet.stopNeeded = needed;
  packet.stopAvailable = available > 0 ? available : 0;
  return Step.done;
}

/** Stops at something tapwatch does not read: `what` by its number (link type, EtherType, protocol …), or 0. */
export function stopUnsupported(packet: Packet, layer: number, what = 0): number {
  return stop(packet, layer, StopReason.unsupported, what, 0);
}

/** True when `needed` bytes follow; otherwise charges the stop to `layer`. */
export function hasBytes(cursor: Cursor, packet: Packet, layer: number, needed: number): boolean {
  const end = cursor.position + needed;
  if (end <= cursor.capturedEnd && end <= cursor.declaredEnd) return true;
  if (end > cursor.declaredEnd) {
    const available = cursor.declaredEnd - cursor.position;
    stop(packet, layer, StopReason.malformed, needed, available);
  } else {
    stop(packet, layer, StopReason.truncated, needed, cursor.capturedEnd - cursor.position);
  }
  return false;
}

/** Bytes that can be read from the position on, by capture and by headers. */
export function readableBytes(cursor: Cursor): number {
  const end = cursor.capturedEnd < cursor.declaredEnd ? cursor.capturedEnd : cursor.declaredEnd;
  return end > cursor.position ? end - cursor.position : 0;
}

/** What follows `offset` is the payload; it may lie behind the captured end. */
export function setPayload(cursor: Cursor, packet: Packet, offset: number): void {
  const { capturedEnd, declaredEnd } = cursor;
  const end = capturedEnd < declaredEnd ? capturedEnd : declaredEnd;
  packet.payloadOffset = offset;
  packet.payloadLength = declaredEnd > offset ? declaredEnd - offset : 0;
  packet.payloadCapturedLength = end > offset ? end - offset : 0;
}

/** Ports of TCP, UDP, SCTP or DCCP. */
export function setPorts(
  cursor: Cursor,
  packet: Packet,
  source: number,
  destination: number,
): void {
  packet.sourcePort = source;
  packet.destinationPort = destination;
  if (cursor.isOuter === 1) {
    packet.outerSourcePort = source;
    packet.outerDestinationPort = destination;
  }
}

/** Goes into a tunnel, to `next`, unless that is one too many. */
export function enterTunnel(cursor: Cursor, packet: Packet, layer: number, next: number): number {
  if (cursor.tunnelDepth === TUNNEL_DEPTH_MAX) return stopUnsupported(packet, layer);
  cursor.tunnelDepth++;
  return next;
}

/** A linktype or EtherType says IP without its version: the first nibble does. */
export function stepByIpVersion(cursor: Cursor, packet: Packet, layer: number): number {
  if (!hasBytes(cursor, packet, layer, 1)) return Step.done;
  const version = cursor.bytes[cursor.position] >> 4;
  if (version === 4) return Step.ipv4;
  if (version === 6) return Step.ipv6;
  return stop(packet, layer, StopReason.malformed, 0, 0);
}
