/** Text files that the kernel makes (/proc, /sys). Deno opens them only when it is allowed everything, the C library does. */
import { cString, libc } from "./libc.ts";

const chunkBytes = 64 * 1024;
/** More than any of those that are read here has. */
const bytesMax = 16 << 20;
const readOnlyCloseOnExec = 0o2000000;
/** One for all reads of a thread: files are read each second, and buffers wait long for the collector. */
let chunk: Uint8Array<ArrayBuffer> | null = null;

/** The text of `path`; null when it is not there or not to be read. */
export function readKernelFile(path: string): string | null {
  const { open, read, close } = libc();
  const file = open(cString(path), readOnlyCloseOnExec);
  if (file < 0) return null;
  try {
    const decoder = new TextDecoder();
    chunk ??= new Uint8Array(chunkBytes);
    let text = "";
    for (let size = 0; size < bytesMax;) {
      const count = Number(read(file, chunk, BigInt(chunk.length)));
      if (count < 0) return null;
      if (count === 0) break;
      text += decoder.decode(chunk.subarray(0, count), { stream: true });
      size += count;
    }
    return text;
  } finally {
    close(file);
  }
}
