/** 802.11 data frames (IEEE 802.11-2020 section 9.3.2), and the headers that capturing systems put before them. */
import { Layer, type Packet, StopReason, Unread } from "../records.ts";
import { readInt32, readUint16, readUint16LittleEndian, readUint32LittleEndian } from "./bytes.ts";
import { type Cursor, hasBytes, stop, stopUnsupported } from "./cursor.ts";
import { Step } from "./step.ts";

const WIFI_LAYER = Layer.wifi;
const RADIOTAP_LENGTH_MIN = 8;
const HAS_TSFT = 0x01;
const HAS_FLAGS = 0x02;
const HAS_MORE_PRESENT = 0x80;
/** Radiotap's flag for padding between header and body. */
const DATA_PAD = 0x20;

/**
 * Radiotap (radiotap.org): version 0, padding, length in little-endian, a bitmap of the fields there are, each word of which
 * may announce another, and the fields, of which the flags are the first or second.
 */
export function decodeRadiotap(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, WIFI_LAYER, RADIOTAP_LENGTH_MIN)) return Step.done;
  const { bytes, position } = cursor;
  const length = readUint16LittleEndian(bytes, position + 2);
  if (bytes[position] !== 0) return stopUnsupported(packet, WIFI_LAYER);
  if (length < RADIOTAP_LENGTH_MIN) {
    return stop(packet, WIFI_LAYER, StopReason.malformed, RADIOTAP_LENGTH_MIN, length);
  }
  if (!hasBytes(cursor, packet, WIFI_LAYER, length)) return Step.done;
  cursor.isPadded = (readRadiotapFlags(bytes, position, length) & DATA_PAD) !== 0 ? 1 : 0;
  cursor.position = position + length;
  return Step.wifi;
}

/** The flags of the header at `start`, 0 without them. Fields are aligned to their size, counted from the start. */
function readRadiotapFlags(bytes: Uint8Array, start: number, length: number): number {
  const present = bytes[start + 4];
  if ((present & HAS_FLAGS) === 0) return 0;
  let at = 4;
  while (at + 4 <= length && (bytes[start + at + 3] & HAS_MORE_PRESENT) !== 0) at += 4;
  at += 4;
  if ((present & HAS_TSFT) !== 0) at = ((at + 7) & ~7) + 8;
  return at < length ? bytes[start + at] : 0;
}

const AVS_MAGIC = 0x80211000;
const AVS_LENGTH_MIN = 64;

/** AVS: magic with its version, length, fields; big-endian. */
export function decodeAvs(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, WIFI_LAYER, 8)) return Step.done;
  const { bytes, position } = cursor;
  if (!isAvs(bytes, position)) return stopUnsupported(packet, WIFI_LAYER);
  const length = readInt32(bytes, position + 4) >>> 0;
  if (length < AVS_LENGTH_MIN) {
    return stop(packet, WIFI_LAYER, StopReason.malformed, AVS_LENGTH_MIN, length);
  }
  return skipToWifi(cursor, packet, length);
}

function isAvs(bytes: Uint8Array, position: number): boolean {
  return (readInt32(bytes, position) & 0xfffff000) >>> 0 === AVS_MAGIC;
}

const PRISM_LENGTH_MIN = 24;

/** Prism: message code, length, device name (16), fields; in the byte order of who captured. Some drivers write AVS instead. */
export function decodePrism(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, WIFI_LAYER, 8)) return Step.done;
  const { bytes, position } = cursor;
  if (isAvs(bytes, position)) return Step.avs;
  const isBigEndian = readUint16(bytes, position + 4) === 0;
  const length = isBigEndian
    ? readUint16(bytes, position + 6)
    : readUint32LittleEndian(bytes, position + 4);
  if (length < PRISM_LENGTH_MIN) {
    return stop(packet, WIFI_LAYER, StopReason.malformed, PRISM_LENGTH_MIN, length);
  }
  return skipToWifi(cursor, packet, length);
}

function skipToWifi(cursor: Cursor, packet: Packet, length: number): number {
  if (!hasBytes(cursor, packet, WIFI_LAYER, length)) return Step.done;
  cursor.position += length;
  return Step.wifi;
}

/** Bits of the second byte of frame control, and of the QoS control field. */
const TO_DS = 0x01;
const FROM_DS = 0x02;
const PROTECTED = 0x40;
const HAS_HT_CONTROL = 0x80;
const IS_AMSDU = 0x80;
const SUBFRAME_LENGTH = 14;

/** Only data frames in the clear hold what tapwatch reads, behind LLC or, several in one frame, behind A-MSDU headers. */
export function decodeWifi(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, WIFI_LAYER, 24)) return Step.done;
  const { bytes, position } = cursor;
  const control = bytes[position];
  const flags = bytes[position + 1];
  if ((control & 0x4f) !== 0x08) return stopUnsupported(packet, WIFI_LAYER, Unread.noData);
  if ((flags & PROTECTED) !== 0) return stopUnsupported(packet, WIFI_LAYER, Unread.encrypted);
  const isQos = (control & 0x80) !== 0;
  const hasFourthAddress = (flags & (TO_DS | FROM_DS)) === (TO_DS | FROM_DS);
  const qosAt = hasFourthAddress ? 30 : 24;
  const length = qosAt + (isQos ? 2 : 0) + (isQos && (flags & HAS_HT_CONTROL) !== 0 ? 4 : 0);
  const bodyAt = cursor.isPadded === 1 ? (length + 3) & ~3 : length;
  if (!hasBytes(cursor, packet, WIFI_LAYER, bodyAt)) return Step.done;
  packet.linkOffset = position + sourceAddressAt(flags) - 6;
  cursor.position = position + bodyAt;
  return isQos && (bytes[position + qosAt] & IS_AMSDU) !== 0 ? Step.amsdu : Step.llc;
}

/** Where the address of the sending host stands (table 9-30). */
function sourceAddressAt(flags: number): number {
  if ((flags & FROM_DS) === 0) return 10;
  return (flags & TO_DS) === 0 ? 16 : 24;
}

/**
 * A packet of an A-MSDU (section 9.3.2.2.2): destination, source, length, then what another frame has in its body; header
 * and body are filled up to a multiple of four bytes if another follows.
 */
export function decodeAmsdu(cursor: Cursor, packet: Packet): number {
  if (!hasBytes(cursor, packet, Layer["a-msdu"], SUBFRAME_LENGTH)) return Step.done;
  const { bytes, position } = cursor;
  const length = readUint16(bytes, position + 12);
  packet.linkOffset = position;
  cursor.position = position + SUBFRAME_LENGTH;
  const end = cursor.position + length;
  if (end > cursor.declaredEnd) {
    const available = cursor.declaredEnd - cursor.position;
    return stop(packet, Layer["a-msdu"], StopReason.malformed, length, available);
  }
  const next = position + ((SUBFRAME_LENGTH + length + 3) & ~3);
  cursor.furtherAt = cursor.declaredEnd - next >= SUBFRAME_LENGTH ? next : -1;
  cursor.declaredEnd = end;
  return Step.llc;
}
