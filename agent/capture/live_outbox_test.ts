import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { BatchMessage, SourceToPipeline } from "../messages.ts";
import { LiveOutbox } from "./live_outbox.ts";

const bufferBytes = 200;

function createOutbox(bufferCountMax: number) {
  const sent: SourceToPipeline[] = [];
  const outbox = new LiveOutbox({
    interfaceId: 3,
    bufferBytes,
    bufferCountMax,
    send: (message, transfer) => {
      const expected = message.type === "batch" ? [message.buffer] : [];
      deepStrictEqual(transfer, expected);
      sent.push(message);
    },
  });
  const batches = () => sent.filter((message) => message.type === "batch");
  return { outbox, sent, batches };
}

/** Records whose captured bytes are all `values[i]`, and `lengths[i]` long. */
function records(packets: readonly { value: number; length: number }[]): Uint8Array {
  const bytes = packets.flatMap(({ value, length }) => {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(8, length, true);
    return [...new Uint8Array(header.buffer), ...new Array<number>(length).fill(value)];
  });
  return Uint8Array.from(bytes);
}

function contents(batch: BatchMessage): Uint8Array {
  return new Uint8Array(batch.buffer, 0, batch.byteLength);
}

function concat(parts: readonly Uint8Array[]): number[] {
  return parts.flatMap((part) => [...part]);
}

Deno.test("LiveOutbox sends a batch at once while the pipeline keeps up", () => {
  const { outbox, batches } = createOutbox(4);
  outbox.setFormat({ linktype: 113, isNanosecond: true });
  const bytes = records([{ value: 1, length: 10 }, { value: 2, length: 20 }]);
  outbox.append(bytes, 2);
  const [batch] = batches();
  deepStrictEqual(contents(batch), bytes);
  deepStrictEqual(
    [batch.packetCount, batch.interfaceId, batch.linktype, batch.isNanosecond],
    [2, 3, 113, true],
  );
  strictEqual(outbox.queueDepth, 1);
});

Deno.test("LiveOutbox collects batches while the pipeline is behind, and sends them when it catches up", () => {
  const { outbox, batches } = createOutbox(4);
  const one = records([{ value: 1, length: 10 }]);
  for (let i = 0; i < 5; i++) outbox.append(one, 1);
  deepStrictEqual(batches().map((batch) => batch.packetCount), [1, 1]);
  outbox.giveBack(batches()[0].buffer);
  deepStrictEqual(batches().map((batch) => batch.packetCount), [1, 1, 3]);
  strictEqual(outbox.queueDrops, 0);
});

Deno.test("LiveOutbox drops and counts when no buffer is free, and goes on when one is", () => {
  const { outbox, batches } = createOutbox(2);
  const full = records([{ value: 1, length: 184 }]);
  for (let i = 0; i < 5; i++) outbox.append(full, 1);
  strictEqual(batches().length, 2);
  strictEqual(outbox.queueDrops, 3);
  strictEqual(outbox.queueDepth, 2);
  outbox.giveBack(batches()[0].buffer);
  outbox.append(full, 1);
  strictEqual(batches().length, 3);
  strictEqual(outbox.queueDrops, 3);
});

Deno.test("LiveOutbox never mixes link types in a batch", () => {
  const { outbox, batches } = createOutbox(4);
  const one = records([{ value: 1, length: 10 }]);
  outbox.setFormat({ linktype: 1, isNanosecond: true });
  for (let i = 0; i < 3; i++) outbox.append(one, 1);
  outbox.setFormat({ linktype: 113, isNanosecond: true });
  outbox.append(one, 1);
  outbox.end();
  deepStrictEqual(batches().map((b) => [b.linktype, b.packetCount]), [
    [1, 1],
    [1, 1],
    [1, 1],
    [113, 1],
  ]);
});

Deno.test("LiveOutbox ends with what is left and then the end", () => {
  const { outbox, sent } = createOutbox(4);
  const one = records([{ value: 1, length: 10 }]);
  for (let i = 0; i < 3; i++) outbox.append(one, 1);
  outbox.end();
  deepStrictEqual(sent.map((message) => message.type), ["batch", "batch", "batch", "end"]);
});

Deno.test("LiveOutbox hands over each byte in order, or counts its packet", () => {
  const packet = fc.record({ value: fc.nat(255), length: fc.nat(bufferBytes - 16) });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.array(packet, { maxLength: 12 }) },
    { weight: 2, arbitrary: fc.constant("giveBack" as const) },
  );
  fc.assert(fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, countMax) => {
    const { outbox, batches } = createOutbox(countMax);
    const kept: Uint8Array[] = [];
    let appended = 0;
    let returned = 0;
    for (const action of steps) {
      if (action === "giveBack") {
        const batch = batches()[returned];
        if (batch === undefined) continue;
        returned++;
        kept.push(contents(batch).slice());
        outbox.giveBack(batch.buffer);
      } else {
        outbox.append(records(action), action.length);
        appended += action.length;
      }
      ok(outbox.queueDepth <= countMax);
    }
    outbox.end();
    const all = [...kept, ...batches().slice(returned).map(contents)];
    const handedOver = batches().reduce((sum, batch) => sum + batch.packetCount, 0);
    strictEqual(handedOver + outbox.queueDrops, appended);
    if (outbox.queueDrops > 0) return;
    const packets = steps.filter((action) => action !== "giveBack").flat();
    deepStrictEqual(concat(all), [...records(packets)]);
  }));
});

Deno.test("LiveOutbox gives buffers back to the system once a burst that needed them is over", () => {
  const { outbox, batches } = createOutbox(8);
  const one = records([{ value: 1, length: 100 }]);
  let given = 0;
  const burst = () => {
    for (let i = 0; i < 8; i++) outbox.append(one, 1);
  };
  const giveAllBack = () => {
    while (given < batches().length) outbox.giveBack(batches()[given++]!.buffer);
  };
  const gone = () => new Set(batches().map(({ buffer }) => buffer).filter((b) => b.detached)).size;
  burst();
  giveAllBack();
  outbox.shrink();
  strictEqual(gone(), 0, "all were in use");
  outbox.append(one, 1);
  giveAllBack();
  outbox.shrink();
  strictEqual(gone(), 6, "one was in use, and one is spare");
  strictEqual(outbox.queueDepth, 0);
  // The next burst may have as many as the first.
  burst();
  strictEqual(outbox.queueDrops, 0);
  giveAllBack();
  strictEqual(outbox.queueDepth, 0);
  strictEqual(batches().length, 17);
});
