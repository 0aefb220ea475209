/** The results folder: made if missing, checked to be writable, and held by one tapwatch at a time. */
import { join } from "node:path";
import { RunError } from "../errors.ts";

/** Holds the number of the process that writes the folder. The lock on it ends with the process, however that ends. */
const lockName = ".tapwatch.lock";

/**
 * Makes the folder and claims it until the returned function is called. Throws RunError when it cannot be written or
 * when another tapwatch writes it: two would put each other's capture files aside.
 */
export function claimResults(folder: string): () => void {
  const path = join(folder, lockName);
  const file = openLockFile(folder, path);
  if (!tryLock(file)) {
    const holder = Deno.readTextFileSync(path).trim();
    file.close();
    throw new RunError(
      `The results folder ${folder} is in use by another tapwatch${
        holder && ` (pid ${holder})`
      }. Stop that, or name another folder with --results DIR.`,
    );
  }
  file.truncateSync();
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  return () => file.close();
}

/** The database inside the results folder. */
export function databasePath(folder: string): string {
  return join(folder, "packet_logs.db");
}

/** Makes and removes a file. Throws the system's error when that is not permitted. */
export function probeFolder(folder: string): void {
  Deno.removeSync(Deno.makeTempFileSync({ dir: folder, prefix: ".tapwatch-" }));
}

/** What the system said, in small letters, without the call and the path that the message around it names. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AlreadyExists) return "a file of that name is in the way";
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "").replace(
    /^[A-Z](?=[a-z])/,
    (letter) => letter.toLowerCase(),
  );
}

function openLockFile(folder: string, path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(folder, { recursive: true });
    probeFolder(folder);
    return Deno.openSync(path, { read: true, write: true, create: true });
  } catch (error) {
    throw new RunError(
      `Cannot write to the results folder ${folder}: ${reasonOf(error)}. ` +
        "Give it to the user that runs tapwatch, or name another with --results DIR.",
      { cause: error },
    );
  }
}

/** True also where the file system knows no locks (some network shares): there it stays the user's care. */
function tryLock(file: Deno.FsFile): boolean {
  try {
    return file.tryLockSync(true);
  } catch {
    return true;
  }
}
