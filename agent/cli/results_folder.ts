/**
 * The results folder: made if missing, checked to be writable, held by one tapwatch at a time, and for nobody else to
 * read: captures are traffic.
 */
import { dirname, join } from "node:path";
import { RunError, systemReason } from "../errors.ts";

/** Holds the number of the process that writes the folder. The lock on it ends with the process, however that ends. */
const lockName = ".tapwatch.lock";

/** What a run writes there. */
const ownFiles = /^(packet_logs\.db|captured_traffic|evidence$|model\.bin|eve\b|\.tapwatch\.lock$)/;
/** Rights that a user's group and others have. */
const othersBits = 0o077;

/**
 * Makes the folder and claims it until the returned function is called; so long, what this process makes is its user's
 * alone. Throws RunError when it cannot be written or when another tapwatch writes it: two would put each other's capture
 * files aside.
 */
export function claimResults(folder: string): () => void {
  const path = join(folder, lockName);
  const umask = setUmask(othersBits);
  const release = () => void setUmask(umask);
  const file = openLockFile(folder, path, release);
  if (!tryLock(file)) {
    release();
    const holder = Deno.readTextFileSync(path).trim();
    file.close();
    throw new RunError(
      `The results folder ${folder} is in use by another tapwatch${
        holder && ` (pid ${holder})`
      }. Stop that, or name another folder with --results DIR.`,
    );
  }
  writePid(file);
  closeToOthers(folder);
  return () => {
    file.close();
    release();
  };
}

/** Only for who is refused: a disk that is full, or a quota, keeps nobody from watching. */
function writePid(file: Deno.FsFile): void {
  file.truncateSync();
  try {
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    if (!["ENOSPC", "EDQUOT"].includes((error as { code?: string }).code ?? "")) throw error;
  }
}

/**
 * Makes the folder as root and gives it, with what earlier runs of root left in it, to the user that will write it.
 * Throws RunError for a folder of somebody else.
 */
export function handResultsOver(
  folder: string,
  user: { name: string; uid: number; gid: number },
): void {
  makeFolder(folder);
  const { uid, mode } = Deno.statSync(folder);
  if (uid === user.uid) return;
  if (uid !== 0 || (mode! & 0o022) !== 0) {
    throw new RunError(
      `The results folder ${folder} belongs neither to ${user.name} nor to root alone, so it is not handed over. ` +
        `Give it to ${user.name} (sudo chown -R ${user.name} ${folder}), or name another with --results DIR.`,
    );
  }
  // A clone has a README.md in it.
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name !== "README.md");
  if (names.length > 0 && !names.includes(lockName)) {
    throw new RunError(
      `${folder} holds what is not tapwatch's, so it is not handed over to ${user.name}. ` +
        "Name another folder with --results DIR.",
    );
  }
  // Only root writes here, so nobody can put something else in place between look and change.
  giveFiles(folder, { fromUid: 0, to: user, which: ownFiles });
  Deno.chownSync(folder, user.uid, user.gid);
}

/** Number of the tapwatch that holds the folder; null when none does, or that cannot be told. */
export function holderOf(folder: string): number | null {
  try {
    using file = Deno.openSync(join(folder, lockName), { read: true, write: true });
    if (file.tryLockSync(true)) return null;
    return Number(Deno.readTextFileSync(join(folder, lockName))) || null;
  } catch {
    return null;
  }
}

/** Gives what in a folder and below is `fromUid`'s to another user; no links, and no file that is elsewhere too. */
export function giveFiles(
  folder: string,
  { fromUid, to, which = /^/ }: {
    readonly fromUid: number;
    readonly to: { readonly uid: number; readonly gid: number };
    /** Names in the folder itself; below it all. */
    readonly which?: RegExp;
  },
): void {
  for (const { name, isFile, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    const entry = Deno.lstatSync(path);
    if (entry.uid !== fromUid || !which.test(name)) continue;
    if (isDirectory) giveFiles(path, { fromUid, to });
    if (isDirectory || isFile && entry.nlink === 1) Deno.chownSync(path, to.uid, to.gid);
  }
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
  if (error instanceof Deno.errors.NotCapable) {
    return "the executable may not open what lies in /dev, /proc and /sys";
  }
  return systemReason(error);
}

function openLockFile(folder: string, path: string, onFailure: () => void): Deno.FsFile {
  try {
    makeFolder(folder);
    probeFolder(folder);
    if (isLink(path)) throw new Error(`${lockName} in it is a link`);
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    onFailure();
    throw error instanceof RunError ? error : cannotWrite(folder, error);
  }
}

/** The folder for its user alone, those above it as usual. Throws RunError also when root would write where all may. */
function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { mode } = Deno.statSync(folder);
    if (Deno.build.os === "windows" || Deno.uid() !== 0 || (mode! & 0o002) === 0) return;
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  throw new RunError(
    `Everybody may write to ${folder}, and could have root write through a link into any file. ` +
      "Name a folder below it with --results DIR.",
  );
}

function cannotWrite(folder: string, error: unknown): RunError {
  const fix = error instanceof Deno.errors.AlreadyExists
    ? "Move that away"
    : "Give it to the user that runs tapwatch";
  return new RunError(
    `Cannot write to the results folder ${folder}: ${reasonOf(error)}. ` +
      `${fix}, or name another with --results DIR.`,
    { cause: error },
  );
}

/**
 * Takes from group and others what an earlier version let them read: a folder that was made by tapwatch, and in any folder
 * its own files.
 */
function closeToOthers(folder: string): void {
  if (Deno.build.os === "windows") return;
  const names = [...Deno.readDirSync(folder)].filter(({ name, isSymlink }) =>
    !isSymlink && ownFiles.test(name)
  ).map(({ name }) => name);
  const isOurs = names.length > 1;
  for (const path of [...isOurs ? [folder] : [], ...names.map((name) => join(folder, name))]) {
    const { uid, mode } = Deno.lstatSync(path);
    if (uid === Deno.uid() && (mode! & othersBits) !== 0) Deno.chmodSync(path, mode! & 0o700);
  }
}

function setUmask(umask: number): number {
  return Deno.build.os === "windows" ? 0 : Deno.umask(umask);
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false; // not there yet
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
