/**
 * Rows as columns of bytes, so that deflate finds like beside like:
 *
 *     strings: count, length of each in UTF-16 units, bytes of all, all as UTF-8        each string once
 *     columns: one after the other, a value a row                                        in the schema's order
 *
 * Numbers are varints of 7 bits a byte, low first, up to 2^53; what may be negative is zigzag, what may be null is one more, or 0.
 */
import type { Cell } from "../store/schema.ts";

/**
 * How a column's values are written: `count` from 0 on, `optional` the same or null, `delta` any integer as the difference from the
 * row before, a column's name as the difference from that column (which stands before it), `text` a number of a string,
 * `optionalText` the same or null, `community` a Community ID as its 20 bytes.
 */
export type Codec = "count" | "optional" | "delta" | "text" | "optionalText" | "community" | {
  readonly from: string;
};
export type ColumnSchema = Readonly<Record<string, Codec>>;
/** Cells by column; all columns have a cell for each row. */
export type Columns<Name extends string = string> = {
  readonly [name in Name]: readonly Cell[];
};

/** What cannot be read: the reason is the only thing that goes on. */
export class DamagedError extends Error {
  override readonly name = "DamagedError";
}

const integerMax = Number.MAX_SAFE_INTEGER;
const communityBytes = 20;
const communityLength = 30;

export function encodeColumns<Name extends string>(
  schema: { readonly [name in Name]: Codec },
  rowCount: number,
  cell: (row: number, name: Name) => Cell,
): Uint8Array {
  const strings = new Map<string, number>();
  const body = new ByteWriter();
  for (const [name, codec] of Object.entries(schema) as [Name, Codec][]) {
    let before = 0;
    for (let row = 0; row < rowCount; row++) {
      const value = cell(row, name);
      if (codec === "text") body.varint(numberOf(strings, String(value ?? "")));
      else if (codec === "optionalText") {
        body.varint(value === null ? 0 : numberOf(strings, String(value)) + 1);
      } else if (codec === "community") writeCommunity(body, strings, String(value ?? ""));
      else if (codec === "count") body.varint(value as number);
      else if (codec === "optional") body.varint(value === null ? 0 : (value as number) + 1);
      else {
        const base = codec === "delta" ? before : Number(cell(row, codec.from as Name));
        before = Number(value);
        body.zigzag(before - base);
      }
    }
  }
  const head = new ByteWriter();
  head.varint(strings.size);
  for (const text of strings.keys()) head.varint(text.length);
  const texts = new TextEncoder().encode([...strings.keys()].join(""));
  head.varint(texts.length);
  head.bytes(texts);
  head.bytes(body.done());
  return head.done();
}

/**
 * Columns from `added` on came later than the first release: what an older agent sends may end before any of them, and it is filled with
 * null, "" and 0. Throws DamagedError. `bytes` is bounded by whoever inflated it, `rowCount` by the caller.
 */
export function decodeColumns<Name extends string>(
  schema: { readonly [name in Name]: Codec },
  { rowCount, added }: { readonly rowCount: number; readonly added?: Name },
  bytes: Uint8Array,
): Columns<Name> {
  const reader = new ByteReader(bytes);
  const strings = readStrings(reader);
  const columns: Record<string, Cell[]> = {};
  let mayEnd = false;
  for (const [name, codec] of Object.entries(schema) as [Name, Codec][]) {
    mayEnd ||= name === added;
    columns[name] = mayEnd && reader.isAtEnd
      ? Array<Cell>(rowCount).fill(missingCell(codec))
      : readColumn(reader, { codec, rowCount, strings, columns });
  }
  if (!reader.isAtEnd) throw new DamagedError("bytes after the last column");
  return columns as unknown as Columns<Name>;
}

function readColumn(
  reader: ByteReader,
  { codec, rowCount, strings, columns }: {
    readonly codec: Codec;
    readonly rowCount: number;
    readonly strings: readonly string[];
    readonly columns: Readonly<Record<string, readonly Cell[]>>;
  },
): Cell[] {
  const cells: Cell[] = [];
  if (codec === "text") {
    for (let row = 0; row < rowCount; row++) cells.push(stringAt(strings, reader.varint()));
  } else if (codec === "optionalText") {
    for (let row = 0; row < rowCount; row++) {
      const number = reader.varint();
      cells.push(number === 0 ? null : stringAt(strings, number - 1));
    }
  } else if (codec === "community") {
    for (let row = 0; row < rowCount; row++) cells.push(readCommunity(reader, strings));
  } else if (codec === "count") {
    for (let row = 0; row < rowCount; row++) cells.push(reader.varint());
  } else if (codec === "optional") {
    for (let row = 0; row < rowCount; row++) {
      const value = reader.varint();
      cells.push(value === 0 ? null : value - 1);
    }
  } else {
    const bases = codec === "delta" ? null : columns[codec.from]!;
    let before = 0;
    for (let row = 0; row < rowCount; row++) {
      before = (bases ? bases[row] as number : before) + reader.zigzag();
      if (!Number.isSafeInteger(before)) throw new DamagedError("a number beyond 2^53");
      cells.push(before);
    }
  }
  return cells;
}

function missingCell(codec: Codec): Cell {
  if (codec === "optional" || codec === "optionalText") return null;
  return codec === "text" || codec === "community" ? "" : 0;
}

function readStrings(reader: ByteReader): string[] {
  const count = reader.varint();
  // A length takes a byte at least.
  if (count > reader.left) throw new DamagedError("more strings than bytes");
  const lengths: number[] = [];
  for (let index = 0; index < count; index++) lengths.push(reader.varint());
  const all = decodeUtf8(reader.bytes(reader.varint()));
  const strings: string[] = [];
  let at = 0;
  for (const length of lengths) {
    strings.push(all.slice(at, at + length));
    at += length;
  }
  if (at !== all.length) throw new DamagedError("strings that do not add up");
  return strings;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws DamagedError. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new DamagedError("text that is not UTF-8");
  }
}

function numberOf(strings: Map<string, number>, text: string): number {
  let number = strings.get(text);
  if (number === undefined) strings.set(text, number = strings.size);
  return number;
}

function stringAt(strings: readonly string[], number: number): string {
  const text = strings[number];
  if (text === undefined) throw new DamagedError("a string that is not there");
  return text;
}

/** "1:" and base64 of 20 bytes is 0 and those bytes; anything else the number of a string, from 1 on. */
function writeCommunity(writer: ByteWriter, strings: Map<string, number>, text: string): void {
  const bytes = text.length === communityLength && text.startsWith("1:")
    ? readBase64(text.slice(2))
    : null;
  if (bytes === null) return writer.varint(numberOf(strings, text) + 1);
  writer.varint(0);
  writer.bytes(bytes);
}

function readCommunity(reader: ByteReader, strings: readonly string[]): string {
  const number = reader.varint();
  return number > 0
    ? stringAt(strings, number - 1)
    : `1:${reader.bytes(communityBytes).toBase64()}`;
}

/** The 20 bytes that are written as exactly this text; null when there are none. */
function readBase64(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.fromBase64(text);
    return bytes.length === communityBytes && bytes.toBase64() === text ? bytes : null;
  } catch {
    return null;
  }
}

class ByteWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Throws RangeError for what is no count. */
  varint(value: number): void {
    if (!(value >= 0 && value <= integerMax)) {
      throw new RangeError(`Cannot encode: a count must be 0 to 2^53, got ${value}`);
    }
    this.#reserve(8);
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#bytes[this.#length++] = value;
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  get isAtEnd(): boolean {
    return this.left === 0;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new DamagedError("it ends too early");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > integerMax) break;
        return value;
      }
    }
    throw new DamagedError("a number beyond 2^53");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(count: number): Uint8Array {
    if (count > this.left) throw new DamagedError("it ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}
