/** What of a queried name may be data, and whether it looks like it. One object is filled again for every name. */
import type { Observation } from "../observation.ts";

const dot = 0x2e;
/** Names are asked for again and again: so many are remembered. */
const recentMax = 128;
const wordsMax = 64;

/**
 * A name cut into the registered domain and what stands before it. Registered domain: the last two labels, three below
 * the registries' second-level domains (co.uk …). A name whose last label cannot be a top-level domain (dnscat without
 * a domain) is all data.
 */
export class QueriedName {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  /** Where the registered domain begins; `length` when there is none. */
  domainAt = 0;
  /** Where the data ends: before the registered domain, or before more labels that all names share (see shareTail()). */
  dataLength = 0;
  /** Hashes (FNV-1a, two seeds) of the registered domain, and one of the whole name. */
  domainHash0 = 0;
  domainHash1 = 0;
  nameHash = 0;
  readonly #counts = new Uint8Array(256);
  /** By a hash of their words. */
  readonly #recent: (CutName | undefined)[] = Array(recentMax).fill(undefined);

  read(observation: Observation): void {
    const { words, at, dnsNameLength: length } = observation;
    const from = at + 16;
    const end = from + (length + 3 >> 2);
    let hash = length;
    for (let word = from; word < end; word++) {
      hash = Math.imul(hash ^ words[word], 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const name = this.#recent[hash & recentMax - 1] ??= new CutName();
    if (!name.is(length, words, from)) name.set(length, words, from);
    this.bytes = name.bytes;
    this.length = length;
    this.domainAt = name.domainAt;
    this.dataLength = name.domainAt === length ? length : Math.max(0, name.domainAt - 1);
    this.domainHash0 = name.domainHash0;
    this.domainHash1 = name.domainHash1;
    this.nameHash = name.nameHash;
  }

  get domain(): string {
    return String.fromCharCode(...this.bytes.subarray(this.domainAt, this.length));
  }

  /**
   * Leaves out of the data what the end of the name has in common with `tail` by whole labels: a customer's key in the
   * names of a list says nothing. Returns how many bytes of `tail` that is, from its end.
   */
  shareTail(tail: Uint8Array): number {
    const { bytes, length } = this;
    const most = Math.min(length, tail.length);
    let own = length - 1;
    let other = tail.length - 1;
    let labels = 0;
    for (const last = own - most; own > last && bytes[own] === tail[other]; own--, other--) {
      if (bytes[own] === dot) labels = length - 1 - own;
    }
    if ((own < 0 || bytes[own] === dot) && (other < 0 || tail[other] === dot)) {
      labels = length - 1 - own;
    }
    if (length - labels < this.domainAt) this.dataLength = Math.max(0, length - labels - 1);
    return labels;
  }

  /** Bytes of the data's longest label. */
  get longestLabel(): number {
    return this.#labels().longest;
  }

  /** Labels of the data with more than so many bytes. */
  labelsOver(bytesMax: number): number {
    return this.#labels(bytesMax).over;
  }

  /** Whether a byte stands anywhere in the name. */
  has(byte: number): boolean {
    const at = this.bytes.indexOf(byte);
    return at >= 0 && at < this.length;
  }

  /** Which of the name's labels it is, counted from 0; -1 when it is none. */
  indexOfLabel(label: string): number {
    let index = 0;
    for (let at = 0, end = 0; at < this.length; at = end + 1, index++) {
      end = this.#labelEnd(at, this.length);
      if (end - at === label.length && this.#isText(at, label)) return index;
    }
    return -1;
  }

  /**
   * Whether the data looks encoded rather than worded: bytes beyond ASCII, many digits (hex 62 %, base32 19 %, base64
   * 16 %), or more than four bits of entropy a character (words have 3 to 3.7; Born and Gustafson 2010, Farnham 2013).
   */
  get isEncoded(): boolean {
    const { bytes, dataLength } = this;
    let digits = 0;
    let letters = 0;
    for (let index = 0; index < dataLength; index++) {
      const byte = bytes[index];
      if (byte >= 0x80) return true;
      if (byte >= 0x30 && byte <= 0x39) digits++;
      else if (byte >= 0x61 && byte <= 0x7a) letters++;
    }
    // One character a label: an IPv6 address in a list of mail senders (RFC 5782 section 2.4).
    if (digits + letters < dataLength * 0.6) return false;
    return digits >= dataLength * 0.1 || this.#entropy() >= 4;
  }

  #labels(bytesMax = 0): { readonly longest: number; readonly over: number } {
    let longest = 0;
    let over = 0;
    for (let at = 0, end = 0; at < this.dataLength; at = end + 1) {
      end = this.#labelEnd(at, this.dataLength);
      const bytes = end - at;
      longest = Math.max(longest, bytes);
      if (bytes > bytesMax) over++;
    }
    return { longest, over };
  }

  /** Where the label at `at` ends, of what ends at `end`. */
  #labelEnd(at: number, end: number): number {
    const found = this.bytes.indexOf(dot, at);
    return found < 0 || found > end ? end : found;
  }

  #isText(at: number, text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      if (this.bytes[at + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Bits a byte of the data (Shannon). */
  #entropy(): number {
    const { bytes, dataLength } = this;
    const counts = this.#counts.fill(0);
    for (let index = 0; index < dataLength; index++) counts[bytes[index]]++;
    let bits = 0;
    for (const count of counts) if (count > 0) bits -= count * Math.log2(count / dataLength);
    return bits / dataLength;
  }
}

/** What does not depend on other names. */
class CutName {
  readonly bytes: Uint8Array;
  length = 0;
  domainAt = 0;
  domainHash0 = 0;
  domainHash1 = 0;
  nameHash = 0;
  readonly #words = new Int32Array(wordsMax);

  constructor() {
    this.bytes = new Uint8Array(this.#words.buffer);
  }

  /** Whether it is the name of so many bytes in the words from `from` on, which are zeros behind it. */
  is(length: number, words: Int32Array, from: number): boolean {
    if (this.length !== length) return false;
    const own = this.#words;
    for (let word = 0, count = length + 3 >> 2; word < count; word++) {
      if (own[word] !== words[from + word]) return false;
    }
    return true;
  }

  set(length: number, words: Int32Array, from: number): void {
    for (let word = 0, count = length + 3 >> 2; word < count; word++) {
      this.#words[word] = words[from + word];
    }
    this.length = length;
    this.domainAt = this.#findDomain();
    this.domainHash0 = this.#hash(this.domainAt, 0x811c9dc5);
    this.domainHash1 = this.#hash(this.domainAt, 0x1b873593);
    this.nameHash = this.#hash(0, 0x811c9dc5);
  }

  #findDomain(): number {
    const topAt = this.#labelBefore(this.length);
    if (topAt === 0 || !this.#isTopLevel(topAt)) return this.length;
    const secondAt = this.#labelBefore(topAt - 1);
    const isRegistry = this.length - topAt === 2 &&
      registries.has(String.fromCharCode(...this.bytes.subarray(secondAt, topAt - 1)));
    return isRegistry && secondAt > 0 ? this.#labelBefore(secondAt - 1) : secondAt;
  }

  /** Start of the label that ends before `end`. */
  #labelBefore(end: number): number {
    return end <= 0 ? 0 : this.bytes.lastIndexOf(dot, end - 1) + 1;
  }

  /** Letters only, or an internationalized one. The longest there are have 24 bytes. */
  #isTopLevel(at: number): boolean {
    const { bytes, length } = this;
    if (length - at < 2 || length - at > 24) return false;
    if (bytes[at] === 0x78 && bytes[at + 1] === 0x6e && bytes[at + 2] === 0x2d) return true;
    for (let index = at; index < length; index++) {
      if (bytes[index] < 0x61 || bytes[index] > 0x7a) return false;
    }
    return true;
  }

  #hash(from: number, seed: number): number {
    const { bytes, length } = this;
    let hash = seed;
    for (let index = from; index < length; index++) {
      hash = Math.imul(hash ^ bytes[index], 0x01000193);
    }
    return hash ^ hash >>> 15;
  }
}

const registries: ReadonlySet<string> = new Set(
  ["ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "nom", "or", "org"],
);
