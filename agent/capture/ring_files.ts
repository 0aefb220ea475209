/**
 * The files of the capture ring: their names, their order, and putting one aside that an earlier run left behind.
 *
 *     captured_traffic.pcap                         in progress
 *     captured_traffic-20261122T140731Z.pcap        older; the time (UTC) of its first packet
 *     captured_traffic-20261122T140731Z-2.pcap      another that starts in the same second
 *     captured_traffic-20261122T140731Z.damaged     no capture at all; set aside under the time it was written
 */
import { createPacketBatch } from "../records.ts";
import { parsePcapHeader } from "./pcap_header.ts";
import { fileHeaderLength, IndexCursor, indexRecords } from "./pcap_records.ts";
import { ifThere } from "../errors.ts";
import { refuseForeignLink } from "../own_files.ts";

export const inProgressName = "captured_traffic.pcap";
const olderNamePattern =
  /^captured_traffic-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d+)?\.pcap$/;
const scanBytes = 1024 * 1024;

export interface RingFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Time of its first packet, to the second, as its name says it. */
  readonly startUs: number;
  /** Wall clock of the last write, milliseconds. */
  readonly writtenMs: number;
}

/** The older files of the ring, longest unwritten first. Throws when the folder cannot be read. */
export function listOlderFiles(folder: string): RingFile[] {
  const files: RingFile[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const time = olderNamePattern.exec(entry.name);
    if (!entry.isFile || time === null) continue;
    const path = `${folder}/${entry.name}`;
    const stat = Deno.statSync(path);
    const [year, month, day, hour, minute, second] = time.slice(1).map(Number);
    files.push({
      path,
      sizeBytes: stat.size,
      startUs: Date.UTC(year!, month! - 1, day, hour, minute, second) * 1000,
      writtenMs: stat.mtime?.getTime() ?? 0,
    });
  }
  return files.sort((a, b) => a.writtenMs - b.writtenMs || (a.path < b.path ? -1 : 1));
}

/** Renames the file in progress to a name that is free; returns the new path. */
export function putAside(folder: string, startUs: number, extension = "pcap"): string {
  const stem = `${folder}/captured_traffic-${formatStart(startUs)}`;
  let path = `${stem}.${extension}`;
  for (let number = 2; doesExist(path); number++) path = `${stem}-${number}.${extension}`;
  Deno.renameSync(`${folder}/${inProgressName}`, path);
  return path;
}

/** What became of a file that an earlier run left in progress. */
type Leftover =
  | { readonly kind: "none" }
  /** It held no packet and was removed. */
  | { readonly kind: "empty" }
  /** Put aside, after `cutBytes` of an unfinished record were cut off its end. */
  | { readonly kind: "kept"; readonly path: string; readonly cutBytes: number }
  /** No pcap file, or damaged in the middle: put aside as it is. */
  | { readonly kind: "damaged"; readonly path: string };

/** Makes way for a new file in progress without losing what an older one holds. */
export function putLeftoverAside(folder: string): Leftover {
  const path = `${folder}/${inProgressName}`;
  if (!doesExist(path)) return { kind: "none" };
  refuseForeignLink(path);
  const file = Deno.openSync(path, { read: true, write: true });
  try {
    const { size, mtime } = file.statSync();
    const writtenUs = (mtime?.getTime() ?? 0) * 1000;
    const found = scanRecords(file);
    if (size < fileHeaderLength || (found?.firstUs === null && !found.isDamaged)) {
      Deno.removeSync(path);
      return { kind: "empty" };
    }
    if (found === null) return { kind: "damaged", path: putAside(folder, writtenUs, "damaged") };
    const startUs = found.firstUs ?? writtenUs;
    if (found.isDamaged) return { kind: "damaged", path: putAside(folder, startUs) };
    const cutBytes = size - found.recordsEnd;
    if (cutBytes > 0) file.truncateSync(found.recordsEnd);
    return { kind: "kept", path: putAside(folder, startUs), cutBytes };
  } finally {
    file.close();
  }
}

interface RecordScan {
  /** Time of the first packet; null without one. */
  readonly firstUs: number | null;
  /** End of the last whole record. */
  readonly recordsEnd: number;
  readonly isDamaged: boolean;
}

/** Walks the records of an open pcap file; null when it has no pcap header. */
function scanRecords(file: Deno.FsFile): RecordScan | null {
  const bytes = new Uint8Array(scanBytes);
  const view = new DataView(bytes.buffer);
  const header = parsePcapHeader(bytes.subarray(0, readAt(file, 0, bytes)));
  if (header === null) return null;
  const batch = createPacketBatch(16_384, bytes);
  let firstUs: number | null = null;
  let recordsEnd = fileHeaderLength;
  while (true) {
    const length = readAt(file, recordsEnd, bytes);
    const cursor = new IndexCursor();
    batch.count = 0;
    indexRecords(batch, view, cursor, length, header);
    if (batch.count > 0) firstUs ??= batch.timestampsUs[0];
    recordsEnd += cursor.position;
    if (cursor.fault !== "") return { firstUs, recordsEnd, isDamaged: true };
    if (batch.count === 0) return { firstUs, recordsEnd, isDamaged: false };
  }
}

/** Fills `bytes` from `position` on as far as the file goes. */
function readAt(file: Deno.FsFile, position: number, bytes: Uint8Array): number {
  file.seekSync(position, Deno.SeekMode.Start);
  let length = 0;
  while (length < bytes.length) {
    const read = file.readSync(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return length;
}

/** As 20261122T140731Z. */
function formatStart(startUs: number): string {
  const iso = new Date(Math.floor(startUs / 1000)).toISOString();
  return iso.slice(0, 19).replaceAll(/[-:]/g, "") + "Z";
}

function doesExist(path: string): boolean {
  return ifThere(() => Deno.lstatSync(path)) !== null;
}
