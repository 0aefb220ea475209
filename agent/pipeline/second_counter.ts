/** Adds packets up to whole seconds of traffic time, the rows of the `stats` table. */
import { type StatsSecond, Transport } from "../records.ts";

/** Capture drops since the start, as the main thread knows them. */
export interface DropTotals {
  readonly kernel: number;
  readonly interface: number;
  readonly queue: number;
}

/** What else belongs into a finished second. */
export interface SecondContext {
  readonly newFlows: number;
  readonly activeFlows: number;
  readonly activeHosts: number;
  readonly drops: DropTotals;
}

export const Direction = { passing: 0, in: 1, out: 2, internal: 3 } as const;

export class SecondCounter {
  /** Start of the second being counted; -1 before the first packet. */
  startUs = -1;
  #packets = 0;
  #bytes = 0;
  readonly #directionBytes = new Float64Array(4);
  #tcp = 0;
  #udp = 0;
  #icmp = 0;
  #drops: DropTotals = { kernel: 0, interface: 0, queue: 0 };

  /** Whether a packet at `timestampUs` belongs to a later second. A step back in time does not. */
  isOver(timestampUs: number): boolean {
    return timestampUs - this.startUs >= 1e6;
  }

  add(transport: number, wireLength: number, direction: number): void {
    this.#packets++;
    this.#bytes += wireLength;
    this.#directionBytes[direction] += wireLength;
    if (transport === Transport.tcp) this.#tcp++;
    else if (transport === Transport.udp) this.#udp++;
    else if (transport === Transport.icmp || transport === Transport.icmpv6) this.#icmp++;
  }

  /** Ends the second and begins the one of `timestampUs`; null when nothing was counted or dropped. */
  roll(timestampUs: number, context: SecondContext): StatsSecond | null {
    const finished = this.startUs < 0 ? null : this.#finish(context);
    this.startUs = Math.floor(timestampUs / 1e6) * 1e6;
    return finished;
  }

  #finish({ newFlows, activeFlows, activeHosts, drops }: SecondContext): StatsSecond | null {
    const last = this.#drops;
    const second: StatsSecond = {
      tsUs: this.startUs,
      packets: this.#packets,
      bytes: this.#bytes,
      inBytes: this.#directionBytes[Direction.in],
      outBytes: this.#directionBytes[Direction.out],
      internalBytes: this.#directionBytes[Direction.internal],
      tcpPackets: this.#tcp,
      udpPackets: this.#udp,
      icmpPackets: this.#icmp,
      otherPackets: this.#packets - this.#tcp - this.#udp - this.#icmp,
      newFlows,
      activeFlows,
      activeHosts,
      kernelDrops: drops.kernel - last.kernel,
      interfaceDrops: drops.interface - last.interface,
      queueDrops: drops.queue - last.queue,
    };
    this.#drops = drops;
    this.#packets =
      this.#bytes =
      this.#tcp =
      this.#udp =
      this.#icmp =
        0;
    this.#directionBytes.fill(0);
    return second;
  }
}
