/** Ethernet II and IEEE 802.3, 802.1Q/802.1ad and other tags, and LLC/SNAP (IEEE 802.2, RFC 1042). */
import { Layer, type Packet, StopReason, Unread } from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { type Cursor, hasBytes, stop, stopUnsupported } from "./cursor.ts";
import { Step, stepOfEtherType } from "./step.ts";
import { insideVlan } from "./virtual_network.ts";

const ETHERNET_LAYER = Layer.ethernet;
const VLAN_LAYER = Layer.vlan;
const LLC_LAYER = Layer.llc;
const ETHER_TYPE_MIN = 0x0600;
const LENGTH_MAX = 1500;

/** Destination, source, then a type or (802.3) a length. */
export function decodeEthernet(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, ETHERNET_LAYER, 14)) return Step.done;
  const { bytes, position } = cursor;
  const typeOrLength = readUint16(bytes, position + 12);
  if (packet.linkOffset < 0 && cursor.ipHeaderCount === 0) {
    packet.linkOffset = position;
    if (typeOrLength >= ETHER_TYPE_MIN) packet.etherType = typeOrLength;
  }
  cursor.position = position + 14;
  return stepOfTypeOrLength(cursor, packet, typeOrLength, ETHERNET_LAYER);
}

/** One tag: priority and id, then what an untagged frame would have had. */
export function decodeVlan(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, VLAN_LAYER, 4)) return Step.done;
  const { bytes, position } = cursor;
  const id = readUint16(bytes, position) & 0x0fff;
  if (packet.vlanId < 0 && cursor.ipHeaderCount === 0) packet.vlanId = id;
  cursor.network = insideVlan(cursor.network, id);
  cursor.position = position + 4;
  return stepOfTypeOrLength(cursor, packet, readUint16(bytes, position + 2), VLAN_LAYER);
}

/** Cisco VN-Tag: four bytes between virtual interfaces and a type. */
export function decodeVnTag(cursor: Cursor, packet: Packet): number {
  return skipTag(cursor, packet, 6);
}

/** 802.1BR E-Tag: six bytes between bridge ports and a type. */
export function decodeETag(cursor: Cursor, packet: Packet): number {
  return skipTag(cursor, packet, 8);
}

function skipTag(cursor: Cursor, packet: Packet, length: number): number {
  if (!hasBytes(cursor, packet, VLAN_LAYER, length)) return Step.done;
  cursor.position += length;
  const typeOrLength = readUint16(cursor.bytes, cursor.position - 2);
  return stepOfTypeOrLength(cursor, packet, typeOrLength, VLAN_LAYER);
}

/**
 * Cisco TrustSec's metadata: version 1, number of options, each of four bytes (the security group), then what an untagged
 * frame would have had.
 */
export function decodeCiscoMetadata(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.cmd, 2)) return Step.done;
  const { bytes, position } = cursor;
  if (bytes[position] !== 1) return stopUnsupported(packet, Layer.cmd);
  const length = 2 + bytes[position + 1] * 4 + 2;
  if (!hasBytes(cursor, packet, Layer.cmd, length)) return Step.done;
  cursor.position += length;
  return stepOfTypeOrLength(cursor, packet, readUint16(bytes, cursor.position - 2), Layer.cmd);
}

/** 802.1ah: four bytes with the service, then the customer's frame, whose addresses are those of hosts. */
export function decodeServiceInstance(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, VLAN_LAYER, 4 + 14)) return Step.done;
  const { bytes, position } = cursor;
  if (cursor.ipHeaderCount === 0) packet.linkOffset = position + 4;
  cursor.position = position + 4 + 14;
  return stepOfTypeOrLength(cursor, packet, readUint16(bytes, position + 16), VLAN_LAYER);
}

/** Cisco FabricPath: its addresses are switches, so the frame inside counts as the link. */
export function decodeFabricPath(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, ETHERNET_LAYER, 2)) return Step.done;
  cursor.position += 2;
  packet.linkOffset = -1;
  packet.etherType = -1;
  return Step.ethernet;
}

function stepOfTypeOrLength(
  cursor: Cursor,
  packet: Packet,
  typeOrLength: number,
  layer: number,
): number {
  if (typeOrLength >= ETHER_TYPE_MIN) return stepOrUnsupported(packet, typeOrLength, layer);
  if (typeOrLength > LENGTH_MAX) return stop(packet, layer, StopReason.malformed, 0, 0);
  const end = cursor.position + typeOrLength;
  if (end < cursor.declaredEnd) cursor.declaredEnd = end;
  return Step.llc;
}

/** Step of an EtherType; one that is not read stops at `layer`, which named it. */
export function stepOrUnsupported(packet: Packet, etherType: number, layer: number): number {
  const step = stepOfEtherType(etherType);
  return step === Step.unknown ? stopUnsupported(packet, layer, etherType) : step;
}

/** SAPs and control; behind SNAP's AA AA 03 an organisation (zero for EtherTypes) and a type. */
export function decodeLlc(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, LLC_LAYER, 3)) return Step.done;
  const { bytes, position } = cursor;
  const saps = readUint16(bytes, position);
  if (saps === 0x0606) {
    cursor.position = position + 3;
    return Step.ipv4;
  }
  if (saps !== 0xaaaa || bytes[position + 2] !== 3) {
    return stopUnsupported(packet, LLC_LAYER, Unread.saps | saps);
  }
  if (!hasBytes(cursor, packet, LLC_LAYER, 8)) return Step.done;
  cursor.position = position + 8;
  // RFC 1042 uses organisation 0; 0000F8 is its bridge-tunnel form (IEEE 802.1H).
  const isEtherType = readUint16(bytes, position + 3) === 0 &&
    (bytes[position + 5] === 0 || bytes[position + 5] === 0xf8);
  if (!isEtherType) return stopUnsupported(packet, LLC_LAYER, Unread.saps | saps);
  return stepOrUnsupported(packet, readUint16(bytes, position + 6), LLC_LAYER);
}
