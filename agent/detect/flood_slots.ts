/**
 * What the flood detector knows of each destination: counts of the present second and of the run of seconds that were
 * above the limit, the commonest port and source (Boyer and Moore's majority vote), and how many sources there were
 * (linear counting, Whang, Vander-Zanden and Taylor 1990).
 */
const bitmapWords = 16;
const bitmapBits = bitmapWords * 32;
const sampleMax = 16;

export class FloodSlots {
  readonly second: Float64Array;
  /** In the present second: arrived, and arrived of which something came. */
  readonly arrived: Uint32Array;
  readonly done: Uint32Array;
  /** Seconds on end before this one that were above the limit. */
  readonly hotSeconds: Uint32Array;
  /** Since the run began: total, most in one second, start, newest moment above the limit. */
  readonly total: Float64Array;
  readonly peak: Uint32Array;
  readonly firstUs: Float64Array;
  readonly hotUs: Float64Array;
  /** Second in which a packet to the destination was last refused by ICMP. */
  readonly refusedSecond: Float64Array;
  readonly port: Int32Array;
  readonly #portVotes: Int32Array;
  readonly #source: Int32Array;
  readonly #sourceVotes: Int32Array;
  readonly #bitmap: Int32Array;
  /** Bits set in it. */
  readonly #bits: Uint16Array;
  readonly #samples: Int32Array;
  readonly #sampleCounts: Uint8Array;

  constructor(capacity: number) {
    this.second = new Float64Array(capacity);
    this.arrived = new Uint32Array(capacity);
    this.done = new Uint32Array(capacity);
    this.hotSeconds = new Uint32Array(capacity);
    this.total = new Float64Array(capacity);
    this.peak = new Uint32Array(capacity);
    this.firstUs = new Float64Array(capacity);
    this.hotUs = new Float64Array(capacity);
    this.refusedSecond = new Float64Array(capacity);
    this.port = new Int32Array(capacity);
    this.#portVotes = new Int32Array(capacity);
    this.#source = new Int32Array(capacity * 4);
    this.#sourceVotes = new Int32Array(capacity);
    this.#bitmap = new Int32Array(capacity * bitmapWords);
    this.#bits = new Uint16Array(capacity);
    this.#samples = new Int32Array(capacity * sampleMax * 4);
    this.#sampleCounts = new Uint8Array(capacity);
  }

  get stateBytes(): number {
    return this.arrived.length * (4 * 8 + 7 * 4 + 16 + 3) + this.#bitmap.byteLength +
      this.#samples.byteLength;
  }

  /** Begins anew, as for a destination never seen. */
  reset(slot: number): void {
    this.second[slot] = -1;
    this.refusedSecond[slot] = -1;
    this.arrived[slot] = 0;
    this.done[slot] = 0;
    this.endRun(slot);
  }

  /** Forgets the run of seconds above the limit. */
  endRun(slot: number): void {
    this.hotSeconds[slot] = 0;
    this.total[slot] = 0;
    this.peak[slot] = 0;
    this.#portVotes[slot] = 0;
    this.#sourceVotes[slot] = 0;
    if (this.#sampleCounts[slot] === 0) return;
    this.#sampleCounts[slot] = 0;
    this.#bits[slot] = 0;
    this.#bitmap.fill(0, slot * bitmapWords, (slot + 1) * bitmapWords);
  }

  votePort(slot: number, port: number, weight: number): void {
    if (this.#portVotes[slot] <= 0) this.port[slot] = port;
    if (this.port[slot] === port) this.#portVotes[slot] += weight;
    else this.#portVotes[slot] -= weight;
  }

  /** Counts the source whose address is at `words[at]`. */
  voteSource(slot: number, words: Int32Array, at: number, weight: number): void {
    const source = this.#source;
    const base = slot * 4;
    const isSame = source[base + 3] === words[at + 3] && source[base + 2] === words[at + 2] &&
      source[base + 1] === words[at + 1] && source[base] === words[at];
    if (isSame && this.#sourceVotes[slot] > 0) {
      this.#sourceVotes[slot] += weight;
      return;
    }
    if (this.#sourceVotes[slot] <= 0) {
      for (let word = 0; word < 4; word++) source[base + word] = words[at + word];
      this.#sourceVotes[slot] = weight;
    } else this.#sourceVotes[slot] -= weight;
    this.#count(slot, words, at);
  }

  /** Whether at least half of what came went to one port. */
  isOnePort(slot: number): boolean {
    return this.#portVotes[slot] * 2 >= this.total[slot];
  }
  isOneSource(slot: number): boolean {
    return this.#sourceVotes[slot] * 2 >= this.total[slot];
  }

  /** Estimate of distinct sources. */
  sourceCount(slot: number): number {
    const zeros = bitmapBits - this.#bits[slot];
    return Math.round(-bitmapBits * Math.log(Math.max(zeros, 1) / bitmapBits));
  }

  /** Four words of each source kept: the commonest, or the first of many. */
  sources(slot: number): Int32Array[] {
    if (this.isOneSource(slot)) return [this.#source.subarray(slot * 4, slot * 4 + 4)];
    return Array.from({ length: this.#sampleCounts[slot] }, (_, index) => {
      const at = (slot * sampleMax + index) * 4;
      return this.#samples.subarray(at, at + 4);
    });
  }

  #count(slot: number, words: Int32Array, at: number): void {
    let hash = Math.imul(words[at] ^ words[at + 3], 0x9e3779b1) ^ words[at + 1];
    hash = Math.imul(hash ^ hash >>> 15 ^ words[at + 2], 0x85ebca6b);
    const bit = (hash ^ hash >>> 13) & bitmapBits - 1;
    const place = slot * bitmapWords + (bit >> 5);
    if ((this.#bitmap[place] & 1 << (bit & 31)) !== 0) return;
    this.#bitmap[place] |= 1 << (bit & 31);
    this.#bits[slot]++;
    const count = this.#sampleCounts[slot];
    if (count >= sampleMax) return;
    this.#sampleCounts[slot] = count + 1;
    const to = (slot * sampleMax + count) * 4;
    for (let word = 0; word < 4; word++) this.#samples[to + word] = words[at + word];
  }
}
