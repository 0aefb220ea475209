/**
 * Rows that wait for the database. While all is well that is at most what the pipeline may have on its way; while the
 * database fails it grows to its limits, then the oldest batch is given up and counted.
 */
import type { RowsMessage } from "../messages.ts";

/** Most batches, … */
export const backlogBatchesMax = 256;
/** … and most rows that wait: about 40 MB at 400 bytes a row. */
export const backlogRowsMax = 100_000;

export class Backlog {
  readonly #batches: RowsMessage[] = [];
  #rows = 0;

  get batchCount(): number {
    return this.#batches.length;
  }

  get rowCount(): number {
    return this.#rows;
  }

  /** Adds a batch and returns the oldest ones for which there is no room any more. */
  push(batch: RowsMessage): RowsMessage[] {
    this.#batches.push(batch);
    this.#rows += countRows(batch);
    const givenUp: RowsMessage[] = [];
    while (
      this.#batches.length > 1 &&
      (this.#batches.length > backlogBatchesMax || this.#rows > backlogRowsMax)
    ) givenUp.push(...this.take(1));
    return givenUp;
  }

  /** The oldest batches, together at most `rowsMax` rows but at least one batch; they stay. */
  peek(rowsMax: number): readonly RowsMessage[] {
    let rows = 0;
    let count = 0;
    for (const batch of this.#batches) {
      rows += countRows(batch);
      if (count > 0 && rows > rowsMax) break;
      count++;
    }
    return this.#batches.slice(0, count);
  }

  /** Removes and returns the `count` oldest batches. */
  take(count: number): RowsMessage[] {
    const taken = this.#batches.splice(0, count);
    for (const batch of taken) this.#rows -= countRows(batch);
    return taken;
  }
}

/** Rows of all tables in a batch. */
export function countRows({ packets, flows, seconds, hosts }: RowsMessage): number {
  return packets.length + flows.length + seconds.length + hosts.length;
}
