/** TZSP (TaZmen Sniffer Protocol): frames that a remote sensor or router saw, each in a datagram to port 37008. */
import { Layer, type Packet } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, enterTunnel, readableBytes, stopUnsupported } from "./cursor.ts";
import { stopShort } from "./inner.ts";
import { Step } from "./step.ts";

const LAYER = Layer.tzsp;
const VERSION = 1;
/** Types 0 and 1 hold a frame, received or to be sent; the others are the sensor's own. */
const TYPE_MAX = 1;
const TAG_PADDING = 0;
const TAG_END = 1;

/** Version, type, what the frame is; tags of type, length and contents up to the one that ends them. */
export function decodeTzsp(cursor: Cursor, packet: Packet): number {
  const { bytes, position } = cursor;
  if (readableBytes(cursor) < 5) return stopShort(cursor, packet, LAYER, 5);
  if (bytes[position] !== VERSION || bytes[position + 1] > TYPE_MAX) return Step.done;
  const step = stepOfEncapsulated(readUint16(bytes, position + 2));
  let length = 4;
  for (;;) {
    if (readableBytes(cursor) < length + 2) return stopShort(cursor, packet, LAYER, length + 2);
    const tag = bytes[position + length];
    if (tag === TAG_END) break;
    length += tag === TAG_PADDING ? 1 : 2 + bytes[position + length + 1];
  }
  if (step === Step.unknown) return stopUnsupported(packet, LAYER);
  cursor.position = position + length + 1;
  return enterTunnel(cursor, packet, LAYER, step);
}

function stepOfEncapsulated(protocol: number): number {
  switch (protocol) {
    case 0x01:
      return Step.ethernet;
    case 0x12:
      return Step.wifi;
    case 0x77:
      return Step.prism;
    case 0x7f:
      return Step.avs;
    default:
      return Step.unknown;
  }
}
