import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { LiveState } from "../live_state.ts";
import type { CaptureSourceState } from "../records.ts";
import { HealthWatch } from "./health.ts";

const startUs = 1_767_225_600_000_000;
const secondUs = 1_000_000;

/** A watch, and time that passes second by second while `live` stands as it is. */
function watchOf(live: LiveState) {
  const watch = new HealthWatch(10);
  const counts = { packets: 1000 };
  let nowUs = startUs;
  const pass = (seconds: number) => {
    const told: string[] = [];
    for (let i = 0; i < seconds; i++) {
      nowUs += secondUs;
      const subjects = watch.take({ elapsedUs: nowUs, health: live.health(), ...counts });
      told.push(
        ...subjects.map(({ isOpen, headline }) => `${isOpen ? "bad" : "good"}: ${headline}`),
      );
    }
    return told;
  };
  return { pass, counts };
}

function source(changes: Partial<CaptureSourceState> = {}): CaptureSourceState {
  return {
    interfaceId: 0,
    name: "eth0",
    state: "capturing",
    detail: "",
    linktype: 1,
    isPromiscuous: true,
    packets: 1000,
    received: 1000,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: 0,
    queueDepth: 0,
    queueMax: 40,
    ...changes,
  };
}

Deno.test("a device that is gone is told after ten seconds, and that it is back", () => {
  const live = new LiveState("live");
  const { pass } = watchOf(live);
  live.setSource(source());
  deepStrictEqual(pass(30), []);
  live.setSource(source({ state: "retrying", detail: "device gone" }));
  deepStrictEqual(pass(5), []);
  live.setSource(source());
  deepStrictEqual(pass(30), []);
  live.setSource(source({ state: "retrying", detail: "device gone" }));
  deepStrictEqual(pass(30), ["bad: Nothing is captured on eth0"]);
  live.setSource(source());
  deepStrictEqual(pass(30), ["good: Packets are captured on eth0 again"]);
});

Deno.test("losses above one in a hundred are told, once, and when they have ended", () => {
  const live = new LiveState("live");
  const { pass, counts } = watchOf(live);
  live.setSource(source());
  pass(60);
  counts.packets += 1000;
  live.setSource(source({ kernelDrops: 9 }));
  deepStrictEqual(pass(5), []);
  live.setSource(source({ kernelDrops: 100 }));
  const told = pass(5);
  strictEqual(told.length, 1);
  match(told[0]!, /^bad: \d+\.\d % of the packets of the last minute were lost/);
  deepStrictEqual(pass(120), ["good: No more than 1 % of the packets are lost any more"]);
});

Deno.test("a device that fell silent is told after ten minutes, one that never had a packet is not", () => {
  const live = new LiveState("live");
  const { pass } = watchOf(live);
  live.setSource(source());
  live.setSource(source({ interfaceId: 1, name: "eth1", packets: 0 }));
  deepStrictEqual(pass(599), []);
  deepStrictEqual(pass(10), ["bad: No packet on eth0 for ten minutes"]);
  live.setSource(source({ packets: 1001 }));
  deepStrictEqual(pass(2), ["good: Packets come on eth0 again"]);
});

Deno.test("a disk that is nearly full is told for each thing that stops growing, and that it grows again", () => {
  const live = new LiveState("live");
  const { pass } = watchOf(live);
  live.disk = { freeBytes: 400e6, minFreeBytes: 500e6, step: 1 };
  deepStrictEqual(pass(20), ["bad: The disk is nearly full: capture files do not grow"]);
  live.disk = { freeBytes: 100e6, minFreeBytes: 500e6, step: 3 };
  deepStrictEqual(pass(20), [
    "bad: The disk is nearly full: no packet rows are written",
    "bad: The disk is nearly full: no flow rows are written",
  ]);
  live.disk = { freeBytes: 2e9, minFreeBytes: 500e6, step: 0 };
  deepStrictEqual(pass(20), [
    "good: There is room on the disk: capture files grow again",
    "good: There is room on the disk: packet rows are written again",
    "good: There is room on the disk: flow rows are written again",
  ]);
});

Deno.test("the database, capture files, crashes and the anomaly rate are watched", () => {
  const live = new LiveState("live");
  const { pass } = watchOf(live);
  pass(20);
  live.store = { ...live.store, state: "retrying", detail: "disk full" };
  live.recorder = { ...live.recorder, state: "failed" };
  live.workerRestarts = 3;
  live.detectionOwn = { ...live.detectionOwn, state: "ready", anomalyRatePct: 12.3 };
  deepStrictEqual(pass(90), [
    "bad: Parts of tapwatch crashed 3 times within ten minutes",
    "bad: The database cannot be written",
    "bad: Packets are not written to capture files",
    "bad: 12.3 % of the traffic is unusual, more than 10 %",
  ]);
});

Deno.test("an EVE log that cannot be written is told after ten seconds, and that it is again", () => {
  const live = new LiveState("live");
  const { pass } = watchOf(live);
  live.eve = { ...live.eve, state: "failed", detail: "The disk is full." };
  deepStrictEqual(pass(30), ["bad: The EVE log is not written"]);
  live.eve = { ...live.eve, state: "ok", detail: "" };
  deepStrictEqual(pass(30), ["good: The EVE log is written again"]);
});
