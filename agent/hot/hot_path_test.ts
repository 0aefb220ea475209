import { deepStrictEqual } from "node:assert/strict";
import { ethernet, filler, ipv4, udp } from "../decode/packet_builder.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { createPacketBatch, type PacketBatch } from "../records.ts";

const frame = Uint8Array.from(
  ethernet(0x0800, ipv4({ protocol: 17 }, udp({ source: 4000, destination: 5000 }, filler(20)))),
);

/** A batch whose packets, the frame with more or less behind it, have these captured lengths and lie in this order. */
function batchOf(lengths: readonly number[], order: readonly number[]): PacketBatch {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const batch = createPacketBatch(lengths.length, new Uint8Array(total));
  let offset = 0;
  for (const row of order) {
    batch.bytes.set(frame, offset);
    batch.offsets[row] = offset;
    batch.capturedLengths[row] = batch.wireLengths[row] = lengths[row];
    batch.timestampsUs[row] = 1e15 + row;
    batch.linktypes[row] = 1;
    offset += lengths[row];
  }
  batch.count = lengths.length;
  return batch;
}

const mib = 1024 * 1024;
const cases: readonly [string, readonly number[], readonly number[]][] = [
  ["a packet that is larger than the room for copies", [100, 6 * mib, 100], [0, 1, 2]],
  ["more bytes than the room for copies", [3 * mib, 3 * mib, 100, 3 * mib], [0, 1, 2, 3]],
  ["packets in any order", [100, 200, 300, 400], [2, 0, 3, 1]],
  ["more packets than the room for rows", Array(40_000).fill(70), Array(40_000).keys().toArray()],
];

for (const [what, lengths, order] of cases) {
  Deno.test(`HotPath.process() takes a batch from elsewhere with ${what}`, () => {
    const ports = new Set<number>();
    const pipeline = new Pipeline({
      flowCountMax: 10,
      rowPolicy: "none",
      onFlow: (flow) => ports.add(flow.origPkts),
    });
    pipeline.process(batchOf(lengths, order));
    pipeline.finish();
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    deepStrictEqual(
      [pipeline.packets, pipeline.bytes, pipeline.capturedBytes, [...ports]],
      [lengths.length, bytes, bytes, [lengths.length]],
    );
    deepStrictEqual(pipeline.span, { oldestUs: 1e15, newestUs: 1e15 + lengths.length - 1 });
  });
}
