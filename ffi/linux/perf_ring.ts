/**
 * Reads the records of one ring of perf_event_open(2), which the kernel writes and never writes over unread.
 *
 *     page 0: 1024 u64 data_head | u64 data_tail | u64 data_offset | u64 data_size      then data_size bytes, a power of two
 *     record: u32 type | u16 misc | u16 size, this header included, of 8 bytes each; it may go on at the start of the data
 */
const headWord = 1024 / 8;
const tailWord = 1032 / 8;
const offsetAt = 1040;
const sizeAt = 1048;
const headerBytes = 8;
/** A record has at most so many, for its size is a u16. */
const recordBytesMax = 65536;

/** `record` is the whole record, good until the call returns. */
export type OnRecord = (type: number, record: DataView) => void;

export class PerfRing {
  readonly #words: BigInt64Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #offset: number;
  readonly #size: number;
  /** Of records that go on at the start. */
  readonly #joined = new Uint8Array(recordBytesMax);

  /** Of memory that stays mapped. */
  static at(address: bigint, byteLength: number): PerfRing {
    const pointer = Deno.UnsafePointer.create(address)!;
    return new PerfRing(Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength));
  }

  /** Throws RangeError for what is no ring. */
  constructor(buffer: ArrayBuffer) {
    this.#words = new BigInt64Array(buffer, 0, (sizeAt + 8) / 8);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#offset = Number(this.#view.getBigUint64(offsetAt, true));
    this.#size = Number(this.#view.getBigUint64(sizeAt, true));
    const isPowerOfTwo = this.#size > 0 && (this.#size & (this.#size - 1)) === 0;
    if (!isPowerOfTwo || this.#offset + this.#size > buffer.byteLength) {
      throw new RangeError(`Cannot read a ring of ${this.#size} bytes at ${this.#offset}`);
    }
  }

  /** Takes what has been written when it is called. */
  drain(onRecord: OnRecord): void {
    const tail = this.#words[tailWord]!;
    const head = Atomics.load(this.#words, headWord);
    const byteLength = Number(head - tail);
    if (byteLength === 0) return;
    // Two threads have read at once, for a moment, when one took over from the other.
    if (byteLength < 0 || byteLength > this.#size) {
      Atomics.store(this.#words, tailWord, head);
      return;
    }
    const start = Number(tail & BigInt(this.#size - 1));
    for (let done = 0; done + headerBytes <= byteLength;) {
      const at = this.#offset + ((start + done) & (this.#size - 1));
      const size = this.#view.getUint16(at + 6, true);
      // Never by the kernel; the rest cannot be read then.
      if (size < headerBytes || done + size > byteLength) break;
      onRecord(this.#view.getUint32(at, true), this.#record(at, size));
      done += size;
    }
    Atomics.store(this.#words, tailWord, head);
  }

  #record(at: number, size: number): DataView {
    const end = this.#offset + this.#size;
    if (at + size <= end) return new DataView(this.#bytes.buffer, at, size);
    this.#joined.set(this.#bytes.subarray(at, end));
    this.#joined.set(
      this.#bytes.subarray(this.#offset, this.#offset + size - (end - at)),
      end - at,
    );
    return new DataView(this.#joined.buffer, 0, size);
  }
}
