/**
 * Where the bytes of a capture file come from: a file or standard input, unpacked when they are gzip.
 */
import { CaptureFormatError, messageOf } from "../errors.ts";
import { type ByteInput, type ByteSource, isGzip, PlainSource } from "./plain_source.ts";

const headLength = 64 * 1024;

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
  if (!isGzip(head.subarray(0, length))) return plain;
  const { GzipSource } = await import("./gzip_source.ts");
  return new GzipSource(plain);
}

function describeOpenError(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return `Cannot read ${path}: no such file. Check the path, or use - for standard input.`;
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return `Cannot read ${path}: permission denied. Make it readable for this user, or run as one who may read it.`;
  }
  return `Cannot read ${path}: ${messageOf(error)}.`;
}
