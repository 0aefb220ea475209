import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { byLikeness, nearest } from "./nearest.ts";

Deno.test("nearest() finds what was mistyped and nothing where all is far", () => {
  strictEqual(nearest("prot", ["port", "host", "filter"]), "port");
  strictEqual(nearest("ETH0", ["lo", "eth0"]), "eth0");
  strictEqual(nearest("interfcae", ["interface", "filter"]), "interface");
  strictEqual(nearest("zzz", ["port", "host"]), null);
  strictEqual(nearest("x", []), null);
});

Deno.test("byLikeness() orders by distance and keeps the order of equals", () => {
  deepStrictEqual(byLikeness("eth1", ["wlan0", "eth0", "eth10", "lo"]), [
    "eth0",
    "eth10",
    "lo",
    "wlan0",
  ]);
});
