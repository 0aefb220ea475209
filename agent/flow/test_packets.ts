/** Packets for the tests of this folder, made without bytes. */
import { Packet, Transport } from "../records.ts";

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly window?: number;
  readonly payloadLength?: number;
  readonly virtualNetwork?: number;
}

const transports: Readonly<Record<number, number>> = {
  1: Transport.icmp,
  6: Transport.tcp,
  17: Transport.udp,
  47: Transport.gre,
  58: Transport.icmpv6,
  132: Transport.sctp,
};

export function makePacket(fields: PacketFields): Packet {
  const packet = new Packet();
  const source = addressWords(fields.source);
  const destination = addressWords(fields.destination);
  [packet.source0, packet.source1, packet.source2, packet.source3] = source;
  [packet.destination0, packet.destination1, packet.destination2, packet.destination3] =
    destination;
  packet.ipVersion = fields.source.includes(":") ? 6 : 4;
  packet.ipProtocol = fields.protocol;
  packet.transport = transports[fields.protocol] ?? Transport.other;
  packet.sourcePort = fields.sourcePort ?? -1;
  packet.destinationPort = fields.destinationPort ?? -1;
  packet.tcpFlags = fields.flags ?? -1;
  packet.tcpSequence = fields.sequence ?? 0;
  packet.tcpAcknowledgement = fields.acknowledgement ?? 0;
  packet.tcpWindow = fields.window ?? 64240;
  packet.virtualNetwork = fields.virtualNetwork ?? 0;
  packet.payloadLength = fields.payloadLength ?? 0;
  packet.payloadCapturedLength = packet.payloadLength;
  return packet;
}

/** "10.0.0.1", or IPv6 with at most one "::", as Packet's four signed words. */
export function addressWords(text: string): [number, number, number, number] {
  if (!text.includes(":")) {
    const bytes = text.split(".").map(Number);
    return [0, 0, 0xffff, bytes.reduce((word, byte) => word << 8 | byte, 0)];
  }
  const [head, tail] = text.split("::").map((part) => part.split(":").filter((group) => group));
  const middle = tail === undefined ? [] : Array(8 - head.length - tail.length).fill("0");
  const groups = [...head, ...middle, ...(tail ?? [])].map((group) => parseInt(group, 16));
  return [0, 2, 4, 6].map((i) => groups[i] << 16 | groups[i + 1]) as [
    number,
    number,
    number,
    number,
  ];
}
