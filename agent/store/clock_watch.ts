/**
 * Sees that the wall clock was set, by a clock that nobody sets. What is too old is not deleted until an hour has passed since then, so
 * that a date that was wrong for a moment costs no history.
 */

/** Clocks may part by as much between two looks; time zones and summer time do not move the wall clock. */
const jumpUs = 600e6;
const settlingUs = 3600e6;

export class ClockWatch {
  #offsetUs: number | null = null;
  #settledAtUs = -Infinity;

  /** By how much the clock was set since the last look; 0 when it was not. */
  look(wallUs: number, elapsedUs: number): number {
    const before = this.#offsetUs;
    this.#offsetUs = wallUs - elapsedUs;
    const byUs = before === null ? 0 : this.#offsetUs - before;
    if (Math.abs(byUs) <= jumpUs) return 0;
    this.#settledAtUs = elapsedUs + settlingUs;
    return byUs;
  }

  isSettled(elapsedUs: number): boolean {
    return elapsedUs >= this.#settledAtUs;
  }
}
