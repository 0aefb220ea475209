/** ARP and RARP (RFC 826, RFC 903). */
import { Layer, type Packet, Transport } from "../records.ts";
import { type Cursor, hasBytes } from "./cursor.ts";
import { Step } from "./step.ts";

const FIXED_LENGTH = 8;

/** Marks the packet as ARP, unless it travels in a tunnel whose IP header counts, and checks that it is whole. */
export function decodeArp(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.arp, FIXED_LENGTH)) return Step.done;
  const { bytes, position } = cursor;
  if (cursor.ipHeaderCount === 0) {
    packet.transport = Transport.arp;
    packet.arpOffset = position;
  }
  const length = FIXED_LENGTH + 2 * (bytes[position + 4] + bytes[position + 5]);
  hasBytes(cursor, packet, Layer.arp, length);
  return Step.done;
}
