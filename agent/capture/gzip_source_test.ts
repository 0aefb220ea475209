import fc from "fast-check";
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { CaptureFormatError } from "../errors.ts";
import { createByteSource } from "./byte_source.ts";
import { DamageError } from "./plain_source.ts";
import { isGzip } from "./plain_source.ts";
import { bytesInput, readCaptureBytes, type ReadPacket } from "./read_packets.ts";
import { concatenate, pcapFile, samplePackets } from "./sample_captures.ts";

const encoder = new TextEncoder();
const text = encoder.encode("what was packed ".repeat(40));
const other = encoder.encode("and something more");
const packed = Uint8Array.from(gzipSync(text));

interface Read {
  readonly bytes: Uint8Array;
  readonly warnings: readonly string[];
  readonly isTruncated: boolean;
  readonly isDamaged: boolean;
  readonly fault: string | null;
}

async function readAll(bytes: Uint8Array, inputBytes = Infinity, intoBytes = 4096): Promise<Read> {
  const source = await createByteSource(bytesInput(bytes, inputBytes), "sample", null);
  const into = new Uint8Array(intoBytes);
  const parts: Uint8Array[] = [];
  let fault: string | null = null;
  try {
    for (let count; (count = await source.read(into)) > 0;) parts.push(into.slice(0, count));
    assert.equal(await source.read(into), 0, "and stays at its end");
  } catch (error) {
    assert(error instanceof DamageError, String(error));
    fault = error.message;
  }
  const { warnings, isTruncated, isDamaged } = source;
  return { bytes: concatenate(parts), warnings, isTruncated, isDamaged, fault };
}

/** The member with other bytes at `place`, which counts from the end when it is negative. */
function changed(place: number, bytes: readonly number[]): Uint8Array {
  const copy = packed.slice();
  copy.set(bytes, place < 0 ? copy.length + place : place);
  return copy;
}

/** As gzip -N writes them, and more: flags 2 to 16. */
function withFields(flags: number, fields: readonly number[]): Uint8Array {
  const header = packed.slice(0, 10);
  header[3] = flags;
  return concatenate([header, Uint8Array.from(fields), packed.subarray(10)]);
}

const zeros = new Uint8Array(512);
const name = [...encoder.encode("capture.pcap"), 0];
const whole: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ["one member", packed, text],
  [
    "several members",
    concatenate([packed, gzipSync(other), packed]),
    concatenate([text, other, text]),
  ],
  [
    "a member of nothing between others",
    concatenate([packed, gzipSync(new Uint8Array(0)), packed]),
    concatenate([text, text]),
  ],
  ["one zero behind", concatenate([packed, Uint8Array.of(0)]), text],
  ["many zeros behind", concatenate([packed, new Uint8Array(200_000)]), text],
  [
    "zeros between members, as padded tapes have them",
    concatenate([packed, zeros, gzipSync(other), zeros]),
    concatenate([text, other]),
  ],
  ["a file name", withFields(8, name), text],
  ["all fields", withFields(31, [3, 0, 1, 2, 3, ...name, ...name, 9, 9]), text],
  ["a name longer than any buffer", withFields(8, [...new Array(100_000).fill(65), 0]), text],
];
for (const [what, bytes, expected] of whole) {
  Deno.test(`GzipSource reads ${what} without a warning`, async () => {
    for (const inputBytes of [1, 7, Infinity]) {
      const result = await readAll(bytes, inputBytes);
      assert.deepEqual(result.bytes, expected);
      assert.deepEqual({ ...result, bytes: null }, {
        bytes: null,
        warnings: [],
        isTruncated: false,
        isDamaged: false,
        fault: null,
      });
    }
  });
}

const warned: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "text behind",
    concatenate([packed, encoder.encode("text")]),
    /^The gzip data ends at byte \d+: what stands behind is no gzip/,
  ],
  ["text behind zeros", concatenate([packed, zeros, encoder.encode("text")]), /what stands behind/],
  [
    "the first byte of a member behind",
    concatenate([packed, Uint8Array.of(0x1f)]),
    /what stands behind/,
  ],
  [
    "a wrong checksum",
    changed(-8, [1, 2, 3, 4]),
    /^The gzip data before byte \d+ is damaged: its checksum/,
  ],
  ["a wrong length", changed(-4, [1, 2, 3, 4]), /its checksum/],
  ["no trailer", packed.subarray(0, -8), /^The gzip data is cut off at byte \d+\.$/],
  ["a cut-off trailer", packed.subarray(0, -1), /is cut off/],
  [
    "a second member that is cut off in its header",
    concatenate([packed, packed.subarray(0, 9)]),
    /is cut off/,
  ],
];
for (const [what, bytes, warning] of warned) {
  Deno.test(`GzipSource reads all before ${what}, and warns`, async () => {
    for (const inputBytes of [1, Infinity]) {
      const result = await readAll(bytes, inputBytes);
      assert.deepEqual(result.bytes, text);
      assert.equal(result.fault, null);
      assert.equal(result.warnings.length, 1);
      assert.match(result.warnings[0], warning);
      assert.equal(result.isTruncated, /cut off/.test(result.warnings[0]));
      assert.equal(result.isDamaged, /damaged/.test(result.warnings[0]));
    }
  });
}

Deno.test("GzipSource reads on behind a member with a wrong checksum", async () => {
  const result = await readAll(concatenate([changed(-8, [1, 2, 3, 4]), gzipSync(other)]));
  assert.deepEqual(result.bytes, concatenate([text, other]));
});

for (
  const [what, bytes] of [
    ["another method", changed(2, [7])],
    ["unknown flags", changed(3, [0x80])],
    ["a bad block", changed(10, [0xff])],
  ] as const
) {
  Deno.test(`GzipSource throws for ${what}, each time`, async () => {
    assert.match((await readAll(bytes)).fault!, /^the gzip data is damaged \(/);
  });
}

Deno.test("GzipSource ends, and gives a start of what was packed, cut off anywhere", async () => {
  const bytes = concatenate([packed, gzipSync(other)]);
  const expected = concatenate([text, other]);
  let longest = 0;
  for (let length = 2; length < bytes.length; length++) {
    const result = await readAll(bytes.subarray(0, length), 5, 3);
    assert.deepEqual(result.bytes, expected.subarray(0, result.bytes.length));
    assert(result.bytes.length >= longest);
    longest = result.bytes.length;
    assert.equal(result.warnings.length, length === packed.length ? 0 : 1, String(length));
  }
  assert.deepEqual(longest, expected.length);
});

const packets = samplePackets(400);
const capture = pcapFile(packets);
const packedCapture = Uint8Array.from(gzipSync(capture));
/** Unpacked bytes at the end of the header and of each packet. */
const recordEnds = packets.reduce((ends, { data }) => [...ends, ends.at(-1)! + 16 + data.length], [
  24,
]);

/** As tapwatch reads a file; one that cannot be read is said to have no packets. */
async function readPackets(bytes: Uint8Array, readBytes: number): Promise<ReadPacket[]> {
  try {
    return (await readCaptureBytes(bytes, { readBytes, chunkBytes: 1024 })).packets;
  } catch (error) {
    assert(error instanceof CaptureFormatError, String(error));
    return [];
  }
}

/** How many packets are whole in so many unpacked bytes. */
function countWhole(length: number): number {
  return Math.max(0, recordEnds.filter((end) => end <= length).length - 1);
}

function marks(read: readonly ReadPacket[]): string {
  return read.map(({ timestampUs, data }) => `${timestampUs} ${data.join()}`).join("\n");
}
const allMarks = marks((await readCaptureBytes(capture)).packets);

const readSizes = fc.integer({ min: 1, max: 3000 });

Deno.test("A packed capture that is cut off gives every packet before the cut", async () => {
  const lengths = fc.integer({ min: 2, max: packedCapture.length });
  await fc.assert(
    fc.asyncProperty(lengths, readSizes, async (length, readBytes) => {
      const cut = packedCapture.subarray(0, length);
      const packets = await readPackets(cut, readBytes);
      assert.equal(packets.length, countWhole((await readAll(cut)).bytes.length));
      assert(allMarks.startsWith(marks(packets)));
    }),
    { numRuns: 100 },
  );
});

Deno.test("A packed capture with any bytes in it or behind it ends, and gives the packets before them", async () => {
  const places = fc.integer({ min: 2, max: packedCapture.length });
  const damage = fc.uint8Array({ minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(places, damage, readSizes, async (place, bytes, readBytes) => {
      const start = packedCapture.subarray(0, place);
      const end = packedCapture.subarray(place + bytes.length);
      const packets = await readPackets(concatenate([start, bytes, end]), readBytes);
      const count = countWhole((await readAll(start)).bytes.length);
      assert(packets.length >= count);
      assert(allMarks.startsWith(marks(packets.slice(0, count))));
    }),
    { numRuns: 150 },
  );
});

Deno.test("isGzip() knows the first two bytes", () => {
  assert.equal(isGzip(Uint8Array.of(0x1f, 0x8b)), true);
  assert.equal(isGzip(Uint8Array.of(0x1f)), false);
});
