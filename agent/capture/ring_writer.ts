/**
 * Writes packets into a ring of pcap files that any pcap tool can read at any moment.
 *
 * Each batch is one write() of whole records, without a buffer of our own in between, so what was taken is visible at
 * once and survives `kill -9` of this process; only a kill in the middle of a write() leaves part of a record, which
 * the next start cuts off. Nothing is fsynced: a power cut can lose what the kernel has not yet written back (about
 * 30 s). A reader that reaches the end during a write() may see the first part of it and finds it whole a moment later:
 * Linux file systems but XFS let readers look on, and nothing makes a file grow by many bytes at once. Measured on ext4:
 * at 8 MB/s no moment in 600,000, at 55 MB/s 0.6 % of moments.
 *
 * A file has the link type and time resolution of its first batch. Once a second link type is met, files are Ethernet
 * for the rest of the run and everything else is converted (ethernet_convert.ts); what cannot be is counted as lost.
 *
 * The world's failures (disk full, folder gone, no permission) never throw: the state becomes "failed" with a sentence,
 * packets are counted as lost, and a new attempt follows after 1, 2, 4 … 30 seconds, when the next batch comes.
 *
 * A ring that is held (the disk is nearly full) turns on in the bytes it has: the oldest file makes way for a batch, and when
 * none is left the batch is counted as lost.
 */
import type { BatchMessage, RecorderOptions } from "../messages.ts";
import { FailedWrites, type WriteContext, writeFailureText } from "../failed_writes.ts";
import { Linktype, type RecorderState } from "../records.ts";
import { EthernetConverter } from "./ethernet_convert.ts";
import { describeLinktype } from "./linktypes.ts";
import { fileHeaderLength, pcapFileHeader, recordHeaderLength } from "./pcap_records.ts";
import {
  inProgressName,
  listOlderFiles,
  putAside,
  putLeftoverAside,
  type RingFile,
} from "./ring_files.ts";
import { ifThere } from "../errors.ts";
import { createAnew } from "../own_files.ts";

/** How often it is checked that the file in progress is still where it was made. */
const placeCheckMs = 1000;

/** The file in progress. */
interface OpenFile {
  readonly handle: Deno.FsFile;
  readonly inode: number | null;
  readonly isNanosecond: boolean;
  readonly startUs: number;
  sizeBytes: number;
}

export class RingWriter {
  readonly #options: RecorderOptions;
  readonly #context: WriteContext;
  readonly #failure: FailedWrites;
  readonly #path: string;
  readonly #converter = new EthernetConverter();
  readonly #notedLinktypes = new Set<number>();
  #file: OpenFile | null = null;
  /** Link type of the files; null before the first packet. */
  #linktype: number | null = null;
  #isFolderReady = false;
  #placeCheckAtMs = 0;
  #bytesWritten = 0;
  #packetsWritten = 0;
  #packetsLost = 0;
  #olderFiles = 0;
  #olderBytes = 0;
  #olderStartUs: number | null = null;
  /** Bytes that the ring may have while it is held; null while it may grow. */
  #heldBytes: number | null = null;

  constructor(options: RecorderOptions, context: WriteContext) {
    this.#options = options;
    this.#context = context;
    this.#failure = new FailedWrites(context);
    this.#path = `${options.folder}/${inProgressName}`;
  }

  /** Makes the folder and puts aside what an earlier run left, before the first packet. */
  start(): void {
    if (this.#options.fileCountMax === 0) return;
    try {
      this.#prepareFolder();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Writes the records of a batch. The buffer is the caller's again afterwards, but record headers in it may have been
   * changed.
   */
  write(batch: BatchMessage): void {
    if (this.#options.fileCountMax === 0) return;
    const packetsBefore = this.#packetsWritten;
    let skipped = batch.packetCount;
    if (this.#failure.isDue) {
      try {
        this.#checkPlace(this.#context.now());
        if (!this.#isFolderReady) this.#prepareFolder();
        if (this.#hasRoom(batch)) skipped = this.#writeRecords(batch);
        this.#failure.recovered(`Capture files are written again, to ${this.#path}.`);
      } catch (error) {
        this.#fail(error);
        skipped = batch.packetCount - (this.#packetsWritten - packetsBefore);
      }
    }
    this.#packetsLost += skipped;
  }

  /** Whether the ring may not grow for now. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#heldBytes ??= this.#sizeBytes;
    else this.#heldBytes = null;
  }

  get #sizeBytes(): number {
    return this.#olderBytes + (this.#file?.sizeBytes ?? 0);
  }

  get state(): RecorderState {
    const { fileCountMax, fileBytesMax } = this.#options;
    return {
      state: fileCountMax === 0 ? "off" : this.#failure.text === "" ? "ok" : "failed",
      detail: this.#failure.text,
      path: this.#path,
      bytesWritten: this.#bytesWritten,
      packetsWritten: this.#packetsWritten,
      packetsLost: this.#packetsLost,
      files: this.#olderFiles + (this.#file === null ? 0 : 1),
      sizeBytes: this.#sizeBytes,
      bytesMax: fileCountMax * fileBytesMax,
      filesMax: fileCountMax,
      oldestUs: this.#olderStartUs ?? this.#file?.startUs ?? null,
    };
  }

  /** Closes the file in progress, which stays under its name until the next start, and counts with the older ones. */
  close(): void {
    if (this.#file === null) return;
    this.#file.handle.close();
    this.#olderFiles++;
    this.#olderBytes += this.#file.sizeBytes;
    this.#olderStartUs ??= this.#file.startUs;
    this.#file = null;
  }

  /** Makes room in a ring that is held. False when there is none left to make. */
  #hasRoom({ byteLength }: BatchMessage): boolean {
    if (this.#heldBytes === null) return true;
    const sizeMax = this.#heldBytes - byteLength - fileHeaderLength;
    const older = this.#sizeBytes > sizeMax ? listOlderFiles(this.#options.folder) : [];
    while (this.#sizeBytes > sizeMax && older.length > 0) {
      Deno.removeSync(older.shift()!.path);
      this.#countOlder(older);
    }
    return this.#sizeBytes <= sizeMax;
  }

  /** Returns the packets that were left out. */
  #writeRecords(batch: BatchMessage): number {
    const records = new Uint8Array(batch.buffer, 0, batch.byteLength);
    if (batch.packetCount === 0) return 0;
    this.#chooseLinktype(batch.linktype);
    if (this.#linktype === batch.linktype) {
      this.#append(records, batch.packetCount, batch.isNanosecond);
      return 0;
    }
    const converted = this.#converter.convert(records, batch.packetCount, batch.linktype);
    if (converted.skipped > 0) this.#noteSkipped(batch.linktype);
    this.#append(converted.bytes, converted.packetCount, batch.isNanosecond);
    return converted.skipped;
  }

  #chooseLinktype(linktype: number): void {
    if (this.#linktype === null) this.#linktype = linktype;
    if (linktype === this.#linktype || this.#linktype === Linktype.ethernet) return;
    this.#context.note(
      "info",
      "Packets of several link types: capture files are Ethernet from here on, other packets get an Ethernet header.",
    );
    if (this.#file !== null) this.#rotate();
    this.#linktype = Linktype.ethernet;
  }

  #append(records: Uint8Array<ArrayBuffer>, packetCount: number, isNanosecond: boolean): void {
    let position = 0;
    let packetsLeft = packetCount;
    while (packetsLeft > 0) {
      const file = this.#file ?? this.#open(records.subarray(position), isNanosecond);
      const room = this.#options.fileBytesMax - file.sizeBytes;
      const part = fitRecords(records.subarray(position), packetsLeft, room);
      if (part.packetCount === 0 && file.sizeBytes > fileHeaderLength) {
        this.#rotate();
        continue;
      }
      // A record that is larger than a whole file still gets written: into a file of its own.
      const whole = part.packetCount > 0 ? part : firstRecord(records.subarray(position));
      const bytes = records.subarray(position, position + whole.byteLength);
      if (file.isNanosecond !== isNanosecond) convertFractions(bytes, file.isNanosecond);
      this.#writeWhole(file, bytes);
      this.#packetsWritten += whole.packetCount;
      packetsLeft -= whole.packetCount;
      position += whole.byteLength;
    }
  }

  /** All of `bytes` or, when the disk has no room for them, none: the file is cut back to whole records. */
  #writeWhole(file: OpenFile, bytes: Uint8Array): void {
    try {
      for (let written = 0; written < bytes.length;) {
        written += file.handle.writeSync(bytes.subarray(written));
      }
    } catch (error) {
      file.handle.truncateSync(file.sizeBytes);
      throw error;
    }
    file.sizeBytes += bytes.length;
    this.#bytesWritten += bytes.length;
  }

  /** Starts a file; it gets its name once its header is in it, so that it is never seen without. */
  #open(records: Uint8Array, isNanosecond: boolean): OpenFile {
    const unnamed = `${this.#path}.new`;
    const handle = createAnew(unnamed);
    try {
      const header = pcapFileHeader(this.#linktype!, this.#options.snaplen, isNanosecond);
      handle.writeSync(header);
      Deno.renameSync(unnamed, this.#path);
      const view = new DataView(records.buffer, records.byteOffset);
      this.#file = {
        handle,
        inode: handle.statSync().ino,
        isNanosecond,
        startUs: view.getUint32(0, true) * 1e6,
        sizeBytes: header.length,
      };
      return this.#file;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  #rotate(): void {
    const startUs = this.#file?.startUs ?? 0;
    this.close();
    putAside(this.#options.folder, startUs);
    this.#removeOldest();
  }

  /** Keeps the ring within its number of files. */
  #removeOldest(): void {
    const older = listOlderFiles(this.#options.folder);
    while (older.length > Math.max(this.#options.fileCountMax - 1, 0)) {
      Deno.removeSync(older.shift()!.path);
    }
    this.#countOlder(older);
  }

  #countOlder(older: readonly RingFile[]): void {
    this.#olderFiles = older.length;
    this.#olderBytes = older.reduce((total, file) => total + file.sizeBytes, 0);
    this.#olderStartUs = older[0]?.startUs ?? null;
  }

  #prepareFolder(): void {
    Deno.mkdirSync(this.#options.folder, { recursive: true });
    const leftover = putLeftoverAside(this.#options.folder);
    if (leftover.kind === "kept" && leftover.cutBytes > 0) {
      this.#context.note(
        "warning",
        `The last capture file ended inside a packet; ${leftover.cutBytes} bytes were cut off. It is now ${leftover.path}.`,
      );
    } else if (leftover.kind === "damaged") {
      this.#context.note("warning", `A damaged capture file was put aside as ${leftover.path}.`);
    }
    this.#removeOldest();
    this.#isFolderReady = true;
  }

  /** Starts anew when someone has moved or removed the file in progress: writing on would go nowhere. */
  #checkPlace(now: number): void {
    if (this.#file === null || now < this.#placeCheckAtMs) return;
    this.#placeCheckAtMs = now + placeCheckMs;
    if (this.#file.inode === null || this.#file.inode === inodeOf(this.#path)) return;
    this.close();
    this.#isFolderReady = false;
    this.#context.note("warning", `${this.#path} was moved or removed; a new one is started.`);
  }

  #noteSkipped(linktype: number): void {
    if (this.#notedLinktypes.has(linktype)) return;
    this.#notedLinktypes.add(linktype);
    const name = describeLinktype(linktype);
    this.#context.note(
      "warning",
      `Some packets of link type ${name} are not in the capture files: they have no Ethernet form.`,
    );
  }

  #fail(error: unknown): void {
    try {
      this.close();
    } catch {
      // The handle is given up either way; the failure that is told is the first one.
      this.#file = null;
    }
    this.#isFolderReady = false;
    this.#failure.fail(writeFailureText(this.#path, error));
  }
}

/** The leading records of `records` that fit into `room` bytes. */
function fitRecords(
  records: Uint8Array,
  packetCount: number,
  room: number,
): { byteLength: number; packetCount: number } {
  if (records.length <= room) return { byteLength: records.length, packetCount };
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  let byteLength = 0;
  let count = 0;
  while (count < packetCount) {
    const next = byteLength + recordHeaderLength + view.getUint32(byteLength + 8, true);
    if (next > room) break;
    byteLength = next;
    count++;
  }
  return { byteLength, packetCount: count };
}

function firstRecord(records: Uint8Array): { byteLength: number; packetCount: number } {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  return { byteLength: recordHeaderLength + view.getUint32(8, true), packetCount: 1 };
}

/** Rewrites the fraction of each record in place, between microseconds and nanoseconds. */
function convertFractions(records: Uint8Array, isToNanosecond: boolean): void {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  for (let position = 0; position < records.length;) {
    const fraction = view.getUint32(position + 4, true);
    const converted = isToNanosecond ? fraction * 1000 : Math.floor(fraction / 1000);
    view.setUint32(position + 4, converted, true);
    position += recordHeaderLength + view.getUint32(position + 8, true);
  }
}

function inodeOf(path: string): number | null {
  return ifThere(() => Deno.lstatSync(path).ino);
}
