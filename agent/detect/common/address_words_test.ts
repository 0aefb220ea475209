import { deepEqual } from "node:assert/strict";
import { formatMac } from "./address_words.ts";

Deno.test("formatMac writes all 48 bits", () => {
  deepEqual(formatMac(0xbacc, 0x64bc4875), "ba:cc:64:bc:48:75");
  deepEqual(formatMac(0, -1), "00:00:ff:ff:ff:ff");
});
