import { deepEqual, equal } from "node:assert/strict";
import { garbageCheck } from "./collect_garbage.ts";

Deno.test("garbageCheck() collects what has come since the last time, and leaves what lives", () => {
  let [alive, garbage, collections] = [10e6, 0, 0];
  const check = garbageCheck(
    () => [garbage, collections] = [0, collections + 1],
    () => alive + garbage,
  );
  for (let time = 0; time < 100; time++) {
    garbage += 1e6;
    check();
  }
  equal(collections, 16); // of 7 MB at first, of 6 MB then
  alive += 50e6;
  for (let time = 0; time < 100; time++) check();
  equal(collections, 17);
  alive -= 55e6; // V8 has collected by itself
  garbage = 0;
  check();
  garbage = 5e6;
  check();
  equal(collections, 17);
  garbage = 6e6;
  check();
  equal(collections, 18);
});

Deno.test("garbageCheck() looks more seldom where little comes, and as often as before when much does", () => {
  let bytes = 10e6;
  const check = garbageCheck(() => bytes = 10e6, () => bytes);
  const waits = (grownBytes: number) => {
    bytes += grownBytes;
    return check();
  };
  deepEqual([0, 1e5, 1e5, 1e5, 2e6].map(waits), [2000, 4000, 8000, 16_000, 16_000]);
  deepEqual([4e6, 1e5].map(waits), [2000, 4000]);
  equal(bytes, 10e6 + 1e5, "6 MB were collected");
  deepEqual([3e5, -2e6].map(waits), [8000, 2000]);
});
