/**
 * A slice of the capture ring as one pcap file, streamed: nanosecond records, oldest file first, each file's packets
 * in their order. Files are opened when the stream is made, so it does not matter when they are rotated or removed
 * meanwhile; the one in progress is read as far as it goes.
 *
 * Before the ring's oldest packet comes what is kept of findings (evidence_files.ts), each packet once.
 *
 * When the files have different link types the slice is Ethernet (ethernet_convert.ts).
 */
import { CaptureFormatError, ifThere } from "../errors.ts";
import { Linktype, type PacketBatch } from "../records.ts";
import { createByteSource } from "./byte_source.ts";
import { EthernetConverter, ethernetHeaderLength } from "./ethernet_convert.ts";
import { CaptureFileReader } from "./file_reader.ts";
import { parsePcapHeader } from "./pcap_header.ts";
import {
  fileHeaderLength,
  pcapFileHeader,
  recordCapturedLengthMax,
  recordHeaderLength,
  RecordWriter,
} from "./pcap_records.ts";
import { listEvidence } from "./evidence_files.ts";
import { FileTrack, startAt } from "./file_track.ts";
import { inProgressName, listOlderFiles } from "./ring_files.ts";

export interface PcapExportOptions {
  /** Folder of the ring. */
  readonly folder: string;
  /** First and last time wanted, inclusive. */
  readonly fromUs?: number;
  readonly toUs?: number;
  readonly packetsMax?: number;
  /** Size of the exported file, its header included. */
  readonly bytesMax?: number;
  /** Which packets are wanted; all when it is not given. Asked once of each, in the order of the slice. */
  readonly matches?: (
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linktype: number,
    timestampUs: number,
  ) => boolean;
  /** Leaves out what is kept of findings. */
  readonly isRingOnly?: boolean;
}

/** Records are gathered up to this size before they are handed on; room for the longest record. */
const pieceBytes = recordCapturedLengthMax + recordHeaderLength;
/** Read at a time: many may ask at once and read slowly, and each has buffers of its own. */
const readSizes = { chunkBytes: 256 * 1024, batchPackets: 2048 };
/** A file that starts this much after the wanted end is left out: packets are in order but for small overlaps. */
const disorderUs = 60e6;

interface OpenRingFile {
  readonly path: string;
  readonly handle: Deno.FsFile;
  readonly linktype: number;
  readonly inode: number | null;
  /** Of its records. */
  readonly headerLength: number;
  /** Of its first packet, in whole seconds, and in microseconds. */
  readonly startUs: number;
  readonly firstUs: number;
  /** Packets from here on are left out, the ring has them; null for a file of the ring. */
  readonly ringStartUs: number | null;
}

/** From when on the capture files have packets. */
export interface RingSpan {
  /** Time of the oldest packet, to the second. */
  readonly startUs: number;
  /** The same of the newest file; when it was begun, the file before the oldest one was removed. */
  readonly newestFileUs: number;
}

/**
 * Starts an export; the stream ends after the last packet or at a limit, and without any packet it is a header only.
 *
 * @throws Deno.errors when the folder cannot be read. Files of the ring that cannot be opened are left out.
 */
export function exportPcap(options: PcapExportOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const files = openFiles(options);
  const linktypes = new Set(files.map((file) => file.linktype));
  const linktype = linktypes.size === 1 ? files[0].linktype : Linktype.ethernet;
  const slice = new Slice(options, files, linktype);
  let piecePulled: Promise<unknown> = Promise.resolve();
  return new ReadableStream({
    start(controller) {
      controller.enqueue(pcapFileHeader(linktype, recordCapturedLengthMax, true));
    },
    async pull(controller) {
      const pulled = slice.next();
      piecePulled = pulled;
      const piece = await pulled;
      if (piece === null) controller.close();
      else controller.enqueue(piece);
    },
    /** Ends when the read that is under way has ended. */
    async cancel() {
      slice.close();
      await piecePulled.catch(() => {});
    },
  });
}

/** Null without a packet. Throws as exportPcap(). */
export function ringSpan(folder: string): RingSpan | null {
  const files = openRing({ folder });
  for (const { handle } of files) handle.close();
  if (files.length === 0) return null;
  const starts = files.map(({ startUs }) => startUs);
  return { startUs: Math.min(...starts), newestFileUs: starts.at(-1)! };
}

class Slice {
  readonly #options: PcapExportOptions;
  readonly #files: OpenRingFile[];
  readonly #linktype: number;
  readonly #converter = new EthernetConverter();
  /** A piece while it is gathered. */
  readonly #scratch = new ArrayBuffer(pieceBytes);
  #reader: CaptureFileReader | null = null;
  #batch: PacketBatch | null = null;
  #row = 0;
  /** The current row is wanted, and found no room in its piece. */
  #isRowWanted = false;
  #packetsLeft: number;
  #bytesLeft: number;
  #isFull = false;
  #isClosed = false;
  readonly #isConverted: boolean;
  /** Bounds the packets of the file that is being read. */
  #ringStartUs: number | null = null;
  /** Checkpoints of that file. */
  #track: FileTrack | null = null;
  /** Packets that several findings have kept, by what tells them apart; null in the ring. */
  #kept: Set<string> | null = null;

  constructor(options: PcapExportOptions, files: OpenRingFile[], linktype: number) {
    this.#options = options;
    this.#files = files;
    this.#isConverted = files.some((file) => file.linktype !== linktype);
    this.#isFull = options.packetsMax === 0;
    this.#linktype = linktype;
    this.#packetsLeft = options.packetsMax ?? Infinity;
    this.#bytesLeft = (options.bytesMax ?? Infinity) - fileHeaderLength;
  }

  /** The next records; null at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    while (!this.#isFull) {
      this.#batch ??= await this.#nextBatch();
      if (this.#batch === null) break;
      const records = this.#take(this.#batch);
      this.#bytesLeft -= records.length;
      if (records.length > 0) return records;
    }
    this.close();
    return null;
  }

  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
    this.#reader = null;
    for (const { handle } of this.#files.splice(0)) handle.close();
  }

  async #nextBatch(): Promise<PacketBatch | null> {
    while (true) {
      const reader = this.#reader ??= await this.#openNext();
      if (reader === null) return null;
      this.#row = 0;
      const batch = await reader.nextBatch().catch(nullIfDamaged);
      if (batch !== null) this.#track?.advance(batch);
      if (batch !== null && !this.#isBehind(batch)) return batch;
      if (this.#reader === reader) reader.close();
      this.#reader = null;
    }
  }

  /** All of it, and all that follows in its file, is later than what is wanted. */
  #isBehind({ timestampsUs, count }: PacketBatch): boolean {
    const limitUs = (this.#options.toUs ?? Infinity) + disorderUs;
    for (let row = 0; row < count; row++) if (timestampsUs[row] <= limitUs) return false;
    return count > 0;
  }

  async #openNext(): Promise<CaptureFileReader | null> {
    const file = this.#files.shift();
    if (file === undefined) return null;
    this.#ringStartUs = file.ringStartUs;
    this.#kept = file.ringStartUs === null ? null : this.#kept ?? new Set();
    this.#track = new FileTrack(file);
    const input = startAt(file.handle, this.#track.seek(this.#options.fromUs ?? -Infinity));
    const reader = await CaptureFileReader.openSource(
      await createByteSource(input, file.path, null),
      readSizes,
    );
    if (!this.#isClosed) return reader;
    reader.close();
    return null;
  }

  /** The wanted packets from the current row on, as far as one piece and the limits go. */
  #take(batch: PacketBatch): Uint8Array<ArrayBuffer> {
    const writer = new RecordWriter(this.#scratch);
    for (; this.#row < batch.count && !this.#isFull; this.#row++) {
      if (!this.#isRowWanted && !this.#isWanted(batch, this.#row)) continue;
      this.#isRowWanted = false;
      const recordBytes = recordHeaderLength + batch.capturedLengths[this.#row];
      if (writer.byteLength + recordBytes + this.#growth(writer) > this.#bytesLeft) {
        this.#isFull = true;
      } else if (!writer.append(batch, this.#row)) {
        this.#isRowWanted = true;
        return this.#finishPiece(writer, batch);
      } else {
        this.#packetsLeft--;
        this.#isFull = this.#packetsLeft === 0;
      }
    }
    this.#batch = null;
    return this.#finishPiece(writer, batch);
  }

  /** Most bytes that conversion adds to a piece with one more packet. */
  #growth(writer: RecordWriter): number {
    return this.#isConverted ? (writer.packetCount + 1) * ethernetHeaderLength : 0;
  }

  #finishPiece(writer: RecordWriter, batch: PacketBatch): Uint8Array<ArrayBuffer> {
    const records = new Uint8Array(writer.buffer, 0, writer.byteLength);
    const linktype = batch.linktypes[0];
    if (linktype === this.#linktype) return records.slice();
    return this.#converter.convert(records, writer.packetCount, linktype).bytes.slice();
  }

  #isWanted(batch: PacketBatch, row: number): boolean {
    const { fromUs = -Infinity, toUs = Infinity, matches } = this.#options;
    const timestampUs = batch.timestampsUs[row];
    if (timestampUs < fromUs || timestampUs > toUs) return false;
    if (this.#ringStartUs !== null && timestampUs >= this.#ringStartUs) return false;
    const isMatch = matches === undefined || matches(
      batch.bytes,
      batch.offsets[row],
      batch.capturedLengths[row],
      batch.wireLengths[row],
      batch.linktypes[row],
      timestampUs,
    );
    return isMatch && (this.#kept === null || isFirstOf(this.#kept, batch, row));
  }
}

function openFiles(options: PcapExportOptions): OpenRingFile[] {
  const ring = openRing(options);
  if (options.isRingOnly) return ring;
  const ringStartUs = ringFirstUs(options.folder);
  return [...openEvidence(options, ringStartUs), ...ring];
}

/** Time of the oldest packet of the ring, Infinity without one. */
function ringFirstUs(folder: string): number {
  const files = openRing({ folder });
  for (const { handle } of files) handle.close();
  return Math.min(Infinity, ...files.map(({ firstUs }) => firstUs));
}

function openEvidence(
  { folder, fromUs = -Infinity, toUs = Infinity }: PcapExportOptions,
  ringStartUs: number,
): OpenRingFile[] {
  return listEvidence(folder)
    .filter((file) => file.untilUs > fromUs && file.fromUs <= Math.min(toUs, ringStartUs))
    .flatMap(({ path }) => {
      const file = openRingFile(path, toUs);
      return file === null ? [] : [{ ...file, ringStartUs }];
    });
}

/** Whether a packet has not been met before; FNV-1a of its bytes tells it apart. */
function isFirstOf(
  kept: Set<string>,
  { bytes, offsets, capturedLengths, timestampsUs, nanoseconds }: PacketBatch,
  row: number,
): boolean {
  let hash = 0x811c9dc5;
  const end = offsets[row] + capturedLengths[row];
  for (let at = offsets[row]; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  const key = [timestampsUs[row], nanoseconds[row], capturedLengths[row], hash].join();
  if (kept.has(key)) return false;
  kept.add(key);
  return true;
}

/**
 * Opens the files that can hold wanted packets, oldest first. The one in progress is opened before the others are
 * listed, so that one which is rotated in between is not missed; it may then come twice, and is known by its inode.
 */
function openRing(
  { folder, fromUs = -Infinity, toUs = Infinity }: Pick<
    PcapExportOptions,
    "folder" | "fromUs" | "toUs"
  >,
): OpenRingFile[] {
  const inProgress = openRingFile(`${folder}/${inProgressName}`, toUs);
  const files: OpenRingFile[] = [];
  for (const { path } of listOlderFiles(folder)) {
    const file = openRingFile(path, toUs);
    if (file === null) continue;
    if (file.inode !== null && file.inode === inProgress?.inode) file.handle.close();
    else files.push(file);
  }
  if (inProgress !== null) files.push(inProgress);
  return withoutEarlier(files, fromUs);
}

/** Closes the files that end before `fromUs`, because the next one starts well before it. */
function withoutEarlier(files: readonly OpenRingFile[], fromUs: number): OpenRingFile[] {
  return files.filter(({ handle }, index) => {
    const next = files[index + 1];
    const isEarlier = next !== undefined && next.startUs + disorderUs < fromUs;
    if (isEarlier) handle.close();
    return !isEarlier;
  });
}

/** Null for a file that is gone, has no packet yet, is no capture, or starts after `toUs`. */
function openRingFile(path: string, toUs: number): OpenRingFile | null {
  const handle = ifThere(() => Deno.openSync(path));
  if (handle === null) return null;
  const head = new Uint8Array(fileHeaderLength + recordHeaderLength);
  const header = handle.readSync(head) === head.length ? parsePcapHeader(head) : null;
  const view = new DataView(head.buffer);
  const start = view.getUint32(fileHeaderLength, header?.isLittleEndian) * 1e6;
  const fraction = view.getUint32(fileHeaderLength + 4, header?.isLittleEndian);
  if (header !== null && start <= toUs + disorderUs) {
    return {
      path,
      handle,
      linktype: header.linktype,
      inode: handle.statSync().ino,
      headerLength: header.headerLength,
      startUs: start,
      firstUs: start + (header.isNanosecond ? Math.floor(fraction / 1000) : fraction),
      ringStartUs: null,
    };
  }
  handle.close();
  return null;
}

/** A damaged file of the ring gives what came before the damage, and the export goes on with the next. */
function nullIfDamaged(error: unknown): null {
  if (error instanceof CaptureFormatError) return null;
  throw error;
}
