/** How large a kernel ring has to be: small while little comes, whole when the small one might be full before long. */

/** What the small one has. */
export const smallRingBytes = 24 << 20;
/** Of a packet's place in the ring, beside its bytes (TPACKET_V3: heads, address, alignment). */
const placeBytes = 64;
const windowMs = 250;
/** The small one is to last so long. */
const bearMs = 600;
/** A small ring that had to be left is gone back to after so long a time without half of what it can bear. */
const calmMs = 10 * 60_000;

export class RingNeed {
  isLarge = false;
  readonly #bearableBytes: number;
  #windowEndMs = -Infinity;
  #bytes = 0;
  #busyMs = -Infinity;

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
    if (this.#bytes > this.#bearableBytes) this.isLarge = true;
    if (this.#bytes > this.#bearableBytes / 2) this.#busyMs = nowMs;
    if (nowMs - this.#busyMs > calmMs) this.isLarge = false;
  }
}
