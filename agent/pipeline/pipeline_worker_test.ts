import { deepEqual, ok } from "node:assert/strict";
import type {
  BatchMessage,
  MainToPipeline,
  PipelineToDetect,
  PipelineToMain,
  PipelineWorkerOptions,
} from "../messages.ts";
import type { PipelineSnapshot } from "../records.ts";
import { ALL } from "../search/tree.ts";
import { type LinkEnd, segment } from "./testing/link_frames.ts";

const client: LinkEnd = { mac: "02:00:00:00:00:50", ip: "192.168.1.50" };
const server: LinkEnd = { mac: "02:00:00:00:00:60", ip: "192.168.1.60" };

function batchOf(frame: Uint8Array): BatchMessage {
  const buffer = new ArrayBuffer(16 + frame.length);
  const words = new DataView(buffer);
  [1_700_000_000, 0, frame.length, frame.length].forEach((word, index) =>
    words.setUint32(4 * index, word, true)
  );
  new Uint8Array(buffer).set(frame, 16);
  const { byteLength } = buffer;
  const format = { interfaceId: 0, linktype: 1, isNanosecond: false };
  return { type: "batch", ...format, buffer, byteLength, packetCount: 1 };
}

for (const isLive of [true, false]) {
  Deno.test(`what a ${isLive ? "device" : "file"} brings waits until the detectors are there`, async () => {
    const worker = new Worker(new URL("./pipeline_worker.ts", import.meta.url), { type: "module" });
    const post = (message: MainToPipeline, transfer: Transferable[] = []) =>
      worker.postMessage(message, transfer);
    const options: PipelineWorkerOptions = {
      ...{ flowCountMax: 100, rowPolicy: "none", isLive, homeNets: [], vxlanPorts: [] },
      ...{ ownNetworks: [], observesNames: false, writesEve: false, namesProcesses: false },
      part: { index: 0, count: 1 },
    };
    let snapshot: PipelineSnapshot | null = null;
    const stopped = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<PipelineToMain>) => {
      if (data.type === "snapshot") snapshot = data.snapshot;
      if (data.type === "stopped") stopped.resolve();
    };
    const [source, store, detect] = [1, 2, 3].map(() => new MessageChannel());
    store.port1.onmessage = ({ data }) =>
      store.port1.postMessage({ type: "ack", sequence: data.sequence });
    const kinds: PipelineToDetect["type"][] = [];
    detect.port1.onmessage = ({ data }: MessageEvent<PipelineToDetect>) => {
      kinds.push(data.type);
      if (data.type === "end") return;
      detect.port1.postMessage({ type: "return", words: data.words }, [data.words.buffer]);
    };
    post({ type: "start", options, sourceCount: 1 });
    post({ type: "source", interfaceId: 0, port: source.port2 }, [source.port2]);
    post({ type: "store", port: store.port2 }, [store.port2]);
    store.port1.postMessage({ type: "known", packets: 0 });
    const batch = batchOf(segment(client, server, { ports: [40_000, 443] }));
    source.port1.postMessage(batch, [batch.buffer]);
    source.port1.postMessage({ type: "end", interfaceId: 0, isWhole: true });
    // An answer says that what was sent before has been heard.
    const heard = Promise.withResolvers<void>();
    const onMessage = worker.onmessage;
    worker.onmessage = (event) => {
      if (event.data.type === "openFlows") heard.resolve();
      onMessage.call(worker, event);
    };
    const query = {
      fromUs: null,
      toUs: null,
      order: "last",
      isAscending: false,
      after: null,
      limit: 1,
    } as const;
    post({ type: "openFlows", sequence: 1, query: { ...query, tree: ALL } });
    await heard.promise;
    post({ type: "detect", port: detect.port2 }, [detect.port2]);
    await stopped.promise;
    worker.terminate();
    ok(kinds.includes("observations") && kinds.at(-1) === "end");
    const { packets, observationsShed } = snapshot!;
    deepEqual([packets, observationsShed], [1, 0]);
    for (const { port1 } of [source, store, detect]) port1.close();
  });
}
