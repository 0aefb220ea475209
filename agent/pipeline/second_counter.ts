/** Adds packets up to whole seconds of traffic time, the rows of the `stats` table. */
import { TALLY_PLACES } from "../hot/layout.ts";
import { type StatsSecond, Transport, TRANSPORT_NAMES } from "../records.ts";

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

const transportCount = TRANSPORT_NAMES.length;
const bytesAt = transportCount;
const directionsAt = 2 * transportCount;

/**
 * The second in progress is one array (packets by transport, bytes by transport, bytes by direction), to which the hot path
 * adds the packets; this keeps the sums of the seconds before it, so that a packet is counted in three places and no more.
 */
export class SecondCounter {
  /** Start of the second being counted; -1 before the first packet. */
  startUs = -1;
  /** A packet at this time or later belongs to another second. */
  endUs = -Infinity;
  readonly #tally: Float64Array;
  readonly #before = new Float64Array(TALLY_PLACES);
  #drops: DropTotals = { kernel: 0, interface: 0, queue: 0 };

  /** `tally` is the hot path's at TALLY_AT, which adds the packets. */
  constructor(tally: Float64Array) {
    this.#tally = tally;
  }

  /** Packets by transport since the start. */
  packets(transport: number): number {
    return this.#before[transport] + this.#tally[transport];
  }

  /** Bytes on the wire by transport since the start. */
  bytes(transport: number): number {
    return this.#before[bytesAt + transport] + this.#tally[bytesAt + transport];
  }

  /** Packets and bytes of all transports since the start. */
  totals(): { readonly packets: number; readonly bytes: number } {
    let packets = 0;
    let bytes = 0;
    for (let transport = 0; transport < transportCount; transport++) {
      packets += this.packets(transport);
      bytes += this.bytes(transport);
    }
    return { packets, bytes };
  }

  /** Ends the second and begins the one of `timestampUs`; null before the first. */
  roll(timestampUs: number, context: SecondContext): StatsSecond | null {
    const finished = this.startUs < 0 ? null : this.#finish(context);
    this.startUs = Math.floor(timestampUs / 1e6) * 1e6;
    this.endUs = this.startUs + 1e6;
    return finished;
  }

  /** The second in progress as it is by now, which goes on; null before the first. */
  soFar(context: SecondContext): StatsSecond | null {
    return this.startUs < 0 ? null : this.#describe(context);
  }

  /** Nothing comes after the second that was ended last. */
  stop(): void {
    this.startUs = -1;
    this.endUs = -Infinity;
  }

  #finish(context: SecondContext): StatsSecond {
    const tally = this.#tally;
    const second = this.#describe(context);
    this.#drops = context.drops;
    for (let place = 0; place < tally.length; place++) this.#before[place] += tally[place];
    tally.fill(0);
    return second;
  }

  #describe({ newFlows, activeFlows, activeHosts, drops }: SecondContext): StatsSecond {
    const tally = this.#tally;
    const last = this.#drops;
    const packets = sum(tally, 0, transportCount);
    const tcpPackets = tally[Transport.tcp];
    const udpPackets = tally[Transport.udp];
    const icmpPackets = tally[Transport.icmp] + tally[Transport.icmpv6];
    return {
      tsUs: this.startUs,
      packets,
      bytes: sum(tally, bytesAt, directionsAt),
      inBytes: tally[directionsAt + Direction.in],
      outBytes: tally[directionsAt + Direction.out],
      internalBytes: tally[directionsAt + Direction.internal],
      tcpPackets,
      udpPackets,
      icmpPackets,
      otherPackets: packets - tcpPackets - udpPackets - icmpPackets,
      newFlows,
      activeFlows,
      activeHosts,
      kernelDrops: drops.kernel - last.kernel,
      interfaceDrops: drops.interface - last.interface,
      queueDrops: drops.queue - last.queue,
    };
  }
}

function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let place = from; place < to; place++) total += values[place];
  return total;
}
