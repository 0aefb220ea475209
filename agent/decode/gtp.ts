/** GTP-U (3GPP TS 29.281): the tunnels of mobile networks, from base stations to gateways. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import {
  type Cursor,
  enterTunnel,
  hasBytes,
  readableBytes,
  stop,
  stopUnsupported,
} from "./cursor.ts";
import { FRAME_NEEDED, isFrameAt, stepOfIpAt, stopShort } from "./inner.ts";
import { Step } from "./step.ts";

const LAYER = Layer["gtp-u"];
const HEADER_LENGTH = 8;
/** Version 1, protocol type GTP; the bit after it is spare (section 5.1). */
const VERSION_1 = 0x30;
const HAS_EXTENSION = 0x04;
/** Any of extension, sequence number and N-PDU number: then all their fields are there. */
const HAS_FIELDS = 0x07;
const G_PDU = 255;

/**
 * Flags, message type, length of what follows the first eight bytes, tunnel endpoint; perhaps sequence number, N-PDU number
 * and type of the next extension, then extensions. Messages other than G-PDU are signalling. Inside is IP or (5G) Ethernet.
 */
export function decodeGtpU(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < HEADER_LENGTH) return stopShort(cursor, packet, LAYER, HEADER_LENGTH);
  const flags = bytes[position];
  if ((flags & 0xf8) !== VERSION_1 || bytes[position + 1] !== G_PDU) return Step.done;
  const left = cursor.declaredEnd - position - HEADER_LENGTH;
  const length = readUint16(bytes, position + 2);
  if (length !== left && (packet.isFragment === 0 || length < left)) return Step.done;
  cursor.position += HEADER_LENGTH;
  if ((flags & HAS_FIELDS) !== 0 && !passFields(cursor, packet, flags)) return Step.done;
  if (readableBytes(cursor) < FRAME_NEEDED) {
    return stopShort(cursor, packet, LAYER, FRAME_NEEDED);
  }
  const step = stepOfIpAt(cursor, packet, cursor.position);
  if (step !== Step.unknown) return enterTunnel(cursor, packet, LAYER, step);
  if (!isFrameAt(cursor, packet, cursor.position)) return stopUnsupported(packet, LAYER);
  return enterTunnel(cursor, packet, LAYER, Step.ethernet);
}

/** Passes the optional fields and the extensions: length in units of four bytes, contents, type of the next. */
function passFields(cursor: Cursor, packet: Packet, flags: number): boolean {
  const { bytes } = cursor;
  if (!hasBytes(cursor, packet, LAYER, 4)) return false;
  cursor.position += 4;
  if ((flags & HAS_EXTENSION) === 0) return true;
  while (bytes[cursor.position - 1] !== 0) {
    if (!hasBytes(cursor, packet, LAYER, 1)) return false;
    const length = bytes[cursor.position] * 4;
    if (length === 0) {
      stop(packet, LAYER, StopReason.malformed, 4, 0);
      return false;
    }
    if (!hasBytes(cursor, packet, LAYER, length)) return false;
    cursor.position += length;
  }
  return true;
}
