/**
 * Flow rows at a steady rate for the store's worker, as a pipeline sends them (messages of 2,000 rows, 16 under way, then rows are
 * shed), until it is told to stop. Each second the hosts that had traffic come too: own ones, some of them new, and their peers.
 */
import type { MainToStore, StoreToMain } from "../agent/messages.ts";
import { RowOutlet, rowsMessageMax } from "../agent/pipeline/row_outlet.ts";
import { flow, hostRow, many } from "../agent/store/testing.ts";
import {
  newOwnHosts,
  ownAddress,
  ownHost,
  ownHosts,
  peerAddress,
  peerCount,
} from "./history_month.ts";

declare const self: DedicatedWorkerGlobalScope;

/** What came of it. */
export interface Written {
  readonly sent: number;
  readonly shed: number;
  readonly seconds: number;
  /** From the first row that was late to the last that was written: how far writing was behind at the end. */
  readonly behindMs: number;
  /** Flows have ids from here on. */
  readonly run: number;
}

const peers = 500;
let isStopping = false;

self.onmessage = ({ data: { path, perSecond } }: MessageEvent) => {
  if (path === undefined) return void (isStopping = true);
  run(path, perSecond);
};

async function run(path: string, perSecond: number): Promise<void> {
  const { port, stop, runOf } = startStore(path);
  let notify = () => {};
  const outlet = new RowOutlet({
    isPatient: false,
    takeHosts: (max) => hosts().slice(0, max),
    onRoom: () => {
      outlet.send();
      notify();
    },
  });
  outlet.join(port);
  const startMs = performance.now();
  let [sent, hostsAtMs] = [0, startMs];
  while (!isStopping) {
    const waitMs = startMs + sent / perSecond * 1000 - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    if (performance.now() - hostsAtMs > 1000) {
      hostsAtMs += 1000;
      outlet.wantsHosts = true;
    }
    const atUs = Date.now() * 1000;
    for (let count = 0; count < rowsMessageMax; count++) {
      const id = ++sent;
      outlet.addFlow(flow(id, {
        ...{
          startUs: atUs - id % 20 * 1_000_000,
          endUs: atUs,
          origH: ownAddress(id % (ownHosts + newOwnHosts)),
        },
        respH: peer(id * 7919 % peers),
      }));
    }
  }
  const offeredMs = performance.now();
  while (!outlet.isEmpty || outlet.isUnderWay) {
    outlet.sendAll();
    await new Promise<void>((resolve) => notify = resolve);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const behindMs = performance.now() - offeredMs;
  await stop();
  const written: Written = { sent, shed: outlet.flowRowsShed, seconds, behindMs, run: runOf() };
  self.postMessage(written);
}

/** Some of them are known, the others new. */
function peer(index: number): string {
  return peerAddress(peerCount - 100 + index);
}

function hosts() {
  const nowUs = Date.now() * 1000;
  const seen = { firstSeenUs: nowUs, lastSeenUs: nowUs };
  return [
    ...many(ownHosts + newOwnHosts, (number) => ownHost(number, seen)).flat(),
    ...many(peers, (index) => hostRow(peer(index), { isLocal: false, ...seen })),
  ];
}

function startStore(path: string) {
  const worker = new Worker(new URL("../agent/store/store_worker.ts", import.meta.url), {
    type: "module",
  });
  const { port1, port2 } = new MessageChannel();
  const stopped = Promise.withResolvers<void>();
  let runNumber = 0;
  worker.onmessage = ({ data }: MessageEvent<StoreToMain>) => {
    if (data.type === "state") runNumber = data.run;
    else if (data.type === "stopped") stopped.resolve();
    else if (data.type === "fatal") throw new Error(data.message);
    else if (data.type === "note") console.error(data.text);
  };
  const post = (message: MainToStore, transfer: Transferable[] = []) =>
    worker.postMessage(message, transfer);
  const limits = { retentionDays: 3650, retentionBytes: 2 ** 40 };
  const options = { path, ...limits, continuedRun: 0, file: null };
  post({ type: "start", options, pipelines: [port2] }, [port2]);
  const stop = async () => {
    post({ type: "stop" });
    await stopped.promise;
    port1.close();
    worker.terminate();
  };
  return { port: port1, stop, runOf: () => runNumber };
}
