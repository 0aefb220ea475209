/**
 * The packet that most packets are: Ethernet II, IPv4 without options or fragments, TCP or UDP that is no tunnel, headers
 * whole. Read in one straight line, which takes a third of the instructions of the walk from header to header in
 * decode.ts. Everything else is left to that walk; a test holds the two together field by field.
 */
import type { Packet } from "../records.ts";

const etherTypeIpv4 = 0x0800;
const versionAndLength = 0x45;
const protocolTcp = 6;
const protocolUdp = 17;
const transportTcp = 1;
const transportUdp = 2;
const ethernetLength = 14;
const ipv4Length = 20;
const tcpLengthMin = 20;
const udpLength = 8;

/** Fills `packet` and returns true, or returns false for any other packet, which then has to be decoded anew. */
export function decodeCommonPacket(
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  packet: Packet,
): boolean {
  const ip = offset + ethernetLength;
  if (capturedLength < ethernetLength + ipv4Length + udpLength) return false;
  if ((bytes[offset + 12] << 8 | bytes[offset + 13]) !== etherTypeIpv4) return false;
  if (bytes[ip] !== versionAndLength || (bytes[ip + 6] & 0x3f | bytes[ip + 7]) !== 0) return false;
  const totalLength = bytes[ip + 2] << 8 | bytes[ip + 3];
  if (totalLength < ipv4Length) return false;
  const capturedEnd = offset + capturedLength;
  const wireEnd = wireLength > capturedLength ? offset + wireLength : capturedEnd;
  const ipEnd = ip + totalLength < wireEnd ? ip + totalLength : wireEnd;
  const protocol = bytes[ip + 9];
  const transport = ip + ipv4Length;
  let payload = 0;
  let end = ipEnd;
  if (protocol === protocolTcp) {
    const readableEnd = ipEnd < capturedEnd ? ipEnd : capturedEnd;
    if (transport + tcpLengthMin > readableEnd) return false;
    payload = transport + (bytes[transport + 12] >> 4) * 4;
    if (payload < transport + tcpLengthMin || payload > readableEnd) return false;
    setTcp(bytes, transport, packet);
  } else if (protocol === protocolUdp) {
    const length = bytes[transport + 4] << 8 | bytes[transport + 5];
    payload = transport + udpLength;
    if (payload > ipEnd || length < udpLength || isTunnel(bytes, transport)) return false;
    if (transport + length < ipEnd) end = transport + length;
    setUdp(packet);
  } else return false;
  setPorts(bytes, transport, packet);
  setIp(bytes, ip, packet);
  packet.ipProtocol = protocol;
  packet.outerIpProtocol = protocol;
  packet.ipLength = totalLength;
  packet.linkOffset = offset;
  packet.payloadOffset = payload;
  packet.payloadLength = end - payload;
  const payloadEnd = end < capturedEnd ? end : capturedEnd;
  packet.payloadCapturedLength = payloadEnd - payload;
  return true;
}

/** VXLAN, VXLAN-GPE and Geneve by destination port, Teredo by either. */
function isTunnel(bytes: Uint8Array, udp: number): boolean {
  const source = bytes[udp] << 8 | bytes[udp + 1];
  const destination = bytes[udp + 2] << 8 | bytes[udp + 3];
  return destination === 4789 || destination === 4790 || destination === 6081 ||
    destination === 3544 || source === 3544;
}

function setTcp(bytes: Uint8Array, tcp: number, packet: Packet): void {
  const flags = bytes[tcp + 12] << 8 | bytes[tcp + 13];
  packet.transport = transportTcp;
  packet.tcpFlags = flags & 0x01ff;
  packet.outerTcpFlags = flags & 0x0fff;
  packet.tcpSequence =
    (bytes[tcp + 4] << 24 | bytes[tcp + 5] << 16 | bytes[tcp + 6] << 8 | bytes[tcp + 7]) >>> 0;
  packet.tcpAcknowledgement =
    (bytes[tcp + 8] << 24 | bytes[tcp + 9] << 16 | bytes[tcp + 10] << 8 | bytes[tcp + 11]) >>> 0;
  packet.tcpWindow = bytes[tcp + 14] << 8 | bytes[tcp + 15];
}

function setUdp(packet: Packet): void {
  packet.transport = transportUdp;
  packet.tcpFlags = -1;
  packet.outerTcpFlags = -1;
  packet.tcpSequence = 0;
  packet.tcpAcknowledgement = 0;
  packet.tcpWindow = 0;
}

function setPorts(bytes: Uint8Array, transport: number, packet: Packet): void {
  const source = bytes[transport] << 8 | bytes[transport + 1];
  const destination = bytes[transport + 2] << 8 | bytes[transport + 3];
  packet.sourcePort = source;
  packet.destinationPort = destination;
  packet.outerSourcePort = source;
  packet.outerDestinationPort = destination;
}

/** The IPv4 header's fields, and all that such a packet does not have. */
function setIp(bytes: Uint8Array, ip: number, packet: Packet): void {
  packet.etherType = etherTypeIpv4;
  packet.vlanId = -1;
  packet.outerIpVersion = 4;
  packet.outerSourceOffset = ip + 12;
  packet.outerDestinationOffset = ip + 16;
  packet.tunnelDepth = 0;
  packet.ipVersion = 4;
  packet.source0 = 0;
  packet.source1 = 0;
  packet.source2 = 0xffff;
  packet.source3 = bytes[ip + 12] << 24 | bytes[ip + 13] << 16 | bytes[ip + 14] << 8 |
    bytes[ip + 15];
  packet.destination0 = 0;
  packet.destination1 = 0;
  packet.destination2 = 0xffff;
  packet.destination3 = bytes[ip + 16] << 24 | bytes[ip + 17] << 16 | bytes[ip + 18] << 8 |
    bytes[ip + 19];
  packet.ttl = bytes[ip + 8];
  packet.isLaterFragment = 0;
  packet.isFragment = 0;
  packet.ipIdentification = -1;
  packet.icmpIdentifier = -1;
  packet.arpOffset = -1;
  packet.stopReason = 0;
  packet.stopLayer = 0;
  packet.stopNeeded = 0;
  packet.stopAvailable = 0;
}
