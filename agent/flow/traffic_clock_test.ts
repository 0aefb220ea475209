import { equal } from "node:assert/strict";
import { JUMP_US, TrafficClock } from "./traffic_clock.ts";

const startUs = 1_700_000_000_000_000;

Deno.test("TrafficClock starts with the first packet and follows rising times", () => {
  const clock = new TrafficClock();
  clock.see(startUs);
  clock.see(startUs + JUMP_US);
  equal(clock.nowUs, startUs + JUMP_US);
});

Deno.test("TrafficClock stands during a small step back", () => {
  const clock = new TrafficClock();
  clock.see(startUs);
  clock.see(startUs - JUMP_US);
  equal(clock.nowUs, startUs);
});

Deno.test("TrafficClock does not believe a single packet from far away, before or after", () => {
  for (const strayUs of [0, startUs * 2]) {
    const clock = new TrafficClock();
    clock.see(startUs);
    clock.see(strayUs);
    equal(clock.nowUs, startUs);
    clock.see(startUs + 1);
    equal(clock.nowUs, startUs + 1);
  }
});

Deno.test("TrafficClock believes eight packets in a row, in both directions", () => {
  for (const jumpUs of [-100 * JUMP_US, 100 * JUMP_US]) {
    const clock = new TrafficClock();
    clock.see(startUs);
    for (let i = 1; i <= 7; i++) clock.see(startUs + jumpUs + i);
    equal(clock.nowUs, startUs);
    clock.see(startUs + jumpUs + 8);
    equal(clock.nowUs, startUs + jumpUs + 8);
  }
});

Deno.test("TrafficClock lets the owner advance beyond all packets only", () => {
  const clock = new TrafficClock();
  clock.see(startUs);
  clock.see(startUs * 2);
  clock.advance(startUs * 2);
  equal(clock.nowUs, startUs);
  clock.advance(startUs * 2 + 1);
  equal(clock.nowUs, startUs * 2 + 1);
});
