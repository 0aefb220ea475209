/**
 * The queue of observations to the detect worker: at most `buffersOutMax` buffers are under way until they come back. When
 * it is full, a live pipeline sheds what it observes (the writer counts the rows); a patient one (a file can wait) adds
 * buffers for the piece of work it is in, and asks `hasRoom` before the next one.
 */
import type {
  ObservationsEndMessage,
  ObservationsMessage,
  ObservationsReturnMessage,
} from "../messages.ts";
import { leavePort } from "./leave_port.ts";
import { observationBufferWords, type ObservationSink } from "./observation_writer.ts";

/** 256 KiB each. */
const buffersOutMax = 32;

interface ObservationOutletOptions {
  /** Nothing is ever shed; the owner waits instead. */
  readonly isPatient: boolean;
  /** See ObservationSink; 0 unless told. */
  readonly wordsMin?: number;
  /** A buffer has come back. */
  readonly onRoom: () => void;
  /** There is something to hand over and nobody to take it yet; may call join(). */
  readonly onUnjoined?: () => void;
}

export class ObservationOutlet implements ObservationSink {
  /** Rows that were under way to detect workers that crashed. */
  lostCount = 0;
  readonly wordsMin: number;
  readonly #onRoom: () => void;
  readonly #onUnjoined: (() => void) | undefined;
  #isPatient: boolean;
  #port: MessagePort | null = null;
  /** Rows in each buffer under way, oldest first. */
  #outRows: number[] = [];
  #free: Int32Array<ArrayBuffer>[] = [];
  #isOver = false;

  constructor(options: ObservationOutletOptions) {
    this.#isPatient = options.isPatient;
    this.wordsMin = options.wordsMin ?? 0;
    this.#onRoom = options.onRoom;
    this.#onUnjoined = options.onUnjoined;
  }

  /**
   * Joins a detect worker; what was under way to one that crashed is lost with what it knew, and counted, and what that one still
   * says is not listened to.
   */
  join(port: MessagePort): void {
    leavePort(this.#port);
    this.#port = port;
    for (const rows of this.#outRows) this.lostCount += rows;
    this.#outRows = [];
    port.onmessage = (event: MessageEvent<ObservationsReturnMessage>) => {
      this.#outRows.shift();
      if (this.#free.length < buffersOutMax) this.#free.push(event.data.words);
      this.#onRoom();
    };
    if (this.#isOver) this.end();
    this.#onRoom();
  }

  /** Whether there has been a detect worker. */
  get isJoined(): boolean {
    return this.#port !== null;
  }

  /** Whether another piece of work may be observed without holding much more memory, and without losing it. */
  get hasRoom(): boolean {
    const waitsForPort = this.#isPatient && this.#port === null && this.#onUnjoined === undefined;
    return !waitsForPort && this.#outRows.length <= buffersOutMax / 2;
  }

  exchange(
    words: Int32Array<ArrayBuffer>,
    length: number,
    count: number,
  ): Int32Array<ArrayBuffer> | null {
    if (this.#port === null) this.#onUnjoined?.();
    if (this.#port === null) return null;
    if (this.#outRows.length >= buffersOutMax && !this.#isPatient) return null;
    this.#outRows.push(count);
    const message: ObservationsMessage = { type: "observations", words, length };
    this.#port.postMessage(message, [words.buffer]);
    return this.#free.pop() ?? new Int32Array(observationBufferWords);
  }

  /** From now on nothing is shed: the input has ended, and what is left has to arrive. */
  beginEnd(): void {
    this.#isPatient = true;
  }

  /** Says that nothing more comes, also to a detect worker that is joined later. */
  end(): void {
    this.#isOver = true;
    const message: ObservationsEndMessage = { type: "end" };
    this.#port?.postMessage(message);
  }
}
