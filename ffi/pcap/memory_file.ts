/**
 * A capture file in memory: glibc's `fmemopen` over a block of memory, with libpcap's `pcap_dump` as the writer, so that
 * thousands of packets become file records without a call into JavaScript.
 *
 * The memory is the C library's and not the garbage collector's: when a worker is terminated during a read, libpcap's
 * thread goes on writing, and must not find the memory in other hands.
 */
import { handleError } from "./errors.ts";
import { type DumpFunctions, type PcapLibrary, toCString } from "./symbols.ts";

export class MemoryFile {
  /** Not to be touched after `close()`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #memory: Deno.PointerObject;
  readonly #library: PcapLibrary;
  readonly #functions: DumpFunctions;
  readonly #handle: Deno.PointerObject;
  #dumper: Deno.PointerObject;
  #file: Deno.PointerObject;

  /**
   * `handle` is an activated (or dead) pcap_t, which must outlive the file. Throws CaptureError where `pcap_dump` does
   * not know the handle's link type.
   */
  constructor(
    library: PcapLibrary,
    functions: DumpFunctions,
    { handle, byteLength }: { handle: Deno.PointerObject; byteLength: number },
  ) {
    const memory = functions.libc.malloc(BigInt(byteLength));
    if (memory === null) throw new RangeError(`No memory for a batch of ${byteLength} bytes`);
    this.#memory = memory;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(memory, byteLength));
    this.#library = library;
    this.#functions = functions;
    this.#handle = handle;
    try {
      [this.#file, this.#dumper] = this.#open();
    } catch (error) {
      functions.libc.free(memory);
      throw error;
    }
  }

  /** The `user` argument of `pcap_dump`; changes when an overflow had the file opened again. */
  get dumper(): Deno.PointerObject {
    return this.#dumper;
  }

  /**
   * Ends a batch: what was written since the last call stands at the start of `bytes`, and the next batch overwrites
   * it. `hasOverflowed` means that at least the last record is missing or cut off.
   */
  take(): { byteLength: number; hasOverflowed: boolean } {
    const { libc } = this.#functions;
    const isFlushed = libc.fflush(this.#file) === 0;
    const hasOverflowed = !isFlushed || libc.ferror(this.#file) !== 0;
    if (hasOverflowed) return this.#takeOverflowed();
    const byteLength = Number(libc.ftell(this.#file));
    libc.rewind(this.#file);
    return { byteLength, hasOverflowed };
  }

  close(): void {
    this.#library.pcap.pcap_dump_close(this.#dumper);
    this.#functions.libc.free(this.#memory);
  }

  /** A stream that could not write keeps its rest and writes it later, into another batch: it is thrown away. */
  #takeOverflowed() {
    this.#library.pcap.pcap_dump_close(this.#dumper);
    const header = this.bytes.slice(0, fileHeaderBytes);
    [this.#file, this.#dumper] = this.#open();
    this.bytes.set(header);
    return { byteLength: this.bytes.length, hasOverflowed: true };
  }

  #open(): [Deno.PointerObject, Deno.PointerObject] {
    const { libc } = this.#functions;
    const file = libc.fmemopen(this.#memory, BigInt(this.bytes.length), toCString("w"));
    if (file === null) throw new Error("fmemopen() gave no stream");
    const dumper = this.#library.pcap.pcap_dump_fopen(this.#handle, file);
    if (dumper === null) {
      libc.fclose(file);
      throw handleError(this.#library, this.#handle, { operation: "open", code: -1 });
    }
    // Gets the file header out of the stream, so that records start at the first byte.
    libc.fflush(file);
    libc.rewind(file);
    return [file, dumper];
  }
}

const fileHeaderBytes = 24;
