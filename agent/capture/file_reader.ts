/**
 * Reads a pcap or pcapng file (plain or gzip, or standard input) as batches of packets, in constant memory and
 * without copying a packet: batches point into the chunk that was read.
 *
 *     slot    | carry: end of the chunk before | chunk                          |
 *                                    ^ position                                 ^ end
 *
 * Two slots take turns: while one is indexed and used, the next chunk is read into the other one, or behind it where
 * reading blocks (`analyze` needs 2 % less of the processor so). What is left at the end of a chunk, the start of a record
 * that goes on in the next, is copied in front of that one.
 *
 * Memory: two slots of 64 KiB carry and 2 MiB chunk (256 KiB in a CaptureMemory), and a batch of 0.5 MiB. A record that is
 * larger than the carry enlarges it to the record's size, which is at most 16 MiB (`capturedLengthMax`, `blockLengthMax`).
 */
import { CaptureFormatError, messageOf } from "../errors.ts";
import { createPacketBatch, type PacketBatch } from "../records.ts";
import { openByteSource } from "./byte_source.ts";
import { describeContent } from "./content_kind.ts";
import { DamageError } from "./plain_source.ts";
import { capturedLengthMax, describeLinktype, isDecodedLinktype } from "./linktypes.ts";
import { isPcapMagic, parsePcapHeader, type PcapHeader } from "./pcap_header.ts";
import { fileHeaderLength, IndexCursor, indexRecords, type RecordLayout } from "./pcap_records.ts";
import type { ByteSource } from "./plain_source.ts";
import { PcapngIndexer, sectionHeaderLengthMin, sectionHeaderType } from "./pcapng_indexer.ts";

export interface CaptureFileOptions {
  /** Bytes read at a time; 2 MiB unless told, 256 KiB in `memory`. */
  readonly chunkBytes?: number;
  /** Most packets in a batch; 16,384 unless told. */
  readonly batchPackets?: number;
  /** Where batches and chunks are to lie, instead of in memory of the reader's own; for one open reader at a time. */
  readonly memory?: CaptureMemory;
  /** See openByteSource(). */
  readonly isBlocking?: boolean;
}

/** Memory of somebody who can use batches in it without copying: an empty batch, and room for two slots. */
export interface CaptureMemory {
  readonly batch: PacketBatch;
  readonly bytes: Uint8Array;
  /**
   * Counted by the readers: one that is closed early may leave a read behind that still writes, and until that has ended
   * the next reader does not use the memory.
   */
  readsUnderWay: number;
  /**
   * Takes the packets of the whole records of `bytes`, which lie in this memory, from `position` to `end`, and returns how
   * many; it stops at a record that claims more than `lengthMax` captured bytes. The last one is left at place 0 of the
   * batch. It may take none: then they are indexed as those of other files are.
   */
  takePcap(records: {
    readonly bytes: Uint8Array;
    readonly position: number;
    readonly end: number;
    readonly layout: RecordLayout;
    readonly lengthMax: number;
  }): number;
}

/** What is known of a capture file; counts are those so far. */
export interface CaptureFileInfo {
  readonly name: string;
  readonly format: "pcap" | "pcapng";
  readonly isGzip: boolean;
  /** LINKTYPE_ values of the file header or the interface blocks, in order of appearance. */
  readonly linktypes: readonly number[];
  /** By interface number; "" where the file gives no name. */
  readonly interfaceNames: readonly string[];
  /** Size as stored; null for a pipe. */
  readonly sizeBytes: number | null;
  /** Bytes read so far of the file as stored. */
  readonly bytesRead: number;
  readonly packets: number;
  /** Unpacked bytes up to the end of the last whole record that was read. */
  readonly recordsEnd: number;
  /** True when the file ended inside a record. */
  readonly isTruncated: boolean;
  /** True when reading stopped at bytes that are no record. */
  readonly isDamaged: boolean;
  /** Full sentences, without repetition, at most 100. */
  readonly warnings: readonly string[];
}

interface Slot {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the chunk starts. */
  readonly carry: number;
}

type Indexer = (batch: PacketBatch, view: DataView, cursor: IndexCursor, end: number) => void;

const carryBytes = 64 * 1024;
/** Small enough that a chunk is still in the processor's cache when it is decoded: 8 MiB takes half as long again. */
const chunkBytesDefault = 2 * 1024 * 1024;
/** In a CaptureMemory both chunks even stay in the cache of the core, which shares it with nobody. */
const memoryChunkBytes = 256 * 1024;
/** Bytes of a CaptureMemory. */
export const captureMemoryBytes = 2 * (carryBytes + memoryChunkBytes);
const warningsMax = 100;

export class CaptureFileReader {
  #source: ByteSource;
  #batch: PacketBatch;
  #chunkBytes: number;
  #current: Slot;
  #other: Slot;
  /** Read into `#other` that is under way; null where that is read only when it is needed. */
  #pending: Promise<number> | null;
  /** A read that blocks would only push the chunk in hand out of the cache before its packets are taken. */
  readonly #readsAhead: boolean;
  readonly #memory: CaptureMemory | undefined;
  #cursor = new IndexCursor();
  #end: number;
  /** Unpacked bytes of the file before byte 0 of `#current`. */
  #base: number;
  #format: "pcap" | "pcapng" = "pcap";
  #indexer: Indexer = () => {};
  #linktypes: number[] = [];
  #interfaceNames: string[] = [];
  #warnings = new Set<string>();
  #packets = 0;
  #isTruncated = false;
  #isDamaged = false;
  #isDone = false;

  private constructor(source: ByteSource, options: CaptureFileOptions) {
    this.#source = source;
    const memory = options.memory?.readsUnderWay === 0 ? options.memory : undefined;
    this.#memory = memory;
    this.#chunkBytes = Math.min(
      options.chunkBytes ?? (memory ? memoryChunkBytes : chunkBytesDefault),
      source.isGzip ? Infinity : Math.max(source.sizeBytes ?? Infinity, 1024),
    );
    const slotBytes = carryBytes + this.#chunkBytes;
    this.#batch = memory?.batch ?? createPacketBatch(options.batchPackets ?? 16_384);
    this.#current = createSlot(carryBytes, memory?.bytes.subarray(0, slotBytes), slotBytes);
    this.#other = createSlot(carryBytes, memory?.bytes.subarray(slotBytes), slotBytes);
    this.#end = carryBytes;
    this.#base = -carryBytes;
    this.#cursor.position = carryBytes;
    const blocks = options.isBlocking === true && source.sizeBytes !== null && !source.isGzip;
    this.#readsAhead = !blocks;
    this.#pending = this.#readsAhead ? this.#startRead() : null;
  }

  /**
   * Opens the file at `path` ("-" is standard input) and reads as far as its header.
   *
   * @throws CaptureFormatError when it cannot be read or is no pcap or pcapng file.
   */
  static async open(path: string, options: CaptureFileOptions = {}): Promise<CaptureFileReader> {
    return await CaptureFileReader.openSource(
      await openByteSource(path, options.isBlocking),
      options,
    );
  }

  /** As `open`, for a source that is open already; the reader owns it, also when this throws. */
  static async openSource(
    source: ByteSource,
    options: CaptureFileOptions = {},
  ): Promise<CaptureFileReader> {
    const reader = new CaptureFileReader(source, options);
    try {
      await reader.#readHeader();
    } catch (error) {
      reader.close();
      throw error;
    }
    return reader;
  }

  /**
   * The next packets in file order, or null at the end. The object and what it points to are the same each time
   * and valid until the next call. It is empty when the owner of the memory has taken packets by itself.
   *
   * @throws CaptureFormatError when the first record is already no record, so that nothing could be read.
   */
  async nextBatch(): Promise<PacketBatch | null> {
    const batch = this.#batch;
    while (!this.#isDone) {
      batch.count = 0;
      const packetsBefore = this.#packets;
      this.#indexer(batch, this.#current.view, this.#cursor, this.#end);
      if (batch.count > 0 || this.#packets > packetsBefore) {
        batch.bytes = this.#current.bytes;
        this.#packets += batch.count;
        return batch;
      }
      if (this.#cursor.fault !== "") this.#stopAt(this.#cursor.fault, this.#offset);
      else if (!await this.#advance()) this.#finish();
    }
    return null;
  }

  get info(): CaptureFileInfo {
    return {
      name: this.#source.name,
      format: this.#format,
      isGzip: this.#source.isGzip,
      linktypes: this.#linktypes,
      interfaceNames: this.#interfaceNames,
      sizeBytes: this.#source.sizeBytes,
      bytesRead: this.#source.bytesRead,
      packets: this.#packets,
      recordsEnd: this.#offset,
      isTruncated: this.#isTruncated || this.#source.isTruncated,
      isDamaged: this.#isDamaged || this.#source.isDamaged,
      warnings: [...this.#source.warnings, ...this.#warnings].slice(0, warningsMax),
    };
  }

  close(): void {
    this.#isDone = true;
    this.#pending?.catch(() => {});
    this.#source.close();
  }

  /** Place of the cursor in the unpacked file. */
  get #offset(): number {
    return this.#base + this.#cursor.position;
  }

  async #readHeader(): Promise<void> {
    const head = await this.#fill(fileHeaderLength);
    if (isPcapMagic(head)) this.#usePcap(head);
    else if (hasSectionHeader(head)) this.#usePcapng(await this.#fill(sectionHeaderLengthMin));
    else {
      throw new CaptureFormatError(
        `Cannot read ${this.#source.name}: not a pcap or pcapng file; ${
          describeContent(head)
        } (at byte 0).${this.#source.warnings.map((text) => ` ${text}`).join("")}`,
      );
    }
  }

  /** The start of the file, `length` bytes of it if it has that many. */
  async #fill(length: number): Promise<Uint8Array> {
    while (this.#end - this.#cursor.position < length && await this.#advance());
    return this.#current.bytes.subarray(this.#cursor.position, this.#end);
  }

  #usePcap(head: Uint8Array): void {
    const header = parsePcapHeader(head);
    if (header === null) this.#refuseCutHeader("pcap file", head.length, fileHeaderLength);
    this.#warnOfVersion(header);
    this.#addInterface(header.linktype, "");
    this.#indexer = (batch, view, cursor, end) => {
      this.#takeInMemory(header);
      indexRecords(batch, view, cursor, end, header);
    };
    this.#cursor.position += fileHeaderLength;
  }

  /** Lets the owner of the memory take the chunk's packets, unless it lies in one of the reader's own. */
  #takeInMemory(layout: RecordLayout): void {
    const memory = this.#memory;
    const { bytes } = this.#current;
    if (!memory || bytes.buffer !== memory.bytes.buffer) return;
    const { position } = this.#cursor;
    const lengthMax = capturedLengthMax(layout.linktype);
    const count = memory.takePcap({ bytes, position, end: this.#end, layout, lengthMax });
    if (count === 0) return;
    const { offsets, capturedLengths } = memory.batch;
    this.#packets += count;
    this.#cursor.position = offsets[0] + capturedLengths[0];
  }

  #warnOfVersion(header: PcapHeader): void {
    if (header.version === "2.4") return;
    this.#warn(`The file header names pcap version ${header.version}; it is read as version 2.4.`);
  }

  #refuseCutHeader(kind: string, length: number, needed: number): never {
    throw new CaptureFormatError(
      `Cannot read ${this.#source.name}: the ${kind} header is cut off at byte ${length}; it needs ${needed} bytes.`,
    );
  }

  #usePcapng(head: Uint8Array): void {
    if (head.length < sectionHeaderLengthMin) {
      this.#refuseCutHeader("pcapng section", head.length, sectionHeaderLengthMin);
    }
    this.#format = "pcapng";
    const blocks = new PcapngIndexer({
      addInterface: (linktype, name) => this.#addInterface(linktype, name),
      warn: (text) => this.#warn(text),
    });
    this.#indexer = (batch, view, cursor, end) => blocks.index(batch, view, cursor, end);
  }

  #addInterface(linktype: number, name: string): void {
    this.#interfaceNames.push(name);
    if (this.#linktypes.includes(linktype)) return;
    this.#linktypes.push(linktype);
    if (isDecodedLinktype(linktype)) return;
    this.#warn(
      `Link type ${describeLinktype(linktype)} is not decoded: its packets are only counted.`,
    );
  }

  #warn(text: string): void {
    if (this.#warnings.size < warningsMax) this.#warnings.add(text);
  }

  #startRead(): Promise<number> {
    const { bytes, carry } = this.#other;
    const pending = this.#source.read(bytes.subarray(carry, carry + this.#chunkBytes));
    const memory = this.#memory;
    if (memory) memory.readsUnderWay++;
    const settle = () => {
      if (memory) memory.readsUnderWay--;
    };
    // Whoever awaits it gets the error too; this only keeps one that nobody awaits any more from ending the process.
    pending.then(settle, settle);
    return pending;
  }

  /** Goes on to the next chunk, with what is left of this one in front; false when there is none. */
  async #advance(): Promise<boolean> {
    let read: number;
    try {
      read = await (this.#pending ?? this.#startRead());
    } catch (error) {
      if (this.#isDone) return false;
      this.#readFailed(error);
      return false;
    }
    if (read === 0 || this.#isDone) return false;
    const rest = this.#current.bytes.subarray(this.#cursor.position, this.#end);
    const next = this.#slotWithRoom(this.#other, Math.max(rest.length, this.#cursor.needed), read);
    const position = next.carry - rest.length;
    next.bytes.set(rest, position);
    this.#base = this.#offset - position;
    this.#other = this.#current;
    this.#current = next;
    this.#cursor.position = position;
    this.#end = next.carry + read;
    this.#pending = this.#readsAhead ? this.#startRead() : null;
    return true;
  }

  /** `slot` itself, or a copy of its chunk with a larger carry. */
  #slotWithRoom(slot: Slot, carry: number, read: number): Slot {
    if (carry <= slot.carry) return slot;
    const larger = createSlot(carry, undefined, carry + this.#chunkBytes);
    larger.bytes.set(slot.bytes.subarray(slot.carry, slot.carry + read), carry);
    return larger;
  }

  /** The end of the file: inside a record it is a warning. */
  #finish(): void {
    this.#isDone = true;
    const rest = this.#end - this.#cursor.position;
    if (rest === 0 || this.#isDamaged) return;
    this.#isTruncated = true;
    this.#warn(
      `The file is cut off: the record at byte ${this.#offset} needs ${this.#cursor.needed} bytes, and ${rest} are there.`,
    );
  }

  #readFailed(error: unknown): void {
    if (error instanceof DamageError) {
      this.#stopAt(error.message, error.offset, "packed byte");
      return;
    }
    const text = messageOf(error);
    this.#stopAt(`reading failed (${text})`, this.#source.bytesRead);
  }

  /** Ends the file at bytes that are no record: a warning when packets came before, else an error. */
  #stopAt(reason: string, offset: number, place = "byte"): void {
    this.#isDone = true;
    this.#isDamaged = true;
    const where = this.#source.isGzip && place === "byte" ? "unpacked byte" : place;
    if (this.#packets === 0) {
      throw new CaptureFormatError(
        `Cannot read ${this.#source.name}: the file is damaged at ${where} ${offset}: ${reason}. No packet comes before that.`,
      );
    }
    this.#warn(
      `The file is damaged at ${where} ${offset}: ${reason}. Only the ${this.#packets} packets before that were read.`,
    );
  }
}

/** A slot of `length` bytes, in `memory` when that has as many. */
function createSlot(carry: number, memory: Uint8Array | undefined, length: number): Slot {
  const fits = memory !== undefined && memory.length >= length;
  const bytes = fits ? memory.subarray(0, length) : new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, length), carry };
}

function hasSectionHeader(head: Uint8Array): boolean {
  return head.length >= 4 &&
    new DataView(head.buffer, head.byteOffset).getUint32(0, true) === sectionHeaderType;
}
