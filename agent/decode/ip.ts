/** What IPv4 and IPv6 have in common: the move from one IP header to the next, and the protocol they end in. */
import { type Packet, Transport } from "../records.ts";
import { type Cursor, setPayload, stopUnsupported } from "./cursor.ts";
import { Step, STEP_OF_IP_PROTOCOL } from "./step.ts";

const TRANSPORT_OF_IP_PROTOCOL = new Uint8Array(256);
TRANSPORT_OF_IP_PROTOCOL[1] = Transport.icmp;
TRANSPORT_OF_IP_PROTOCOL[2] = Transport.igmp;
TRANSPORT_OF_IP_PROTOCOL[6] = Transport.tcp;
TRANSPORT_OF_IP_PROTOCOL[17] = Transport.udp;
TRANSPORT_OF_IP_PROTOCOL[33] = Transport.dccp;
TRANSPORT_OF_IP_PROTOCOL[47] = Transport.gre;
TRANSPORT_OF_IP_PROTOCOL[50] = Transport.esp;
TRANSPORT_OF_IP_PROTOCOL[51] = Transport.ah;
TRANSPORT_OF_IP_PROTOCOL[58] = Transport.icmpv6;
TRANSPORT_OF_IP_PROTOCOL[89] = Transport.ospf;
TRANSPORT_OF_IP_PROTOCOL[103] = Transport.pim;
TRANSPORT_OF_IP_PROTOCOL[112] = Transport.vrrp;
TRANSPORT_OF_IP_PROTOCOL[132] = Transport.sctp;

/** A good IP header begins: the first is the outer one, and what an outer transport left behind is forgotten. */
export function beginIp(cursor: Cursor, packet: Packet): void {
  cursor.ipHeaderCount++;
  packet.virtualNetwork = cursor.network;
  if (cursor.ipHeaderCount === 1) {
    cursor.isOuter = 1;
    return;
  }
  cursor.isOuter = 0;
  packet.tunnelDepth = cursor.tunnelDepth;
  forgetTransport(packet);
}

/** What stands behind an IP header is not known (yet): no fragment, ports, flags or payload. */
export function forgetTransport(packet: Packet): void {
  packet.isFragment = 0;
  packet.isLaterFragment = 0;
  packet.ipIdentification = -1;
  packet.sourcePort = -1;
  packet.destinationPort = -1;
  packet.icmpIdentifier = -1;
  packet.tcpFlags = -1;
  packet.tcpSequence = 0;
  packet.tcpAcknowledgement = 0;
  packet.tcpWindow = 0;
  packet.payloadOffset = -1;
  packet.payloadLength = 0;
  packet.payloadCapturedLength = 0;
}

/** The protocol that the IP packet carries. */
export function setIpProtocol(cursor: Cursor, packet: Packet, protocol: number): void {
  packet.ipProtocol = protocol;
  packet.transport = TRANSPORT_OF_IP_PROTOCOL[protocol];
  if (cursor.isOuter === 1) packet.outerIpProtocol = protocol;
}

/**
 * Ends an IP header whose payload starts at the position: the step for `protocol`, or none where nothing more can
 * be read.
 */
export function endIp(cursor: Cursor, packet: Packet, protocol: number, layer: number): number {
  setIpProtocol(cursor, packet, protocol);
  const step = STEP_OF_IP_PROTOCOL[protocol];
  if (step < Step.opaque && packet.isLaterFragment === 0) return step;
  setPayload(cursor, packet, cursor.position);
  const isUnknown = step === Step.unknown && packet.isLaterFragment === 0;
  return isUnknown ? stopUnsupported(packet, layer, protocol) : Step.done;
}
