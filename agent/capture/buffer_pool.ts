/** A bounded set of buffers that travel between threads; whoever needs one waits until one is back. */
export class BufferPool {
  readonly size: number;
  readonly #bufferBytes: number;
  #free: ArrayBuffer[] = [];
  #made = 0;
  #waiting: ((buffer: ArrayBuffer | null) => void) | null = null;
  #isClosed = false;

  /** At most `size` buffers of `bufferBytes` bytes, made when they are first needed. */
  constructor(size: number, bufferBytes: number) {
    this.size = size;
    this.#bufferBytes = bufferBytes;
  }

  /** Buffers that are out. */
  get inFlight(): number {
    return this.#made - this.#free.length;
  }

  /** A free buffer, as soon as there is one; null once the pool is closed. One caller at a time. */
  take(): Promise<ArrayBuffer | null> {
    if (this.#isClosed) return Promise.resolve(null);
    const buffer = this.#free.pop() ?? this.#make();
    if (buffer !== undefined) return Promise.resolve(buffer);
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Takes a buffer back. */
  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(this.#free.pop() ?? null);
  }

  /** Ends the wait of whoever waits. */
  close(): void {
    this.#isClosed = true;
    this.#waiting?.(null);
    this.#waiting = null;
  }

  #make(): ArrayBuffer | undefined {
    if (this.#made === this.size) return undefined;
    this.#made++;
    return new ArrayBuffer(this.#bufferBytes);
  }
}
