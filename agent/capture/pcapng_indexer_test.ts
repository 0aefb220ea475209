import assert from "node:assert/strict";
import { readCaptureBytes } from "./read_packets.ts";
import { PcapngBuilder, udpFrame } from "./sample_captures.ts";

/** 61 bytes, so that an enhanced block has 93, and three of padding. */
const frame = udpFrame(61, 7);
const [unpadded, padded] = [93, 96];

/** Blocks whose lengths leave the padding out, first and last, one or the other; what tshark 4.0 makes of them is the same. */
const lengths: readonly (readonly [string, number, number, number])[] = [
  ["both leave the padding out", unpadded, unpadded, 3],
  ["only the first leaves it out", unpadded, padded, 3],
  ["only the last leaves it out", padded, unpadded, 3],
  ["the last is another", padded, padded + 4, 1],
  ["the last is none", padded, 0, 1],
  ["the first is too large", padded + 4, padded, 1],
  ["the first is no length", 8, 8, 1],
];

for (const isLittleEndian of [true, false]) {
  for (const [what, first, last, packetCount] of lengths) {
    const order = isLittleEndian ? "little" : "big";
    Deno.test(`PcapngIndexer takes a ${order}-endian block of which ${what}: ${packetCount} packets`, async () => {
      const file = new PcapngBuilder(isLittleEndian).section().interface(1)
        .enhanced(0, 5n, frame).enhanced(0, 6n, frame, { first, last }).enhanced(0, 7n, frame);
      const { packets, info } = await readCaptureBytes(file.build());
      assert.equal(packets.length, packetCount);
      assert(packets.every(({ data }) => data.length === frame.length));
      assert.equal(info.isDamaged, packetCount === 1);
      assert.equal(info.warnings.length, 1);
      assert.match(
        info.warnings[0],
        packetCount === 1 ? /damaged at byte/ : /without their padding/,
      );
    });
  }
}

Deno.test("PcapngIndexer takes other blocks without the padding in their lengths", async () => {
  const file = new PcapngBuilder().section().interface(1, 0, [[2, new Uint8Array(3).fill(65)]], {
    first: 31,
  })
    .block(0x0bad, [new Uint8Array(4)], { first: 13 }).simple(frame, 61, { first: 77 }).enhanced(
      0,
      6n,
      frame,
    );
  const { packets, info } = await readCaptureBytes(file.build());
  assert.deepEqual(packets.map(({ data }) => data), [frame, frame]);
  assert.deepEqual(info.interfaceNames, ["AAA"]);
});
