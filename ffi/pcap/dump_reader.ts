/**
 * Batches by one `pcap_dispatch` with libpcap's own `pcap_dump` as the callback, into a MemoryFile: one call from
 * JavaScript a batch, whatever the number of packets.
 */
import { type BatchResult, RecordHeader } from "../capture/capture_handle.ts";
import { batchBytes, type BatchReader, countRecords, expectedRecordBytes } from "./batch_reader.ts";
import { handleError } from "./errors.ts";
import { PcapCode } from "./layout.ts";
import { MemoryFile } from "./memory_file.ts";
import type { DumpFunctions, PcapLibrary } from "./symbols.ts";

export class DumpReader implements BatchReader {
  readonly #library: PcapLibrary;
  readonly #handle: Deno.PointerObject;
  readonly #pcapDump: Deno.PointerObject;
  readonly #file: MemoryFile;
  readonly #packetsMax: number;
  readonly #snaplen: number;
  #recordBytes: number;

  constructor(
    library: PcapLibrary,
    functions: DumpFunctions,
    options: { handle: Deno.PointerObject; snaplen: number; packetsMax: number },
  ) {
    this.#library = library;
    this.#handle = options.handle;
    this.#pcapDump = functions.pcapDump;
    this.#file = new MemoryFile(library, functions, {
      handle: options.handle,
      byteLength: batchBytes,
    });
    this.#packetsMax = options.packetsMax;
    this.#snaplen = options.snaplen;
    this.#recordBytes = expectedRecordBytes(options.snaplen);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#file.bytes;
  }

  /** Throws CaptureError when the device fails; packets that came before are a batch of their own. */
  async read(): Promise<BatchResult> {
    const code = await this.#library.pcap.pcap_dispatch(
      this.#handle,
      this.#countMax(),
      this.#pcapDump,
      this.#file.dumper,
    );
    const taken = this.#file.take();
    const isBroken = code === PcapCode.break;
    if (code >= 0 && !taken.hasOverflowed) {
      return { byteLength: taken.byteLength, packetCount: code, lostPackets: 0, isBroken };
    }
    const records = countRecords(this.#file.bytes, taken.byteLength);
    if (code < 0 && !isBroken && records.packetCount === 0) {
      throw handleError(this.#library, this.#handle, { operation: "read", code });
    }
    if (!taken.hasOverflowed) return { ...records, lostPackets: 0, isBroken };
    this.#recordBytes = Math.min(2 * this.#recordBytes, RecordHeader.size + this.#snaplen);
    // A broken dispatch does not say how many packets it had; one was lost for certain.
    return { ...records, lostPackets: Math.max(1, code - records.packetCount), isBroken };
  }

  close(): void {
    this.#file.close();
  }

  /**
   * As many packets as fit even if all are of the longest kind, so that a full buffer is no everyday matter: 508 for
   * frames of up to 64 KiB, at a cost of some 30 microseconds a call.
   */
  #countMax(): number {
    const fitting = Math.floor(this.#file.bytes.length / this.#recordBytes);
    return Math.max(1, Math.min(this.#packetsMax, fitting));
  }
}
