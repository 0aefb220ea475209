/** MPLS label stacks (RFC 3032). */
import { Layer, type Packet } from "../records.ts";
import { type Cursor, hasBytes } from "./cursor.ts";
import { isFrameAt } from "./inner.ts";
import { Step } from "./step.ts";

/**
 * Passes the labels. No field says what follows: a first nibble of 4 or 6 is taken for IP, 0 for a pseudowire's control
 * word before Ethernet (RFC 4385) unless a frame can begin there, anything else for Ethernet.
 */
export function decodeMpls(cursor: Cursor, packet: Packet): number {
  let isBottom = false;
  while (!isBottom) {
    if (!hasBytes(cursor, packet, Layer.mpls, 4)) return Step.done;
    isBottom = (cursor.bytes[cursor.position + 2] & 1) === 1;
    cursor.position += 4;
  }
  if (!hasBytes(cursor, packet, Layer.mpls, 1)) return Step.done;
  const nibble = cursor.bytes[cursor.position] >> 4;
  if (nibble === 4) return Step.ipv4;
  if (nibble === 6) return Step.ipv6;
  const hasControlWord = nibble === 0 && !isFrameAt(cursor, packet, cursor.position);
  if (hasControlWord && hasBytes(cursor, packet, Layer.mpls, 4)) cursor.position += 4;
  return Step.ethernet;
}
