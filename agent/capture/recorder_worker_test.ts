import assert from "node:assert/strict";
import type { KeptFinding, RecorderToMain, ReturnMessage } from "../messages.ts";
import { readCaptureFile } from "./read_packets.ts";
import { sampleBatch, samplePackets } from "./sample_captures.ts";

/** Starts a recorder, sends it `count` batches, waits for their buffers, stops it; returns what it told. */
async function record(
  folder: string,
  count: number,
  finding: KeptFinding | null = null,
): Promise<RecorderToMain[]> {
  const worker = new Worker(new URL("./recorder_worker.ts", import.meta.url), { type: "module" });
  const { port1, port2 } = new MessageChannel();
  const told: RecorderToMain[] = [];
  const stopped = Promise.withResolvers<void>();
  const returned = Promise.withResolvers<void>();
  worker.onmessage = ({ data }: MessageEvent<RecorderToMain>) => {
    told.push(data);
    if (data.type === "stopped") stopped.resolve();
  };
  let buffers = 0;
  port2.onmessage = ({ data }: MessageEvent<ReturnMessage>) => {
    assert(data.buffer.byteLength > 0);
    if (++buffers === count) returned.resolve();
  };
  const options = { folder, fileBytesMax: 1e6, fileCountMax: 2, snaplen: 65_535 };
  const bytesMax = finding === null ? 0 : 1e6;
  const evidence = { folder, bytesMax, findingBytesMax: bytesMax, vxlanPorts: [] };
  worker.postMessage({ type: "start", options, evidence, pipelines: [port1] }, [port1]);
  if (finding !== null) worker.postMessage({ type: "finding", finding });
  for (let index = 0; index < count; index++) {
    const batch = sampleBatch(samplePackets(50));
    port2.postMessage({ type: "record", batch }, [batch.buffer]);
  }
  await returned.promise;
  worker.postMessage({ type: "stop" });
  await stopped.promise;
  worker.terminate();
  port2.close();
  return told;
}

function lastState(told: readonly RecorderToMain[]) {
  return told.flatMap((message) => message.type === "state" ? [message.state] : []).at(-1);
}

Deno.test("recorder_worker writes what it gets, gives every buffer back and stops", async () => {
  const folder = await Deno.makeTempDir();
  const told = await record(folder, 4);
  assert.equal(lastState(told)?.packetsWritten, 200);
  assert.deepEqual(told.at(-1), { type: "stopped" });
  const { info } = await readCaptureFile(`${folder}/captured_traffic.pcap`);
  assert.equal(info.packets, 200);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("recorder_worker keeps the packets of a finding", async () => {
  const folder = await Deno.makeTempDir();
  const told = await record(folder, 4, {
    id: 1,
    severity: "high",
    hosts: [],
    peers: [],
    fromUs: 0,
    lastUs: null,
  });
  const kept = told.flatMap((message) => message.type === "evidence" ? [message.state] : []).at(-1);
  assert.equal(kept?.packetsWritten, 200);
  assert.equal(kept?.findings, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("recorder_worker gives every buffer back when it cannot write", async () => {
  const file = await Deno.makeTempFile();
  const told = await record(`${file}/results`, 4);
  assert.equal(lastState(told)?.state, "failed");
  assert.equal(lastState(told)?.packetsLost, 200);
  const notes = told.flatMap((message) => message.type === "note" ? [message.text] : []);
  assert.equal(notes.length, 1);
  await Deno.remove(file);
});
