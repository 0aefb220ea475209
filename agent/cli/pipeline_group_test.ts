import { deepEqual, equal, ok } from "node:assert/strict";
import { patienceMs } from "../../tests/program.ts";
import type { MainToPipeline, PipelineToMain } from "../messages.ts";
import { NO_OPEN_FLOWS, type OpenFlowsQuery } from "../search/open_flows.ts";
import { PipelineGroup } from "./pipeline_group.ts";

/** A worker that keeps what it is told, and says what the test has it say. */
class FakeWorker {
  readonly told: MainToPipeline[] = [];
  onmessage: (event: { data: PipelineToMain }) => void = () => {};
  onerror: (event: { message: string; preventDefault: () => void }) => void = () => {};
  isTerminated = false;

  postMessage(message: MainToPipeline): void {
    this.told.push(message);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  say(message: PipelineToMain): void {
    this.onmessage({ data: message });
  }
  crash(): void {
    this.onerror({ message: "boom", preventDefault: () => {} });
  }
}

function makeGroup(count: number) {
  const workers: FakeWorker[] = [];
  const begun: FakeWorker[][] = [];
  const heard: PipelineToMain[] = [];
  const crashes: string[] = [];
  const group = new PipelineGroup({
    count,
    spawn: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker as unknown as Worker;
    },
    begin: (all) => begun.push([...all] as unknown as FakeWorker[]),
    onMessage: (message) => heard.push(message),
    onCrash: (text) => crashes.push(text),
  });
  return { group, workers, begun, heard, crashes };
}

function snapshotOf(packets: number): PipelineToMain {
  const lists = { decodeStopList: [], topTalkers: [], newestPackets: [] };
  const snapshot = { tsUs: 1e6, packets, sampleK: 1, ...lists };
  return { type: "snapshot", snapshot, seconds: [], behindS: packets } as unknown as PipelineToMain;
}

Deno.test("PipelineGroup begins once all its pipelines are there, and joins what they say", () => {
  const { group, workers, begun, heard } = makeGroup(2);
  group.start();
  deepEqual(begun, [workers]);
  const [first, second] = workers;
  second.say(snapshotOf(3));
  equal(heard.length, 0);
  first.say(snapshotOf(4));
  const [joined] = heard;
  ok(joined.type === "snapshot");
  deepEqual([joined.snapshot.packets, joined.behindS], [7, 4]);
  first.say({ type: "stopped" });
  equal(heard.length, 1);
  second.say({ type: "stopped" });
  deepEqual(heard.slice(1).map(({ type }) => type), ["snapshot", "stopped"]);
  group.terminate();
});

Deno.test("PipelineGroup knows how long one has been silent, whatever the others say", () => {
  const { now } = performance;
  let nowMs = 1000;
  performance.now = () => nowMs;
  try {
    for (const count of [1, 2]) {
      const { group, workers } = makeGroup(count);
      group.start();
      nowMs += 4000;
      equal(group.silentS, 4);
      for (const worker of workers) worker.say(snapshotOf(1));
      equal(group.silentS, 0);
      nowMs += 5000;
      workers[0].say(snapshotOf(1));
      equal(group.silentS, count === 1 ? 0 : 5);
      group.terminate();
    }
  } finally {
    performance.now = now;
  }
});

Deno.test("PipelineGroup passes hearsay to the others, and answers a question when all have", () => {
  const { group, workers, heard } = makeGroup(3);
  group.start();
  const [first, second, third] = workers;
  second.say({ type: "hearsay", hearsay: [] });
  deepEqual([first, second, third].map(({ told }) => told.length), [1, 0, 1]);
  const query = { order: "last", isAscending: false, limit: 9 } as OpenFlowsQuery;
  group.post({ type: "openFlows", sequence: 5, query });
  for (const worker of [third, first]) {
    worker.say({ type: "openFlows", sequence: 5, flows: { ...NO_OPEN_FLOWS, count: 2 } });
  }
  equal(heard.length, 0);
  second.say({ type: "openFlows", sequence: 5, flows: { ...NO_OPEN_FLOWS, count: 1 } });
  ok(heard[0].type === "openFlows");
  equal(heard[0].flows.count, 5);
  group.terminate();
});

Deno.test("PipelineGroup begins anew with all pipelines when one has crashed", async () => {
  const { group, workers, begun, crashes } = makeGroup(2);
  group.start();
  workers[1].crash();
  equal(crashes.length, 1);
  equal(group.isRunning, false);
  ok(workers[0].isTerminated && workers[1].isTerminated);
  // After WorkerHost's first pause.
  const start = performance.now();
  while (begun.length < 2 && performance.now() - start < patienceMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [, , second, first] = workers;
  ok(begun[1][0] === first && begun[1][1] === second);
  equal(group.isRunning, true);
  group.terminate();
});

Deno.test("PipelineGroup of one hands on what its pipeline says as it is", () => {
  const { group, workers, heard } = makeGroup(1);
  group.start();
  const [only] = workers;
  const said = snapshotOf(4);
  only.say(said);
  equal(heard[0], said);
  group.terminate();
});
