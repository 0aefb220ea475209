/**
 * What capturing systems put before a packet: BSD null and loop, Linux cooked captures, NFLOG, pflog, and the headers that
 * name another link type, PPI and PKTAP. Those of 802.11 are in wifi.ts.
 */
import { Layer, type Packet, StopReason } from "../records.ts";
import { readUint16, readUint16LittleEndian, readUint32LittleEndian } from "./bytes.ts";
import { type Cursor, hasBytes, stepByIpVersion, stop, stopUnsupported } from "./cursor.ts";
import { stepOrUnsupported } from "./ethernet.ts";
import { Step, stepOfLinktype } from "./step.ts";

/** The step for a link type; none, and a stop, for one that is not read. */
export function beginLink(packet: Packet, linktype: number): number {
  const step = stepOfLinktype(linktype);
  return step === Step.unknown ? stopUnsupported(packet, Layer.link, linktype) : step;
}

/** Address family of the host that captured, in its byte order: 2 is IPv4, 10, 24, 28 and 30 are IPv6 somewhere. */
export function decodeNull(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.null, 4)) return Step.done;
  const { bytes, position } = cursor;
  const low = readUint16LittleEndian(bytes, position);
  cursor.position = position + 4;
  const isLittleEndian = readUint16(bytes, position + 2) === 0;
  const family = isLittleEndian ? low : readUint16(bytes, position + 2);
  return stepOfFamily(packet, family, Layer.null);
}

/** OpenBSD's loop: the same in network byte order. */
export function decodeLoop(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.null, 4)) return Step.done;
  const family = readUint16(cursor.bytes, cursor.position + 2);
  cursor.position += 4;
  return stepOfFamily(packet, family, Layer.null);
}

function stepOfFamily(packet: Packet, family: number, layer: number): number {
  switch (family) {
    case 2:
      return Step.ipv4;
    case 10: // Linux
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // Darwin
      return Step.ipv6;
    default:
      return stepOrUnsupported(packet, family, layer);
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

const PFLOG_LENGTH_MIN = 45;

/**
 * The packet filter's log of OpenBSD and its kin: length of the header, without the padding to a multiple of four that
 * follows it; address family; action, reason, interface, rules (struct pfloghdr of each system, of 45 bytes or more).
 */
export function decodePflog(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.pflog, 4)) return Step.done;
  const { bytes, position } = cursor;
  const length = bytes[position];
  if (length < PFLOG_LENGTH_MIN) {
    return stop(packet, Layer.pflog, StopReason.malformed, PFLOG_LENGTH_MIN, length);
  }
  const padded = (length + 3) & ~3;
  if (!hasBytes(cursor, packet, Layer.pflog, padded)) return Step.done;
  cursor.position = position + padded;
  return stepOfFamily(packet, bytes[position + 1], Layer.pflog);
}

const PPI_LENGTH_MIN = 8;

/** Per-packet information (CACE, 2007): version 0, flags, length with its fields, link type; little-endian. */
export function decodePpi(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.ppi, PPI_LENGTH_MIN)) return Step.done;
  const { bytes, position } = cursor;
  const length = readUint16LittleEndian(bytes, position + 2);
  if (bytes[position] !== 0) return stopUnsupported(packet, Layer.ppi);
  if (length < PPI_LENGTH_MIN) {
    return stop(packet, Layer.ppi, StopReason.malformed, PPI_LENGTH_MIN, length);
  }
  if (!hasBytes(cursor, packet, Layer.ppi, length)) return Step.done;
  cursor.position = position + length;
  return beginLink(packet, readUint32LittleEndian(bytes, position + 4));
}

const PKTAP_LENGTH_MIN = 108;
const PKTAP_PACKET = 1;

/**
 * Apple's PKTAP: length, 1 when a packet follows, its link type, interface (24), flags, address family, lengths of its link
 * header and trailer, process …; little-endian.
 */
export function decodePktap(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer.pktap, PKTAP_LENGTH_MIN)) return Step.done;
  const { bytes, position } = cursor;
  const length = readUint32LittleEndian(bytes, position);
  if (length < PKTAP_LENGTH_MIN) {
    return stop(packet, Layer.pktap, StopReason.malformed, PKTAP_LENGTH_MIN, length);
  }
  if (!hasBytes(cursor, packet, Layer.pktap, length)) return Step.done;
  if (readUint32LittleEndian(bytes, position + 4) !== PKTAP_PACKET) {
    return stopUnsupported(packet, Layer.pktap);
  }
  cursor.position = position + length;
  return beginLink(packet, readUint32LittleEndian(bytes, position + 8));
}
