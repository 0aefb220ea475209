/** The hot path's clock and the model's, which is to be the same. */
import { equal } from "node:assert/strict";
import { HotPath } from "../hot/hot_path.ts";
import { S_NOW_US } from "../hot/layout.ts";
import { Packet } from "../records.ts";
import { JUMP_US, TrafficClock } from "./model_clock.ts";

/** The hot path's clock with the interface of the model's. */
class HotClock implements Pick<TrafficClock, "nowUs" | "see" | "advance"> {
  readonly #hot = new HotPath({ flowCountMax: 1, hostCountMax: 1 });

  get nowUs(): number {
    return this.#hot.times[S_NOW_US / 2];
  }

  see(timestampUs: number): void {
    this.#hot.setPacket(new Packet(), -1, -1);
    this.#hot.exports.updateFlow(timestampUs, 60, 0);
  }

  advance(timestampUs: number): void {
    this.#hot.exports.advanceFlows(timestampUs);
  }
}

const startUs = 1_700_000_000_000_000;
const clocks = { "the hot path's clock": HotClock, TrafficClock };

for (const [name, Clock] of Object.entries(clocks)) {
  Deno.test(`${name} starts with the first packet and follows rising times`, () => {
    const clock = new Clock();
    clock.see(startUs);
    clock.see(startUs + JUMP_US);
    equal(clock.nowUs, startUs + JUMP_US);
  });

  Deno.test(`${name} stands during a small step back`, () => {
    const clock = new Clock();
    clock.see(startUs);
    clock.see(startUs - JUMP_US);
    equal(clock.nowUs, startUs);
  });

  Deno.test(`${name} does not believe a single packet from far away, before or after`, () => {
    for (const strayUs of [0, startUs * 2]) {
      const clock = new Clock();
      clock.see(startUs);
      clock.see(strayUs);
      equal(clock.nowUs, startUs);
      clock.see(startUs + 1);
      equal(clock.nowUs, startUs + 1);
    }
  });

  Deno.test(`${name} believes eight packets in a row, in both directions`, () => {
    for (const jumpUs of [-100 * JUMP_US, 100 * JUMP_US]) {
      const clock = new Clock();
      clock.see(startUs);
      for (let i = 1; i <= 7; i++) clock.see(startUs + jumpUs + i);
      equal(clock.nowUs, startUs);
      clock.see(startUs + jumpUs + 8);
      equal(clock.nowUs, startUs + jumpUs + 8);
    }
  });

  Deno.test(`${name} lets the owner advance beyond all packets only`, () => {
    const clock = new Clock();
    clock.see(startUs);
    clock.see(startUs * 2);
    clock.advance(startUs * 2);
    equal(clock.nowUs, startUs);
    clock.advance(startUs * 2 + 1);
    equal(clock.nowUs, startUs * 2 + 1);
  });
}
