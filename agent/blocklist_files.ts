/** The files of --blocklist: tried before anything starts, read in pieces, looked at for changes. */
import { systemReason, UsageError } from "./errors.ts";

const pieceBytes = 256 * 1024;

/** What lists are read into. */
interface ListTaker {
  begin(name: string): void;
  take(bytes: Uint8Array): void;
  end(): void;
}

/** Throws UsageError with the first that cannot be read. */
export function checkBlocklists(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      const file = Deno.openSync(path);
      const { isDirectory } = file.statSync();
      file.close();
      if (isDirectory) throw new Error("it is a folder");
    } catch (error) {
      throw new UsageError(`Cannot read ${path} (--blocklist): ${systemReason(error)}.`);
    }
  }
}

/** Reads all at once. Throws what the file system throws. */
export function readBlocklistsSync(paths: readonly string[], taker: ListTaker): void {
  const bytes = new Uint8Array(pieceBytes);
  for (const path of paths) {
    using file = Deno.openSync(path);
    taker.begin(path);
    for (let read = file.readSync(bytes); read !== null; read = file.readSync(bytes)) {
      taker.take(bytes.subarray(0, read));
    }
    taker.end();
  }
}

/** The same while others have their turn between the pieces. */
export async function readBlocklists(paths: readonly string[], taker: ListTaker): Promise<void> {
  const bytes = new Uint8Array(pieceBytes);
  for (const path of paths) {
    using file = await Deno.open(path);
    taker.begin(path);
    for (let read = await file.read(bytes); read !== null; read = await file.read(bytes)) {
      taker.take(bytes.subarray(0, read));
    }
    taker.end();
  }
}

/** Differs when a file was written, replaced or removed. */
export function blocklistsState(paths: readonly string[]): string {
  return paths.map((path) => {
    try {
      const { size, mtime, ino } = Deno.statSync(path);
      return `${ino} ${size} ${mtime?.getTime()}`;
    } catch {
      return "gone";
    }
  }).join();
}
