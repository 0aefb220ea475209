/** Who began a flow, from its first packet, for the model (flow_model.ts); the rule is told in flow_table.ts. */
import type { Packet } from "../records.ts";
import { TCP_ACK, TCP_SYN } from "./model_tcp_states.ts";
import { PROTOCOL_TCP } from "./five_tuple.ts";
import { isLikelyServerPort } from "./server_ports.ts";

/** True when the sender of a flow's first packet is taken for its responder. */
export function isSentByResponder(packet: Packet): boolean {
  const { ipProtocol, sourcePort, destinationPort } = packet;
  const isTcp = ipProtocol === PROTOCOL_TCP;
  const isSyn = isTcp && packet.tcpFlags >= 0 && (packet.tcpFlags & TCP_SYN) !== 0;
  if (isSyn) return (packet.tcpFlags & TCP_ACK) !== 0 && !isToItself(packet);
  if (!isLikelyServerPort(ipProtocol, sourcePort) || isToMany(packet)) return false;
  if (!isLikelyServerPort(ipProtocol, destinationPort)) return true;
  return isTcp && sourcePort < destinationPort;
}

/** IPv4 multicast (224.0.0.0/4) and 255.255.255.255, IPv6 multicast (ff00::/8): never an originator. */
function isToMany(packet: Packet): boolean {
  if (packet.ipVersion === 6) return packet.destination0 >>> 24 === 0xff;
  return packet.destination3 >>> 28 === 0xe || packet.destination3 === -1;
}

/** Source and destination are one address and port; there is nothing to tell roles by. */
function isToItself(packet: Packet): boolean {
  return packet.sourcePort === packet.destinationPort &&
    packet.source3 === packet.destination3 && packet.source2 === packet.destination2 &&
    packet.source1 === packet.destination1 && packet.source0 === packet.destination0;
}
