import { deepEqual, equal } from "node:assert/strict";
import { AnomalyRate, packetsOf } from "./anomaly_rate.ts";
import type { JudgedWindow } from "./judged_window.ts";

const windowUs = 10_000_000;

Deno.test("the rate is of the last five minutes, or of all", () => {
  for (const isOfAll of [false, true]) {
    const rate = new AnomalyRate(isOfAll);
    rate.addTraffic(0, 1000);
    rate.addJudged(0, 10, [judged(1, 200)]);
    deepEqual(rate.state(), { windows: 10, windowsFlagged: 1, anomalyRatePct: 20 });
    for (let window = 1; window <= 30; window++) rate.addTraffic(window * windowUs, 100);
    const now = isOfAll
      ? { windows: 10, windowsFlagged: 1, anomalyRatePct: 5 }
      : { windows: 0, windowsFlagged: 0, anomalyRatePct: 0 };
    deepEqual(rate.state(), now);
  }
});

Deno.test("what was judged is told once, with the rate of its own moment", () => {
  const rate = new AnomalyRate(false);
  rate.addTraffic(0, 1000);
  rate.addJudged(0, 10, [judged(1, 200)]);
  rate.addTraffic(windowUs, 1000);
  rate.addJudged(windowUs, 9, []);
  rate.addTraffic(2 * windowUs, 1000);
  rate.addJudged(2 * windowUs, 0, []);
  deepEqual(rate.takeJudged(), [
    { tsUs: 0, windows: 10, flagged: 1, ratePct: 20 },
    { tsUs: windowUs, windows: 9, flagged: 0, ratePct: 10 },
  ]);
  deepEqual(rate.takeJudged(), []);
});

Deno.test("packets between two flagged hosts count once, and never more than there were", () => {
  const scanner = judged(1, 1000, [[2, 500]]);
  const victim = judged(2, 1100, [[1, 500], [3, 50]], 550);
  equal(Math.round(packetsOf([scanner])), 1000);
  equal(Math.round(packetsOf([scanner, victim])), 500 + Math.round(1100 * (1 - 500 / 550 / 2)));
  const rate = new AnomalyRate(false);
  rate.addTraffic(0, 50);
  rate.addJudged(0, 2, [scanner, victim]);
  equal(rate.state().anomalyRatePct, 100);
});

function judged(
  host: number,
  packets: number,
  peers: readonly (readonly [number, number])[] = [],
  connections = 500,
): JudgedWindow {
  return {
    tsUs: 0,
    endUs: 0,
    lastUs: 0,
    address: Int32Array.of(0, 0, 0xffff, host),
    vector: new Float64Array(0),
    packets,
    flowIds: [],
    peers: peers.map(([peer, count]) => ({
      address: Int32Array.of(0, 0, 0xffff, peer),
      connections: count,
    })),
    connections,
  };
}
