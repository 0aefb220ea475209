/**
 * Opens `packet_logs.db`: for the writer, which makes, migrates or sets aside the file; for readers, which change
 * nothing. A database of a newer tapwatch, or of another program, is refused by both and never touched.
 */
import type { DatabaseSync } from "node:sqlite";
import { UsageError } from "../errors.ts";
import { refuseForeignLink } from "../own_files.ts";
import { addSearchFunctions } from "../search/sql.ts";
import { Database } from "./database.ts";
import { StoreError, toStoreError } from "./failure.ts";
import { migrate, readUserVersion } from "./migrations.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";

/** Longest wait for another program's lock within one statement; the owner of the database retries beyond. */
const busyTimeoutMs = 250;

interface OpenOptions {
  readonly path: string;
  /** Pages in the write-ahead log after which it is copied back into the database. */
  readonly checkpointPages: number;
  /** Size that the write-ahead log is cut back to. */
  readonly walBytesMax: number;
  /** Wall clock, for the name of a damaged file. */
  readonly nowUs: number;
}

interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** Where a damaged file was moved; null when there was none. */
  readonly setAsidePath: string | null;
}

/**
 * Opens the file for writing, makes it (and its folder) if missing, and brings it to the present schema. A damaged file
 * is moved away and a new one begun. Throws UsageError for a folder and a newer or foreign database, StoreError for the rest.
 */
export function openForWriting(options: OpenOptions): OpenedDatabase {
  assertNoFolder(options.path);
  refuseForeignLink(options.path);
  try {
    return { database: openOnce(options), setAsidePath: null };
  } catch (error) {
    const failure = asFailure(error, options.path);
    if (failure instanceof UsageError || failure.kind !== "corrupt") throw failure;
    const setAsidePath = setAside(options.path, options.nowUs);
    return { database: openOnce(options), setAsidePath };
  }
}

/**
 * Moves a database with its log out of the way, to `PATH.corrupt-<UTC>`, where `sqlite3 … .recover` finds both. Close
 * it first. Throws StoreError.
 */
export function setAside(path: string, nowUs: number): string {
  const utc = new Date(nowUs / 1000).toISOString().replace(/[-:.]/g, "");
  const target = `${path}.corrupt-${utc}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      Deno.renameSync(path + suffix, target + suffix);
    } catch (error) {
      if (suffix === "" || !(error instanceof Deno.errors.NotFound)) {
        throw toStoreError(error, path);
      }
    }
  }
  return target;
}

/**
 * Opens the file read-only. Null when it does not exist or is just being made. Throws UsageError for a newer or foreign
 * database, StoreError when it is older than the schema or cannot be read.
 */
export function openForReading(path: string): DatabaseSync | null {
  if (!exists(path)) return null;
  let database: DatabaseSync | null = null;
  try {
    database = new Database(path, { readOnly: true, timeout: busyTimeoutMs });
    const version = checkIdentity(database, path);
    if (version === SCHEMA_VERSION) {
      addSearchFunctions(database);
      return database;
    }
    database.close();
    if (version === 0) return null;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw asFailure(error, path);
  }
  throw new UsageError(
    `${path} is from an older tapwatch. Run this tapwatch once with that results folder: it brings the database up to date.`,
  );
}

function openOnce(options: OpenOptions): DatabaseSync {
  const { path } = options;
  makeFolder(path);
  const isShort = isCutOff(path);
  let database: DatabaseSync | null = null;
  try {
    database = new Database(path, { timeout: busyTimeoutMs });
    const version = checkIdentity(database, path);
    // What is missing may stand in the write-ahead log, if the program was ended while it copied that back.
    if (isShort && !isSound(database)) throw new StoreError("corrupt", `${path} is damaged`);
    // Only an empty file takes this setting.
    if (version === 0) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA cache_size = -8000");
    database.exec(`PRAGMA wal_autocheckpoint = ${options.checkpointPages}`);
    database.exec(`PRAGMA journal_size_limit = ${options.walBytesMax}`);
    migrate(database);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw asFailure(error, path);
  }
}

/**
 * Whether the file is shorter than its header says (SQLite's "Database File Format", section 1.3), which SQLite itself does not
 * look at.
 */
function isCutOff(path: string): boolean {
  try {
    using file = Deno.openSync(path);
    const header = new DataView(new ArrayBuffer(100));
    if (file.readSync(new Uint8Array(header.buffer)) !== header.byteLength) return false;
    const pageBytes = header.getUint16(16);
    const isCountValid = header.getUint32(24) === header.getUint32(92);
    const bytes = header.getUint32(28) * (pageBytes === 1 ? 65_536 : pageBytes);
    return isCountValid && file.statSync().size < bytes;
  } catch {
    // What is not there is made, and what else is wrong is told on opening.
    return false;
  }
}

function isSound(database: DatabaseSync): boolean {
  const [first] = database.prepare("PRAGMA quick_check(1)").all();
  return first?.quick_check === "ok";
}

/** A folder in the place of the file never becomes one. */
function assertNoFolder(path: string): void {
  let isFolder = false;
  try {
    isFolder = Deno.statSync(path).isDirectory;
  } catch {
    // What is not there is made, and what else is wrong is told on opening.
  }
  if (!isFolder) return;
  throw new UsageError(
    `${path} is a folder; the database should be there. Move it away, or choose another folder with --results.`,
  );
}

/** The schema version. Throws UsageError for a newer database and for one that is not tapwatch's. */
function checkIdentity(database: DatabaseSync, path: string): number {
  const version = readUserVersion(database);
  const { application_id: id } = database.prepare("PRAGMA application_id").get()!;
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()!;
  const isOurs = id === APPLICATION_ID || (id === 0 && version === 0 && tables === 0);
  if (!isOurs) {
    throw new UsageError(
      `${path} is a database of another program; it is left as it is. Choose another folder with --results, or move the file away.`,
    );
  }
  if (version > SCHEMA_VERSION) {
    const { value } = database.prepare("SELECT value FROM meta WHERE key = 'tool_version'").get() ??
      { value: "a newer version" };
    throw new UsageError(
      `${path} has schema version ${version}, written by tapwatch ${value}; this tapwatch knows up to version ${SCHEMA_VERSION}. ` +
        "It is left as it is. Use the newer tapwatch, or choose another folder with --results.",
    );
  }
  return version;
}

function asFailure(error: unknown, path: string): UsageError | StoreError {
  return error instanceof UsageError ? error : toStoreError(error, path);
}

function makeFolder(path: string): void {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  if (end <= 0) return;
  try {
    Deno.mkdirSync(path.slice(0, end), { recursive: true });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw toStoreError(error, path);
  }
}
