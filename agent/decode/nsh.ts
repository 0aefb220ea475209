/** Network service header (RFC 8300): before what goes through a chain of services, behind Ethernet, VXLAN-GPE or GRE. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { type Cursor, hasBytes, stop, stopUnsupported } from "./cursor.ts";
import { Step } from "./step.ts";

const LENGTH_MIN = 8;

/** Version, flags, time to live, length in words of four bytes (10 bits and 6), type of the context, next protocol; path. */
export function decodeNsh(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.nsh, LENGTH_MIN)) return Step.done;
  const { bytes, position } = cursor;
  if (bytes[position] >> 6 !== 0) return stopUnsupported(packet, Layer.nsh);
  const length = (bytes[position + 1] & 0x3f) * 4;
  if (length < LENGTH_MIN) return stop(packet, Layer.nsh, StopReason.malformed, LENGTH_MIN, length);
  if (!hasBytes(cursor, packet, Layer.nsh, length)) return Step.done;
  cursor.position = position + length;
  const step = stepOfNextProtocol(bytes[position + 3]);
  return step === Step.unknown ? stopUnsupported(packet, Layer.nsh) : step;
}

/** The numbers that NSH and VXLAN-GPE share (RFC 8300 section 11.2.5; draft-ietf-nvo3-vxlan-gpe section 3.2). */
export function stepOfNextProtocol(protocol: number): number {
  switch (protocol) {
    case 1:
      return Step.ipv4;
    case 2:
      return Step.ipv6;
    case 3:
      return Step.ethernet;
    case 4:
      return Step.nsh;
    case 5:
      return Step.mpls;
    default:
      return Step.unknown;
  }
}
