import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { remember } from "./remember.ts";

Deno.test("remember() keeps the latest, of a bounded number", () => {
  const map = new Map<number, string>();
  for (let key = 0; key < 1000; key++) {
    remember(map, 0, "again", 64);
    remember(map, key, String(key), 64);
    strictEqual(map.size <= 64, true);
  }
  strictEqual(map.size >= 60, true);
  deepStrictEqual([...map.keys()].slice(-3), [998, 0, 999]);
});

Deno.test("remember() makes room for one in a map of one", () => {
  const map = new Map([["a", 1]]);
  remember(map, "b", 2, 1);
  deepStrictEqual([...map], [["b", 2]]);
});
