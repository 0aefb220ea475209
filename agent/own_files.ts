/**
 * Files in a folder that somebody else may write to as well: a link that they put where one of ours is to be would have this process
 * write, with its own rights, into whatever they name.
 */
import { ifThere, UsageError } from "./errors.ts";

/** Makes a new file in the place of what is there, of a link, too, and not of what it points to. Throws what the system throws. */
export function createAnew(path: string): Deno.FsFile {
  ifThere(() => Deno.removeSync(path));
  return Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 });
}

/** As `createAnew()`, with these bytes. */
export function writeAnew(path: string, bytes: Uint8Array): void {
  ifThere(() => Deno.removeSync(path));
  Deno.writeFileSync(path, bytes, { createNew: true, mode: 0o600 });
}

/** Throws UsageError for a link that another user made; one's own is followed. */
export function refuseForeignLink(path: string): void {
  if (Deno.build.os === "windows") return;
  const entry = ifThere(() => Deno.lstatSync(path));
  if (entry?.isSymlink && entry.uid !== Deno.uid()) {
    throw new UsageError(
      `${path} is a link that another user made, and is not followed. Remove it, or name another folder with --results DIR.`,
    );
  }
}
