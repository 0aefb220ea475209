import { deepEqual } from "node:assert/strict";
import { counted, formatCount, formatEstimate, formatPeriod } from "./amounts.ts";

Deno.test("formatPeriod gives a length of time one fitting unit", () => {
  const seconds = [0, 0.04, 0.4, 9.94, 9.96, 34, 119, 120, 600, 3_600, 12_600, 86_400]
    .concat(169_200, 172_800, 820_800, 2_592_000);
  deepEqual(
    seconds.map((length) => formatPeriod(length * 1e6)),
    [
      "1 ms",
      "40 ms",
      "400 ms",
      "9.9 s",
      "10 s",
      "34 s",
      "119 s",
      "2 min",
      "10 min",
      "60 min",
      "3.5 h",
    ]
      .concat("24 h", "47 h", "2 d", "9.5 d", "30 d"),
  );
});

Deno.test("formatCount writes numbers as people read them", () => {
  deepEqual([0, 999, 12_500, 1e6].map(formatCount), ["0", "999", "12,500", "1,000,000"]);
});

Deno.test("formatEstimate claims no more digits than an estimate has, and no count beyond the counters", () => {
  const counts = [40, 63, 640, 1_234, 2_960, 3_000, 3_001, 7_098];
  deepEqual(counts.map(formatEstimate), [
    "About 40",
    "About 63",
    "About 640",
    "About 1,200",
    "About 3,000",
    "About 3,000",
    "More than 3,000",
    "More than 3,000",
  ]);
});

Deno.test("counted() has one of a thing, and many things", () => {
  deepEqual([0, 1, 2000].map((count) => counted(count, "old row")), [
    "0 old rows",
    "1 old row",
    "2,000 old rows",
  ]);
});
