/** libpcap's counters of one device, summed over the times that it was opened. */

/** libpcap's counters as they stand: 32 bits, wrapping, from 0 at each opening. */
interface HandleCounters {
  readonly received: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
}

export class LiveTotals {
  received = 0;
  kernelDrops = 0;
  interfaceDrops = 0;
  #last: HandleCounters = zero;

  /** A new handle counts from 0. */
  startHandle(): void {
    this.#last = zero;
  }

  /** Packets that this handle received, did not drop, and that are not among the `read` ones: they wait. */
  unread(read: number): number {
    return growth(read, this.#last.received - this.#last.kernelDrops);
  }

  /** Takes the handle's counters; at least once in 2^32 packets, so that each wrap is seen. */
  add(counters: HandleCounters): void {
    this.received += growth(this.#last.received, counters.received);
    this.kernelDrops += growth(this.#last.kernelDrops, counters.kernelDrops);
    this.interfaceDrops += growth(this.#last.interfaceDrops, counters.interfaceDrops);
    this.#last = counters;
  }
}

const zero: HandleCounters = { received: 0, kernelDrops: 0, interfaceDrops: 0 };

/**
 * Growth of a 32-bit counter, over a wrap. A step back by less than 2^31 is one of the interface's own counters that
 * began anew (its driver was loaded again, it disappeared): no growth.
 */
function growth(before: number, now: number): number {
  const difference = (now - before) >>> 0;
  return difference < 0x8000_0000 ? difference : 0;
}
