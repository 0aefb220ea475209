import fc from "fast-check";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import assert from "node:assert/strict";
import { concatenate } from "./sample_captures.ts";
import { Inflater } from "./inflater.ts";

interface Unpacked {
  readonly bytes: Uint8Array;
  /** "over", or what is wrong; "input" when the data end too early. */
  readonly end: string;
  /** Bytes behind the stream's, or behind the last whole symbol before a fault. */
  readonly rest: number;
}

const inflater = new Inflater();

/** Unpacks in steps of `inputBytes` and takes `outputBytes` at a time. */
function unpack(packed: Uint8Array, inputBytes = 65_536, outputBytes = 65_536): Unpacked {
  const { input } = inflater;
  const parts: Uint8Array[] = [];
  const into = new Uint8Array(outputBytes);
  let [given, start, end] = [0, 0, 0];
  inflater.begin();
  for (;;) {
    const status = inflater.unpack(start, end);
    for (let count; (count = inflater.take(into)) > 0;) parts.push(into.slice(0, count));
    start = inflater.position;
    const isOut = status === "input" && given === packed.length;
    if (status === "over" || typeof status === "object" || isOut) {
      const text = typeof status === "object" ? status.fault : status;
      const rest = isOut ? 0 : packed.length - given + end - start;
      return { bytes: concatenate(parts), end: text, rest };
    }
    if (status === "output") continue;
    input.copyWithin(0, start, end);
    end -= start;
    start = 0;
    const part = packed.subarray(given, given + Math.min(inputBytes, input.length - end));
    input.set(part, end);
    end += part.length;
    given += part.length;
  }
}

/** Null for what zlib refuses. */
function unpackByZlib(packed: Uint8Array): Uint8Array | null {
  try {
    return Uint8Array.from(inflateRawSync(packed));
  } catch {
    return null;
  }
}

/** Bytes that pack in every way: noise, runs, few different ones, repeats from far back. */
const content = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(255), fc.nat(2000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
    fc.array(fc.constantFrom(65, 66, 67, 200), { maxLength: 3000 }).map((list) =>
      Uint8Array.from(list)
    ),
    fc.nat(40_000).map((length) => Uint8Array.from({ length }, (_, i) => i % 251 ^ i >> 8)),
  ),
  { maxLength: 12 },
).map(concatenate);

const packing = fc.record({
  level: fc.nat(9),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
  memLevel: fc.integer({ min: 1, max: 9 }),
});

Deno.test("Inflater unpacks what zlib packs, whatever the sizes of pieces", () => {
  const sizes = fc.integer({ min: 1, max: 70_000 });
  fc.assert(
    fc.property(
      content,
      packing,
      sizes,
      sizes,
      fc.nat(20),
      (bytes, options, inputs, outputs, rest) => {
        const packed = deflateRawSync(bytes, options);
        const result = unpack(concatenate([packed, new Uint8Array(rest)]), inputs, outputs);
        assert.equal(result.end, "over");
        assert.equal(result.rest, rest);
        assert.deepEqual(result.bytes, bytes);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("Inflater unpacks more than its buffers hold, with matches over the whole window", () => {
  const block = Uint8Array.from({ length: 32_768 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const bytes = concatenate(
    Array.from({ length: 60 }, (_, i) => concatenate([block, Uint8Array.of(i)])),
  );
  for (const level of [0, 1, 9]) {
    const result = unpack(deflateRawSync(bytes, { level }), 4096, 10_000);
    assert.equal(result.end, "over");
    assert.deepEqual(result.bytes, bytes);
  }
});

Deno.test("Inflater gives a stream that is cut off up to the last whole symbol", () => {
  const bytes = new TextEncoder().encode(
    "a stream of text, of text, of text and 0123456789 ".repeat(30),
  );
  for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED]) {
    const packed = deflateRawSync(bytes, { strategy });
    let longest = 0;
    for (let length = 0; length < packed.length; length++) {
      const result = unpack(packed.subarray(0, length));
      assert.equal(result.end, "input");
      assert.deepEqual(result.bytes, bytes.subarray(0, result.bytes.length));
      assert(result.bytes.length >= longest);
      longest = result.bytes.length;
    }
    assert(longest >= bytes.length - 258);
  }
});

Deno.test("Inflater gives everything that stands before damaged bytes, and refuses what zlib does", () => {
  fc.assert(
    fc.property(
      content,
      packing,
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5000 }),
      (bytes, options, place, damage, step) => {
        const packed = Uint8Array.from(deflateRawSync(bytes, options));
        const from = place % packed.length;
        packed.set(damage.subarray(0, packed.length - from), from);
        const before = unpack(packed.subarray(0, from)).bytes;
        const result = unpack(packed, step);
        assert.deepEqual(result.bytes.subarray(0, before.length), before);
        assert.deepEqual(result.end === "over" ? result.bytes : null, unpackByZlib(packed));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("Inflater ends with any bytes", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.integer({ min: 1, max: 500 }),
      (bytes, step) => {
        assert.deepEqual(unpack(bytes, step), unpack(bytes));
      },
    ),
    { numRuns: 2000 },
  );
});

const faults: readonly (readonly [string, readonly number[], RegExp])[] = [
  ["a block of kind 3", [0x07], /block type/],
  ["a stored block with a wrong complement", [0x01, 1, 0, 1, 0], /stored block lengths/],
  ["more literals than there are", [0xfd, 0xff, 0xff], /too many length or distance symbols/],
  ["a repeat of no length", [0x05, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00], /code lengths set/],
  ["a match before the first byte", [0x03, 0x02, 0x00], /distance too far back/],
];
for (const [name, bytes, text] of faults) {
  Deno.test(`Inflater refuses ${name}`, () => {
    const { end } = unpack(Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0]));
    assert.match(end, text);
  });
}
