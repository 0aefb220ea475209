/**
 * What is inside a tunnel that only a port tells: a port alone is weak evidence, so a tunnel is entered when its own header
 * holds together and so does the one inside. Everything else at that port is a payload like any other.
 *
 * The lengths inside must fit what is left of the datagram; of a fragmented one only its first part is there.
 */
import { type Packet, StopReason } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, readableBytes, stop } from "./cursor.ts";
import { Step, stepOfEtherType } from "./step.ts";

/** What is looked at of an IP header. */
const IP_NEEDED = 6;
/** Of a frame, as much as must be there before a tunnel is entered; no IP packet is shorter. */
export const FRAME_NEEDED = 20;
const IPV4_LENGTH_MIN = 20;
const IPV6_LENGTH = 40;
const ETHERNET_LENGTH = 14;
const TAG_LENGTH = 4;
/** Hardware type of ARP's first field. */
const ARP_ETHERNET = 1;

/** A tunnel's port with too little behind it: only what the capture cut off is worth a stop. */
export function stopShort(cursor: Cursor, packet: Packet, layer: number, needed: number): number {
  if (cursor.declaredEnd - cursor.position < needed) return Step.done;
  return stop(packet, layer, StopReason.truncated, needed, readableBytes(cursor));
}

/** True, with a stop, when the capture cut off some of the `needed` bytes that a judgement may take. */
export function isCutOff(cursor: Cursor, packet: Packet, layer: number, needed: number): boolean {
  const left = cursor.declaredEnd - cursor.position;
  const readable = readableBytes(cursor);
  if (readable >= left || readable >= needed) return false;
  stop(packet, layer, StopReason.truncated, needed, readable);
  return true;
}

/** The step for the IP header at `at`; Step.unknown where none can be. */
export function stepOfIpAt(cursor: Cursor, packet: Packet, at: number): number {
  const { bytes } = cursor;
  const left = cursor.declaredEnd - at;
  if (left < IPV4_LENGTH_MIN || at + IP_NEEDED > cursor.capturedEnd) return Step.unknown;
  const version = bytes[at] >> 4;
  if (version === 4) {
    const headerLength = (bytes[at] & 0x0f) * 4;
    const length = readUint16(bytes, at + 2);
    const isWhole = headerLength >= IPV4_LENGTH_MIN && length >= headerLength;
    return isWhole && fits(packet, length, left) ? Step.ipv4 : Step.unknown;
  }
  if (version !== 6 || left < IPV6_LENGTH) return Step.unknown;
  const length = IPV6_LENGTH + readUint16(bytes, at + 4);
  return fits(packet, length, left) ? Step.ipv6 : Step.unknown;
}

/** As stepOfIpAt(), for an IP packet that ends where the datagram does. */
export function stepOfWholeIpAt(cursor: Cursor, packet: Packet, at: number): number {
  const step = stepOfIpAt(cursor, packet, at);
  if (step === Step.unknown) return step;
  const { bytes, declaredEnd } = cursor;
  const length = step === Step.ipv4
    ? readUint16(bytes, at + 2)
    : IPV6_LENGTH + readUint16(bytes, at + 4);
  return length >= declaredEnd - at ? step : Step.unknown;
}

function fits(packet: Packet, length: number, left: number): boolean {
  return length <= left || packet.isFragment === 1;
}

/** True when an Ethernet frame with IP or ARP can begin at `at`, tagged or not. */
export function isFrameAt(cursor: Cursor, packet: Packet, at: number): boolean {
  const { bytes, capturedEnd, declaredEnd } = cursor;
  const end = capturedEnd < declaredEnd ? capturedEnd : declaredEnd;
  let payloadAt = at + ETHERNET_LENGTH;
  while (payloadAt + 2 <= end) {
    const step = stepOfEtherType(readUint16(bytes, payloadAt - 2));
    if (step === Step.vlan) {
      payloadAt += TAG_LENGTH;
      continue;
    }
    if (step === Step.arp) return readUint16(bytes, payloadAt) === ARP_ETHERNET;
    return step !== Step.unknown && stepOfIpAt(cursor, packet, payloadAt) === step;
  }
  return false;
}
