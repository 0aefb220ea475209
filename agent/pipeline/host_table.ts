/**
 * Totals of every host seen, in typed arrays: an open-addressing index (linear probing, at most half full) over rows of
 * four address words and counters. At `hostCountMax` the quarter that was idle longest leaves, so memory has a bound:
 * 65,536 hosts take 65,536 x (16 B key + 7 B id and flags + 24 B times and MAC + 96 B counters) + 512 KiB index,
 * about 10 MB.
 */
import type { HostTotals } from "../records.ts";

/** Traffic time that one window of recent totals spans. */
export const recentWindowUs = 300_000_000;
const activeUs = 60_000_000;

export interface HostTableOptions {
  readonly hostCountMax?: number;
  readonly isLocal: (word0: number, word1: number, word2: number, word3: number) => boolean;
  /** Addresses for which this is false (groups, broadcasts) are counted, but never listed. */
  readonly isListed: (word0: number, word1: number, word2: number, word3: number) => boolean;
  /** Text of an address; called for rows only, never per packet. */
  readonly formatAddress: (word0: number, word1: number, word2: number, word3: number) => string;
  /** The name of a host, "" without one; called for rows only. */
  readonly nameOf: (address: string, mac: string) => string;
}

export class HostTable {
  readonly #max: number;
  readonly #options: HostTableOptions;
  readonly #index: Int32Array;
  readonly #mask: number;
  readonly #words: Int32Array;
  readonly #ids: Uint32Array;
  readonly #isLocal: Uint8Array;
  readonly #isListed: Uint8Array;
  readonly #isDirty: Uint8Array;
  readonly #firstSeenUs: Float64Array;
  readonly #lastSeenUs: Float64Array;
  /** In packets, in bytes, out packets, out bytes: since the host was first seen, */
  readonly #totals: Float64Array;
  /** … since its row was last taken, */
  readonly #pending: Float64Array;
  /** … and in this and the last window: in bytes, out bytes, each twice. */
  readonly #recent: Float64Array;
  /** 48 bits each; 0 while unknown. */
  readonly #macs: Float64Array;
  #count = 0;
  #nextId = 1;
  #evicted = 0;
  #windowStartUs = -1;
  #window = 0;

  constructor(options: HostTableOptions) {
    this.#options = options;
    const max = this.#max = options.hostCountMax ?? 65_536;
    let size = 16;
    while (size < max * 2) size *= 2;
    this.#index = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
    this.#words = new Int32Array(max * 4);
    this.#ids = new Uint32Array(max);
    this.#isLocal = new Uint8Array(max);
    this.#isListed = new Uint8Array(max);
    this.#isDirty = new Uint8Array(max);
    this.#firstSeenUs = new Float64Array(max);
    this.#lastSeenUs = new Float64Array(max);
    this.#totals = new Float64Array(max * 4);
    this.#pending = new Float64Array(max * 4);
    this.#recent = new Float64Array(max * 4);
    this.#macs = new Float64Array(max);
  }

  get count(): number {
    return this.#count;
  }

  /** Hosts ever seen, those that left included. */
  get totalCount(): number {
    return this.#count + this.#evicted;
  }

  /** Row of a host, added when new. Rows move when hosts are evicted: check `id` before using a kept row. */
  row(word0: number, word1: number, word2: number, word3: number, timestampUs: number): number {
    const found = this.find(word0, word1, word2, word3);
    if (found >= 0) return found;
    if (this.#count === this.#max) this.#evictIdle();
    return this.#add(word0, word1, word2, word3, timestampUs);
  }

  /** Row of a host, -1 when it is not in the table. */
  find(word0: number, word1: number, word2: number, word3: number): number {
    const words = this.#words;
    let at = hash(word0, word1, word2, word3) & this.#mask;
    for (let row = this.#index[at]; row >= 0; row = this.#index[at]) {
      const base = row * 4;
      if (
        words[base + 3] === word3 && words[base + 2] === word2 && words[base + 1] === word1 &&
        words[base] === word0
      ) return row;
      at = (at + 1) & this.#mask;
    }
    return -1;
  }

  /** Identity of the host in a row; never given twice. */
  id(row: number): number {
    return this.#ids[row];
  }

  isLocal(row: number): boolean {
    return this.#isLocal[row] === 1;
  }

  addSent(row: number, wireLength: number, timestampUs: number): void {
    const base = row * 4;
    this.#totals[base + 2] += 1;
    this.#totals[base + 3] += wireLength;
    this.#pending[base + 2] += 1;
    this.#pending[base + 3] += wireLength;
    this.#recent[base + 2 + this.#window] += wireLength;
    this.#lastSeenUs[row] = timestampUs;
    this.#isDirty[row] = this.#isListed[row];
  }

  addReceived(row: number, wireLength: number, timestampUs: number): void {
    const base = row * 4;
    this.#totals[base] += 1;
    this.#totals[base + 1] += wireLength;
    this.#pending[base] += 1;
    this.#pending[base + 1] += wireLength;
    this.#recent[base + this.#window] += wireLength;
    this.#lastSeenUs[row] = timestampUs;
    this.#isDirty[row] = this.#isListed[row];
  }

  /** Whether a packet from the host would show its MAC address for the first time. */
  needsMac(row: number): boolean {
    return this.#macs[row] === 0 && this.#isLocal[row] === 1 && this.#isListed[row] === 1;
  }

  /** The host's MAC address as a 48-bit number. */
  setMac(row: number, mac: number): void {
    this.#macs[row] = mac;
  }

  /** Begins a new window of recent totals when the present one is over. */
  advance(timestampUs: number): void {
    if (this.#windowStartUs < 0) this.#windowStartUs = timestampUs;
    if (timestampUs - this.#windowStartUs < recentWindowUs) return;
    this.#windowStartUs = timestampUs;
    this.#window = 1 - this.#window;
    for (let row = 0; row < this.#count; row++) {
      this.#recent[row * 4 + this.#window] = 0;
      this.#recent[row * 4 + 2 + this.#window] = 0;
    }
  }

  /** Hosts that sent or received within the last minute before `timestampUs`. */
  activeCount(timestampUs: number): number {
    let active = 0;
    for (let row = 0; row < this.#count; row++) {
      if (timestampUs - this.#lastSeenUs[row] < activeUs) active += this.#isListed[row];
    }
    return active;
  }

  /**
   * The `count` hosts with most bytes, most first: `recent` in this and the last window, `total` since the start. The
   * byte counters of what is returned are those bytes.
   */
  busiest(count: number, span: "recent" | "total"): HostTotals[] {
    const best: { row: number; bytes: number }[] = [];
    for (let row = 0; row < this.#count; row++) {
      const bytes = this.#bytesIn(row, span) + this.#bytesOut(row, span);
      if (
        this.#isListed[row] === 0 || bytes === 0 ||
        (best.length === count && bytes <= best[count - 1].bytes)
      ) continue;
      let at = best.length;
      while (at > 0 && best[at - 1].bytes < bytes) at--;
      best.splice(at, 0, { row, bytes });
      if (best.length > count) best.pop();
    }
    return best.map(({ row }) => ({
      ...this.#totalsOf(row, this.#totals),
      inBytes: this.#bytesIn(row, span),
      outBytes: this.#bytesOut(row, span),
    }));
  }

  /** Rows that changed, as increments since they were last taken; at most `countMax`. */
  takeChanged(countMax: number): HostTotals[] {
    const changed: HostTotals[] = [];
    for (let row = 0; row < this.#count && changed.length < countMax; row++) {
      if (this.#isDirty[row] === 0) continue;
      changed.push(this.#totalsOf(row, this.#pending));
      this.#pending.fill(0, row * 4, row * 4 + 4);
      this.#isDirty[row] = 0;
    }
    return changed;
  }

  /** Whether a row changed since it was last taken. */
  get hasChanged(): boolean {
    return this.#isDirty.subarray(0, this.#count).includes(1);
  }

  #bytesIn(row: number, span: "recent" | "total"): number {
    const base = row * 4;
    return span === "total" ? this.#totals[base + 1] : this.#recent[base] + this.#recent[base + 1];
  }

  #bytesOut(row: number, span: "recent" | "total"): number {
    const base = row * 4;
    return span === "total"
      ? this.#totals[base + 3]
      : this.#recent[base + 2] + this.#recent[base + 3];
  }

  #totalsOf(row: number, counters: Float64Array): HostTotals {
    const base = row * 4;
    const words = this.#words;
    const address = this.#options.formatAddress(
      words[base],
      words[base + 1],
      words[base + 2],
      words[base + 3],
    );
    const mac = macText(this.#macs[row]);
    return {
      address,
      mac,
      name: this.#options.nameOf(address, mac),
      isLocal: this.isLocal(row),
      firstSeenUs: this.#firstSeenUs[row],
      lastSeenUs: this.#lastSeenUs[row],
      inPackets: counters[base],
      inBytes: counters[base + 1],
      outPackets: counters[base + 2],
      outBytes: counters[base + 3],
    };
  }

  #add(word0: number, word1: number, word2: number, word3: number, timestampUs: number): number {
    const row = this.#count++;
    const base = row * 4;
    this.#words[base] = word0;
    this.#words[base + 1] = word1;
    this.#words[base + 2] = word2;
    this.#words[base + 3] = word3;
    this.#ids[row] = this.#nextId++;
    this.#isLocal[row] = this.#options.isLocal(word0, word1, word2, word3) ? 1 : 0;
    this.#isListed[row] = this.#options.isListed(word0, word1, word2, word3) ? 1 : 0;
    this.#isDirty[row] = 0;
    this.#firstSeenUs[row] = this.#lastSeenUs[row] = timestampUs;
    for (const counters of [this.#totals, this.#pending, this.#recent]) {
      counters.fill(0, base, base + 4);
    }
    this.#macs[row] = 0;
    this.#insertIntoIndex(row);
    return row;
  }

  #insertIntoIndex(row: number): void {
    const base = row * 4;
    const words = this.#words;
    let at = hash(words[base], words[base + 1], words[base + 2], words[base + 3]) & this.#mask;
    while (this.#index[at] >= 0) at = (at + 1) & this.#mask;
    this.#index[at] = row;
  }

  /** Keeps the three quarters seen last; increments of the others that were not taken are lost with them. */
  #evictIdle(): void {
    const times = this.#lastSeenUs.slice(0, this.#count).sort();
    const keepFromUs = times[this.#count >> 2];
    let kept = 0;
    for (let row = 0; row < this.#count; row++) {
      if (this.#lastSeenUs[row] <= keepFromUs) continue;
      if (kept !== row) this.#move(row, kept);
      kept++;
    }
    this.#evicted += this.#count - kept;
    this.#count = kept;
    this.#index.fill(-1);
    for (let row = 0; row < kept; row++) this.#insertIntoIndex(row);
  }

  #move(from: number, to: number): void {
    for (const values of [this.#words, this.#totals, this.#pending, this.#recent]) {
      values.copyWithin(to * 4, from * 4, from * 4 + 4);
    }
    for (
      const values of [
        this.#ids,
        this.#isLocal,
        this.#isListed,
        this.#isDirty,
        this.#firstSeenUs,
        this.#lastSeenUs,
        this.#macs,
      ]
    ) values[to] = values[from];
  }
}

/** Murmur3's mixing of four words; addresses of one network differ in few bits. */
function hash(word0: number, word1: number, word2: number, word3: number): number {
  let h = Math.imul(word3, 0xcc9e2d51) ^ Math.imul(word2, 0x1b873593) ^
    Math.imul(word1, 0x85ebca6b) ^ Math.imul(word0, 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function macText(mac: number): string {
  if (mac === 0) return "";
  return mac.toString(16).padStart(12, "0").replace(/..(?=.)/g, "$&:");
}
