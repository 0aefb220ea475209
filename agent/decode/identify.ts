/** What a packet's payload is, by its own words first (signatures_tcp.ts, signatures_udp.ts), by a well-known port last. */
import { type Packet, Transport } from "../records.ts";
import { PayloadLook, type PortTable, tcpPorts, udpPorts } from "./app_ports.ts";
import { isTextAt } from "./app_text.ts";
import { matchTcp } from "./signatures_tcp.ts";
import { matchUdp } from "./signatures_udp.ts";

/** Bytes that must all be readable for a payload to look like text. */
const lookLength = 8;

/**
 * Index into APPLICATION_NAMES of what the packet's payload is, 0 when it does not say. Looks only at the payload that was
 * captured; allocates nothing and never throws.
 */
export function identifyApplication(bytes: Uint8Array, packet: Packet): number {
  const at = packet.payloadOffset;
  if (at < 0 || packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return 0;
  const end = at + packet.payloadCapturedLength;
  if (packet.transport === Transport.tcp) {
    return matchTcp(bytes, at, end, packet) || matchPorts(bytes, at, end, packet, tcpPorts);
  }
  if (packet.transport === Transport.udp) {
    return matchUdp(bytes, at, end, packet) || matchPorts(bytes, at, end, packet, udpPorts);
  }
  return 0;
}

/** The lower port is the server's more often than not. */
function matchPorts(
  bytes: Uint8Array,
  at: number,
  end: number,
  packet: Packet,
  table: PortTable,
): number {
  const { sourcePort, destinationPort } = packet;
  if (sourcePort < 0 || destinationPort < 0) return 0;
  const isText = isTextAt(bytes, at, Math.min(end, at + lookLength));
  const look = isText ? PayloadLook.text : PayloadLook.binary;
  const low = Math.min(sourcePort, destinationPort);
  const high = Math.max(sourcePort, destinationPort);
  if ((table.looks[low] & look) !== 0) return table.applications[low];
  return (table.looks[high] & look) !== 0 ? table.applications[high] : 0;
}
