import assert from "node:assert/strict";
import { BufferPool } from "./buffer_pool.ts";

Deno.test("BufferPool makes no more than its size and waits for one to come back", async () => {
  const pool = new BufferPool(2, 16);
  const first = await pool.take();
  const second = await pool.take();
  assert.notEqual(first, second);
  assert.equal(pool.inFlight, 2);
  const third = pool.take();
  pool.give(first!);
  assert.equal(await third, first);
  assert.equal(pool.inFlight, 2);
  pool.give(first!);
  pool.give(second!);
  assert.equal(pool.inFlight, 0);
});

Deno.test("BufferPool ends the wait when it is closed", async () => {
  const pool = new BufferPool(1, 16);
  await pool.take();
  const waiting = pool.take();
  pool.close();
  assert.equal(await waiting, null);
  assert.equal(await pool.take(), null);
});
