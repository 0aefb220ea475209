import { deepStrictEqual } from "node:assert/strict";
import { countRecords } from "./batch_reader.ts";

Deno.test("countRecords() counts only whole records, whatever was cut off", () => {
  const lengths = [0, 5, 1];
  const words = lengths.flatMap((length) => [...new Uint8Array(recordBytes(length))]);
  const bytes = new Uint8Array(words);
  const ends = [0, 16, 37, 54];
  for (let byteLength = 0; byteLength <= bytes.length; byteLength++) {
    const packetCount = ends.findLastIndex((end) => end <= byteLength);
    deepStrictEqual(countRecords(bytes, byteLength), {
      byteLength: ends[packetCount],
      packetCount,
    });
  }
});

function recordBytes(length: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(16 + length));
  view.setUint32(8, length, true);
  return view.buffer;
}
