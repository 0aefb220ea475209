/**
 * Bytes out of gzip (RFC 1952), of one member or several:
 *
 *     member   1f 8b  method:8  flags:8  time:32  extra:8  system:8 | fields of the flags | deflate data | CRC:32  length:32
 *
 * As gzip(1) has it, zeros behind a member are padding, and other bytes there are left out with a warning. A member that is
 * damaged or cut off gives everything that stands before.
 */
import { crc32 } from "node:zlib";
import { Inflater } from "./inflater.ts";
import { type ByteSource, DamageError, isGzip } from "./plain_source.ts";

const headerLength = 10;
const trailerLength = 8;
const deflateMethod = 8;
const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** Steps of reading; each is done once what was unpacked before has been taken. */
type Step = "member" | "data" | "trailer" | "end" | DamageError;

export class GzipSource implements ByteSource {
  readonly isGzip = true;
  readonly warnings: string[] = [];
  isTruncated = false;
  isDamaged = false;
  readonly #packed: ByteSource;
  readonly #inflater = new Inflater();
  /** What is read of the packed bytes and not used yet: `#input` from `#start` to `#end`. */
  readonly #input = this.#inflater.input;
  #start = 0;
  #end = 0;
  #step: Step = "member";
  #isFirst = true;
  /** Of the member. */
  #crc = 0;
  #length = 0;

  /** Owns `packed`, of which nothing has been read. */
  constructor(packed: ByteSource) {
    this.#packed = packed;
  }

  get name(): string {
    return this.#packed.name;
  }
  get sizeBytes(): number | null {
    return this.#packed.sizeBytes;
  }
  get bytesRead(): number {
    return this.#packed.bytesRead;
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      const count = this.#inflater.take(into);
      if (count > 0) {
        this.#crc = crc32(into.subarray(0, count), this.#crc);
        this.#length = this.#length + count >>> 0;
        return count;
      }
      if (this.#step === "end") return 0;
      if (this.#step instanceof DamageError) throw this.#step;
      this.#step = await this.#next();
    }
  }

  close(): void {
    this.#packed.close();
  }

  async #next(): Promise<Step> {
    if (this.#step === "data") return await this.#unpack();
    if (this.#step === "trailer") return await this.#readTrailer();
    return this.#isFirst || await this.#findMember() ? await this.#readHeader() : "end";
  }

  /** Place in the packed bytes. */
  get #offset(): number {
    return this.#packed.bytesRead - (this.#end - this.#start);
  }

  /** Whether another member begins, behind zeros or at once. */
  async #findMember(): Promise<boolean> {
    const offset = this.#offset;
    while (await this.#has(1)) {
      if (this.#input[this.#start] !== 0) break;
      while (this.#start < this.#end && this.#input[this.#start] === 0) this.#start++;
    }
    if (await this.#has(2) && isGzip(this.#input.subarray(this.#start))) return true;
    if (this.#start < this.#end) {
      this.warnings.push(
        `The gzip data ends at byte ${offset}: what stands behind is no gzip data and was not read.`,
      );
    }
    return false;
  }

  async #readHeader(): Promise<Step> {
    if (!await this.#has(headerLength)) return this.#cutOff();
    const input = this.#input.subarray(this.#start);
    const method = input[2];
    const flags = input[3];
    if (!isGzip(input) || method !== deflateMethod || (flags & flag.reserved) !== 0) {
      return this.#damage("a header with a method or flags that are not known");
    }
    this.#start += headerLength;
    const isWhole = ((flags & flag.extra) === 0 || await this.#skipExtra()) &&
      ((flags & flag.name) === 0 || await this.#skipText()) &&
      ((flags & flag.comment) === 0 || await this.#skipText()) &&
      ((flags & flag.headerCrc) === 0 || await this.#skip(2));
    if (!isWhole) return this.#cutOff();
    this.#isFirst = false;
    this.#crc = 0;
    this.#length = 0;
    this.#inflater.begin();
    return "data";
  }

  async #unpack(): Promise<Step> {
    const status = this.#inflater.unpack(this.#start, this.#end);
    this.#start = this.#inflater.position;
    if (status === "over") return "trailer";
    if (typeof status === "object") return this.#damage(status.fault);
    if (status === "input" && !await this.#read()) return this.#cutOff();
    return "data";
  }

  async #readTrailer(): Promise<Step> {
    const offset = this.#offset;
    if (!await this.#has(trailerLength)) return this.#cutOff();
    const trailer = new DataView(this.#input.buffer, this.#input.byteOffset + this.#start);
    const isRight = trailer.getUint32(0, true) === this.#crc &&
      trailer.getUint32(4, true) === this.#length;
    if (!isRight) {
      this.isDamaged = true;
      this.warnings.push(
        `The gzip data before byte ${offset} is damaged: its checksum does not fit. All of it was read, but packets may be wrong.`,
      );
    }
    this.#start += trailerLength;
    return "member";
  }

  #damage(fault: string): DamageError {
    return new DamageError(`the gzip data is damaged (${fault})`, this.#offset);
  }

  #cutOff(): Step {
    this.isTruncated = true;
    this.warnings.push(`The gzip data is cut off at byte ${this.#packed.bytesRead}.`);
    return "end";
  }

  /** Length and bytes of it. */
  async #skipExtra(): Promise<boolean> {
    if (!await this.#has(2)) return false;
    const length = this.#input[this.#start] | this.#input[this.#start + 1] << 8;
    return await this.#skip(2 + length);
  }

  /** Text that a zero ends. */
  async #skipText(): Promise<boolean> {
    while (await this.#has(1)) {
      const zero = this.#input.indexOf(0, this.#start);
      const isEnded = zero >= 0 && zero < this.#end;
      this.#start = isEnded ? zero + 1 : this.#end;
      if (isEnded) return true;
    }
    return false;
  }

  async #skip(length: number): Promise<boolean> {
    let left = length;
    while (left > 0 && await this.#has(1)) {
      const step = Math.min(left, this.#end - this.#start);
      this.#start += step;
      left -= step;
    }
    return left === 0;
  }

  /** Whether there are `length` packed bytes in #input, which are read if need be. */
  async #has(length: number): Promise<boolean> {
    while (this.#end - this.#start < length) {
      if (!await this.#read()) return false;
    }
    return true;
  }

  /** Reads more packed bytes behind those that are there; false at their end. */
  async #read(): Promise<boolean> {
    this.#input.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#packed.read(this.#input.subarray(this.#end));
    this.#end += count;
    return count > 0;
  }
}
