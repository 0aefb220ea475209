/**
 * The queue between a capture device and the pipeline: a bounded pool of buffers that are filled with whole capture
 * records, transferred to the pipeline and given back by it.
 *
 * Policy: while the pipeline keeps up, each batch goes out at once; when it is behind, batches are collected in the
 * buffer at hand until that is full, so that all of the pool's bytes hold packets; when no buffer is free, packets are
 * dropped and counted. Nothing here ever waits. Buffers that a burst had needed go back to the system when it is over.
 */
import type { BatchMessage, SourceToPipeline } from "../messages.ts";

export interface OutboxOptions {
  readonly interfaceId: number;
  readonly bufferBytes: number;
  readonly bufferCountMax: number;
  readonly send: (message: SourceToPipeline, transfer: ArrayBuffer[]) => void;
}

/** Buffers underway with which the pipeline counts as keeping up: one that it works on and one that waits. */
const promptDepth = 2;
/** Free buffers that are kept whether or not they are used. */
const spareMin = 1;
const recordHeaderBytes = 16;
const capturedLengthOffset = 8;

export class LiveOutbox {
  /** Packets that found no room. */
  queueDrops = 0;
  readonly queueMax: number;
  readonly #options: OutboxOptions;
  readonly #free: ArrayBuffer[] = [];
  #allocated = 0;
  /** The fewest that were free since the last `shrink()`. */
  #unused = 0;
  #linktype = 0;
  #isNanosecond = false;
  #current: Uint8Array<ArrayBuffer> | null = null;
  #byteLength = 0;
  #packetCount = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.queueMax = options.bufferCountMax;
  }

  /** Buffers that the pipeline has. */
  get queueDepth(): number {
    return this.#allocated - this.#free.length - (this.#current === null ? 0 : 1);
  }

  /** What the records that follow are. */
  setFormat({ linktype, isNanosecond }: Pick<BatchMessage, "linktype" | "isNanosecond">): void {
    if (linktype !== this.#linktype || isNanosecond !== this.#isNanosecond) this.#sendCurrent();
    this.#linktype = linktype;
    this.#isNanosecond = isNanosecond;
  }

  /** Takes a copy of the whole records in `bytes`, or counts them as dropped. */
  append(bytes: Uint8Array, packetCount: number): void {
    let start = 0;
    let packetsLeft = packetCount;
    while (start < bytes.length) {
      this.#current ??= this.#takeBuffer();
      if (this.#current === null) {
        this.queueDrops += packetsLeft;
        return;
      }
      const fitting = this.#fit(bytes, { start, packetsLeft });
      this.#current.set(bytes.subarray(start, fitting.end), this.#byteLength);
      this.#byteLength += fitting.end - start;
      this.#packetCount += fitting.packetCount;
      start = fitting.end;
      packetsLeft -= fitting.packetCount;
      if (start < bytes.length) this.#sendCurrent();
    }
    if (this.queueDepth < promptDepth) this.#sendCurrent();
  }

  /** The pipeline has given `buffer` back. */
  giveBack(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    if (this.queueDepth < promptDepth) this.#sendCurrent();
  }

  /** Gives back to the system what was not needed since the call before. */
  shrink(): void {
    for (let left = this.#unused - spareMin; left > 0; left--) {
      // Frees its bytes now; the collector may be long in coming.
      this.#free.shift()!.transfer(0);
      this.#allocated--;
    }
    this.#unused = this.#free.length;
  }

  /** Sends what is left, and word that nothing follows. */
  end(): void {
    this.#sendCurrent();
    this.#options.send({ type: "end", interfaceId: this.#options.interfaceId }, []);
  }

  /** The longest row of whole records from `start` for which the current buffer has room. */
  #fit(bytes: Uint8Array, { start, packetsLeft }: { start: number; packetsLeft: number }) {
    const limit = start + this.#options.bufferBytes - this.#byteLength;
    if (bytes.length <= limit) return { end: bytes.length, packetCount: packetsLeft };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let end = start;
    let packetCount = 0;
    while (end < bytes.length) {
      const next = end + recordHeaderBytes + view.getUint32(end + capturedLengthOffset, true);
      if (next > limit) break;
      end = next;
      packetCount++;
    }
    return { end, packetCount };
  }

  #takeBuffer(): Uint8Array<ArrayBuffer> | null {
    const returned = this.#free.pop();
    this.#unused = Math.min(this.#unused, this.#free.length);
    if (returned !== undefined) return new Uint8Array(returned);
    if (this.#allocated === this.#options.bufferCountMax) return null;
    this.#allocated++;
    return new Uint8Array(this.#options.bufferBytes);
  }

  #sendCurrent(): void {
    if (this.#current === null || this.#packetCount === 0) return;
    const { buffer } = this.#current;
    const message: BatchMessage = {
      type: "batch",
      interfaceId: this.#options.interfaceId,
      linktype: this.#linktype,
      isNanosecond: this.#isNanosecond,
      buffer,
      byteLength: this.#byteLength,
      packetCount: this.#packetCount,
    };
    this.#current = null;
    this.#byteLength = 0;
    this.#packetCount = 0;
    this.#options.send(message, [buffer]);
  }
}
