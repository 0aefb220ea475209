import { deepEqual, equal, ok } from "node:assert/strict";
import { COUNT_WIDTH } from "./activity_layout.ts";
import { Count } from "./host_activity.ts";
import {
  FEATURE_COUNT,
  FEATURES,
  fillFeatures,
  formatFeature,
  fromScale,
  toScale,
} from "./features.ts";

Deno.test("every feature says what it is, in what unit and why", () => {
  equal(new Set(FEATURES.map(({ name }) => name)).size, FEATURE_COUNT);
  for (const { name, unit, reason, spreadMin } of FEATURES) {
    ok(/^[a-z]+(_[a-z]+)*$/.test(name) && unit !== "" && reason.endsWith("."), name);
    ok(spreadMin > 0);
  }
});

Deno.test("scales can be undone", () => {
  for (const feature of FEATURES) {
    for (const value of [0.25, 1, 17, 40_000]) {
      ok(Math.abs(fromScale(feature, toScale(feature, value)) / value - 1) < 1e-9, feature.name);
    }
  }
});

Deno.test("what a silent host did not do is zero, and what cannot be known is missing", () => {
  const features = featuresOf({ packetsOut: 9 }, false);
  const missing = Object.keys(features).filter((name) => Number.isNaN(features[name]));
  deepEqual(missing, [
    "out_in_ratio",
    "ports_per_peer",
    "connections_per_target",
    "failed_share",
    "first_contacts",
    "nxdomain_share",
    "dns_name_length",
  ]);
  equal(features.connections, 0);
  equal(featuresOf({ packetsOut: 9 }, true).first_contacts, 0);
});

Deno.test("failures are attempts that nobody accepted, ARP requests among them", () => {
  const counts = { opened: 10, accepted: 6, refused: 3, arpAsked: 20, arpAnswered: 5 };
  const features = featuresOf(counts, true);
  equal(Math.round(features.failed), 19);
  ok(Math.abs(features.failed_share - 19 / 30) < 1e-9);
  // Answers to connections opened in the window before.
  equal(featuresOf({ opened: 2, accepted: 5 }, true).failed, 0);
});

Deno.test("values are written for people", () => {
  const text = (name: string, value: number) =>
    formatFeature(FEATURES.find((feature) => feature.name === name)!, value);
  equal(text("connections", 12_345), "12,345");
  equal(text("connections", 9.0000001), "9");
  equal(text("ports_per_peer", 1.25), "1.3");
  equal(text("failed_share", 0.876), "88 %");
});

function featuresOf(
  given: Partial<Record<keyof typeof Count, number>>,
  knowsPeers: boolean,
): Record<string, number> {
  const counts = new Float64Array(COUNT_WIDTH);
  for (const [name, value] of Object.entries(given)) {
    counts[Count[name as keyof typeof Count]] = value;
  }
  const vector = new Float64Array(FEATURE_COUNT);
  fillFeatures(counts, 0, vector, knowsPeers);
  return Object.fromEntries(
    FEATURES.map((feature, index) => [feature.name, fromScale(feature, vector[index])]),
  );
}
