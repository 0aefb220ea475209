/**
 * Contacts up to their judgement: first contacts are kept until an answer, silence or the end of the input judges them, and
 * guards drop those that are no evidence. That is WebAssembly (assembly/), because nearly every row passes here, and a
 * file is over before V8 would have compiled it; here is the door to it.
 */
import { KeyedSlots } from "../keyed_slots.ts";
import { Observation } from "../observation.ts";
import { contactCode } from "./contact_code.ts";
import {
  FAMILY_MASK,
  JUDGED_AT,
  JUDGED_WORDS,
  MEMORY_PAGES,
  P_AT_US,
  P_ENDS,
  P_FLOW,
  P_IS_SILENT,
  P_OUTCOME,
  P_PORT,
  P_SOURCE_PORT,
  P_START_US,
  P_TRAITS,
  ROW_WORDS_MAX,
  ROWS_AT,
} from "./contact_layout.ts";
import { JudgedProbe } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";

/** What becomes of contacts; a row is read where it lies. */
export interface ContactHooks {
  /** A probe was judged that nothing excuses; it is filled again for the next one. */
  weigh(probe: JudgedProbe): void;
  /** The table of pending probes is full: one is given up, its outcome unknown. */
  giveUp(probe: JudgedProbe): void;
  /** Whether something speaks against the row's source, whose first hash is `source0`. */
  isSuspicious(row: Observation, source0: number, family: number): boolean;
  /** Whether the row, of a contact that was tried before, is the first of another scan. */
  isScannedAnew(row: Observation, port: number, family: number): boolean;
  /** The row is the first with payload of a side. */
  takeData(row: Observation): void;
}

interface ContactExports {
  readonly memory: WebAssembly.Memory;
  setUp(answerTimeoutUs: number, floodContactMax: number): void;
  takeRows(length: number): number;
  advance(nowUs: number): void;
  finish(nowUs: number): void;
  addContact(portWord: number): number;
  hasRouterAddress(hash0: number, hash1: number): number;
  forgottenCount(): number;
}

const pageBytes = 65_536;

let compiled: WebAssembly.Module | null = null;

/** Made once a thread. */
function contactModule(): WebAssembly.Module {
  return compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(contactCode));
}

export class ContactJudge {
  readonly #exports: ContactExports;
  readonly #rows: Int32Array;
  readonly #row = new Observation();
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #judged = new JudgedProbe();
  readonly #routers = new KeyedSlots({ capacity: 256, keyWords: 2 });
  readonly #mac = new Int32Array(2);

  constructor({ answerTimeoutUs, floodContactMax }: ScanOptions, hooks: ContactHooks) {
    const env = {
      weigh: () => hooks.weigh(this.#readJudged()),
      giveUp: () => hooks.giveUp(this.#readJudged()),
      isSuspicious: (at: number, source0: number, family: number) =>
        hooks.isSuspicious(this.#rowAt(at), source0, family),
      isScannedAnew: (at: number, port: number, family: number) =>
        hooks.isScannedAnew(this.#rowAt(at), port, family),
      takeData: (at: number) => hooks.takeData(this.#rowAt(at)),
      addRouter: (high: number, low: number) => this.#routers.add(this.#macOf(high, low)),
      isRouter: (high: number, low: number) => this.#routers.find(this.#macOf(high, low)) >= 0,
    };
    const instance = new WebAssembly.Instance(contactModule(), { env });
    this.#exports = instance.exports as unknown as ContactExports;
    this.#exports.setUp(answerTimeoutUs, floodContactMax);
    const { buffer } = this.#exports.memory;
    this.#rows = new Int32Array(buffer, ROWS_AT, ROW_WORDS_MAX);
    this.#words = new Int32Array(buffer, JUDGED_AT, JUDGED_WORDS);
    this.#doubles = new Float64Array(buffer, JUDGED_AT, JUDGED_WORDS / 2);
  }

  get stateBytes(): number {
    return MEMORY_PAGES * pageBytes + this.#routers.stateBytes;
  }

  /** Entries that a full table forgot, and contacts left out. */
  get forgottenCount(): number {
    return this.#exports.forgottenCount();
  }

  /** Takes the whole rows from words[from] up to words[to], of any kind and number; they are copied. */
  takeRows(words: Int32Array, from: number, to: number): void {
    for (let at = from, taken = 1; at < to && taken > 0; at += taken) {
      const end = Math.min(to, at + ROW_WORDS_MAX);
      this.#rows.set(words.subarray(at, end));
      // The last row may not have fitted: it is the first next time.
      taken = this.#exports.takeRows(end - at);
    }
  }

  advance(nowUs: number): void {
    this.#exports.advance(nowUs);
  }

  /** The input has ended: judges all that is pending. */
  finish(nowUs: number): void {
    this.#exports.finish(nowUs);
  }

  /** Remembers that the row's source tried the port (`portWord` holds port and family); whether it had before. */
  addContact(portWord: number): boolean {
    return this.#exports.addContact(portWord) !== 0;
  }

  /** Whether the address with these hashes (see EndsHash) is a router's own. */
  hasRouterAddress(hash0: number, hash1: number): boolean {
    return this.#exports.hasRouterAddress(hash0, hash1) !== 0;
  }

  #rowAt(address: number): Observation {
    this.#row.read(this.#rows, (address - ROWS_AT) / 4);
    return this.#row;
  }

  #macOf(high: number, low: number): Int32Array {
    this.#mac[0] = high;
    this.#mac[1] = low;
    return this.#mac;
  }

  #readJudged(): JudgedProbe {
    const probe = this.#judged;
    const words = this.#words;
    const { key, ends } = probe;
    for (let word = 0; word <= P_PORT; word++) key[word] = words[word];
    ends.source0 = words[P_ENDS];
    ends.source1 = words[P_ENDS + 1];
    ends.destination0 = words[P_ENDS + 2];
    ends.destination1 = words[P_ENDS + 3];
    probe.traits = words[P_TRAITS];
    probe.family = probe.traits & FAMILY_MASK;
    probe.outcome = words[P_OUTCOME];
    probe.isSilent = words[P_IS_SILENT] !== 0;
    probe.startUs = this.#doubles[P_START_US / 2];
    probe.atUs = this.#doubles[P_AT_US / 2];
    probe.sourcePort = words[P_SOURCE_PORT];
    probe.flowId = words[P_FLOW] >>> 0;
    return probe;
  }
}
