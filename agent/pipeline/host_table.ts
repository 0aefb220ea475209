/**
 * Totals of every host seen. Look-up and counting are the hot path's (agent/hot/assembly/hosts.ts), in whose memory the
 * rows, addresses and what the detectors were told are; this fills flags, makes room, and reads the rows.
 *
 * At `hostCountMax` the quarter that was idle longest leaves, so memory has a bound: 65,536 hosts take 65,536 x (64 B row,
 * 16 B address and 32 B what the detectors were told there; here 16 B first seen and MAC, 32 B what was taken, 32 B windows)
 * + 512 KiB index, about 13 MB.
 */
import { isInNetwork, type Network } from "../decode/addresses.ts";
import { HotPath } from "../hot/hot_path.ts";
import {
  H_BYTES_IN,
  H_BYTES_OUT,
  H_FLAGS,
  H_LAST_SEEN_US,
  H_MAC,
  H_PACKETS_IN,
  H_PACKETS_OUT,
  HOST_BYTES,
  HOST_IS_GUESSED,
  HOST_IS_LISTED,
  HOST_IS_LOCAL,
  HOST_IS_RECEIVER_KNOWN,
  HOST_IS_RELABELLED,
  HOST_IS_SENDER_KNOWN,
  HOST_RECEIVER_LOOK,
  HOST_SENDER_LOOK,
  S_HOST_COUNT,
  S_HOST_EPOCH,
} from "../hot/layout.ts";
import type { HostNaming, HostTotals } from "../records.ts";
import type { MacBook } from "./mac_book.ts";

/** Traffic time that one window of recent totals spans. */
export const recentWindowUs = 300_000_000;
const activeUs = 60_000_000;

const rowDoubles = HOST_BYTES / 8;
const rowWords = HOST_BYTES / 4;
/** Places of a row's doubles. */
const lastSeenAt = H_LAST_SEEN_US / 2;
const packetsOutAt = H_PACKETS_OUT / 2;
const bytesOutAt = H_BYTES_OUT / 2;
const packetsInAt = H_PACKETS_IN / 2;
const bytesInAt = H_BYTES_IN / 2;
/** Packets and bytes sent, then received. */
const counterCount = 4;
const macLooksMax = 8;
export const hostCountDefault = 65_536;

interface HostTableOptions {
  readonly hostCountMax?: number;
  /** Where the rows live, made for as many; one of the table's own when absent. */
  readonly hot?: HotPath;
  readonly isLocal: (word0: number, word1: number, word2: number, word3: number) => boolean;
  /** Whether that may still be taken back, or confirmed; never when absent. */
  readonly isGuessed?: (word0: number, word1: number, word2: number, word3: number) => boolean;
  /** Addresses for which this is false (groups, broadcasts) are counted, but never listed. */
  readonly isListed: (word0: number, word1: number, word2: number, word3: number) => boolean;
  /** Text of an address; called for rows only, never per packet. */
  readonly formatAddress: (word0: number, word1: number, word2: number, word3: number) => string;
  /** The names of a host, the one to show first; called for rows only. */
  readonly namesOf: (address: string, mac: string) => readonly HostNaming[];
  /** Which MAC address is a host's own. */
  readonly macs: Pick<MacBook, "macOf" | "isRouter">;
}

export class HostTable {
  readonly #options: HostTableOptions;
  readonly #hot: HotPath;
  readonly #words: Int32Array;
  readonly #row: Float64Array;
  readonly #rowWords: Int32Array;
  /** The four counters as they were when the detectors' window began. */
  readonly #windowTaken: Float64Array;
  readonly #firstSeenUs: Float64Array;
  /** The four counters as they were when the row was last taken. */
  readonly #taken: Float64Array;
  /** Bytes out and in when this window began, and when the one before it did. */
  readonly #windows: Float64Array;
  #evicted = 0;
  #windowStartUs = -1;

  constructor(options: HostTableOptions) {
    this.#options = options;
    const max = options.hostCountMax ?? hostCountDefault;
    const hot = options.hot ?? new HotPath({ flowCountMax: 1, hostCountMax: max });
    const { buffer } = hot.bytes;
    this.#hot = hot;
    this.#words = new Int32Array(buffer, hot.exports.hostAddressesAt(), max * 4);
    this.#row = new Float64Array(buffer, hot.exports.hostRowsAt(), max * rowDoubles);
    this.#rowWords = new Int32Array(buffer, hot.exports.hostRowsAt(), max * rowWords);
    this.#windowTaken = hot.doublesAt(hot.exports.hostWindowTakenAt(), max * counterCount);
    this.#firstSeenUs = new Float64Array(max);
    this.#taken = new Float64Array(max * counterCount);
    this.#windows = new Float64Array(max * 4);
    hot.calls.hostAdded = (row, timestampUs) => this.#added(row, timestampUs);
    hot.calls.hostsFull = () => this.#evictIdle();
  }

  get count(): number {
    return this.#hot.state[S_HOST_COUNT];
  }

  /** Changes when hosts are evicted: rows kept from before then mean other hosts. */
  get epoch(): number {
    return this.#hot.state[S_HOST_EPOCH];
  }

  /** Hosts ever seen, those that left included. */
  get totalCount(): number {
    return this.count + this.#evicted;
  }

  /** Row of a host, added when new. Rows move when hosts are evicted: see `epoch`. */
  row(word0: number, word1: number, word2: number, word3: number, timestampUs: number): number {
    return this.#hot.exports.hostRow(word0, word1, word2, word3, timestampUs);
  }

  /** Row of a host, -1 when it is not in the table. */
  find(word0: number, word1: number, word2: number, word3: number): number {
    return this.#hot.exports.findHost(word0, word1, word2, word3);
  }

  isLocal(row: number): boolean {
    return (this.#rowWords[row * rowWords + H_FLAGS] & HOST_IS_LOCAL) !== 0;
  }

  /** Addresses of a network may have become local, or no longer are: asks again about them. */
  relabel(network: Network): void {
    const { words, prefixLength } = network;
    if (prefixLength === 128) {
      const row = this.find(...words);
      if (row >= 0) this.#relabelRow(row);
      return;
    }
    for (let row = 0; row < this.count; row++) {
      if (prefixLength === 0 || isInNetwork(network, ...this.#address(row))) this.#relabelRow(row);
    }
  }

  #relabelRow(row: number): void {
    const address = this.#address(row);
    const at = row * rowWords + H_FLAGS;
    if (this.#options.isGuessed?.(...address)) this.#rowWords[at] |= HOST_IS_GUESSED;
    else this.#rowWords[at] &= ~HOST_IS_GUESSED;
    if (this.#options.isLocal(...address) === this.isLocal(row)) return;
    this.#rowWords[at] ^= HOST_IS_LOCAL | HOST_IS_RELABELLED;
    // Flows remember which of their hosts are local.
    this.#hot.state[S_HOST_EPOCH]++;
  }

  addSent(row: number, wireLength: number, timestampUs: number): void {
    this.#hot.exports.addSent(row, wireLength, timestampUs);
  }

  addReceived(row: number, wireLength: number, timestampUs: number): void {
    this.#hot.exports.addReceived(row, wireLength, timestampUs);
  }

  /** A packet of two hosts was looked at; after some looks a host is known as well as it will be. */
  noteLook(
    hosts: { readonly source: number; readonly destination: number },
    known: { readonly isSourceKnown: boolean; readonly isDestinationKnown: boolean },
  ): void {
    const { source, destination } = hosts;
    this.#look(source, HOST_SENDER_LOOK, known.isSourceKnown, HOST_IS_SENDER_KNOWN);
    this.#look(destination, HOST_RECEIVER_LOOK, known.isDestinationKnown, HOST_IS_RECEIVER_KNOWN);
  }

  #look(row: number, look: number, isKnown: boolean, knownFlag: number): void {
    const at = row * rowWords + H_FLAGS;
    this.#rowWords[at] += look;
    const looks = this.#rowWords[at] / look & 0xff;
    if (isKnown || looks >= macLooksMax) this.#rowWords[at] |= knownFlag;
  }

  /** Begins a new window of recent totals when the present one is over. */
  advance(timestampUs: number): void {
    if (this.#windowStartUs < 0) this.#windowStartUs = timestampUs;
    if (timestampUs - this.#windowStartUs < recentWindowUs) return;
    this.#windowStartUs = timestampUs;
    for (let row = 0; row < this.count; row++) {
      const base = row * 4;
      this.#windows[base + 2] = this.#windows[base];
      this.#windows[base + 3] = this.#windows[base + 1];
      this.#windows[base] = this.#row[row * rowDoubles + bytesOutAt];
      this.#windows[base + 1] = this.#row[row * rowDoubles + bytesInAt];
    }
  }

  /** Hosts that sent or received within the last minute before `timestampUs`. */
  activeCount(timestampUs: number): number {
    let active = 0;
    for (let row = 0; row < this.count; row++) {
      const isActive = timestampUs - this.#row[row * rowDoubles + lastSeenAt] < activeUs;
      if (isActive && this.#isListed(row)) active++;
    }
    return active;
  }

  /**
   * The `count` hosts with most bytes, most first: `recent` in this and the last window, `total` since the start. The
   * byte counters of what is returned are those bytes.
   */
  busiest(count: number, span: "recent" | "total"): HostTotals[] {
    const best: { row: number; bytes: number }[] = [];
    for (let row = 0; row < this.count; row++) {
      const bytes = this.#bytesIn(row, span) + this.#bytesOut(row, span);
      if (bytes === 0 || !this.#isListed(row)) continue;
      if (best.length === count && bytes <= best[count - 1].bytes) continue;
      let at = best.length;
      while (at > 0 && best[at - 1].bytes < bytes) at--;
      best.splice(at, 0, { row, bytes });
      if (best.length > count) best.pop();
    }
    return best.map(({ row }) => ({
      ...this.#describe(row),
      inPackets: this.#row[row * rowDoubles + packetsInAt],
      inBytes: this.#bytesIn(row, span),
      outPackets: this.#row[row * rowDoubles + packetsOutAt],
      outBytes: this.#bytesOut(row, span),
    }));
  }

  /** Rows that changed, as increments since they were last taken; at most `countMax`. */
  takeChanged(countMax: number): HostTotals[] {
    const changed: HostTotals[] = [];
    for (let row = 0; row < this.count && changed.length < countMax; row++) {
      if (!this.#hasChanged(row)) continue;
      const counters = this.#row.subarray(
        row * rowDoubles + 1,
        row * rowDoubles + 1 + counterCount,
      );
      const base = row * counterCount;
      changed.push({
        ...this.#describe(row, true),
        outPackets: counters[0] - this.#taken[base],
        outBytes: counters[1] - this.#taken[base + 1],
        inPackets: counters[2] - this.#taken[base + 2],
        inBytes: counters[3] - this.#taken[base + 3],
      });
      this.#taken.set(counters, base);
      this.#rowWords[row * rowWords + H_FLAGS] &= ~HOST_IS_RELABELLED;
    }
    return changed;
  }

  /** Whether a row changed since it was last taken. */
  get hasChanged(): boolean {
    for (let row = 0; row < this.count; row++) {
      if (this.#hasChanged(row)) return true;
    }
    return false;
  }

  #isListed(row: number): boolean {
    return (this.#rowWords[row * rowWords + H_FLAGS] & HOST_IS_LISTED) !== 0;
  }

  #hasChanged(row: number): boolean {
    const counters = row * rowDoubles;
    const taken = row * counterCount;
    const hasSent = this.#row[counters + packetsOutAt] !== this.#taken[taken];
    const hasReceived = this.#row[counters + packetsInAt] !== this.#taken[taken + 2];
    const isRelabelled = (this.#rowWords[row * rowWords + H_FLAGS] & HOST_IS_RELABELLED) !== 0;
    return this.#isListed(row) && (hasSent || hasReceived || isRelabelled);
  }

  #bytesOut(row: number, span: "recent" | "total"): number {
    const bytes = this.#row[row * rowDoubles + bytesOutAt];
    return span === "total" ? bytes : bytes - this.#windows[row * 4 + 2];
  }

  #bytesIn(row: number, span: "recent" | "total"): number {
    const bytes = this.#row[row * rowDoubles + bytesInAt];
    return span === "total" ? bytes : bytes - this.#windows[row * 4 + 3];
  }

  #describe(
    row: number,
    withNames = false,
  ): Omit<HostTotals, "inPackets" | "inBytes" | "outPackets" | "outBytes"> {
    const address = this.#options.formatAddress(...this.#address(row));
    // Others' packets bring a router's.
    const number = this.isLocal(row) ? this.#macOf(row) : 0;
    const mac = macText(number);
    const names = this.#options.namesOf(address, mac);
    return {
      address,
      mac,
      name: names[0]?.name ?? "",
      ...(withNames && {
        names,
        isRouter: number !== 0 && this.#options.macs.isRouter(number),
      }),
      isLocal: this.isLocal(row),
      firstSeenUs: this.#firstSeenUs[row],
      lastSeenUs: this.#row[row * rowDoubles + lastSeenAt],
    };
  }

  #macOf(row: number): number {
    const at = row * rowWords + H_MAC;
    const seen = this.#rowWords[at] * 2 ** 32 + (this.#rowWords[at + 1] >>> 0);
    return this.#options.macs.macOf(this.#address(row), seen);
  }

  #address(row: number): [number, number, number, number] {
    const words = this.#words;
    const at = row * 4;
    return [words[at], words[at + 1], words[at + 2], words[at + 3]];
  }

  /** The hot path has added a row, with its address and time. */
  #added(row: number, timestampUs: number): void {
    const base = row * counterCount;
    const address = this.#address(row);
    const word0 = address[0];
    const word1 = address[1];
    const word2 = address[2];
    const word3 = address[3];
    const isLocal = this.#options.isLocal(word0, word1, word2, word3);
    // Only what is taken to be local was guessed to be.
    const isGuessed = isLocal && this.#options.isGuessed?.(word0, word1, word2, word3) === true;
    this.#rowWords[row * rowWords + H_FLAGS] = (isLocal ? HOST_IS_LOCAL : 0) |
      (isGuessed ? HOST_IS_GUESSED : 0) |
      (this.#options.isListed(word0, word1, word2, word3) ? HOST_IS_LISTED : 0);
    this.#firstSeenUs[row] = timestampUs;
    for (let at = base; at < base + 4; at++) {
      this.#taken[at] = 0;
      this.#windows[at] = 0;
    }
  }

  /** Keeps the three quarters seen last; increments of the others that were not taken are lost with them. */
  #evictIdle(): void {
    const times = new Float64Array(this.count);
    for (let row = 0; row < this.count; row++) {
      times[row] = this.#row[row * rowDoubles + lastSeenAt];
    }
    const keepAfterUs = times.toSorted()[this.count >> 2];
    let kept = 0;
    for (let row = 0; row < this.count; row++) {
      if (times[row] > keepAfterUs) this.#move(row, kept++);
    }
    this.#evicted += this.count - kept;
    this.#hot.state[S_HOST_COUNT] = kept;
    this.#hot.state[S_HOST_EPOCH]++;
    this.#hot.exports.indexHosts();
  }

  #move(from: number, to: number): void {
    this.#row.copyWithin(to * rowDoubles, from * rowDoubles, (from + 1) * rowDoubles);
    for (const values of [this.#words, this.#taken, this.#windows, this.#windowTaken]) {
      values.copyWithin(to * 4, from * 4, from * 4 + 4);
    }
    this.#firstSeenUs[to] = this.#firstSeenUs[from];
  }
}

function macText(mac: number): string {
  return mac === 0 ? "" : mac.toString(16).padStart(12, "0").replace(/..(?=.)/g, "$&:");
}
