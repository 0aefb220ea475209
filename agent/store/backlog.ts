/**
 * Rows that wait for the database. While all is well that is at most what the pipeline may have on its way; while the
 * database fails it grows to its limits. Then packet rows are given up, the oldest first, and only when there are none left
 * whole batches, so that flows and seconds outlast a long lock.
 */
import type { RowsMessage } from "../messages.ts";

/** Most batches: of a minute and a half at the most that the pipeline sends, … */
export const backlogBatchesMax = 1024;
/** … and most rows that wait: about 40 MB at 400 bytes a row. */
const backlogRowsMax = 100_000;

export class Backlog {
  readonly #batches: RowsMessage[] = [];
  #rows = 0;
  /** Batches before this one have no packet rows. */
  #firstWithPackets = 0;

  get batchCount(): number {
    return this.#batches.length;
  }

  get rowCount(): number {
    return this.#rows;
  }

  /** Adds a batch and returns what there is no room for any more: batches, some of packet rows alone. */
  push(batch: RowsMessage): RowsMessage[] {
    this.#batches.push(batch);
    this.#rows += countRows(batch);
    const givenUp = this.#givePacketsUp();
    while (
      this.#batches.length > 1 &&
      (this.#batches.length > backlogBatchesMax || this.#rows > backlogRowsMax)
    ) givenUp.push(...this.take(1));
    return givenUp;
  }

  /** The newest batch keeps its packets: it is on its way. */
  #givePacketsUp(): RowsMessage[] {
    const givenUp: RowsMessage[] = [];
    while (this.#rows > backlogRowsMax && this.#firstWithPackets < this.#batches.length - 1) {
      const batch = this.#batches[this.#firstWithPackets]!;
      const { packets } = batch;
      if (packets.length > 0) {
        this.#batches[this.#firstWithPackets] = { ...batch, packets: [] };
        this.#rows -= packets.length;
        givenUp.push({ ...batch, flows: [], seconds: [], hosts: [] });
      }
      this.#firstWithPackets++;
    }
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
    this.#firstWithPackets = Math.max(0, this.#firstWithPackets - taken.length);
    for (const batch of taken) this.#rows -= countRows(batch);
    return taken;
  }
}

/** Rows of all tables in a batch. */
export function countRows({ packets, flows, seconds, hosts }: RowsMessage): number {
  return packets.length + flows.length + seconds.length + hosts.length;
}
