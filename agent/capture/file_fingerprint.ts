/** Knows a capture file again, whatever it is called: by its size, its start and end, and pieces of what is between. */
import { createHash } from "node:crypto";

const endBytes = 1024 * 1024;
const pieceBytes = 4096;
const pieceCount = 256;

/** A digest of the file at `path`, at most 3 MiB of which are read. Throws what Deno throws when it cannot be. */
export function fingerprintFile(path: string): string {
  const file = Deno.openSync(path);
  try {
    const { size } = file.statSync();
    const hash = createHash("sha256").update(`${size}\n`);
    const bytes = new Uint8Array(endBytes);
    const take = (from: number, length: number) => {
      file.seekSync(from, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < length) {
        const count = file.readSync(bytes.subarray(filled, length));
        if (count === null || count === 0) break;
        filled += count;
      }
      hash.update(bytes.subarray(0, filled));
    };
    take(0, Math.min(size, endBytes));
    if (size > endBytes) take(Math.max(endBytes, size - endBytes), endBytes);
    const between = size - 2 * endBytes;
    for (let piece = 0; piece < pieceCount && between > 0; piece++) {
      take(endBytes + Math.floor(between * piece / pieceCount), pieceBytes);
    }
    return hash.digest("hex");
  } finally {
    file.close();
  }
}
