/**
 * Records of the classic pcap format, read and written in place.
 *
 *     file    magic:4 major:2 minor:2 zone:4 accuracy:4 snaplen:4 linktype:4   (24 bytes)
 *     record  seconds:4 fraction:4 capturedLength:4 wireLength:4               (16 bytes, then the captured bytes)
 *
 * Source: draft-ietf-opsawg-pcap, "PCAP Capture File Format". A batch between threads is such records without the
 * file header, in native (little-endian) byte order. Kuznetzov's "modified" format has 8 more bytes a record.
 */
import type { BatchMessage } from "../messages.ts";
import type { PacketBatch } from "../records.ts";
import { capturedLengthMax } from "./linktypes.ts";

export const fileHeaderLength = 24;
export const recordHeaderLength = 16;
/** Most captured bytes that tapwatch writes into a record: libpcap refuses longer ones when it reads. */
export const recordCapturedLengthMax = 262_144;

/** How the records of one file or buffer are laid out. */
export interface RecordLayout {
  readonly isLittleEndian: boolean;
  readonly isNanosecond: boolean;
  /** 16, or 24 in Kuznetzov's format. */
  readonly headerLength: number;
  readonly linktype: number;
  readonly interfaceId: number;
}

/** Where an indexer stands in its bytes, and why it went no further. */
export class IndexCursor {
  /** First byte that is not indexed yet. */
  position = 0;
  /** Bytes that the record at `position` needs in all; 0 when the batch was full. */
  needed = 0;
  /** Why the bytes at `position` cannot be a record; "" while all is well. */
  fault = "";
}

/**
 * Adds rows to `batch` for the whole records of `view` from `cursor.position` to `end`, until the batch is full, a
 * record is incomplete, or a length is absurd. The caller sets `batch.bytes` to the bytes of `view`.
 */
export function indexRecords(
  batch: PacketBatch,
  view: DataView,
  cursor: IndexCursor,
  end: number,
  layout: RecordLayout,
): void {
  const { isLittleEndian, isNanosecond, headerLength } = layout;
  const { offsets, capturedLengths, wireLengths, timestampsUs, nanoseconds } = batch;
  const lengthMax = capturedLengthMax(layout.linktype);
  const capacity = offsets.length;
  const firstRow = batch.count;
  let row = firstRow;
  let position = cursor.position;
  cursor.needed = 0;
  while (row < capacity) {
    const dataOffset = position + headerLength;
    if (dataOffset > end) {
      cursor.needed = headerLength;
      break;
    }
    const capturedLength = view.getUint32(position + 8, isLittleEndian);
    if (capturedLength > lengthMax) {
      cursor.fault = `a record claims ${capturedLength} captured bytes, more than ${lengthMax}`;
      break;
    }
    if (dataOffset + capturedLength > end) {
      cursor.needed = headerLength + capturedLength;
      break;
    }
    const seconds = view.getUint32(position, isLittleEndian);
    const fraction = view.getUint32(position + 4, isLittleEndian);
    const nanosecond = isNanosecond ? fraction % 1000 : 0;
    offsets[row] = dataOffset;
    capturedLengths[row] = capturedLength;
    wireLengths[row] = view.getUint32(position + 12, isLittleEndian);
    timestampsUs[row] = seconds * 1e6 + (isNanosecond ? (fraction - nanosecond) / 1000 : fraction);
    nanoseconds[row] = nanosecond;
    position = dataOffset + capturedLength;
    row++;
  }
  batch.linktypes.fill(layout.linktype, firstRow, row);
  batch.interfaceIds.fill(layout.interfaceId, firstRow, row);
  batch.count = row;
  cursor.position = position;
}

/** What of a batch message is needed to index it. */
type RecordBuffer = Pick<
  BatchMessage,
  "buffer" | "byteLength" | "interfaceId" | "linktype" | "isNanosecond"
>;

/**
 * Fills `batch` from byte `start` of a buffer of native records and returns where to resume; that is `byteLength`
 * once all is indexed. The batch points into the buffer, which must stay until the batch is filled again. Bytes
 * that are no whole record (no source sends such) end the buffer: they give no row and `byteLength` is returned.
 */
export function indexPcapRecords(batch: PacketBatch, records: RecordBuffer, start = 0): number {
  const cursor = new IndexCursor();
  cursor.position = start;
  batch.bytes = new Uint8Array(records.buffer);
  batch.count = 0;
  const view = new DataView(records.buffer);
  indexRecords(batch, view, cursor, records.byteLength, {
    isLittleEndian: true,
    isNanosecond: records.isNanosecond,
    headerLength: recordHeaderLength,
    linktype: records.linktype,
    interfaceId: records.interfaceId,
  });
  return cursor.needed > 0 || cursor.fault !== "" ? records.byteLength : cursor.position;
}

/** What is later has no time in a pcap file, whose seconds are 32 bits: it is written as of the last one. */
export const PCAP_END_US = 2 ** 32 * 1e6;

/** Native nanosecond records being written into a buffer of fixed size; the inverse of `indexPcapRecords`. */
export class RecordWriter {
  readonly buffer: ArrayBuffer;
  byteLength = 0;
  packetCount = 0;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /**
   * Appends row `row` of `batch` and returns true, or returns false and changes nothing when it does not fit.
   * Captured bytes beyond 262,144 are left out (the wire length stays), so that every pcap tool reads the record.
   */
  append(batch: PacketBatch, row: number): boolean {
    const capturedLength = Math.min(batch.capturedLengths[row], recordCapturedLengthMax);
    const start = this.byteLength;
    const dataStart = start + recordHeaderLength;
    if (dataStart + capturedLength > this.#bytes.length) return false;
    const timestampUs = batch.timestampsUs[row];
    const seconds = Math.min(Math.floor(timestampUs / 1e6), 0xffffffff);
    const fraction = (timestampUs - Math.floor(timestampUs / 1e6) * 1e6) * 1000;
    this.#view.setUint32(start, seconds, true);
    this.#view.setUint32(start + 4, fraction + batch.nanoseconds[row], true);
    this.#view.setUint32(start + 8, capturedLength, true);
    this.#view.setUint32(start + 12, batch.wireLengths[row], true);
    const from = batch.offsets[row];
    this.#bytes.set(batch.bytes.subarray(from, from + capturedLength), dataStart);
    this.byteLength = dataStart + capturedLength;
    this.packetCount++;
    return true;
  }
}

/** The header of a little-endian pcap file. */
export function pcapFileHeader(
  linktype: number,
  snaplen: number,
  isNanosecond: boolean,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(fileHeaderLength);
  const view = new DataView(header.buffer);
  view.setUint32(0, isNanosecond ? 0xa1b23c4d : 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snaplen, true);
  view.setUint32(20, linktype, true);
  return header;
}
