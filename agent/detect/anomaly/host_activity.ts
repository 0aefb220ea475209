/**
 * What each host did in the window in progress, counted from the observations: a row of counters a host, exact distinct
 * counts by a shared set of fingerprints, and the flows and peers to show. All of it is bounded and begins anew with each
 * window; only the memory of who has met whom lasts.
 *
 * The counting is WebAssembly (assembly/), because it takes a good part of all rows, and a file is over before V8 would
 * have compiled it; here is the door to it, and the views on its memory (activity_layout.ts).
 */
import { copyRows } from "../observation.ts";
import { activityModule } from "./activity_code.ts";
import {
  ACTIVE_AT,
  COUNT_WIDTH,
  COUNTS_AT,
  FLOW_COUNTS_AT,
  FLOW_IDS_AT,
  FLOWS_KEPT,
  HOSTS_MAX,
  PEER_WORDS,
  PEERS_AT,
  PEERS_KEPT,
  ROW_WORDS_MAX,
  ROWS_AT,
  SLOT_KEYS_AT,
} from "./activity_layout.ts";

/**
 * Counters of a host in a window. A connection is a flow of any transport; those to group and broadcast addresses do not
 * count, nor do ICMP messages other than echo.
 */
export const Count = {
  packetsOut: 0,
  packetsIn: 1,
  bytesOut: 2,
  bytesIn: 3,
  /** ARP packets that it sent, and that named it as target. */
  arpOut: 4,
  arpIn: 5,
  /** Connections it opened; of them those answered other than by a refusal, and those refused (RST, ICMP error). */
  opened: 6,
  accepted: 7,
  refused: 8,
  /** Different hosts that it opened connections to or asked for by ARP; different ports; pairs of host and port. */
  peersOut: 9,
  portsOut: 10,
  targetsOut: 11,
  /** Of peersOut: those it had not met before. */
  firstContacts: 12,
  /** Connections opened towards it; of them those it answered, and those it refused. */
  received: 13,
  acceptedIn: 14,
  refusedIn: 15,
  peersIn: 16,
  portsIn: 17,
  /** Different hosts that it asked for by ARP, and the answers. */
  arpAsked: 18,
  arpAnswered: 19,
  dnsQueries: 20,
  dnsResponses: 21,
  dnsNxdomain: 22,
  /** Different names that it asked for, and the bytes of the names of all queries. */
  dnsNames: 23,
  dnsNameBytes: 24,
} as const;

interface ActivityExports {
  readonly memory: WebAssembly.Memory;
  setUp(): void;
  takeRows(length: number): number;
  clear(): void;
  hostCount(): number;
  newestUs(): number;
  forgottenCount(): number;
}

export class HostActivity {
  /** Row of the counters of all hosts together. */
  readonly linkSlot = HOSTS_MAX;
  readonly counts: Float64Array;
  readonly flowIds: Uint32Array;
  readonly flowCounts: Uint8Array;
  readonly peers: Int32Array;
  readonly #exports: ActivityExports;
  readonly #rows: Int32Array;
  /** Slots of the hosts seen in this window. */
  readonly #active: Int32Array;
  readonly #addresses: Int32Array;

  constructor() {
    const instance = new WebAssembly.Instance(activityModule());
    this.#exports = instance.exports as unknown as ActivityExports;
    this.#exports.setUp();
    const { buffer } = this.#exports.memory;
    const slots = HOSTS_MAX + 1;
    this.counts = new Float64Array(buffer, COUNTS_AT, slots * COUNT_WIDTH);
    this.flowIds = new Uint32Array(buffer, FLOW_IDS_AT, slots * FLOWS_KEPT);
    this.flowCounts = new Uint8Array(buffer, FLOW_COUNTS_AT, slots);
    this.peers = new Int32Array(buffer, PEERS_AT, slots * PEERS_KEPT * PEER_WORDS);
    this.#rows = new Int32Array(buffer, ROWS_AT, ROW_WORDS_MAX);
    this.#active = new Int32Array(buffer, ACTIVE_AT, HOSTS_MAX);
    this.#addresses = new Int32Array(buffer, SLOT_KEYS_AT, HOSTS_MAX * 4);
  }

  get stateBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  get forgottenCount(): number {
    return this.#exports.forgottenCount();
  }

  /** Time of the newest row. */
  get newestUs(): number {
    return this.#exports.newestUs();
  }

  get hostCount(): number {
    return this.#exports.hostCount();
  }

  /** Takes the whole rows from words[from] up to words[to], of any kind and number; they are copied. */
  takeRows(words: Int32Array, from: number, to: number): void {
    copyRows(words, from, to, this.#rows, this.#exports.takeRows);
  }

  /** Slot of the `index`th host of the window, 0 to hostCount - 1. */
  slot(index: number): number {
    return this.#active[index];
  }

  /** Copies the address of a slot of a host. */
  address(slot: number): Int32Array {
    return this.#addresses.slice(slot * 4, slot * 4 + 4);
  }

  addressWord(slot: number, word: number): number {
    return this.#addresses[slot * 4 + word];
  }

  /** Forgets the window. */
  clear(): void {
    this.#exports.clear();
  }
}
