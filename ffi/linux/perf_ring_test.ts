import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { PerfRing } from "./perf_ring.ts";

const pageBytes = 4096;
const dataBytes = 1024;

/** The kernel's side of a ring. */
class Writer {
  readonly buffer = new ArrayBuffer(pageBytes + dataBytes);
  readonly #view = new DataView(this.buffer);

  /** `start` bytes have been written and read before. */
  constructor(start = 0n) {
    this.#set(1024, start);
    this.#set(1032, start);
    this.#set(1040, BigInt(pageBytes));
    this.#set(1048, BigInt(dataBytes));
  }

  get head(): bigint {
    return this.#view.getBigUint64(1024, true);
  }
  get tail(): bigint {
    return this.#view.getBigUint64(1032, true);
  }

  /** False when there is no room. */
  write(type: number, body: readonly number[]): boolean {
    const record = new Uint8Array(8 + body.length);
    new DataView(record.buffer).setUint32(0, type, true);
    new DataView(record.buffer).setUint16(6, record.length, true);
    record.set(body, 8);
    if (this.head + BigInt(record.length) - this.tail > BigInt(dataBytes)) return false;
    record.forEach((byte, index) => {
      const place = Number((this.head + BigInt(index)) % BigInt(dataBytes));
      this.#view.setUint8(pageBytes + place, byte);
    });
    this.#set(1024, this.head + BigInt(record.length));
    return true;
  }

  breakSize(): void {
    this.#view.setUint16(pageBytes + Number(this.tail % BigInt(dataBytes)) + 6, 4, true);
  }

  #set(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true);
  }
}

function drained(ring: PerfRing): { type: number; body: number[] }[] {
  const records: { type: number; body: number[] }[] = [];
  ring.drain((type, { buffer, byteOffset, byteLength }) =>
    records.push({ type, body: [...new Uint8Array(buffer, byteOffset + 8, byteLength - 8)] })
  );
  return records;
}

Deno.test("PerfRing gives records as they were written, over and over the end of its data", () => {
  const step = fc.array(
    fc.record({ type: fc.nat(20), words: fc.array(fc.nat(255), { maxLength: 30 }) }),
    { maxLength: 6 },
  );
  fc.assert(fc.property(
    fc.array(step, { maxLength: 40 }),
    // The low word of 64 bits turns over as well.
    fc.constantFrom(0n, 0xffff_ff00n, 2n ** 53n),
    (steps, start) => {
      const writer = new Writer(start);
      const ring = new PerfRing(writer.buffer);
      for (const records of steps) {
        const written = records.map(({ type, words }) => ({
          type,
          body: words.flatMap((word) => Array<number>(8).fill(word)),
        })).filter(({ type, body }) => writer.write(type, body));
        deepStrictEqual(drained(ring), written);
        strictEqual(writer.tail, writer.head);
      }
    },
  ));
});

Deno.test("PerfRing goes on behind what cannot be a record", () => {
  const writer = new Writer();
  const ring = new PerfRing(writer.buffer);
  writer.write(9, Array(16).fill(1));
  writer.write(9, Array(16).fill(2));
  writer.breakSize();
  deepStrictEqual(drained(ring), []);
  writer.write(9, Array(16).fill(3));
  deepStrictEqual(drained(ring), [{ type: 9, body: Array(16).fill(3) }]);
});

Deno.test("PerfRing refuses memory that is none", () => {
  throws(() => new PerfRing(new ArrayBuffer(pageBytes)), RangeError);
  const { buffer } = new Writer();
  new DataView(buffer).setBigUint64(1048, 2n * BigInt(dataBytes), true);
  throws(() => new PerfRing(buffer), RangeError);
});
