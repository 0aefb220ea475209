/**
 * Starts a program of the system and waits for it: what `install-service` needs, in an executable that has no permission of
 * Deno to start any. Its output goes where ours goes.
 */
import { cString, errorText, libc } from "./libc.ts";

/** Of its own, so that nothing of the caller's environment decides what runs as root. */
const environment = [
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "LC_ALL=C.UTF-8",
];

/** Runs `path`, which is absolute; its exit status, above 128 when a signal ended it. Throws Error when it cannot be started. */
export function runProgram(path: string, args: readonly string[]): number {
  const pid = new Int32Array(1);
  const argv = stringList([path, ...args]);
  const envp = stringList(environment);
  const { posix_spawn, waitpid } = libc();
  const errno = posix_spawn(bytes(pid), cString(path), null, null, argv.list, envp.list);
  if (errno !== 0) throw new Error(`${path}: ${errorText(errno)}`);
  const status = new Int32Array(1);
  if (waitpid(pid[0]!, bytes(status), 0) < 0) {
    throw new Error(`${path}: it is not known how it ended`);
  }
  // sys/wait.h: the signal in the low seven bits, the exit status above them.
  const word = status[0]!;
  return (word & 0x7f) === 0 ? word >> 8 & 0xff : 128 + (word & 0x7f);
}

/** A `char *[]` that ends with null; `strings` must live as long as it is used. */
function stringList(texts: readonly string[]) {
  const strings = texts.map(cString);
  const pointers = new BigUint64Array(texts.length + 1);
  strings.forEach((string, index) => {
    pointers[index] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(string));
  });
  return { strings, list: new Uint8Array(pointers.buffer) };
}

function bytes(words: Int32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
