/** The connection of a packet that this host sends, from its IP header on; extension headers of IPv6 are not looked behind. */
import { type AddressWords, PROTOCOL_TCP, PROTOCOL_UDP, type SocketQuery } from "./socket_query.ts";

const ipv6HeaderBytes = 40;

/** Null when it is none of TCP or UDP. */
export function queryOfPacket(packet: Uint8Array): SocketQuery | null {
  if (packet.length < 20) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const isIpv6 = packet[0]! >> 4 === 6;
  if (!isIpv6 && packet[0]! >> 4 !== 4) return null;
  const headerBytes = isIpv6 ? ipv6HeaderBytes : (packet[0]! & 0xf) * 4;
  const protocol = packet[isIpv6 ? 6 : 9]!;
  if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return null;
  if (headerBytes < 20 || packet.length < headerBytes + 4) return null;
  const word = (at: number) => view.getInt32(at);
  const words = (at: number): AddressWords =>
    isIpv6 ? [word(at), word(at + 4), word(at + 8), word(at + 12)] : [0, 0, 0xffff, word(at)];
  return {
    protocol,
    isIpv6,
    local: words(isIpv6 ? 8 : 12),
    remote: words(isIpv6 ? 24 : 16),
    localPort: view.getUint16(headerBytes),
    remotePort: view.getUint16(headerBytes + 2),
  };
}
