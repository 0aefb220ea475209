/** UDP (RFC 768), UDP-Lite (RFC 3828), and which tunnels are told by their UDP port. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, readableBytes, setPayload, setPorts, stop } from "./cursor.ts";
import { Step } from "./step.ts";
import { stepOfPorts } from "./tunnel_ports.ts";

const LAYER = Layer.udp;
const HEADER_LENGTH = 8;
const UDP_LITE = 136;

/** Reads the ports, bounds the payload by the length field, and looks into the tunnels it knows. */
export function decodeUdp(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) >= 4) {
    setPorts(cursor, packet, readUint16(bytes, position), readUint16(bytes, position + 2));
  }
  if (!hasBytes(cursor, packet, LAYER, HEADER_LENGTH)) return Step.done;
  const length = readUint16(bytes, position + 4);
  if (length >= HEADER_LENGTH && packet.ipProtocol !== UDP_LITE) {
    const end = position + length;
    if (end < cursor.declaredEnd) cursor.declaredEnd = end;
  } else if (!isLengthOptional(packet, length)) {
    return stop(packet, LAYER, StopReason.malformed, HEADER_LENGTH, length);
  }
  cursor.position = position + HEADER_LENGTH;
  setPayload(cursor, packet, cursor.position);
  return stepOfPorts(cursor.tunnelPorts, packet.sourcePort, packet.destinationPort);
}

/** UDP-Lite has a checksum coverage there; a jumbogram's length is zero (RFC 2675 section 4). */
function isLengthOptional(packet: Packet, length: number): boolean {
  return packet.ipProtocol === UDP_LITE || (length === 0 && packet.ipVersion === 6);
}
