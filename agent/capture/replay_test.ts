import assert from "node:assert/strict";
import type { BatchMessage, SourceToMain, SourceToPipeline } from "../messages.ts";
import { createPacketBatch } from "../records.ts";
import { indexPcapRecords } from "./pcap_records.ts";
import { type Clock, Replay } from "./replay.ts";
import { pcapFile, PcapngBuilder, type SamplePacket, samplePackets } from "./sample_captures.ts";

interface Played {
  readonly batches: BatchMessage[];
  /** Seconds of the packets, from the first one. */
  readonly seconds: number[];
  readonly told: SourceToMain[];
}

/** A clock that stands still but for its sleeps, which it keeps. */
class SleepClock implements Clock {
  sleeps: number[] = [];
  #nowMs = 0;
  now = () => this.#nowMs;
  sleep = (ms: number) => {
    this.sleeps.push(ms);
    this.#nowMs += ms;
    return Promise.resolve();
  };
}

/** Takes batches until the end; `isHolding` keeps every buffer, so that the replay must wait. */
function takeBatches(port: MessagePort, isHolding = false) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const batches: BatchMessage[] = [];
  const seconds: number[] = [];
  const batch = createPacketBatch(1000);
  port.onmessage = ({ data }: MessageEvent<SourceToPipeline>) => {
    if (data.type === "end") return resolve();
    batches.push(data);
    for (let at = 0; at < data.byteLength;) {
      at = indexPcapRecords(batch, data, at);
      for (let row = 0; row < batch.count; row++) seconds.push(batch.timestampsUs[row] / 1e6);
    }
    if (!isHolding) port.postMessage({ type: "return", buffer: data.buffer }, [data.buffer]);
  };
  return { batches, seconds, ended: promise };
}

async function withFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function play(bytes: Uint8Array, speed: number, clock: Clock): Promise<Played> {
  return await withFile(bytes, async (path) => {
    const { port1, port2 } = new MessageChannel();
    const taken = takeBatches(port2);
    const told: SourceToMain[] = [];
    await new Replay({ path, speed }, port1, (message) => told.push(message), clock).run();
    await taken.ended;
    port1.close();
    port2.close();
    return { ...taken, told };
  });
}

function statesOf(told: readonly SourceToMain[]): string[] {
  return told.flatMap((message) => message.type === "state" ? [message.state.state] : []);
}

const every100Ms = Array.from({ length: 50 }, (_, index): SamplePacket => ({
  seconds: 100 + Math.floor(index / 10),
  nanosecond: index % 10 * 100_000_000,
  data: new Uint8Array(60),
}));

Deno.test("Replay at speed 0 sends everything without a pause, then says that it has finished", async () => {
  const clock = new SleepClock();
  const { batches, seconds, told } = await play(pcapFile(samplePackets(5000)), 0, clock);
  assert.equal(seconds.length, 5000);
  assert.deepEqual(clock.sleeps, []);
  assert(batches.length <= 2, `${batches.length} batches`);
  assert.deepEqual(statesOf(told), ["capturing", "finished", "finished"]);
  assert.deepEqual(told.at(-1), { type: "stopped" });
});

Deno.test("Replay at speed 1 pauses for as long as the traffic did, in small batches", async () => {
  const clock = new SleepClock();
  const { batches, seconds } = await play(pcapFile(every100Ms), 1, clock);
  assert.deepEqual(seconds, every100Ms.map((packet) => packet.seconds + packet.nanosecond / 1e9));
  assert.equal(Math.round(clock.sleeps.reduce((total, ms) => total + ms)), 4900);
  assert.equal(batches.length, 50);
});

Deno.test("Replay at a higher speed gathers what is due within 50 ms", async () => {
  const clock = new SleepClock();
  const { batches, seconds } = await play(pcapFile(every100Ms), 10, clock);
  assert.equal(seconds.length, 50);
  assert(clock.sleeps.every((ms) => ms >= 50), clock.sleeps.join());
  assert(batches.length <= 11, `${batches.length} batches`);
});

Deno.test("Replay skips long silences and says so", async () => {
  const clock = new SleepClock();
  const hourly = Array.from({ length: 6 }, (_, index) => ({
    seconds: index * 3600,
    nanosecond: 0,
    data: new Uint8Array(60),
  }));
  const { seconds, told } = await play(pcapFile(hourly), 1, clock);
  assert.deepEqual(seconds, hourly.map((packet) => packet.seconds));
  assert.deepEqual(clock.sleeps, []);
  const notes = told.flatMap((message) => message.type === "note" ? [message.text] : []);
  assert.deepEqual(notes, [
    "Skipped a silence of 3600 s in the capture.",
    "Skipped a silence of 3600 s in the capture.",
    "Skipped a silence of 3600 s in the capture.",
    "Skipped more silences, 7200 s in the capture in all.",
  ]);
});

Deno.test("Replay sends one link type a batch, in file order, as one source", async () => {
  const frame = new Uint8Array(60);
  const file = new PcapngBuilder().section().interface(1).interface(101)
    .enhanced(0, 1_000_000n, frame).enhanced(0, 2_000_000n, frame).enhanced(1, 3_000_000n, frame)
    .enhanced(0, 4_000_000n, frame).build();
  const { batches, seconds } = await play(file, 0, new SleepClock());
  const kinds = batches.map((b) => [b.linktype, b.interfaceId, b.packetCount, b.isNanosecond]);
  assert.deepEqual(kinds, [[1, 0, 2, true], [101, 0, 1, true], [1, 0, 1, true]]);
  assert.deepEqual(seconds, [1, 2, 3, 4]);
});

Deno.test("Replay tells a fatal error for a file that is no capture, and still ends", async () => {
  const { batches, told } = await play(new TextEncoder().encode("text"), 0, new SleepClock());
  assert.equal(batches.length, 0);
  const fatal = told.find((message) => message.type === "fatal");
  assert.equal(fatal?.exitCode, 4);
  assert.deepEqual(statesOf(told), ["failed", "failed"]);
  assert.deepEqual(told.at(-1), { type: "stopped" });
});

Deno.test("Replay tells a cut-off end as a warning", async () => {
  const { told, seconds } = await play(pcapFile(every100Ms).subarray(0, -3), 0, new SleepClock());
  assert.equal(seconds.length, 49);
  const notes = told.flatMap((message) => message.type === "note" ? [message.text] : []);
  assert.match(notes[0], /cut off/);
});

Deno.test("Replay says of packets later than any time of pcap files that they are counted in the last one", async () => {
  const frame = new Uint8Array(60);
  const file = new PcapngBuilder().section().interface(1).enhanced(0, 4_294_967_295_999_999n, frame)
    .enhanced(0, 4_294_967_296_000_000n, frame).enhanced(0, 7_000_000_000_000_000n, frame).build();
  const { told, seconds } = await play(file, 0, new SleepClock());
  assert.deepEqual(seconds.map(Math.floor), [4_294_967_295, 4_294_967_295, 4_294_967_295]);
  const notes = told.flatMap((message) => message.type === "note" ? [message.text] : []);
  assert.equal(notes.length, 1);
  assert.match(notes[0], /: 2 packets are later than 7 February 2106/);
});

Deno.test("Replay waits when all its buffers are out, and stops when it is told", async () => {
  const data = new Uint8Array(200_000);
  const large = Array.from({ length: 300 }, (_, seconds) => ({ seconds, nanosecond: 0, data }));
  await withFile(pcapFile(large), async (path) => {
    const { port1, port2 } = new MessageChannel();
    const taken = takeBatches(port2, true);
    const told: SourceToMain[] = [];
    const replay = new Replay({ path, speed: 0 }, port1, (message) => told.push(message));
    const held = Promise.withResolvers<void>();
    const onmessage = port2.onmessage!.bind(port2);
    port2.onmessage = (event) => {
      onmessage(event);
      if (taken.batches.length === 8) held.resolve();
    };
    const run = replay.run();
    await held.promise;
    replay.stop();
    await run;
    await taken.ended;
    assert.equal(taken.batches.length, 8);
    assert.equal(statesOf(told).at(-1), "stopped");
    port1.close();
    port2.close();
  });
});

Deno.test("replay_worker plays a file, and answers a stop after the end", async () => {
  await withFile(pcapFile(samplePackets(100)), async (path) => {
    const worker = new Worker(new URL("./replay_worker.ts", import.meta.url), { type: "module" });
    const { port1, port2 } = new MessageChannel();
    const taken = takeBatches(port2);
    let stops = 0;
    const { promise: stoppedTwice, resolve } = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<SourceToMain>) => {
      if (data.type !== "stopped") return;
      if (++stops === 1) worker.postMessage({ type: "stop" });
      else resolve();
    };
    worker.postMessage({ type: "start", options: { path, speed: 0 }, pipeline: port1 }, [port1]);
    await taken.ended;
    assert.equal(taken.seconds.length, 100);
    await stoppedTwice;
    worker.terminate();
    port2.close();
  });
});
