/**
 * What time it is in the traffic, for the model (flow_model.ts). Timestamps of packets mostly rise, but files are joined, clocks are set, and single
 * packets carry nonsense; no single packet may end every flow.
 *
 * - Forward by up to a minute: believed at once. Back by up to a minute: ignored, the clock stands.
 * - Further in either direction: believed when that many packets in a row (jumpPackets) agree within a minute.
 * - advance(), with which the owner lets time pass when there are no packets, is believed when it is later than every
 *   packet seen; an earlier time only repeats what the packets have said.
 */

/** Steps up to this size are ordinary. */
export const JUMP_US = 60_000_000;
const jumpPackets = 8;

export class TrafficClock {
  nowUs = -Infinity;
  #newestUs = -Infinity;
  #jumpUs = 0;
  #jumpCount = 0;

  /** Takes a packet's time. */
  see(timestampUs: number): void {
    const step = timestampUs - this.nowUs;
    if (step >= -JUMP_US && step <= JUMP_US) {
      if (step > 0) this.nowUs = timestampUs;
      this.#jumpCount = 0;
    } else this.#jump(timestampUs);
    if (timestampUs > this.#newestUs) this.#newestUs = timestampUs;
  }

  /** Lets time pass to `timestampUs` without a packet. */
  advance(timestampUs: number): void {
    if (timestampUs > this.#newestUs && timestampUs > this.nowUs) this.nowUs = timestampUs;
  }

  #jump(timestampUs: number): void {
    const isFirst = this.nowUs === -Infinity;
    const isAgreed = this.#jumpCount > 0 && Math.abs(timestampUs - this.#jumpUs) <= JUMP_US;
    this.#jumpCount = isAgreed ? this.#jumpCount + 1 : 1;
    this.#jumpUs = timestampUs;
    if (!isFirst && this.#jumpCount < jumpPackets) return;
    this.nowUs = timestampUs;
    this.#jumpCount = 0;
  }
}
