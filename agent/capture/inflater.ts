/**
 * Unpacks a deflate stream (RFC 1951) piece by piece, in the thread that asks. Data that are cut off or damaged give every
 * byte that stands before: node:zlib keeps back up to a buffer of them, and may never answer behind the end (decision 0009).
 */
import {
  Z_DATA_ERROR,
  Z_NO_FLUSH,
  Z_STREAM_END,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
  ZStream,
} from "pako";

/** Without zlib's own header and trailer. */
const rawWindowBits = -15;
const inputBytes = 65_536;
const outputBytes = 131_072;

/** Why unpacking went no further: the stream is over, there is output to be taken, or more input is needed; else what is wrong. */
type InflateStatus = "over" | "output" | "input" | { readonly fault: string };

export class Inflater {
  /** Where packed bytes are to be put. */
  readonly input = new Uint8Array(inputBytes);
  /** Where in `input` the bytes begin that unpack() has not used. */
  position = 0;
  readonly #stream = new ZStream();
  readonly #output = new Uint8Array(outputBytes);
  /** What has been unpacked and not been taken yet. */
  #outputStart = 0;
  #outputEnd = 0;

  constructor() {
    zlibInflateInit2(this.#stream, rawWindowBits);
  }

  /** What comes next is the start of a stream. */
  begin(): void {
    zlibInflateReset(this.#stream);
  }

  /** Moves unpacked bytes to the start of `into`; how many. */
  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.#outputEnd - this.#outputStart);
    const end = this.#outputStart + count;
    into.set(this.#output.subarray(this.#outputStart, end));
    this.#outputStart = end;
    return count;
  }

  /** Unpacks `input` from `start` to `end`, once all that was unpacked before has been taken. */
  unpack(start: number, end: number): InflateStatus {
    const stream = this.#stream;
    stream.input = this.input;
    stream.next_in = start;
    stream.avail_in = end - start;
    stream.output = this.#output;
    stream.next_out = 0;
    stream.avail_out = outputBytes;
    const result = zlibInflate(stream, Z_NO_FLUSH);
    this.#outputStart = 0;
    this.#outputEnd = stream.next_out;
    this.position = stream.next_in;
    if (result === Z_DATA_ERROR) return { fault: stream.msg };
    if (result === Z_STREAM_END) return "over";
    return stream.avail_out === 0 ? "output" : "input";
  }
}
