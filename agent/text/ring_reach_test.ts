import { match, strictEqual } from "node:assert/strict";
import { reachAdvice, reachText } from "./ring_reach.ts";

const nowUs = 1_767_225_600_000_000;
const minuteUs = 60e6;

function ring(minutes: number | null, sizeBytes = 1e9) {
  const oldestUs = minutes === null ? null : nowUs - minutes * minuteUs;
  return { oldestUs, sizeBytes, bytesMax: 1e9, filesMax: 10 };
}

Deno.test("the ring says how far back it reaches", () => {
  strictEqual(reachText(ring(25), nowUs), "last 25 min");
  strictEqual(reachText(ring(0), nowUs), "last 1 s");
  strictEqual(reachText(ring(null), nowUs), "");
  strictEqual(reachText(ring(25, 0), nowUs), "");
});

Deno.test("a ring that turns over within a day says what a day takes", () => {
  match(reachAdvice(ring(25), nowUs), /hold 25 min\. For a day: --pcap-files 576 \(58 GB\)/);
  match(reachAdvice(ring(25, 5e8), nowUs), /hold 50 min\. For a day: --pcap-files 288 \(29 GB\)/);
});

Deno.test("no advice for a ring that holds a day, or of which little is known", () => {
  strictEqual(reachAdvice(ring(1440), nowUs), "");
  strictEqual(reachAdvice(ring(0.5, 1e6), nowUs), "");
  strictEqual(reachAdvice(ring(null), nowUs), "");
  strictEqual(reachAdvice({ ...ring(25), filesMax: 0, bytesMax: 0 }, nowUs), "");
});
