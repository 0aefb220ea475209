/**
 * Many rows an INSERT: node:sqlite takes 266 k rows/s one at a time and 680 k/s a hundred at a time (10 columns, no
 * index), because each call costs more than the row.
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
  /** Appends the row's cells in the order of `columns`. */
  readonly pushCells: (row: Row, cells: Cell[]) => void;
}

/** Inserts rows of one table through cached statements. The caller opens the transaction. */
export class RowInserter<Row> {
  readonly #statements: readonly { readonly rows: number; readonly statement: StatementSync }[];
  readonly #pushCells: (row: Row, cells: Cell[]) => void;
  readonly #cells: Cell[] = [];

  constructor(options: RowInserterOptions<Row>) {
    const { database, table, columns, conflictClause = "" } = options;
    const tuple = `(${columns.map(() => "?").join(",")})`;
    this.#pushCells = options.pushCells;
    this.#statements = rowCounts.map((rows) => ({
      rows,
      statement: database.prepare(
        `INSERT INTO ${table}(${columns.join(",")}) VALUES ` +
          `${Array(rows).fill(tuple).join(",")} ${conflictClause}`,
      ),
    }));
  }

  insert(rows: readonly Row[]): void {
    let at = 0;
    for (const { rows: count, statement } of this.#statements) {
      for (; at + count <= rows.length; at += count) this.#run(statement, rows, at, count);
    }
  }

  #run(statement: StatementSync, rows: readonly Row[], from: number, count: number): void {
    const cells = this.#cells;
    cells.length = 0;
    for (let at = from; at < from + count; at++) this.#pushCells(rows[at]!, cells);
    statement.run(...cells);
  }
}
