import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RingNeed } from "./ring_need.ts";

/** 250,000 bytes in 250 ms. */
const small = 600_000;
const batch = (byteLength: number, packetCount = 0) => ({ byteLength, packetCount });

/** Of a link that has been quiet. */
function quiet(): RingNeed {
  const need = new RingNeed(small);
  need.isLarge = false;
  return need;
}

/** After batches of `bytes` every 50 ms for so long. */
function feed(need: RingNeed, bytes: number, { fromMs, ms }: { fromMs: number; ms: number }) {
  for (let at = fromMs; at < fromMs + ms; at += 50) need.add(batch(bytes), at);
}

Deno.test("a ring is to be large as soon as the small one would be full within 0.6 s", () => {
  const need = quiet();
  feed(need, 45_000, { fromMs: 0, ms: 60_000 });
  strictEqual(need.isLarge, false);
  feed(need, 55_000, { fromMs: 60_000, ms: 250 });
  strictEqual(need.isLarge, true);
});

Deno.test("a burst is seen before its window is over, and small packets need their places too", () => {
  const burst = quiet();
  burst.add(batch(250_001), 0);
  const places = quiet();
  places.add(batch(0, 4000), 0);
  deepStrictEqual([burst.isLarge, places.isLarge], [true, true]);
});

Deno.test("a ring is large at first, and until ten seconds have passed with less than half of what the small one bears", () => {
  const need = new RingNeed(small);
  strictEqual(need.isLarge, true);
  feed(need, 30_000, { fromMs: 0, ms: 60_000 });
  feed(need, 20_000, { fromMs: 60_000, ms: 9_900 });
  strictEqual(need.isLarge, true);
  need.add(batch(0), 71_000);
  strictEqual(need.isLarge, false);
});

Deno.test("a large ring is given up after ten minutes with less than half of what the small one bears", () => {
  const need = new RingNeed(small);
  need.add(batch(300_000), 0);
  const minute = 60_000;
  feed(need, 30_000, { fromMs: 300, ms: 20 * minute });
  strictEqual(need.isLarge, true);
  feed(need, 20_000, { fromMs: 20 * minute, ms: 9.9 * minute });
  strictEqual(need.isLarge, true);
  need.add(batch(0), 31 * minute);
  strictEqual(need.isLarge, false);
});
