/** Symbolic links of /proc, read by the thousand: one call each, into one buffer. */
import { libc } from "./libc.ts";

const target = new Uint8Array(4096);
const decoder = new TextDecoder();

/** Where a link leads; null when it is not there or not to be read. `path` ends with a zero byte. */
export function readLink(path: Uint8Array<ArrayBuffer>): string | null {
  const length = Number(libc().readlink(path, target, BigInt(target.length)));
  return length < 0 ? null : decoder.decode(target.subarray(0, length));
}
