/**
 * Block lists, read from their bytes and asked by address, name or JA4. Of an entry only a hash and its line are kept, so that
 * millions fit.
 *
 *     192.0.2.7             an address          evil.example          a name, itself alone
 *     2001:db8::/32         a network           *.evil.example        all names below it
 *     t13d1516h2_8daaf6152771_b186095e22b6      a JA4 fingerprint
 *     # a comment           also behind an entry
 */
import { maskOf, parseNetwork } from "../../decode/addresses.ts";
import { BLOCK_ENTRIES_MAX, BlockTable } from "./block_table.ts";
import { EntryHash } from "./hash.ts";

/** What a list says of something that was asked for. */
export interface BlockHit {
  readonly list: string;
  /** From 1. */
  readonly line: number;
  /** The entry as it matched: "192.0.2.0/24", "*.evil.example". */
  readonly entry: string;
  /** Two words by which the entry is known. */
  readonly lane0: number;
  readonly lane1: number;
}

/** How reading went. */
interface BlockListsState {
  readonly lists: number;
  readonly entries: number;
  readonly badLines: number;
}

/** Kinds of entries. */
const K = { network: 1, name: 2, below: 3, ja4: 4 } as const;
const ja4Pattern = /^[tqd][0-9sd]{2}[di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/;
const labelPattern = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const nameMax = 253;
/** Longer lines hold no entry. */
const lineMax = 4096;
/** Bad lines of a list that are told one by one. */
const badLinesTold = 5;
const dot = 46;

export class BlockLists {
  readonly #table = new BlockTable();
  readonly #hash: EntryHash;
  readonly #note: (text: string) => void;
  /** Name and first line, counted over all lists. */
  readonly #lists: { readonly name: string; readonly firstLine: number }[] = [];
  /** Prefix lengths of which there are networks, longest first: of IPv4 (96 and more), of IPv6. */
  readonly #lengths: readonly [number[], number[]] = [[], []];
  #lines = 0;
  #badLines = 0;
  #badHere = 0;
  #leftOut = 0;
  #decoder = new TextDecoder();
  /** The beginning of a line that goes on. */
  #rest = "";
  #isTooLong = false;

  /** `note` is told what is wrong with the lists, a sentence each. */
  constructor(seed: number, note: (text: string) => void) {
    this.#hash = new EntryHash(seed);
    this.#note = note;
  }

  get state(): BlockListsState {
    return { lists: this.#lists.length, entries: this.#table.count, badLines: this.#badLines };
  }

  get stateBytes(): number {
    return this.#table.stateBytes;
  }

  // ------------------------------------------------ reading

  /** A list begins; its bytes follow by take(), then end(). */
  begin(name: string): void {
    this.#lists.push({ name, firstLine: this.#lines });
    this.#decoder = new TextDecoder();
    this.#rest = "";
    this.#isTooLong = false;
    this.#badHere = 0;
    this.#leftOut = 0;
  }

  take(bytes: Uint8Array): void {
    this.#takeText(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): void {
    this.#takeText(this.#decoder.decode());
    if (this.#rest !== "") this.#takeLine(this.#rest);
    this.#rest = "";
    const { name } = this.#lists.at(-1)!;
    const more = this.#badHere - badLinesTold;
    if (more > 0) this.#note(`${name} has ${more} more lines that hold no entry.`);
    if (this.#leftOut > 0) {
      this.#note(
        `${name}: ${this.#leftOut} entries are left out; all lists together may have ${BLOCK_ENTRIES_MAX}.`,
      );
    }
  }

  #takeText(text: string): void {
    const lines = text.split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop()!;
    for (const line of lines) {
      this.#takeLine(line);
      this.#isTooLong = false;
    }
    if (this.#rest.length <= lineMax) return;
    this.#isTooLong = true;
    this.#rest = this.#rest.slice(0, 80);
  }

  #takeLine(line: string): void {
    this.#lines++;
    const entry = line.replace(/(?:^|\s)#.*/, "").trim();
    if (entry === "" && !this.#isTooLong) return;
    const fault = this.#isTooLong || entry.length > lineMax
      ? "is too long for an entry"
      : this.#addEntry(entry.toLowerCase());
    if (fault === "") return;
    this.#badLines++;
    if (++this.#badHere > badLinesTold) return;
    const { name, firstLine } = this.#lists.at(-1)!;
    const shown = JSON.stringify(entry.length > 60 ? `${entry.slice(0, 60)}…` : entry);
    this.#note(`${name}, line ${this.#lines - firstLine}: ${shown} ${fault}.`);
  }

  /** What is wrong with it; "" when it was taken. */
  #addEntry(entry: string): string {
    if (/\s/.test(entry)) return "is more than one entry; a line takes one";
    if (ja4Pattern.test(entry)) {
      this.#hashText(K.ja4, entry);
      return this.#add();
    }
    if (/[:/]|^[\d.]+$/.test(entry)) return this.#addNetwork(entry);
    return this.#addName(entry);
  }

  #addNetwork(entry: string): string {
    const network = parseNetwork(entry);
    if (network === null) {
      return entry.includes("://") || /:\d+$/.test(entry) && entry.includes(".")
        ? "is no address or network; leave scheme, port and path out"
        : "is no address or network";
    }
    const { words: [word0, word1, word2, word3], prefixLength } = network;
    const lengths = this.#lengths[entry.includes(":") ? 1 : 0];
    if (!lengths.includes(prefixLength)) lengths.push(prefixLength);
    lengths.sort((a, b) => b - a);
    this.#hashNetwork(prefixLength, word0, word1, word2, word3);
    return this.#add();
  }

  #addName(entry: string): string {
    const isBelow = entry.startsWith("*.");
    const name = asciiName(isBelow ? entry.slice(2) : entry);
    if (name.includes("*")) {
      return "has a wildcard elsewhere than at its beginning, as *.example.org";
    }
    const labels = name.split(".");
    const isName = name.length <= nameMax && labels.every((label) => labelPattern.test(label)) &&
      (isBelow || labels.length > 1);
    if (!isName) return "is no address, network, name or JA4";
    this.#hashText(isBelow ? K.below : K.name, name);
    return this.#add();
  }

  #add(): string {
    const { lane0, lane1 } = this.#hash;
    if (!this.#table.add(lane0, lane1, this.#lines - 1)) this.#leftOut++;
    return "";
  }

  // ------------------------------------------------ asking

  /** The narrowest network that an address is in; null when it is in none. */
  findAddress(word0: number, word1: number, word2: number, word3: number): NetworkHit | null {
    const isIpv4 = word0 === 0 && word1 === 0 && word2 === 0xffff;
    for (const prefixLength of this.#lengths[isIpv4 ? 0 : 1]) {
      this.#hashNetwork(
        prefixLength,
        word0 & maskOf(prefixLength),
        word1 & maskOf(prefixLength - 32),
        word2 & maskOf(prefixLength - 64),
        word3 & maskOf(prefixLength - 96),
      );
      const line = this.#table.find(this.#hash.lane0, this.#hash.lane1);
      if (line >= 0) return { ...this.#hit(line, ""), prefixLength };
    }
    return null;
  }

  /** A name in lower case, without a dot at its end: itself, or the longest wildcard above it. */
  findName(name: string): BlockHit | null {
    this.#hashText(K.name, name);
    const line = this.#table.find(this.#hash.lane0, this.#hash.lane1);
    if (line >= 0) return this.#hit(line, name);
    let found: BlockHit | null = null;
    this.#hash.begin(K.below);
    for (let at = name.length - 1; at > 0; at--) {
      const code = name.charCodeAt(at);
      if (code === dot && at < name.length - 1) {
        this.#hash.read();
        const line = this.#table.find(this.#hash.lane0, this.#hash.lane1);
        if (line >= 0) found = this.#hit(line, `*${name.slice(at)}`);
      }
      this.#hash.add(code);
    }
    return found;
  }

  findJa4(ja4: string): BlockHit | null {
    this.#hashText(K.ja4, ja4);
    const line = this.#table.find(this.#hash.lane0, this.#hash.lane1);
    return line < 0 ? null : this.#hit(line, ja4);
  }

  #hit(line: number, entry: string): BlockHit {
    const { name, firstLine } = this.#lists.findLast(({ firstLine }) => firstLine <= line)!;
    const { lane0, lane1 } = this.#hash;
    return { list: name, line: line - firstLine + 1, entry, lane0, lane1 };
  }

  #hashNetwork(length: number, word0: number, word1: number, word2: number, word3: number): void {
    const hash = this.#hash;
    hash.begin(K.network | length << 8);
    hash.add(word0);
    hash.add(word1);
    hash.add(word2);
    hash.add(word3);
    hash.read();
  }

  /** From its end, so that what is above a name is hashed on the way. */
  #hashText(kind: number, text: string): void {
    this.#hash.begin(kind);
    for (let at = text.length - 1; at >= 0; at--) this.#hash.add(text.charCodeAt(at));
    this.#hash.read();
  }
}

interface NetworkHit extends BlockHit {
  /** In the words of a Packet: IPv4 has 96 bits before its own. `entry` is left to who knows how to write the address. */
  readonly prefixLength: number;
}

/** Without the dot at its end, and other scripts as DNS has them (RFC 5891); what cannot be is left as it is. */
function asciiName(name: string): string {
  const bare = name.endsWith(".") ? name.slice(0, -1) : name;
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(bare)) return bare;
  return URL.parse(`http://${bare}/`)?.hostname ?? bare;
}
