import assert from "node:assert/strict";
import { Pacer } from "./pacer.ts";

Deno.test("Pacer makes packets due at a multiple of the capture's speed", () => {
  const pacer = new Pacer(10);
  assert.equal(pacer.dueMs(5_000_000, 100), 100);
  assert.equal(pacer.dueMs(6_000_000, 100), 200);
  assert.equal(pacer.dueMs(6_500_000, 190), 250);
});

Deno.test("Pacer makes everything due at once at speed 0", () => {
  const pacer = new Pacer(0);
  assert.equal(pacer.dueMs(0, 7), 7);
  assert.equal(pacer.dueMs(1e15, 8), 8);
});

Deno.test("Pacer skips a silence of more than five seconds of waiting", () => {
  const pacer = new Pacer(2);
  pacer.dueMs(0, 0);
  assert.equal(pacer.dueMs(10_000_000, 0), 5000);
  assert.equal(pacer.dueMs(60_000_000, 1000), 1000);
  assert.equal(pacer.skippedMs, 29_000);
  assert.equal(pacer.dueMs(61_000_000, 1000), 1500);
});

Deno.test("Pacer goes on at the right speed after a clock that was set back", () => {
  const pacer = new Pacer(1);
  pacer.dueMs(1e15, 0);
  assert.equal(pacer.dueMs(5e14, 10), 10);
  assert.equal(pacer.dueMs(5e14 + 1_000_000, 10), 1010);
  assert.equal(pacer.skippedMs, 0);
});
