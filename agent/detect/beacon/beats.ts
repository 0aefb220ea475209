/**
 * The newest beats of each client at a server's port (a series): when it called, and how much went each way. Collecting
 * them is WebAssembly (assembly/), because nearly every row is looked at, and a file is over before V8 would have compiled
 * it; here is the door to it, and the views on its memory (beats_layout.ts). Series are known by numbers from 0 on.
 */
import { copyRows } from "../observation.ts";
import { beatsModule } from "./beats_code.ts";
import {
  APPLICATIONS,
  EXEMPT_APPLICATIONS_AT,
  EXEMPT_PORTS_AT,
  OPEN_AT,
  PORTS,
  RING_LENGTH,
  ROW_WORDS_MAX,
  ROWS_AT,
  S_BEATS,
  S_DOWN_BYTES,
  S_REPLIES,
  S_RESUMED,
  S_SIZES,
  S_SIZES_KNOWN,
  S_TIMES,
  SERIES_AT,
  SERIES_MAX,
  SERIES_WORDS,
} from "./beats_layout.ts";
import { markExempt } from "./exempt.ts";

const secondUs = 1_000_000;

interface BeatHooks {
  /** A series that has an episode has had another beat. */
  grown(series: number, atUs: number, flowId: number): void;
  /** A series that has none has had another beat, and BEATS_MIN or more. */
  judge(series: number, atUs: number, flowId: number): void;
  /** A series that has an episode is taken over by another. */
  forgotten(series: number): void;
}

interface BeatExports {
  readonly memory: WebAssembly.Memory;
  setUp(): void;
  takeRows(length: number): number;
  forgottenCount(): number;
}

/** An instance with a memory of its own. */
function instantiateBeats(hooks: BeatHooks): BeatExports {
  const env = {
    grown: (series: number, atUs: number, flowId: number) =>
      hooks.grown(series, atUs, flowId >>> 0),
    judge: (series: number, atUs: number, flowId: number) =>
      hooks.judge(series, atUs, flowId >>> 0),
    forgotten: (series: number) => hooks.forgotten(series),
  };
  const exports = new WebAssembly.Instance(beatsModule(), { env })
    .exports as unknown as BeatExports;
  exports.setUp();
  return exports;
}

export class Beats {
  readonly capacity = SERIES_MAX;
  /** By series: to be kept 1 while it has an episode. */
  readonly openSlots: Uint8Array;
  readonly #exports: BeatExports;
  readonly #rows: Int32Array;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(hooks: BeatHooks) {
    this.#exports = instantiateBeats(hooks);
    const { buffer } = this.#exports.memory;
    this.openSlots = new Uint8Array(buffer, OPEN_AT, SERIES_MAX);
    this.#rows = new Int32Array(buffer, ROWS_AT, ROW_WORDS_MAX);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    markExempt(
      new Uint8Array(buffer, EXEMPT_APPLICATIONS_AT, APPLICATIONS),
      new Uint8Array(buffer, EXEMPT_PORTS_AT, PORTS),
    );
  }

  get stateBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Series taken over because the table was full. */
  get forgottenCount(): number {
    return this.#exports.forgottenCount();
  }

  /** Takes the whole rows from words[from] up to words[to], of any kind and number; they are copied. */
  takeRows(words: Int32Array, from: number, to: number): void {
    copyRows(words, from, to, this.#rows, this.#exports.takeRows);
  }

  /** A word of a series' key: client, server, transport << 16 | port of the server. */
  keyWord(series: number, word: number): number {
    return this.#words[placeOf(series, word)];
  }

  /** All beats; 0 for a series that never was. */
  count(series: number): number {
    return this.#count(series, S_BEATS);
  }
  resumedShare(series: number): number {
    return this.#count(series, S_RESUMED) / this.count(series);
  }
  replyShare(series: number): number {
    return this.#count(series, S_REPLIES) / this.count(series);
  }
  downBytesPerBeat(series: number): number {
    return this.#doubles[placeOf(series, S_DOWN_BYTES) / 2] / this.count(series);
  }

  /** Time of the beat that many before the newest. */
  timeUs(series: number, back: number): number {
    const place = (this.count(series) - 1 - back) % RING_LENGTH;
    return this.#doubles[placeOf(series, S_TIMES) / 2 + place];
  }

  /** The newest gaps between beats, in seconds. */
  gaps(series: number): Float64Array {
    const count = Math.min(this.count(series), RING_LENGTH) - 1;
    return Float64Array.from(
      { length: count },
      (_, back) => (this.timeUs(series, back) - this.timeUs(series, back + 1)) / secondUs,
    );
  }

  /** Payload bytes that the client sent in its newest calls, those of one call told once it ended. */
  sizes(series: number): Float64Array {
    const count = Math.min(this.#count(series, S_SIZES_KNOWN), RING_LENGTH);
    const at = placeOf(series, S_SIZES);
    return Float64Array.from(this.#words.subarray(at, at + count), (size) => size >>> 0);
  }

  #count(series: number, word: number): number {
    return this.#words[placeOf(series, word)] >>> 0;
  }
}

function placeOf(series: number, word: number): number {
  return SERIES_AT / 4 + series * SERIES_WORDS + word;
}
