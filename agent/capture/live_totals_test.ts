import { deepStrictEqual } from "node:assert/strict";
import { LiveTotals } from "./live_totals.ts";

function counters(received: number, kernelDrops: number, interfaceDrops: number) {
  return { received, kernelDrops, interfaceDrops };
}

Deno.test("LiveTotals goes on where libpcap's 32-bit counters wrap", () => {
  const totals = new LiveTotals();
  totals.add(counters(2_000_000_000, 0, 0));
  totals.add(counters(4_000_000_000, 5, 0));
  totals.add(counters(4_000_000_000 + 500_000_000 - 2 ** 32, 7, 1));
  deepStrictEqual({ ...totals }, counters(4_500_000_000, 7, 1));
});

Deno.test("LiveTotals adds up over handles that each count from 0", () => {
  const totals = new LiveTotals();
  totals.startHandle();
  totals.add(counters(100, 2, 1));
  totals.startHandle();
  totals.add(counters(30, 1, 1));
  totals.add(counters(40, 1, 1));
  deepStrictEqual({ ...totals }, counters(140, 3, 2));
});

Deno.test("LiveTotals takes a counter that steps back as begun anew", () => {
  const totals = new LiveTotals();
  totals.add(counters(10, 0, 50));
  totals.add(counters(20, 0, 2 ** 32 - 50));
  totals.add(counters(30, 0, 0));
  deepStrictEqual({ ...totals }, counters(30, 0, 100));
});
