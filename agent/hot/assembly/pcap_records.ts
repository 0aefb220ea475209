/**
 * The records of a classic pcap file, one after the other, as agent/capture/pcap_records.ts has them: that draws them, and
 * says of what this stops at why it is none.
 */
import {
  RECORDS_ARE_BIG_ENDIAN,
  RECORDS_ARE_NANOSECOND,
  ROW_CAPTURED_LENGTHS_AT,
  ROW_INTERFACE_IDS_AT,
  ROW_LINKTYPES_AT,
  ROW_OFFSETS_AT,
  ROW_TIMESTAMPS_AT,
  ROW_WIRE_LENGTHS_AT,
} from "../layout";
import { processPacket } from "./rows";
import { setDue } from "./traffic_clock";

/** Of a record, but in Kuznetzov's format. */
const HEADER_LENGTH: u32 = 16;

@inline
function inOrder(word: u32, isBigEndian: bool): u32 {
  return isBigEndian ? bswap<u32>(word) : word;
}

/**
 * Takes the packets of the records from `position` up to `end`, which count from the address `base`, as long as they have
 * at most `lengthMax` captured bytes; returns how many. `format` is RECORDS_ bits and the length of a record's header. The
 * packet that TypeScript is asked of has place 0 of the batch's index (but for its nanoseconds), where the last one stays.
 */
export function takePcap(
  base: usize,
  position: u32,
  end: u32,
  format: u32,
  lengthMax: u32,
  linktype: u32,
): i32 {
  setDue(-Infinity);
  store<u16>(ROW_LINKTYPES_AT, <u16> linktype);
  store<u16>(ROW_INTERFACE_IDS_AT, 0);
  const headerLength = format & 0xff;
  // The usual formats have a loop of their own.
  if (format == HEADER_LENGTH) {
    return take(base, position, end, HEADER_LENGTH, false, false, lengthMax, linktype);
  }
  if (format == (HEADER_LENGTH | RECORDS_ARE_NANOSECOND)) {
    return take(base, position, end, HEADER_LENGTH, false, true, lengthMax, linktype);
  }
  const isBigEndian = (format & RECORDS_ARE_BIG_ENDIAN) != 0;
  const isNanosecond = (format & RECORDS_ARE_NANOSECOND) != 0;
  return take(base, position, end, headerLength, isBigEndian, isNanosecond, lengthMax, linktype);
}

@inline
function take(
  base: usize,
  start: u32,
  end: u32,
  headerLength: u32,
  isBigEndian: bool,
  isNanosecond: bool,
  lengthMax: u32,
  linktype: u32,
): i32 {
  let position = start;
  let count = 0;
  while (position + headerLength <= end) {
    // The four words of a header in two accesses: seconds and fraction, captured and wire length.
    const time = load<u64>(base + position);
    const lengths = load<u64>(base + position, 8);
    const capturedLength = inOrder(<u32> lengths, isBigEndian);
    const offset = position + headerLength;
    if (capturedLength > lengthMax || offset + capturedLength > end) break;
    const wireLength = inOrder(<u32> (lengths >> 32), isBigEndian);
    const fraction = inOrder(<u32> (time >> 32), isBigEndian);
    const us = isNanosecond ? fraction / 1000 : fraction;
    const timestampUs = <f64> inOrder(<u32> time, isBigEndian) * 1e6 + <f64> us;
    store<f64>(ROW_TIMESTAMPS_AT, timestampUs);
    store<u32>(ROW_OFFSETS_AT, offset);
    store<u32>(ROW_CAPTURED_LENGTHS_AT, capturedLength);
    store<u32>(ROW_WIRE_LENGTHS_AT, wireLength);
    processPacket(base, count, offset, capturedLength, wireLength, timestampUs, linktype, 0);
    position = offset + capturedLength;
    count++;
  }
  return count;
}
