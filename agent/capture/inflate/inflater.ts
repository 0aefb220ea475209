/**
 * Unpacks a deflate stream (RFC 1951) piece by piece, in the thread that asks. Data that are cut off or damaged give every
 * byte that stands before: zlib, as Deno offers it, keeps back up to a buffer of them, and may never answer behind the end.
 */
import { inflateCode } from "./inflate_code.ts";
import {
  BAD_BLOCK,
  BAD_CODE,
  BAD_DISTANCE,
  BAD_STORED_LENGTH,
  BAD_SYMBOL,
  INPUT_AT,
  INPUT_BYTES,
  IS_FULL,
  IS_OVER,
} from "./inflate_layout.ts";

interface InflateExports {
  readonly memory: WebAssembly.Memory;
  setUp(): void;
  begin(): void;
  inflate(from: number, to: number): number;
  inputAt(): number;
  outputAt(): number;
  makeRoom(): number;
}

const faults = new Map([
  [BAD_BLOCK, "a block of no known kind"],
  [BAD_STORED_LENGTH, "the length of a stored block does not fit its complement"],
  [BAD_CODE, "a code that cannot be"],
  [BAD_SYMBOL, "bits that stand for nothing"],
  [BAD_DISTANCE, "a match that reaches back too far"],
]);

/** Why unpacking went no further: the stream is over, there is output to be taken, or more input is needed; else what is wrong. */
export type InflateStatus = "over" | "output" | "input" | { readonly fault: string };

let compiled: WebAssembly.Module | null = null;

export class Inflater {
  /** Where packed bytes are to be put. */
  readonly input: Uint8Array;
  /** Where in `input` the bytes begin that unpack() has not used. */
  position = 0;
  readonly #exports: InflateExports;
  readonly #bytes: Uint8Array;
  /** Addresses of what has been unpacked and not been taken yet. */
  #outputStart: number;
  #outputEnd: number;

  constructor() {
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(inflateCode));
    this.#exports = new WebAssembly.Instance(compiled).exports as unknown as InflateExports;
    this.#exports.setUp();
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
    this.input = this.#bytes.subarray(INPUT_AT, INPUT_AT + INPUT_BYTES);
    this.#outputStart = this.#outputEnd = this.#exports.outputAt();
  }

  /** What comes next is the start of a stream. */
  begin(): void {
    this.#exports.begin();
  }

  /** Moves unpacked bytes to the start of `into`; how many. */
  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.#outputEnd - this.#outputStart);
    const end = this.#outputStart + count;
    into.set(this.#bytes.subarray(this.#outputStart, end));
    this.#outputStart = end;
    return count;
  }

  /** Unpacks `input` from `start` to `end`, once all that was unpacked before has been taken. */
  unpack(start: number, end: number): InflateStatus {
    const { inflate, inputAt, outputAt, makeRoom } = this.#exports;
    this.#outputStart = makeRoom();
    const status = inflate(INPUT_AT + start, INPUT_AT + end);
    this.#outputEnd = outputAt();
    this.position = inputAt() - INPUT_AT;
    const fault = faults.get(status);
    if (fault !== undefined) return { fault };
    return status === IS_OVER ? "over" : status === IS_FULL ? "output" : "input";
  }
}
