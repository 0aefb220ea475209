/**
 * The 24-byte header of a classic pcap file: micro and nanosecond, both byte orders, and Kuznetzov's "modified"
 * format, as its magic number says.
 */
import { linktypeOfHeaderField } from "./linktypes.ts";
import { fileHeaderLength, type RecordLayout } from "./pcap_records.ts";

export interface PcapHeader extends RecordLayout {
  /** As "2.4". */
  readonly version: string;
}

/** Magic numbers, and what each says of the records. */
const magics: Readonly<Record<number, { isNanosecond: boolean; headerLength: number }>> = {
  0xa1b2c3d4: { isNanosecond: false, headerLength: 16 },
  0xa1b23c4d: { isNanosecond: true, headerLength: 16 },
  0xa1b2cd34: { isNanosecond: false, headerLength: 24 },
};

/** True when `head`, the start of a file, has the magic number of a pcap file. */
export function isPcapMagic(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return view.getUint32(0, true) in magics || view.getUint32(0, false) in magics;
}

/** Reads the file header at the start of `head`; null when it is not whole or has another magic number. */
export function parsePcapHeader(head: Uint8Array): PcapHeader | null {
  if (head.length < fileHeaderLength || !isPcapMagic(head)) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const isLittleEndian = view.getUint32(0, true) in magics;
  return {
    ...magics[view.getUint32(0, isLittleEndian)],
    isLittleEndian,
    linktype: linktypeOfHeaderField(view.getUint32(20, isLittleEndian)),
    interfaceId: 0,
    version: `${view.getUint16(4, isLittleEndian)}.${view.getUint16(6, isLittleEndian)}`,
  };
}
