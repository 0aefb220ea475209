/**
 * The start of a stream, put together from pieces in any order, in bounded memory: at most `lengthMax` bytes and
 * `rangesMax` separate pieces.
 */

/** Bytes of the stream kept from its start. */
export const assemblyLengthMax = 16384 + 1024;
const rangesMax = 64;
const startLength = 2048;

/** Collects pieces of a stream; memory grows with what came, to 2 * assemblyLengthMax while growing. */
export class Assembly {
  /** The stream from its start; good up to `contiguous`. */
  bytes: Uint8Array = new Uint8Array(startLength);
  /** Start and end of each piece, sorted, none touching the next. */
  #ranges: number[] = [];

  /** Bytes there are from the start without a gap. */
  get contiguous(): number {
    return this.#ranges.length > 0 && this.#ranges[0] === 0 ? this.#ranges[1] : 0;
  }

  /** Adds what `source` has between `start` and `end` at `offset` of the stream; false when it has no room. */
  add(offset: number, source: Uint8Array, start: number, end: number): boolean {
    const pieceEnd = offset + end - start;
    if (end <= start) return true;
    if (offset < 0 || pieceEnd > assemblyLengthMax) return false;
    if (!this.#addRange(offset, pieceEnd)) return false;
    this.#grow(pieceEnd);
    this.bytes.set(source.subarray(start, end), offset);
    return true;
  }

  /** Forgets all pieces; the memory stays. */
  clear(): void {
    this.#ranges.length = 0;
  }

  /** Forgets the first `length` bytes, and lets the stream begin behind them; returns whether anything is left. */
  drop(length: number): boolean {
    this.bytes.copyWithin(0, length, this.#ranges.at(-1) ?? 0);
    const left = this.#ranges.map((position) => Math.max(0, position - length));
    this.#ranges = left.filter((_, place) => left[place | 1] > left[place & ~1]);
    return this.#ranges.length > 0;
  }

  #addRange(start: number, end: number): boolean {
    const ranges = this.#ranges;
    let first = 0;
    while (first < ranges.length && ranges[first + 1] < start) first += 2;
    let last = first;
    let mergedStart = start;
    let mergedEnd = end;
    while (last < ranges.length && ranges[last] <= end) {
      mergedStart = Math.min(mergedStart, ranges[last]);
      mergedEnd = Math.max(mergedEnd, ranges[last + 1]);
      last += 2;
    }
    if (first === last && ranges.length >= 2 * rangesMax) return false;
    ranges.splice(first, last - first, mergedStart, mergedEnd);
    return true;
  }

  #grow(length: number): void {
    if (length <= this.bytes.length) return;
    const grown = new Uint8Array(
      Math.min(assemblyLengthMax, Math.max(length, 2 * this.bytes.length)),
    );
    grown.set(this.bytes);
    this.bytes = grown;
  }

  /** Moves everything `distance` bytes later in the stream; false when that has no room. */
  shift(distance: number): boolean {
    const end = this.#ranges.at(-1) ?? 0;
    if (end + distance > assemblyLengthMax) return false;
    this.#grow(end + distance);
    this.bytes.copyWithin(distance, 0, end);
    this.#ranges = this.#ranges.map((position) => position + distance);
    return true;
  }
}
