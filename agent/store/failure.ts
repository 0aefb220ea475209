/** What can go wrong with a database, told apart by what has to be done about it. */
import { messageOf, UsageError } from "../errors.ts";

export type StoreErrorKind =
  /** Another program holds a lock; passes by itself. */
  | "busy"
  /** No room on the disk. */
  | "full"
  /** Not, or no longer, a sound database. */
  | "corrupt"
  /** File, folder or file system cannot be written. */
  | "readonly"
  /** Cannot be opened: no such folder, no permission. */
  | "open"
  /** The disk failed. */
  | "io"
  /** A row or request that SQLite does not take; trying again will not help. */
  | "refused";

/** A failure of the database; `message` is a clause for people that names the file. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * SQLite's own texts (sqlite3_errmsg and sqlite3ErrStr). `exec()` of node:sqlite gives no error code in Deno 2.7.11,
 * only statements do, so the text is what tells the failures apart.
 */
const texts: readonly (readonly [RegExp, StoreErrorKind, string])[] = [
  [/database (table )?is locked|locking protocol/, "busy", "is locked by another program"],
  [/database or disk is full|No space left/, "full", "cannot grow: no room is left on the disk"],
  [/disk image is malformed|malformed database schema|not a database/, "corrupt", "is damaged"],
  [
    /readonly|read-only|Read-only/,
    "readonly",
    "cannot be written: it, its folder or disk is read-only",
  ],
  [/unable to open/, "open", "cannot be opened: its folder is missing or not accessible"],
  [/disk I\/O error/, "io", "cannot be read or written: the disk reports an error"],
];

/** Makes a StoreError out of whatever SQLite or the file system threw about the file at `path`. */
export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = messageOf(error);
  const found = texts.find(([pattern]) => pattern.test(text));
  if (found) return new StoreError(found[1], `${path} ${found[2]}`, { cause: error });
  if (error instanceof UsageError) return new StoreError("open", text, { cause: error });
  if (isSystemError(error)) {
    return new StoreError("open", `${path} cannot be opened: ${text}`, { cause: error });
  }
  return new StoreError("refused", `${path}: SQLite refused a request: ${text}`, { cause: error });
}

/** Deno's file errors carry the system's code (ENOENT …), SQLite's are ERR_SQLITE_ERROR. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^E[A-Z0-9]+$/.test(String(error.code));
}
