/** Work of a writer on its database: what fails is told as a StoreError, and a transaction is there wholly or not at all. */
import type { DatabaseSync } from "node:sqlite";
import { toStoreError } from "./failure.ts";

export class Transactor {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #forget: () => void;

  /** `forget` drops what memory holds of a transaction that is not there. */
  constructor(database: DatabaseSync, path: string, forget: () => void) {
    this.#database = database;
    this.#path = path;
    this.#forget = forget;
  }

  /** Throws StoreError. */
  transact(work: () => void): void {
    this.guard(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        work();
        this.#database.exec("COMMIT");
      } catch (error) {
        // SQLite has already rolled back after a full disk or an I/O error.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        this.#forget();
        throw error;
      }
    });
  }

  /** Throws StoreError. */
  guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
  }
}

export function fileBytes(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** Of the file and its write-ahead log. */
export function databaseBytes(path: string): number {
  return fileBytes(path) + fileBytes(`${path}-wal`);
}
