/**
 * The newest beats of each (source, destination, port): when it called, and how much went each way. A beat is a new
 * connection in which the client says something, or what it says first after a silence in one that stays open. Beats
 * less than a second apart (a page and its pictures) are one.
 */
/** Beats and sizes remembered. */
const ringLength = 32;
const secondUs = 1_000_000;

export class BeatHistory {
  readonly #timesUs: Float64Array;
  readonly #counts: Uint32Array;
  /** Payload bytes that the client sent in each call, those of one call told once it ended. */
  readonly #sizes: Float64Array;
  readonly #sizeCounts: Uint32Array;
  /** All payload bytes the server sent. */
  readonly #downBytes: Float64Array;
  /** Of them, in the flow told of last. */
  readonly #flowIds: Uint32Array;
  readonly #flowBytes: Float64Array;
  readonly #replies: Uint32Array;
  /** Beats in a connection that stayed open. */
  readonly #resumed: Uint32Array;
  readonly #lastUs: Float64Array;

  constructor(capacity: number) {
    this.#timesUs = new Float64Array(capacity * ringLength);
    this.#counts = new Uint32Array(capacity);
    this.#sizes = new Float64Array(capacity * ringLength);
    this.#sizeCounts = new Uint32Array(capacity);
    this.#downBytes = new Float64Array(capacity);
    this.#flowIds = new Uint32Array(capacity);
    this.#flowBytes = new Float64Array(capacity);
    this.#replies = new Uint32Array(capacity);
    this.#resumed = new Uint32Array(capacity);
    this.#lastUs = new Float64Array(capacity);
  }

  get stateBytes(): number {
    return this.#timesUs.byteLength * 2 + this.#counts.byteLength * 5 +
      this.#downBytes.byteLength * 3;
  }

  reset(slot: number): void {
    this.#counts[slot] = 0;
    this.#sizeCounts[slot] = 0;
    this.#downBytes[slot] = 0;
    this.#flowIds[slot] = 0;
    this.#replies[slot] = 0;
    this.#resumed[slot] = 0;
    this.#lastUs[slot] = -Infinity;
  }

  /** Takes a beat; returns whether it counts as one. */
  beat(slot: number, timestampUs: number, isResumed: boolean): boolean {
    const gapUs = timestampUs - this.#lastUs[slot];
    // Connections are told when the client speaks, so they come nearly in order.
    if (gapUs < -secondUs * 60) this.reset(slot);
    else if (gapUs < secondUs) {
      this.#lastUs[slot] = Math.max(timestampUs, this.#lastUs[slot]);
      return false;
    }
    this.#lastUs[slot] = timestampUs;
    this.#timesUs[slot * ringLength + this.#counts[slot] % ringLength] = timestampUs;
    this.#counts[slot]++;
    if (isResumed) this.#resumed[slot]++;
    return true;
  }

  /** What the client sent for one beat. */
  size(slot: number, bytes: number): void {
    this.#sizes[slot * ringLength + this.#sizeCounts[slot] % ringLength] = bytes;
    this.#sizeCounts[slot]++;
  }

  /** What the server has sent in a flow so far. */
  down(slot: number, flowId: number, bytes: number): void {
    const isSame = this.#flowIds[slot] === flowId;
    this.#downBytes[slot] += Math.max(0, isSame ? bytes - this.#flowBytes[slot] : bytes);
    this.#flowIds[slot] = flowId;
    this.#flowBytes[slot] = bytes;
  }

  reply(slot: number): void {
    this.#replies[slot]++;
  }

  /** All beats. */
  count(slot: number): number {
    return this.#counts[slot];
  }
  resumedShare(slot: number): number {
    return this.#resumed[slot] / this.#counts[slot];
  }
  replyShare(slot: number): number {
    return this.#replies[slot] / this.#counts[slot];
  }
  downBytesPerBeat(slot: number): number {
    return this.#downBytes[slot] / this.#counts[slot];
  }

  /** Time of the beat that many before the newest. */
  timeUs(slot: number, back: number): number {
    return this.#timesUs[slot * ringLength + (this.#counts[slot] - 1 - back) % ringLength];
  }

  /** The newest gaps between beats, in seconds. */
  gaps(slot: number): Float64Array {
    const count = Math.min(this.#counts[slot], ringLength) - 1;
    return Float64Array.from(
      { length: count },
      (_, back) => (this.timeUs(slot, back) - this.timeUs(slot, back + 1)) / secondUs,
    );
  }

  sizes(slot: number): Float64Array {
    const count = Math.min(this.#sizeCounts[slot], ringLength);
    return this.#sizes.slice(slot * ringLength, slot * ringLength + count);
  }
}
