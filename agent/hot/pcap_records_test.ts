import fc from "fast-check";
import { deepStrictEqual } from "node:assert/strict";
import { captureMemoryBytes } from "../capture/file_reader.ts";
import { readCaptureBytes, type ReadResult } from "../capture/read_packets.ts";
import { pcapFile } from "../capture/sample_captures.ts";
import { HotPath } from "./hot_path.ts";

const memory =
  new HotPath({ flowCountMax: 1, hostCountMax: 1, captureBytes: captureMemoryBytes }).captureMemory;

const packet = fc.record({
  seconds: fc.integer({ min: 0, max: 0xffffffff }),
  nanosecond: fc.integer({ min: 0, max: 0xffffffff }),
  data: fc.uint8Array({ maxLength: 200 }),
  wireLength: fc.integer({ min: 0, max: 0xffffffff }),
});
const shape = fc.record({
  isLittleEndian: fc.boolean(),
  isNanosecond: fc.boolean(),
  isModified: fc.boolean(),
  linktype: fc.constantFrom(1, 101, 113, 0xffff, 0x24000001),
});
const file = fc.tuple(fc.array(packet, { maxLength: 50 }), shape)
  .map(([packets, shape]) => pcapFile(packets, shape));

async function read(bytes: Uint8Array, options: Parameters<typeof readCaptureBytes>[1]) {
  const result: ReadResult | string = await readCaptureBytes(bytes, options)
    .catch((error: Error) => error.message);
  return result;
}

Deno.test("indexPcap() finds the records that indexRecords() does, and what is none, in any file", async () => {
  const places = { cut: fc.nat(), at: fc.nat(), byte: fc.nat(255), readBytes: fc.nat(300) };
  const damaged = fc.record({ file, isDamaged: fc.boolean(), ...places });
  await fc.assert(fc.asyncProperty(damaged, async ({ file, isDamaged, cut, at, byte, ...rest }) => {
    const bytes = file.slice();
    if (isDamaged && bytes.length > 24) bytes[24 + at % (bytes.length - 24)] = byte;
    const part = bytes.subarray(0, Math.max(24, bytes.length - (isDamaged ? cut % 100 : 0)));
    const options = { readBytes: rest.readBytes + 24 };
    deepStrictEqual(await read(part, { ...options, memory }), await read(part, options));
  }));
});

Deno.test("indexPcap() goes on where the rows were full", async () => {
  const data = new Uint8Array(1);
  const packets = Array.from(
    { length: 40_000 },
    (_, seconds) => ({ seconds, nanosecond: 0, data }),
  );
  const bytes = pcapFile(packets);
  const options = { chunkBytes: 2 * 1024 * 1024 };
  deepStrictEqual(
    await readCaptureBytes(bytes, { ...options, memory }),
    await readCaptureBytes(bytes, options),
  );
});
