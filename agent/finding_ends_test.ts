import { deepStrictEqual } from "node:assert/strict";
import { endsOf, isSoughtAfter } from "./finding_ends.ts";
import { readFinding } from "./finding_reader.ts";

type Weight = readonly [name: string, contribution: number];

function windowOf(...features: readonly Weight[]) {
  return readFinding("anomalies", {
    kind: "anomaly",
    entity: "10.0.0.5",
    sources: ["10.0.0.5"],
    source_count: 1,
    targets: ["10.0.0.9", "10.0.0.8"],
    target_count: 3,
    top_features: features.map(([name, contribution]) => ({ name, contribution })),
  });
}

Deno.test("a window is of what others did where such features weigh more", () => {
  const cases: readonly (readonly [boolean, ...Weight[]])[] = [
    [true, ["failed_in", 0.4], ["ports_in", 0.2]],
    [true, ["failed", 0.3], ["failed_in", 0.2], ["sources", 0.2]],
    [true, ["out_in_ratio", 0.9], ["packets_in", 0.1]],
    [false, ["failed", 0.4], ["ports", 0.2]],
    [false, ["packets_in", 0.3], ["connections", 0.4]],
    [false],
  ];
  for (const [expected, ...features] of cases) {
    deepStrictEqual(isSoughtAfter(windowOf(...features)), expected, JSON.stringify(features));
  }
});

Deno.test("what others did leads from them to the host that is told of", () => {
  const host = { addresses: ["10.0.0.5"], count: 1, isEstimate: false };
  const others = { addresses: ["10.0.0.9", "10.0.0.8"], count: 3, isEstimate: false };
  deepStrictEqual(endsOf(windowOf(["failed_in", 1])), { from: others, to: host });
  deepStrictEqual(endsOf(windowOf(["failed", 1])), { from: host, to: others });
  const link = readFinding("anomalies", { kind: "anomaly", entity: "link" });
  deepStrictEqual(endsOf(link).from, { addresses: ["link"], count: 1, isEstimate: false });
});
