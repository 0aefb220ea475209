/**
 * What arrives at each destination, and when it is a flood. The counting is WebAssembly (assembly/), because nearly every
 * row needs it, and a file is over before V8 would have compiled it; here is the door to it, and the views on its memory
 * (arrivals_layout.ts). Destinations are known by numbers from 0 on.
 */
import { copyRows } from "../observation.ts";
import { arrivalsModule } from "./arrivals_code.ts";
import {
  BIT_COUNT,
  D_BITS_SET,
  D_BYTES,
  D_FIRST_US,
  D_HOT_US,
  D_IS_PEAK_RATE,
  D_LAST_US,
  D_PEAK,
  D_PORT,
  D_PORT_VOTES,
  D_SAMPLES,
  D_SOURCE,
  D_SOURCE_VOTES,
  D_TOTAL,
  DESTINATION_WORDS,
  DESTINATIONS_AT,
  DESTINATIONS_MAX,
  ICMP_TYPES_AT,
  LIMITS_AT,
  OPEN_AT,
  PORT_IS_ANSWERING,
  PORT_IS_COLLECTOR,
  PORTS_AT,
  ROW_WORDS_MAX,
  ROWS_AT,
  SAMPLES_MAX,
} from "./arrivals_layout.ts";
import { FLOODS } from "./kinds.ts";
import { ANSWERING_SERVICES } from "./services.ts";

/** ICMP(v6) messages that anyone may send unasked: echo, timestamp, mask, router solicitation and advertisement. */
const icmpTypes: readonly number[] = [0, 8, 13, 17, 128, 129, 133, 134];
/** Where many send and nothing answers: SNMP traps, syslog, flow export, StatsD, Jaeger, GELF, collectd. */
const collectorPorts: readonly number[] = [
  ...[162, 514, 2055, 4739, 6343, 6831, 8125, 9995, 9996, 12201, 25826],
];

interface ArrivalHooks {
  /** So much arrives that it is a flood, and the destination has no episode. */
  opened(destination: number, atUs: number, flowId: number): void;
  /** A destination that has an episode is taken over by another. */
  forgotten(destination: number): void;
}

interface ArrivalExports {
  readonly memory: WebAssembly.Memory;
  setUp(): void;
  takeRows(length: number): number;
  forgottenCount(): number;
  isOneSided(): number;
}

/** An instance with a memory of its own. */
function instantiateArrivals(hooks: ArrivalHooks): ArrivalExports {
  const env = {
    opened: (destination: number, atUs: number, flowId: number) =>
      hooks.opened(destination, atUs, flowId >>> 0),
    forgotten: (destination: number) => hooks.forgotten(destination),
  };
  const exports = new WebAssembly.Instance(arrivalsModule(), { env })
    .exports as unknown as ArrivalExports;
  exports.setUp();
  return exports;
}

export class Arrivals {
  /** By destination: to be kept 1 while it has an episode. */
  readonly openSlots: Uint8Array;
  readonly #exports: ArrivalExports;
  readonly #rows: Int32Array;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(hooks: ArrivalHooks) {
    this.#exports = instantiateArrivals(hooks);
    const { buffer } = this.#exports.memory;
    this.openSlots = new Uint8Array(buffer, OPEN_AT, DESTINATIONS_MAX);
    this.#rows = new Int32Array(buffer, ROWS_AT, ROW_WORDS_MAX);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    const bytes = new Uint8Array(buffer);
    for (const type of icmpTypes) bytes[ICMP_TYPES_AT + type] = 1;
    for (const port of collectorPorts) bytes[PORTS_AT + port] |= PORT_IS_COLLECTOR;
    for (const port of ANSWERING_SERVICES.keys()) bytes[PORTS_AT + port] |= PORT_IS_ANSWERING;
    this.#words.set(FLOODS.flatMap((flood) => [flood.perSecond, flood.seconds]), LIMITS_AT / 4);
  }

  get stateBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Destinations taken over because the table was full. */
  get forgottenCount(): number {
    return this.#exports.forgottenCount();
  }

  /** Takes the whole rows from words[from] up to words[to], of any kind and number; they are copied. */
  takeRows(words: Int32Array, from: number, to: number): void {
    copyRows(words, from, to, this.#rows, this.#exports.takeRows);
  }

  /** A word of a destination's key: its address (DHCP: 0, 0, the sender's MAC), FloodKind, the service's port. */
  keyWord(destination: number, word: number): number {
    return this.#word(destination, word);
  }

  /** Since the run of seconds above the limit began: all that arrived. */
  total(destination: number): number {
    return this.#double(destination, D_TOTAL);
  }

  /** Payload bytes of the run, of answers. */
  bytes(destination: number): number {
    return this.#double(destination, D_BYTES);
  }

  /** Most in one second of the run. */
  peak(destination: number): number {
    return this.#word(destination, D_PEAK) >>> 0;
  }

  /** Whether that is the mean rate of a flow over a second or more. */
  isPeakRate(destination: number): boolean {
    return this.#word(destination, D_IS_PEAK_RATE) !== 0;
  }

  /** When the run began. */
  firstUs(destination: number): number {
    return this.#double(destination, D_FIRST_US);
  }

  /** The newest moment above the limit, or what came less than a second after it. */
  lastUs(destination: number): number {
    return Math.max(this.#double(destination, D_HOT_US), this.#double(destination, D_LAST_US));
  }

  /** The port to which at least half of what came went; -1 without one. */
  port(destination: number): number {
    return this.#isMost(destination, D_PORT_VOTES) ? this.#word(destination, D_PORT) : -1;
  }

  /** True where only one direction of the traffic is captured, as far as is known. */
  get isOneSided(): boolean {
    return this.#exports.isOneSided() !== 0;
  }

  /** Estimate of distinct sources. */
  sourceCount(destination: number): number {
    return estimateDistinct(this.#word(destination, D_BITS_SET));
  }

  /** Four words of each source kept: the commonest, or the first of many. */
  sources(destination: number): Int32Array[] {
    if (this.#isMost(destination, D_SOURCE_VOTES)) return [this.#address(destination, D_SOURCE)];
    const count = Math.min(this.#word(destination, D_BITS_SET), SAMPLES_MAX);
    return Array.from(
      { length: count },
      (_, index) => this.#address(destination, D_SAMPLES + index * 4),
    );
  }

  #isMost(destination: number, votes: number): boolean {
    return this.#word(destination, votes) * 2 >= this.total(destination);
  }

  #address(destination: number, word: number): Int32Array {
    const at = placeOf(destination, word);
    return this.#words.subarray(at, at + 4);
  }

  #word(destination: number, word: number): number {
    return this.#words[placeOf(destination, word)];
  }

  #double(destination: number, word: number): number {
    return this.#doubles[placeOf(destination, word) / 2];
  }
}

/** How many different things set so many of the bits, about (linear counting). */
export function estimateDistinct(bitsSet: number): number {
  const zeros = BIT_COUNT - bitsSet;
  return Math.round(-BIT_COUNT * Math.log(Math.max(zeros, 1) / BIT_COUNT));
}

function placeOf(destination: number, word: number): number {
  return DESTINATIONS_AT / 4 + destination * DESTINATION_WORDS + word;
}
