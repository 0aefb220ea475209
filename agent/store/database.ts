/** SQLite's connection as tapwatch uses it. */
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Some 5 kB each; of searches, whose texts differ without end, the older ones make room. */
const statementsMax = 128;

/**
 * A connection that prepares each text once. A statement that is thrown away holds its memory until JavaScript's collector runs,
 * which knows nothing of it: on a quiet link, where that is seldom, 80 kB more each second.
 *
 * So two who prepare the same text share a statement: read one to its end (`all`, `get`, `run`) before the other begins.
 */
export class Database extends DatabaseSync {
  readonly #statements = new Map<string, StatementSync>();

  override prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = super.prepare(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > statementsMax) {
      this.#statements.delete(this.#statements.keys().next().value!);
    }
    return statement;
  }
}
