/**
 * Several pipelines' observations as one row of them in the order of time, for detectors that know of one link. Rows wait
 * until every pipeline has come as far, a second or so where one is quiet. A host's volumes of a window are added up.
 */
import { HOST_WINDOW_WORDS, Observation, ObservationKind } from "./observation.ts";

/** Words that are handed on at a time, and room for the longest row. */
const roomWords = 65_536;
const kindMask = 0xff;
/** Of a hostWindow row: its source, and four counters, of which two have an upper word. */
const addressAt = 3;
const volumesAt = 14;

interface ObservationJoinOptions {
  readonly count: number;
  /** Takes whole rows in the first `length` words, which are used again afterwards. */
  readonly take: (words: Int32Array, length: number) => void;
  /** All rows of a buffer have been copied. */
  readonly release: (index: number, words: Int32Array<ArrayBuffer>) => void;
}

interface Buffer {
  readonly words: Int32Array<ArrayBuffer>;
  readonly length: number;
}

export class ObservationJoin {
  readonly #options: ObservationJoinOptions;
  readonly #streams: readonly Stream[];
  readonly #room = new Int32Array(roomWords);
  #length = 0;

  constructor(options: ObservationJoinOptions) {
    this.#options = options;
    this.#streams = Array.from(
      { length: options.count },
      (_, index) => new Stream((words) => options.release(index, words)),
    );
  }

  get isOver(): boolean {
    return this.#streams.every(({ isOver }) => isOver);
  }

  add(index: number, buffer: Buffer): void {
    this.#streams[index].add(buffer);
    this.#join();
  }

  /** Nothing more comes from there. */
  end(index: number): void {
    this.#streams[index].isEnded = true;
    this.#join();
  }

  #join(): void {
    while (this.#joinSome());
    this.#handOn();
  }

  /** False when a pipeline has to say more first. */
  #joinSome(): boolean {
    const open = this.#streams.filter((stream) => !stream.isOver);
    if (open.length === 0 || open.some(({ isEmpty }) => isEmpty)) return false;
    const inWindow = open.filter(({ isAtWindowEnd }) => !isAtWindowEnd);
    if (inWindow.length === 0) {
      this.#joinWindows(open);
      return true;
    }
    let first = inWindow[0];
    for (const stream of inWindow) if (stream.timeUs < first.timeUs) first = stream;
    let untilUs = Infinity;
    for (const stream of inWindow) {
      if (stream !== first) untilUs = Math.min(untilUs, stream.timeUs);
    }
    do this.#copy(first); while (
      !first.isEmpty && !first.isAtWindowEnd && first.timeUs <= untilUs
    );
    return true;
  }

  #copy(stream: Stream): void {
    const { words, at, rowLength } = stream;
    if (this.#length + rowLength > roomWords) this.#handOn();
    this.#room.set(words.subarray(at, at + rowLength), this.#length);
    this.#length += rowLength;
    stream.next();
  }

  /** All streams are at the end of a window: the oldest one's volumes, each host once, and one end. */
  #joinWindows(streams: readonly Stream[]): void {
    const windowUs = Math.min(...streams.map(({ rowUs }) => rowUs));
    const volumes = new Map<string, Int32Array>();
    let end: Int32Array | null = null;
    for (const stream of streams) {
      while (!stream.isEmpty && stream.isAtWindowEnd && stream.rowUs === windowUs) {
        const row = stream.words.subarray(stream.at, stream.at + stream.rowLength);
        const isEnd = stream.kind === ObservationKind.windowEnd;
        if (isEnd) end = row.slice();
        else addVolumes(volumes, row);
        stream.next();
        if (isEnd) break;
      }
    }
    for (const row of volumes.values()) this.#write(row);
    if (end !== null) this.#write(end);
  }

  #write(row: Int32Array): void {
    if (this.#length + row.length > roomWords) this.#handOn();
    this.#room.set(row, this.#length);
    this.#length += row.length;
  }

  #handOn(): void {
    if (this.#length > 0) this.#options.take(this.#room, this.#length);
    this.#length = 0;
  }
}

/** One pipeline's rows that wait. */
class Stream {
  isEnded = false;
  readonly #release: (words: Int32Array<ArrayBuffer>) => void;
  readonly #buffers: Buffer[] = [];
  readonly #observation = new Observation();
  at = 0;
  kind = 0;
  rowLength = 0;
  /** Of the row that is first, and the newest of all up to it: rows are a little out of order. */
  rowUs = 0;
  timeUs = -Infinity;

  constructor(release: (words: Int32Array<ArrayBuffer>) => void) {
    this.#release = release;
  }

  get words(): Int32Array {
    return this.#buffers[0].words;
  }

  get isEmpty(): boolean {
    return this.#buffers.length === 0;
  }

  get isOver(): boolean {
    return this.isEnded && this.isEmpty;
  }

  get isAtWindowEnd(): boolean {
    return this.kind === ObservationKind.hostWindow || this.kind === ObservationKind.windowEnd;
  }

  add(buffer: Buffer): void {
    this.#buffers.push(buffer);
    if (this.#buffers.length === 1) this.#begin(0);
  }

  next(): void {
    this.#begin(this.at + this.rowLength);
  }

  /** Reads the head of the row at `at`, or of the first one of the next buffer. */
  #begin(at: number): void {
    this.at = at;
    if (at >= this.#buffers[0].length) {
      this.#release(this.#buffers.shift()!.words);
      this.at = 0;
      if (this.isEmpty) return;
      if (this.#buffers[0].length === 0) return this.#begin(0);
    }
    const { words } = this;
    const head = words[this.at];
    this.kind = head & kindMask;
    this.rowLength = head >>> 16;
    this.#observation.read(words, this.at);
    this.rowUs = this.#observation.timestampUs;
    if (!this.isAtWindowEnd) this.timeUs = Math.max(this.timeUs, this.rowUs);
  }
}

function addVolumes(volumes: Map<string, Int32Array>, row: Int32Array): void {
  const key = row.subarray(addressAt, addressAt + 4).join();
  const sum = volumes.get(key);
  if (sum === undefined) {
    volumes.set(key, row.slice());
    return;
  }
  for (const at of [volumesAt, volumesAt + 1]) sum[at] += row[at];
  for (let at = volumesAt + 2; at < HOST_WINDOW_WORDS; at += 2) {
    const lower = (sum[at + 1] >>> 0) + (row[at + 1] >>> 0);
    sum[at + 1] = lower;
    sum[at] += row[at] + (lower > 0xffffffff ? 1 : 0);
  }
}
