/** Rows as ClickHouse's RowBinary: numbers little-endian at their width, texts as a varint length and UTF-8. */

export type NumberType = "UInt8" | "UInt16" | "UInt32" | "UInt64" | "Int8" | "Int32" | "Int64";

const widths: { readonly [type in NumberType]: number } = {
  UInt8: 1,
  Int8: 1,
  UInt16: 2,
  UInt32: 4,
  Int32: 4,
  UInt64: 8,
  Int64: 8,
};
const textsMax = 50_000;
const encoder = new TextEncoder();

export class RowBinaryWriter {
  #bytes = new Uint8Array(1 << 20);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Texts that have come before, with their lengths. */
  readonly #texts = new Map<string, Uint8Array>();

  /** A whole number up to 2^53; below zero only of signed types. */
  number(type: NumberType, value: number): void {
    const width = widths[type];
    this.#reserve(width);
    const at = this.#length;
    if (width === 1) this.#bytes[at] = value;
    else if (width === 2) this.#view.setUint16(at, value, true);
    else this.#view.setUint32(at, value, true);
    if (width === 8) this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
    this.#length = at + width;
  }

  /** Two words as one number of 64 bits. */
  words(high: number, low: number): void {
    this.#reserve(8);
    this.#view.setInt32(this.#length, low, true);
    this.#view.setInt32(this.#length + 4, high, true);
    this.#length += 8;
  }

  text(text: string): void {
    let bytes = this.#texts.get(text);
    if (bytes === undefined) {
      bytes = withLength(encoder.encode(text));
      if (this.#texts.size >= textsMax) this.#texts.clear();
      this.#texts.set(text, bytes);
    }
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What has been written since the last call; valid until the next write. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(this.#bytes.length * 2 + count);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function withLength(bytes: Uint8Array): Uint8Array {
  const head: number[] = [];
  let left = bytes.length;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) head.push(left % 0x80 | 0x80);
  head.push(left);
  const all = new Uint8Array(head.length + bytes.length);
  all.set(head);
  all.set(bytes, head.length);
  return all;
}
