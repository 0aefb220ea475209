import fc from "fast-check";
import { deepStrictEqual } from "node:assert/strict";
import { createByteSource } from "../capture/byte_source.ts";
import { CaptureFileReader, captureMemoryBytes } from "../capture/file_reader.ts";
import { bytesInput } from "../capture/read_packets.ts";
import { pcapFile, samplePackets, udpFrame } from "../capture/sample_captures.ts";
import { ethernet, filler, ipv4, tcp } from "../decode/packet_builder.ts";
import { Pipeline } from "../pipeline/pipeline.ts";

/** All that comes of a file, read in place or in batches from a pipe that gives `readBytes` at a time. */
async function outcome(bytes: Uint8Array, isInPlace: boolean, readBytes: number) {
  const told: unknown[] = [];
  const take = (what: unknown) => void told.push(what);
  const pipeline = new Pipeline({
    flowCountMax: 8,
    captureBytes: captureMemoryBytes,
    rowPolicy: "all",
    onRow: take,
    onFlow: take,
    onSecond: take,
    observations: {
      wordsMin: 0,
      exchange: (words, length) => {
        told.push(words.slice(0, length));
        return words;
      },
    },
  });
  const source = await createByteSource(bytesInput(bytes, readBytes), "sample", null);
  const memory = isInPlace ? { memory: pipeline.captureMemory } : {};
  try {
    const reader = await CaptureFileReader.openSource(source, { chunkBytes: 64 * 1024, ...memory });
    for (let batch; (batch = await reader.nextBatch()) !== null;) pipeline.process(batch);
    take(reader.info);
  } catch (error) {
    take((error as Error).message);
  }
  pipeline.finish();
  return [...told, pipeline.packets, pipeline.bytes, pipeline.capturedBytes, pipeline.span];
}

const frames = [
  ethernet(0x0806, filler(46)),
  ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(0)))),
  ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, filler(30)))),
  ethernet(0x0800, ipv4({ protocol: 1 }, filler(40))),
  udpFrame(90),
];
const packet = fc.record({
  seconds: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xffffffff })),
  nanosecond: fc.integer({ min: 0, max: 0xffffffff }),
  data: fc.oneof(fc.constantFrom(...frames), fc.uint8Array({ maxLength: 200 })),
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

Deno.test("records that are taken in place come out as batches do, whole or damaged, in any format", async () => {
  const places = { cut: fc.nat(), at: fc.nat(), byte: fc.nat(255), readBytes: fc.nat(300) };
  const damaged = fc.record({ file, isDamaged: fc.boolean(), ...places });
  await fc.assert(fc.asyncProperty(damaged, async ({ file, isDamaged, cut, at, byte, ...rest }) => {
    const bytes = file.slice();
    if (isDamaged && bytes.length > 24) bytes[24 + at % (bytes.length - 24)] = byte;
    const part = bytes.subarray(0, Math.max(24, bytes.length - (isDamaged ? cut % 100 : 0)));
    const readBytes = rest.readBytes + 24;
    deepStrictEqual(await outcome(part, true, readBytes), await outcome(part, false, readBytes));
  }));
});

Deno.test("records are taken in place over many chunks", async () => {
  const bytes = pcapFile(samplePackets(5000));
  deepStrictEqual(await outcome(bytes, true, Infinity), await outcome(bytes, false, Infinity));
});
