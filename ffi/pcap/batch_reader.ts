/** What both ways of reading batches from libpcap share. */
import { type BatchResult, RecordHeader } from "../capture/capture_handle.ts";

export interface BatchReader {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Waits, off the event loop, until packets have come, `breakLoop()` or an error. One read at a time. */
  read(): Promise<BatchResult>;
  close(): void;
}

/** Memory of a batch. Pages that were never written cost nothing, and small packets use only the first ones. */
export const batchBytes = 32 << 20;

/** Longest frame that is expected: 64 KiB of GSO or GRO payload with its headers. Longer ones are adapted to. */
const frameBytesExpected = 66_000;

/** Longest record that a handle with `snaplen` is expected to give. */
export function expectedRecordBytes(snaplen: number): number {
  return RecordHeader.size + Math.min(snaplen, frameBytesExpected);
}

/** Whole records in the first `byteLength` bytes, and where they end. */
export function countRecords(bytes: Uint8Array, byteLength: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  let end = 0;
  let packetCount = 0;
  while (end + RecordHeader.size <= byteLength) {
    const capturedLength = view.getUint32(end + RecordHeader.capturedLength, true);
    if (end + RecordHeader.size + capturedLength > byteLength) break;
    end += RecordHeader.size + capturedLength;
    packetCount++;
  }
  return { byteLength: end, packetCount };
}
