/** The bytes of a capture file as they are stored, and what every source of bytes offers. */

export interface ByteSource {
  /** As messages name it. */
  readonly name: string;
  /** Size as stored; null for a pipe. */
  readonly sizeBytes: number | null;
  readonly isGzip: boolean;
  /** Bytes taken so far, as stored: packed ones for gzip. */
  readonly bytesRead: number;
  /** Sentences about how the bytes were packed; more may come until the end. */
  readonly warnings: readonly string[];
  /** True once packed data have ended too early, or have been found to be damaged; all that could be unpacked is given. */
  readonly isTruncated: boolean;
  readonly isDamaged: boolean;
  /** Fills the start of `into` and returns how many bytes; 0 at the end. Throws when no more can be had, DamageError for packed ones. */
  read(into: Uint8Array): Promise<number>;
  close(): void;
}

/** Packed bytes that cannot be unpacked; `offset` is their place, as stored. */
export class DamageError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** What a source reads from; `Deno.FsFile` and `Deno.stdin` are such. */
export interface ByteInput {
  read(into: Uint8Array): Promise<number | null>;
  close(): void;
}

export class PlainSource implements ByteSource {
  readonly isGzip = false;
  readonly warnings = [];
  readonly isTruncated = false;
  readonly isDamaged = false;
  readonly name: string;
  readonly sizeBytes: number | null;
  bytesRead = 0;
  #input: ByteInput;
  /** Bytes that were read to know the format and are still to be given out. */
  #head: Uint8Array;

  constructor(input: ByteInput, name: string, sizeBytes: number | null, head: Uint8Array) {
    this.#input = input;
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.#head = head;
  }

  async read(into: Uint8Array): Promise<number> {
    let read = Math.min(this.#head.length, into.length);
    if (read > 0) {
      into.set(this.#head.subarray(0, read));
      this.#head = this.#head.subarray(read);
    } else {
      read = await this.#input.read(into) ?? 0;
    }
    this.bytesRead += read;
    return read;
  }

  close(): void {
    this.#input.close();
  }
}

/** Whether a file that begins with these bytes is gzip. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}
