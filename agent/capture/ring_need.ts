/**
 * How large a kernel ring has to be: small while little comes, whole when the small one might be full before long, and at the start,
 * when much may come at once and the code that reads it is slow yet.
 */

/** What the small one has. */
export const smallRingBytes = 20 << 20;
/** Of a packet's place in the ring, beside its bytes (TPACKET_V3: heads, address, alignment). */
const placeBytes = 64;
const windowMs = 250;
/** The small one is to last so long. */
const bearMs = 600;
/** The small ring is gone to after so long a time without half of what it can bear: at the start, and when it had to be left. */
const firstCalmMs = 10_000;
const calmMs = 10 * 60_000;

export class RingNeed {
  isLarge = true;
  readonly #bearableBytes: number;
  #windowEndMs = -Infinity;
  #bytes = 0;
  #busyMs: number | null = null;
  #calmMs = firstCalmMs;

  constructor(smallBytes = smallRingBytes) {
    this.#bearableBytes = smallBytes * windowMs / bearMs;
  }

  /** A batch was read. Times are milliseconds of a clock that nobody sets. */
  add({ byteLength, packetCount }: { byteLength: number; packetCount: number }, nowMs: number) {
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + windowMs;
      this.#bytes = 0;
    }
    this.#bytes += byteLength + placeBytes * packetCount;
    if (this.#bytes > this.#bearableBytes) {
      this.isLarge = true;
      this.#calmMs = calmMs;
    }
    this.#busyMs ??= nowMs;
    if (this.#bytes > this.#bearableBytes / 2) this.#busyMs = nowMs;
    if (nowMs - this.#busyMs > this.#calmMs) this.isLarge = false;
  }
}
