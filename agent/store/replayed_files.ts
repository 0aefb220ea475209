/**
 * Which capture files were replayed into the database, and how far: so that a file that is replayed again adds what is missing
 * and nothing twice. A part of StoreWriter, which opens the transactions.
 *
 * A file gives the same packets, flows and seconds each time. Now and then its replay sets a mark: all that the packets up to
 * there bring is written. What was written behind the last mark, when a replay was killed, is told apart: packet rows by their
 * ids (`packets_id` to `tail_id`, set when the database is opened next), flows by theirs, which are the same each time; seconds
 * and hosts are only written with a mark.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ReplayedFile, ReplayMark } from "../messages.ts";
import { FLOWS_PER_RUN } from "./schema.ts";

/** What an earlier replay of a file left. */
export interface KnownFile {
  /** See FLOWS_PER_RUN. */
  readonly run: number;
  readonly decoder: string;
  /** Wall clock. */
  readonly begunUs: number;
  readonly packets: number;
  readonly isWhole: boolean;
}

/** Files that are remembered, the newest ones. */
const filesMax = 10_000;

export class ReplayedFiles {
  readonly #database: DatabaseSync;
  readonly #mark: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#mark = database.prepare(
      `UPDATE files SET packets = ?, is_whole = ?, tail_id = NULL,
         packets_id = (SELECT coalesce(max(id), 0) FROM packets) WHERE run = ?`,
    );
  }

  find({ fingerprint }: ReplayedFile): KnownFile | null {
    const row = this.#database.prepare("SELECT * FROM files WHERE fingerprint = ?")
      .get(fingerprint);
    return row === undefined ? null : {
      run: Number(row.run),
      decoder: String(row.decoder),
      begunUs: Number(row.begun_us),
      packets: Number(row.packets),
      isWhole: row.is_whole === 1,
    };
  }

  begin({ fingerprint, path, decoder }: ReplayedFile, run: number, nowUs: number): void {
    this.#database.prepare(
      `INSERT INTO files(run, fingerprint, path, decoder, begun_us, packets, is_whole, packets_id)
       VALUES (?, ?, ?, ?, ?, 0, 0, (SELECT coalesce(max(id), 0) FROM packets))`,
    ).run(run, fingerprint, path, decoder, nowUs);
    this.#database.prepare(
      "DELETE FROM files WHERE run <= (SELECT run FROM files ORDER BY run DESC LIMIT 1 OFFSET ?)",
    ).run(filesMax);
  }

  mark(run: number, { packets, isWhole }: ReplayMark): void {
    this.#mark.run(packets, isWhole ? 1 : 0, run);
  }

  /** No replay is under way: what comes now is another's. */
  closeAll(): void {
    this.#database.exec(
      `UPDATE files SET tail_id = (SELECT coalesce(max(id), 0) FROM packets) WHERE tail_id IS NULL`,
    );
  }

  /** Removes the packet rows behind the mark of a run, which are written again; returns how many. */
  rollBack(run: number): number {
    const { changes } = this.#database.prepare(
      `DELETE FROM packets
       WHERE id > (SELECT packets_id FROM files WHERE run = :run)
         AND id <= (SELECT tail_id FROM files WHERE run = :run)
         AND (flow_id IS NULL OR flow_id / ${FLOWS_PER_RUN} = :run)`,
    ).run({ run });
    this.#database.prepare("UPDATE files SET tail_id = NULL WHERE run = ?").run(run);
    return Number(changes);
  }
}
