import fc from "fast-check";
import assert from "node:assert/strict";
import { createPacketBatch } from "../records.ts";
import { indexPcapRecords, RecordWriter } from "./pcap_records.ts";
import { sampleBatch, samplePackets } from "./sample_captures.ts";

Deno.test("indexPcapRecords() resumes where a batch was full", () => {
  const message = sampleBatch(samplePackets(10), { linktype: 113, interfaceId: 3 });
  const batch = createPacketBatch(4);
  const seconds: number[] = [];
  const counts: number[] = [];
  for (let at = 0; at < message.byteLength;) {
    at = indexPcapRecords(batch, message, at);
    counts.push(batch.count);
    for (let row = 0; row < batch.count; row++) {
      seconds.push(Math.floor(batch.timestampsUs[row] / 1e6) - 1_700_000_000);
      assert.deepEqual([batch.linktypes[row], batch.interfaceIds[row]], [113, 3]);
      assert.equal(batch.nanoseconds[row], 789);
    }
  }
  assert.deepEqual(counts, [4, 4, 2]);
  assert.deepEqual(seconds, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("indexPcapRecords() reads only byteLength bytes of a larger buffer", () => {
  const whole = sampleBatch(samplePackets(3));
  const batch = createPacketBatch(10);
  const message = { ...whole, byteLength: whole.byteLength - 62 - 16 };
  assert.equal(indexPcapRecords(batch, message), message.byteLength);
  assert.equal(batch.count, 2);
});

Deno.test("indexPcapRecords() ends at bytes that are no whole record, and never loops", () => {
  const batch = createPacketBatch(10);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const message = sampleBatch([]);
    const records = { ...message, buffer: bytes.slice().buffer, byteLength: bytes.length };
    let calls = 0;
    for (let at = 0; at < bytes.length; calls++) at = indexPcapRecords(batch, records, at);
    assert(calls <= 1 + bytes.length / 160);
  }));
});

Deno.test("RecordWriter writes what indexPcapRecords() reads", () => {
  const packet = fc.record({
    seconds: fc.integer({ min: 0, max: 0xffffffff }),
    nanosecond: fc.integer({ min: 0, max: 999_999_999 }),
    data: fc.uint8Array({ maxLength: 100 }),
    wireLength: fc.integer({ min: 0, max: 0xffffffff }),
  });
  fc.assert(fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
    const message = sampleBatch(packets);
    const batch = createPacketBatch(32);
    indexPcapRecords(batch, message);
    const writer = new RecordWriter(new ArrayBuffer(message.byteLength));
    for (let row = 0; row < batch.count; row++) assert(writer.append(batch, row));
    assert.equal(writer.packetCount, packets.length);
    assert.deepEqual(new Uint8Array(writer.buffer), new Uint8Array(message.buffer));
    if (packets.length > 0) assert.equal(writer.append(batch, 0), false);
  }));
});

Deno.test("RecordWriter leaves out captured bytes that libpcap would refuse", () => {
  const batch = createPacketBatch(1, new Uint8Array(300_000));
  batch.capturedLengths[0] = 300_000;
  batch.wireLengths[0] = 300_000;
  const writer = new RecordWriter(new ArrayBuffer(400_000));
  assert(writer.append(batch, 0));
  const view = new DataView(writer.buffer);
  assert.deepEqual([view.getUint32(8, true), view.getUint32(12, true)], [262_144, 300_000]);
  assert.equal(writer.byteLength, 16 + 262_144);
});
