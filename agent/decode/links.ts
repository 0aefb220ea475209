/** Link headers that are not Ethernet's: BSD null and loop, Linux cooked captures, NFLOG, and 802.11. */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16, readUint16LittleEndian } from "./bytes.ts";
import { type Cursor, hasBytes, stepByIpVersion, stop, stopUnsupported } from "./cursor.ts";
import { stepOrUnsupported } from "./ethernet.ts";
import { Step } from "./step.ts";

/** Address family of the host that captured, in its byte order: 2 is IPv4, 10, 24, 28 and 30 are IPv6 somewhere. */
export function decodeNull(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.null, 4)) return Step.done;
  const { bytes, position } = cursor;
  const low = readUint16LittleEndian(bytes, position);
  cursor.position = position + 4;
  const isLittleEndian = readUint16(bytes, position + 2) === 0;
  return stepOfFamily(packet, isLittleEndian ? low : readUint16(bytes, position + 2));
}

/** OpenBSD's loop: the same in network byte order. */
export function decodeLoop(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.null, 4)) return Step.done;
  const family = readUint16(cursor.bytes, cursor.position + 2);
  cursor.position += 4;
  return stepOfFamily(packet, family);
}

function stepOfFamily(packet: Packet, family: number): number {
  switch (family) {
    case 2:
      return Step.ipv4;
    case 10: // Linux
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // Darwin
      return Step.ipv6;
    default:
      return stepOrUnsupported(packet, family, Layer.null);
  }
}

/** Linux cooked capture v1: type, ARPHRD, address length, 8 bytes of source address, protocol. */
export function decodeSll(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.sll, 16)) return Step.done;
  const { bytes, position } = cursor;
  if (readUint16(bytes, position + 4) === 6) packet.linkOffset = position;
  cursor.position = position + 16;
  return stepOfCookedProtocol(packet, readUint16(bytes, position + 14), Layer.sll);
}

/** Linux cooked capture v2: protocol, interface, ARPHRD, type, address length, 8 bytes of source address. */
export function decodeSll2(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.sll2, 20)) return Step.done;
  const { bytes, position } = cursor;
  if (bytes[position + 11] === 6) packet.linkOffset = position + 6;
  cursor.position = position + 20;
  return stepOfCookedProtocol(packet, readUint16(bytes, position), Layer.sll2);
}

function stepOfCookedProtocol(packet: Packet, protocol: number, layer: number): number {
  if (protocol === 4) return Step.llc;
  return stepOrUnsupported(packet, protocol, layer);
}

const NFLOG_PAYLOAD = 9;

/** Linux netfilter log: family, version, resource, then attributes in host byte order (little-endian here). */
export function decodeNflog(cursor: Cursor, packet: Packet): number {
  const { bytes } = cursor;
  if (!hasBytes(cursor, packet, Layer.nflog, 4)) return Step.done;
  cursor.position += 4;
  while (hasBytes(cursor, packet, Layer.nflog, 4)) {
    const length = readUint16LittleEndian(bytes, cursor.position);
    if (length < 4) return stop(packet, Layer.nflog, StopReason.malformed, 4, length);
    if (readUint16LittleEndian(bytes, cursor.position + 2) === NFLOG_PAYLOAD) {
      cursor.position += 4;
      return stepByIpVersion(cursor, packet, Layer.nflog);
    }
    cursor.position += (length + 3) & ~3;
  }
  return Step.done;
}

/** Radiotap: version, padding, length in little-endian, then the 802.11 frame. */
export function decodeRadiotap(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.wifi, 4)) return Step.done;
  const length = readUint16LittleEndian(cursor.bytes, cursor.position + 2);
  if (!hasBytes(cursor, packet, Layer.wifi, length)) return Step.done;
  cursor.position += length;
  return Step.wifi;
}

/** 802.11: only data frames in the clear hold what tapwatch reads, behind LLC. */
export function decodeWifi(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.wifi, 24)) return Step.done;
  const { bytes, position } = cursor;
  const control = bytes[position];
  const flags = bytes[position + 1];
  const isReadable = (control & 0x0c) === 0x08 && (control & 0x40) === 0 && (flags & 0x40) === 0;
  if (!isReadable) return stopUnsupported(packet, Layer.wifi);
  const isQos = (control & 0x80) !== 0;
  const fourthAddress = (flags & 0x03) === 0x03 ? 6 : 0;
  const highThroughput = isQos && (flags & 0x80) !== 0 ? 4 : 0;
  cursor.position = position + 24 + fourthAddress + (isQos ? 2 : 0) + highThroughput;
  return Step.llc;
}
