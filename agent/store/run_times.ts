/**
 * When there was traffic to be seen, so that a chart tells a gap in the capture from silence: stretches of the seconds that came, and
 * live of the wall clock while the program runs. A part of StoreWriter, which opens the transactions.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A silence that is a gap: of a live capture the program did not run, or the machine slept. */
const gapUs = 60_000_000;
const lengthUs = 1_000_000;
/** Time between two notes that a live capture goes on. */
const beatUs = 10_000_000;

export class RunTimes {
  readonly #isLive: boolean;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  #id: number | null = null;
  #lastUs = -Infinity;

  constructor(database: DatabaseSync, isLive: boolean) {
    this.#isLive = isLive;
    this.#insert = database.prepare("INSERT INTO runs(run, first_us, last_us) VALUES (?, ?, ?)");
    this.#update = database.prepare("UPDATE runs SET last_us = max(last_us, ?) WHERE id = ?");
  }

  /** Seconds of a run that are written, by their beginnings. */
  sawSeconds(run: number, secondsUs: readonly number[]): void {
    const sorted = [...secondsUs].sort((a, b) => a - b);
    let firstUs = sorted[0]!;
    let lastUs = firstUs;
    for (const secondUs of sorted) {
      if (this.#isLive && secondUs - lastUs > gapUs) {
        this.#saw(run, firstUs, lastUs);
        firstUs = secondUs;
      }
      lastUs = secondUs + lengthUs;
    }
    this.#saw(run, firstUs, lastUs);
  }

  #saw(run: number, firstUs: number, lastUs: number): void {
    const isGap = this.#isLive && firstUs - this.#lastUs > gapUs;
    if (this.#id === null || isGap) {
      this.#id = Number(this.#insert.run(run, firstUs, lastUs).lastInsertRowid);
    } else this.#update.run(lastUs, this.#id);
    this.#lastUs = Math.max(this.#lastUs, lastUs);
  }

  /** Whether a beat is due at the wall clock's `nowUs`. */
  isDue(nowUs: number): boolean {
    const sinceUs = nowUs - this.#lastUs;
    return this.#isLive && this.#id !== null && sinceUs > beatUs && sinceUs < gapUs;
  }

  /** A live capture goes on, though nothing may have come. */
  beat(nowUs: number): void {
    this.#update.run(nowUs, this.#id);
    this.#lastUs = nowUs;
  }

  /** What comes now belongs to another run. */
  begin(): void {
    this.#id = null;
    this.#lastUs = -Infinity;
  }
}
