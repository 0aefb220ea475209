/**
 * When to send the packets of a file so that they come at the capture's own speed, or a multiple of it.
 *
 * The first packet ties traffic time to wall time. A packet that would be due more than five seconds ahead (a
 * silence, a clock that was set) or behind (a clock set back, a pipeline that cannot keep up) ties them anew.
 */

const distanceMaxMs = 5000;

export class Pacer {
  readonly #speed: number;
  #anchorWallMs = 0;
  #anchorUs = 0;
  #isAnchored = false;
  /** Wall time that would have been waited in silences. */
  skippedMs = 0;

  /** `speed` is a multiple of the capture's speed; 0 means that everything is due at once. */
  constructor(speed: number) {
    this.#speed = speed;
  }

  /** Wall time in milliseconds at which a packet of that time is to be sent; `nowMs` or before means now. */
  dueMs(timestampUs: number, nowMs: number): number {
    if (this.#speed === 0) return nowMs;
    if (!this.#isAnchored) return this.#anchor(timestampUs, nowMs);
    const due = this.#anchorWallMs + (timestampUs - this.#anchorUs) / 1000 / this.#speed;
    if (due - nowMs > distanceMaxMs) {
      this.skippedMs += due - nowMs;
      return this.#anchor(timestampUs, nowMs);
    }
    return nowMs - due > distanceMaxMs ? this.#anchor(timestampUs, nowMs) : due;
  }

  #anchor(timestampUs: number, nowMs: number): number {
    this.#isAnchored = true;
    this.#anchorWallMs = nowMs;
    this.#anchorUs = timestampUs;
    return nowMs;
  }
}
