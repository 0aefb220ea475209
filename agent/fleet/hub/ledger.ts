/**
 * Which batches of an agent are in the database: stretches of numbers, joined with their neighbours, so that an agent without gaps has
 * one row a channel. What the agent has given up counts as done, since nothing of it is still to come. Inside the caller's transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A stretch of an agent's numbers of a channel. */
export interface Stretch {
  /** `agents.id`. */
  readonly agent: number;
  readonly epoch: string;
  readonly channel: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}
export type LedgerKey = Pick<Stretch, "agent" | "epoch" | "channel">;

export class Ledger {
  readonly #before: StatementSync;
  readonly #insert: StatementSync;
  readonly #covered: StatementSync;
  #touched: number;

  constructor(database: DatabaseSync) {
    const at = "agent = ? AND epoch = ? AND channel = ?";
    this.#before = database.prepare(
      `SELECT first_seq, last_seq FROM ledger WHERE ${at} AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1`,
    );
    this.#insert = database.prepare(
      "INSERT OR REPLACE INTO ledger(agent, epoch, channel, first_seq, last_seq, touched) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#touched = Number(database.prepare("SELECT max(touched) AS n FROM ledger").get()!.n);
    this.#covered = database.prepare(
      `DELETE FROM ledger WHERE ${at} AND first_seq BETWEEN ? AND ? RETURNING last_seq`,
    );
  }

  /** Whether all of a stretch is done. */
  has({ agent, epoch, channel, firstSeq, lastSeq }: Stretch): boolean {
    const row = this.#before.get(agent, epoch, channel, firstSeq);
    return row !== undefined && Number(row.last_seq) >= lastSeq;
  }

  /** The number up to which all is done; 0 for none. */
  through({ agent, epoch, channel }: LedgerKey): number {
    const row = this.#before.get(agent, epoch, channel, 1);
    return row === undefined ? 0 : Number(row.last_seq);
  }

  add({ agent, epoch, channel, firstSeq, lastSeq }: Stretch): void {
    if (lastSeq < firstSeq) return;
    let [first, last] = [firstSeq, lastSeq];
    const before = this.#before.get(agent, epoch, channel, firstSeq);
    if (before !== undefined && Number(before.last_seq) >= firstSeq - 1) {
      first = Number(before.first_seq);
      last = Math.max(last, Number(before.last_seq));
    }
    for (let isGrowing = true; isGrowing;) {
      isGrowing = false;
      for (const row of this.#covered.all(agent, epoch, channel, first, last + 1)) {
        if (Number(row.last_seq) <= last) continue;
        last = Number(row.last_seq);
        isGrowing = true;
      }
    }
    this.#insert.run(agent, epoch, channel, first, last, ++this.#touched);
  }
}
