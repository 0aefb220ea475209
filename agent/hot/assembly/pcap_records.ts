/**
 * The index of whole pcap records, as indexRecords() of agent/capture/pcap_records.ts fills it: that draws the records, and says
 * of what this stops at why it is none.
 */
import {
  RECORDS_ARE_BIG_ENDIAN,
  RECORDS_ARE_NANOSECOND,
  ROW_CAPTURED_LENGTHS_AT,
  ROW_INTERFACE_IDS_AT,
  ROW_LINKTYPES_AT,
  ROW_NANOSECONDS_AT,
  ROW_OFFSETS_AT,
  ROW_TIMESTAMPS_AT,
  ROW_WIRE_LENGTHS_AT,
  ROWS_MAX,
} from "../layout";

/** Of a record, but in Kuznetzov's format. */
const HEADER_LENGTH: u32 = 16;

@inline
function read32(at: usize, isBigEndian: bool): u32 {
  const word = load<u32>(at);
  return isBigEndian ? bswap<u32>(word) : word;
}

/**
 * Fills rows from 0 on, with offsets that count from the address `base`, for the records from `position` up to `end` that
 * have at most `lengthMax` captured bytes; returns how many. `format` is RECORDS_ bits and the length of a record's header.
 */
export function indexPcap(
  base: usize,
  position: u32,
  end: u32,
  format: u32,
  lengthMax: u32,
  linktype: u32,
): i32 {
  const headerLength = format & 0xff;
  // The usual formats have a loop of their own.
  if (format == HEADER_LENGTH) {
    return index(base, position, end, HEADER_LENGTH, false, false, lengthMax, linktype);
  }
  if (format == (HEADER_LENGTH | RECORDS_ARE_NANOSECOND)) {
    return index(base, position, end, HEADER_LENGTH, false, true, lengthMax, linktype);
  }
  const isBigEndian = (format & RECORDS_ARE_BIG_ENDIAN) != 0;
  const isNanosecond = (format & RECORDS_ARE_NANOSECOND) != 0;
  return index(base, position, end, headerLength, isBigEndian, isNanosecond, lengthMax, linktype);
}

@inline
function index(
  base: usize,
  position: u32,
  end: u32,
  headerLength: u32,
  isBigEndian: bool,
  isNanosecond: bool,
  lengthMax: u32,
  linktype: u32,
): i32 {
  let row = 0;
  while (row < ROWS_MAX && position + headerLength <= end) {
    const at = base + position;
    const capturedLength = read32(at + 8, isBigEndian);
    const offset = position + headerLength;
    if (capturedLength > lengthMax || offset + capturedLength > end) break;
    const fraction = read32(at + 4, isBigEndian);
    const us = isNanosecond ? fraction / 1000 : fraction;
    const timestampUs = <f64> read32(at, isBigEndian) * 1e6 + <f64> us;
    store<f64>(ROW_TIMESTAMPS_AT + (row << 3), timestampUs);
    store<u16>(ROW_NANOSECONDS_AT + (row << 1), <u16> (isNanosecond ? fraction % 1000 : 0));
    store<u32>(ROW_OFFSETS_AT + (row << 2), offset);
    store<u32>(ROW_CAPTURED_LENGTHS_AT + (row << 2), capturedLength);
    store<u32>(ROW_WIRE_LENGTHS_AT + (row << 2), read32(at + 12, isBigEndian));
    store<u16>(ROW_LINKTYPES_AT + (row << 1), <u16> linktype);
    store<u16>(ROW_INTERFACE_IDS_AT + (row << 1), 0);
    position = offset + capturedLength;
    row++;
  }
  return row;
}
