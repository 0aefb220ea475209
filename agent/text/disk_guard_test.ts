import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DiskGuard, diskSentence } from "./disk_guard.ts";

function stepsOf(minFreeMb: number, freeMb: readonly (number | null)[]): number[] {
  const guard = new DiskGuard(minFreeMb * 1e6);
  return freeMb.map((free) => guard.look(free === null ? null : free * 1e6).step);
}

Deno.test("captures stop first, then packet rows, then flow rows, and begin again in turn", () => {
  deepStrictEqual(stepsOf(400, [401, 399, 201, 199, 101, 99, 0]), [0, 1, 1, 2, 2, 3, 3]);
  deepStrictEqual(stepsOf(400, [0, 124, 126, 249, 251, 499, 501]), [3, 3, 2, 2, 1, 1, 0]);
});

Deno.test("a bound that is crossed to and fro is crossed once, and the unknown changes nothing", () => {
  deepStrictEqual(stepsOf(400, [399, 401, 399, 450, null, 501, 401]), [1, 1, 1, 1, 1, 0, 0]);
  deepStrictEqual(stepsOf(0, [0, null]), [0, 0]);
});

Deno.test("the sentence says what stands still, until when, and what helps", () => {
  const guard = new DiskGuard(500e6);
  strictEqual(diskSentence(guard.look(600e6)), "");
  match(
    diskSentence(guard.look(240e6)),
    /240 MB are free: capture files and packet rows do not grow until 313 MB are\. .*--min-free-mb/,
  );
});
