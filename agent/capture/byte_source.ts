/**
 * Where the bytes of a capture file come from: a file or standard input, unpacked when they are gzip.
 */
import { createGunzip, type Gunzip } from "node:zlib";
import { CaptureFormatError } from "../errors.ts";

export interface ByteSource {
  /** As messages name it. */
  readonly name: string;
  /** Size as stored; null for a pipe. */
  readonly sizeBytes: number | null;
  readonly isGzip: boolean;
  /** Bytes taken so far, as stored: packed ones for gzip. */
  readonly bytesRead: number;
  /** Fills the start of `into` and returns how many bytes; 0 at the end. Throws when the bytes cannot be had. */
  read(into: Uint8Array): Promise<number>;
  close(): void;
}

/** What a source reads from; `Deno.FsFile` and `Deno.stdin` are such. */
export interface ByteInput {
  read(into: Uint8Array): Promise<number | null>;
  close(): void;
}

const headLength = 64 * 1024;
const packedChunkLength = 16 * 1024;

/**
 * Opens a file, or standard input for "-". With `isBlocking` a file is read at once when it is asked for, while the thread
 * waits: cheaper than a second thread's help, for a thread that has nothing else to do.
 *
 * @throws CaptureFormatError when there is no such file, it may not be read, is a folder, or is empty.
 */
export async function openByteSource(path: string, isBlocking = false): Promise<ByteSource> {
  if (path === "-") {
    if (Deno.stdin.isTerminal()) {
      throw new CaptureFormatError(
        'Cannot read a capture from standard input: it is a terminal. Pipe one in, as in "tcpdump -w - | tapwatch analyze -".',
      );
    }
    return await createByteSource(Deno.stdin, "standard input", null);
  }
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path);
    const stat = await file.stat();
    if (!stat.isDirectory) {
      const input = isBlocking && stat.isFile ? readAtOnce(file) : file;
      return await createByteSource(input, path, stat.isFile ? stat.size : null);
    }
  } catch (error) {
    file?.close();
    if (error instanceof CaptureFormatError) throw error;
    throw new CaptureFormatError(describeOpenError(path, error), { cause: error });
  }
  file.close();
  throw new CaptureFormatError(
    `Cannot read ${path}: it is a folder. Name a pcap or pcapng file inside it.`,
  );
}

function readAtOnce(file: Deno.FsFile): ByteInput {
  return {
    // deno-lint-ignore require-await -- what it throws is to be a rejection
    read: async (into) => file.readSync(into),
    close: () => file.close(),
  };
}

/** Wraps an open input, which it then owns; gzip is known by its first bytes. */
export async function createByteSource(
  input: ByteInput,
  name: string,
  sizeBytes: number | null,
): Promise<ByteSource> {
  const head = new Uint8Array(headLength);
  let length = 0;
  while (length < 4) {
    const read = await input.read(head.subarray(length));
    if (read === null || read === 0) break;
    length += read;
  }
  if (length === 0) {
    throw new CaptureFormatError(
      `Cannot read ${name}: it is empty (0 bytes). A capture file has at least a header of 24 bytes.`,
    );
  }
  const plain = new PlainSource(input, name, sizeBytes, head.slice(0, length));
  return head[0] === 0x1f && head[1] === 0x8b ? new GzipSource(plain) : plain;
}

function describeOpenError(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return `Cannot read ${path}: no such file. Check the path, or use - for standard input.`;
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return `Cannot read ${path}: permission denied. Make it readable for this user, or run as one who may read it.`;
  }
  return `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}.`;
}

class PlainSource implements ByteSource {
  readonly isGzip = false;
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

/**
 * Unpacks gzip, also of several members. One piece of input is unpacked at a time and all that it gives is kept
 * before the next, so that a file that is cut off or damaged gives everything that came before. 16 KiB of deflate
 * unpack to at most 17 MB.
 */
class GzipSource implements ByteSource {
  readonly isGzip = true;
  #plain: PlainSource;
  #gunzip: Gunzip;
  #input = new Uint8Array(packedChunkLength);
  #output: Uint8Array[] = [];
  #error: Error | null = null;
  #isEnded = false;

  constructor(plain: PlainSource) {
    this.#plain = plain;
    this.#gunzip = createGunzip({ chunkSize: 64 * 1024 });
    this.#gunzip.on("data", (chunk: Uint8Array) => this.#output.push(chunk));
    this.#gunzip.on("error", (error: Error) => this.#error = error);
  }

  get name(): string {
    return this.#plain.name;
  }
  get sizeBytes(): number | null {
    return this.#plain.sizeBytes;
  }
  get bytesRead(): number {
    return this.#plain.bytesRead;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#output.length === 0) {
      if (this.#error !== null) throw this.#error;
      if (this.#isEnded) return 0;
      await this.#unpackMore();
    }
    return this.#takeOutput(into);
  }

  close(): void {
    this.#gunzip.destroy();
    this.#plain.close();
  }

  async #unpackMore(): Promise<void> {
    const read = await this.#plain.read(this.#input);
    await new Promise<void>((resolve) => {
      const finish = () => {
        this.#gunzip.off("error", finish).off("end", finish);
        resolve();
      };
      this.#gunzip.once("error", finish);
      if (read > 0) {
        this.#gunzip.write(this.#input.subarray(0, read), finish);
      } else {
        this.#isEnded = true;
        this.#gunzip.once("end", finish);
        this.#gunzip.end();
      }
    });
  }

  #takeOutput(into: Uint8Array): number {
    let filled = 0;
    while (this.#output.length > 0 && filled < into.length) {
      const chunk = this.#output[0];
      const part = chunk.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.#output.shift();
      else this.#output[0] = chunk.subarray(part.length);
    }
    return filled;
  }
}
