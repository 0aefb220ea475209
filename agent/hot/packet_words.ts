/** The packet in hand as words of the hot path's memory, and as a Packet. */
import type { Packet } from "../records.ts";
import {
  KIND_FOREIGN,
  P_ARP_OFFSET,
  P_DESTINATION,
  P_DESTINATION_PORT,
  P_ETHER_TYPE,
  P_ICMP_IDENTIFIER,
  P_IP_IDENTIFICATION,
  P_IP_LENGTH,
  P_IP_PROTOCOL,
  P_IP_VERSION,
  P_IS_FRAGMENT,
  P_IS_LATER_FRAGMENT,
  P_KEY_DESTINATION_PORT,
  P_KEY_SOURCE_PORT,
  P_KIND,
  P_LINK_OFFSET,
  P_NETWORK,
  P_OUTER_DESTINATION_OFFSET,
  P_OUTER_DESTINATION_PORT,
  P_OUTER_IP_PROTOCOL,
  P_OUTER_IP_VERSION,
  P_OUTER_SOURCE_OFFSET,
  P_OUTER_SOURCE_PORT,
  P_OUTER_TCP_FLAGS,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_SOURCE,
  P_SOURCE_PORT,
  P_STOP_AVAILABLE,
  P_STOP_LAYER,
  P_STOP_NEEDED,
  P_STOP_REASON,
  P_TCP_ACKNOWLEDGEMENT,
  P_TCP_FLAGS,
  P_TCP_SEQUENCE,
  P_TCP_WINDOW,
  P_TRANSPORT,
  P_TTL,
  P_TUNNEL_DEPTH,
  P_VLAN_ID,
  PACKET_AT,
} from "./layout.ts";

const at = PACKET_AT / 4;

export function storePacket(
  words: Int32Array,
  packet: Packet,
  keySourcePort: number,
  keyDestinationPort: number,
): void {
  words[at + P_ETHER_TYPE] = packet.etherType;
  words[at + P_VLAN_ID] = packet.vlanId;
  words[at + P_NETWORK] = packet.virtualNetwork;
  words[at + P_OUTER_IP_VERSION] = packet.outerIpVersion;
  words[at + P_OUTER_SOURCE_OFFSET] = packet.outerSourceOffset;
  words[at + P_OUTER_DESTINATION_OFFSET] = packet.outerDestinationOffset;
  words[at + P_OUTER_IP_PROTOCOL] = packet.outerIpProtocol;
  words[at + P_OUTER_SOURCE_PORT] = packet.outerSourcePort;
  words[at + P_OUTER_DESTINATION_PORT] = packet.outerDestinationPort;
  words[at + P_OUTER_TCP_FLAGS] = packet.outerTcpFlags;
  words[at + P_TUNNEL_DEPTH] = packet.tunnelDepth;
  words[at + P_IP_VERSION] = packet.ipVersion;
  words[at + P_SOURCE] = packet.source0;
  words[at + P_SOURCE + 1] = packet.source1;
  words[at + P_SOURCE + 2] = packet.source2;
  words[at + P_SOURCE + 3] = packet.source3;
  words[at + P_DESTINATION] = packet.destination0;
  words[at + P_DESTINATION + 1] = packet.destination1;
  words[at + P_DESTINATION + 2] = packet.destination2;
  words[at + P_DESTINATION + 3] = packet.destination3;
  words[at + P_IP_PROTOCOL] = packet.ipProtocol;
  words[at + P_IP_LENGTH] = packet.ipLength;
  words[at + P_TTL] = packet.ttl;
  words[at + P_TRANSPORT] = packet.transport;
  words[at + P_IS_LATER_FRAGMENT] = packet.isLaterFragment;
  words[at + P_IS_FRAGMENT] = packet.isFragment;
  words[at + P_IP_IDENTIFICATION] = packet.ipIdentification;
  words[at + P_SOURCE_PORT] = packet.sourcePort;
  words[at + P_DESTINATION_PORT] = packet.destinationPort;
  words[at + P_ICMP_IDENTIFIER] = packet.icmpIdentifier;
  words[at + P_TCP_FLAGS] = packet.tcpFlags;
  words[at + P_TCP_SEQUENCE] = packet.tcpSequence;
  words[at + P_TCP_ACKNOWLEDGEMENT] = packet.tcpAcknowledgement;
  words[at + P_TCP_WINDOW] = packet.tcpWindow;
  words[at + P_PAYLOAD_OFFSET] = packet.payloadOffset;
  words[at + P_PAYLOAD_CAPTURED_LENGTH] = packet.payloadCapturedLength;
  words[at + P_PAYLOAD_LENGTH] = packet.payloadLength;
  words[at + P_ARP_OFFSET] = packet.arpOffset;
  words[at + P_LINK_OFFSET] = packet.linkOffset;
  words[at + P_STOP_REASON] = packet.stopReason;
  words[at + P_STOP_LAYER] = packet.stopLayer;
  words[at + P_STOP_NEEDED] = packet.stopNeeded;
  words[at + P_STOP_AVAILABLE] = packet.stopAvailable;
  words[at + P_KEY_SOURCE_PORT] = keySourcePort;
  words[at + P_KEY_DESTINATION_PORT] = keyDestinationPort;
  words[at + P_KIND] = KIND_FOREIGN;
}

export function loadPacket(words: Int32Array, packet: Packet): void {
  packet.etherType = words[at + P_ETHER_TYPE];
  packet.vlanId = words[at + P_VLAN_ID];
  packet.virtualNetwork = words[at + P_NETWORK];
  packet.outerIpVersion = words[at + P_OUTER_IP_VERSION];
  packet.outerSourceOffset = words[at + P_OUTER_SOURCE_OFFSET];
  packet.outerDestinationOffset = words[at + P_OUTER_DESTINATION_OFFSET];
  packet.outerIpProtocol = words[at + P_OUTER_IP_PROTOCOL];
  packet.outerSourcePort = words[at + P_OUTER_SOURCE_PORT];
  packet.outerDestinationPort = words[at + P_OUTER_DESTINATION_PORT];
  packet.outerTcpFlags = words[at + P_OUTER_TCP_FLAGS];
  packet.tunnelDepth = words[at + P_TUNNEL_DEPTH];
  packet.ipVersion = words[at + P_IP_VERSION];
  packet.source0 = words[at + P_SOURCE];
  packet.source1 = words[at + P_SOURCE + 1];
  packet.source2 = words[at + P_SOURCE + 2];
  packet.source3 = words[at + P_SOURCE + 3];
  packet.destination0 = words[at + P_DESTINATION];
  packet.destination1 = words[at + P_DESTINATION + 1];
  packet.destination2 = words[at + P_DESTINATION + 2];
  packet.destination3 = words[at + P_DESTINATION + 3];
  packet.ipProtocol = words[at + P_IP_PROTOCOL];
  packet.ipLength = words[at + P_IP_LENGTH];
  packet.ttl = words[at + P_TTL];
  packet.transport = words[at + P_TRANSPORT];
  packet.isLaterFragment = words[at + P_IS_LATER_FRAGMENT];
  packet.isFragment = words[at + P_IS_FRAGMENT];
  packet.ipIdentification = words[at + P_IP_IDENTIFICATION];
  packet.sourcePort = words[at + P_SOURCE_PORT];
  packet.destinationPort = words[at + P_DESTINATION_PORT];
  packet.icmpIdentifier = words[at + P_ICMP_IDENTIFIER];
  packet.tcpFlags = words[at + P_TCP_FLAGS];
  packet.tcpSequence = words[at + P_TCP_SEQUENCE] >>> 0;
  packet.tcpAcknowledgement = words[at + P_TCP_ACKNOWLEDGEMENT] >>> 0;
  packet.tcpWindow = words[at + P_TCP_WINDOW];
  packet.payloadOffset = words[at + P_PAYLOAD_OFFSET];
  packet.payloadCapturedLength = words[at + P_PAYLOAD_CAPTURED_LENGTH];
  packet.payloadLength = words[at + P_PAYLOAD_LENGTH];
  packet.arpOffset = words[at + P_ARP_OFFSET];
  packet.linkOffset = words[at + P_LINK_OFFSET];
  packet.stopReason = words[at + P_STOP_REASON];
  packet.stopLayer = words[at + P_STOP_LAYER];
  packet.stopNeeded = words[at + P_STOP_NEEDED];
  packet.stopAvailable = words[at + P_STOP_AVAILABLE];
  if (words[at + P_KIND] === KIND_FOREIGN) return;
  packet.outerIpProtocol = packet.ipProtocol;
  packet.outerSourcePort = packet.sourcePort;
  packet.outerDestinationPort = packet.destinationPort;
}
