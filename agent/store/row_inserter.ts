/**
 * Many rows an INSERT: node:sqlite takes 266 k rows/s one at a time and 680 k/s a hundred at a time (10 columns, no
 * index), because each call costs more than the row.
 *
 * Where a row that is not taken need not be undone by itself (OR FAIL; the caller's transaction undoes all), SQLite keeps no copy
 * of each page that such a statement touches: with an index on a random key that is a third of the time.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Cell } from "./schema.ts";

/** Rows in one statement, largest first; the last must be 1. */
const rowCounts = [100, 10, 1] as const;

interface RowInserterOptions<Row> {
  readonly database: DatabaseSync;
  readonly table: string;
  readonly columns: readonly string[];
  /** What to do when the key is there, as `ON CONFLICT …`. */
  readonly conflictClause?: string;
  /** Keys are hardly ever there, and a row that is inserted twice is as if once: the clause is for the second try. */
  readonly isRarelyThere?: boolean;
  /** Appends the row's cells in the order of `columns`. */
  readonly pushCells: (row: Row, cells: Cell[]) => void;
}

interface Insert {
  readonly rows: number;
  readonly statement: StatementSync;
  /** When a key is there. */
  readonly otherwise: StatementSync | null;
}

/** Inserts rows of one table through cached statements. The caller opens the transaction, and rolls it back when this throws. */
export class RowInserter<Row> {
  readonly #database: DatabaseSync;
  readonly #inserts: readonly Insert[];
  readonly #pushCells: (row: Row, cells: Cell[]) => void;
  readonly #cells: Cell[] = [];

  constructor(options: RowInserterOptions<Row>) {
    const { database, table, columns, conflictClause, isRarelyThere = false } = options;
    const tuple = `(${columns.map(() => "?").join(",")})`;
    const prepare = (rows: number, clause: string | undefined) =>
      database.prepare(
        `INSERT ${clause === undefined ? "OR FAIL " : ""}INTO ${table}(${columns.join(",")}) ` +
          `VALUES ${Array(rows).fill(tuple).join(",")} ${clause ?? ""}`,
      );
    this.#database = database;
    this.#pushCells = options.pushCells;
    this.#inserts = rowCounts.map((rows) => ({
      rows,
      statement: prepare(rows, isRarelyThere ? undefined : conflictClause),
      otherwise: isRarelyThere ? prepare(rows, conflictClause) : null,
    }));
  }

  insert(rows: readonly Row[]): void {
    let at = 0;
    for (const insert of this.#inserts) {
      for (; at + insert.rows <= rows.length; at += insert.rows) this.#run(insert, rows, at);
    }
  }

  #run({ rows: count, statement, otherwise }: Insert, rows: readonly Row[], from: number): void {
    const cells = this.#cells;
    cells.length = 0;
    for (let at = from; at < from + count; at++) this.#pushCells(rows[at]!, cells);
    try {
      statement.run(...cells);
    } catch (error) {
      // After a failure of the disk the transaction is gone, and what came before in it.
      if (otherwise === null || !this.#database.isTransaction) throw error;
      otherwise.run(...cells);
    }
  }
}
