/** The thread of a pipeline, between a source and a recorder that are replaced. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { sampleBatch, samplePackets } from "../capture/sample_captures.ts";
import { ethernet, ipv4, tcp } from "../decode/packet_builder.ts";
import { ROWS_PER_TARGET } from "./flood_sums.ts";
import type {
  MainToPipeline,
  PipelineToMain,
  RecordMessage,
  ReturnMessage,
  RowsMessage,
} from "../messages.ts";

/** Our end of a channel, which keeps what comes until it is asked for. */
class End<T> {
  readonly port: MessagePort;
  readonly #come: T[] = [];
  readonly #awaited: ((message: T) => void)[] = [];

  constructor(port: MessagePort) {
    this.port = port;
    port.onmessage = ({ data }: MessageEvent<T>) => {
      const take = this.#awaited.shift();
      if (take === undefined) this.#come.push(data);
      else take(data);
    };
  }

  next(): Promise<T> {
    const message = this.#come.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#awaited.push(resolve));
  }
}

interface Lab {
  /** Joins a source or a recorder in place of the one before. */
  readonly joinSource: () => End<ReturnMessage>;
  readonly joinRecorder: () => End<RecordMessage>;
  readonly joinStore: () => End<RowsMessage>;
  /** Calls for each snapshot with its count of packets. */
  onSnapshot: (packets: number) => void;
}

/** A live pipeline of one source, with detectors that take nothing. */
async function withPipeline(
  use: (lab: Lab) => Promise<void>,
  flowCountMax = 100,
): Promise<void> {
  const worker = new Worker(new URL("./pipeline_worker.ts", import.meta.url), { type: "module" });
  const ports: MessagePort[] = [];
  const post = (message: MainToPipeline, transfer: Transferable[] = []) =>
    worker.postMessage(message, transfer);
  const channel = () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port2);
    return { port1, port2 };
  };
  const options = {
    flowCountMax,
    rowPolicy: "none",
    isLive: true,
    homeNets: [],
    vxlanPorts: [],
    ownNetworks: [],
    observesNames: false,
    writesEve: false,
    namesProcesses: false,
    part: { index: 0, count: 1 },
  } as const;
  post({ type: "start", options, sourceCount: 1 });
  const detect = channel();
  post({ type: "detect", port: detect.port1 }, [detect.port1]);
  const joinSource = () => {
    const { port1, port2 } = channel();
    post({ type: "source", interfaceId: 0, port: port1 }, [port1]);
    return new End<ReturnMessage>(port2);
  };
  const joinRecorder = () => {
    const { port1, port2 } = channel();
    post({ type: "recorder", port: port1 }, [port1]);
    return new End<RecordMessage>(port2);
  };
  const joinStore = () => {
    const { port1, port2 } = channel();
    post({ type: "store", port: port1 }, [port1]);
    return new End<RowsMessage>(port2);
  };
  const lab: Lab = { joinSource, joinRecorder, joinStore, onSnapshot: () => {} };
  worker.onmessage = ({ data }: MessageEvent<PipelineToMain>) => {
    if (data.type === "snapshot") lab.onSnapshot(data.snapshot.packets);
  };
  try {
    await use(lab);
  } finally {
    worker.terminate();
    for (const port of ports) port.close();
  }
}

/** Sends packets in a buffer of another size than other counts have, which is returned. */
function send({ port }: End<ReturnMessage>, packetCount: number): number {
  const batch = sampleBatch(samplePackets(packetCount));
  const { byteLength } = batch.buffer;
  port.postMessage(batch, [batch.buffer]);
  return byteLength;
}

function giveBack({ port }: End<RecordMessage>, { batch: { buffer } }: RecordMessage): void {
  const message: ReturnMessage = { type: "return", buffer };
  port.postMessage(message, [buffer]);
}

async function nextSize(source: End<ReturnMessage>): Promise<number> {
  return (await source.next()).buffer.byteLength;
}

Deno.test("pipeline_worker gives a buffer back to its own source, and to no other that took that one's place", () =>
  withPipeline(async ({ joinSource, joinRecorder }) => {
    const recorder = joinRecorder();
    const crashed = joinSource();
    send(crashed, 10);
    const first = await recorder.next();
    const source = joinSource();
    const size = send(source, 20);
    const second = await recorder.next();
    giveBack(recorder, first);
    giveBack(recorder, second);
    deepStrictEqual(await nextSize(source), size);
  }));

Deno.test("pipeline_worker takes nothing that a recorder gives back that was replaced for the next one's", () =>
  withPipeline(async ({ joinSource, joinRecorder }) => {
    const crashed = joinRecorder();
    const source = joinSource();
    const lost = send(source, 10);
    const first = await crashed.next();
    const recorder = joinRecorder();
    deepStrictEqual(await nextSize(source), lost, "a new one in its place");
    const size = send(source, 20);
    const second = await recorder.next();
    giveBack(crashed, first);
    giveBack(recorder, second);
    deepStrictEqual(await nextSize(source), size);
  }));

/** Keeps so many batches waiting that one always does. */
function flood(source: End<ReturnMessage>, packetCount: number) {
  const batch = sampleBatch(samplePackets(packetCount));
  const sendAgain = () => {
    const buffer = batch.buffer.slice(0);
    source.port.postMessage({ ...batch, buffer }, [buffer]);
  };
  for (let count = 0; count < 40; count++) sendAgain();
  return async () => {
    await source.next();
    sendAgain();
    // Other ports of this thread have their turn.
    await new Promise((resolve) => setTimeout(resolve));
  };
}

Deno.test("pipeline_worker tells what it has seen while batches never cease to wait", () =>
  withPipeline(async (lab) => {
    let isTold = false;
    lab.onSnapshot = (packets) => isTold ||= packets > 0;
    const next = flood(lab.joinSource(), 8000);
    // So many take many times as long as a snapshot may be late.
    let returned = 0;
    for (; !isTold && returned < 500; returned++) await next();
    ok(isTold, `${returned} batches, and not a word`);
  }));

Deno.test("pipeline_worker takes what the recorder gives back while batches never cease to wait", () =>
  withPipeline(async ({ joinSource, joinRecorder }) => {
    const recorder = joinRecorder();
    let recorded = 0;
    recorder.port.onmessage = ({ data }: MessageEvent<RecordMessage>) => {
      recorded++;
      giveBack(recorder, data);
    };
    const next = flood(joinSource(), 1000);
    const count = 200;
    for (let returned = 0; returned < count; returned++) await next();
    // One in three would not be where what comes back is not seen.
    ok(recorded >= 0.75 * count, `${count - recorded} of ${count} were not recorded`);
  }));

Deno.test("pipeline_worker gives the store a row for a flood's first flows of a second, and one for all others", () =>
  withPipeline(async ({ joinSource, joinStore }) => {
    const store = joinStore();
    const source = joinSource();
    const count = 900;
    const packets = Array.from({ length: count }, (_, index) => {
      const data = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 }, new Uint8Array(0))));
      new DataView(data.buffer, data.byteOffset).setUint32(26, 0xcb000000 + index);
      return { seconds: 1_700_000_000, nanosecond: index * 1000, data };
    });
    const batch = sampleBatch(packets);
    source.port.postMessage(batch, [batch.buffer]);
    source.port.postMessage({ type: "end", interfaceId: 0 });
    const [flows, sums] = [[] as number[], [] as number[]];
    while (sums.length === 0) {
      const { sequence, flows: rows } = await store.next();
      for (const { origPkts, summed } of rows) {
        flows.push(origPkts);
        if (summed !== undefined) sums.push(summed.flows);
      }
      store.port.postMessage({ type: "ack", sequence });
    }
    deepStrictEqual(sums, [count - ROWS_PER_TARGET]);
    deepStrictEqual([flows.length, flows.reduce((sum, one) => sum + one)], [
      ROWS_PER_TARGET + 1,
      count,
    ]);
  }, 1000));
