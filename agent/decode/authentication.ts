/** The IP authentication header (RFC 4302) behind IPv4; behind IPv6 it is walked with the other extensions. */
import { Layer, type Packet } from "../records.ts";
import { type Cursor, hasBytes } from "./cursor.ts";
import { endIp } from "./ip.ts";
import { Step } from "./step.ts";

/** Goes on to what the header protects. The outer protocol stays AH, so nothing behind it is the outer layer's. */
export function decodeAuthentication(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.ah, 12)) return Step.done;
  const { bytes, position } = cursor;
  const length = (bytes[position + 1] + 2) * 4;
  if (!hasBytes(cursor, packet, Layer.ah, length)) return Step.done;
  cursor.isOuter = 0;
  cursor.position = position + length;
  return endIp(cursor, packet, bytes[position], Layer.ah);
}
