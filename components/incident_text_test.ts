import { deepEqual, equal } from "node:assert/strict";
import { endsOfIncident } from "../agent/finding_ends.ts";
import { readFinding } from "../agent/finding_reader.ts";
import type { Incident } from "../agent/records.ts";
import { circumstances } from "./incident_text.ts";

const incident = {
  sources: ["10.0.0.5"],
  sourceCount: 1,
  targets: ["10.0.0.9"],
  targetCount: 3,
  kinds: ["scan"],
  firstUs: 0,
  lastUs: 0,
  origin: null,
} as unknown as Incident;

Deno.test("an incident's second line leads from who did it to whom, where that is known", () => {
  equal(circumstances(incident), "10.0.0.5 to 10.0.0.9 and 2 others, Scan");
  equal(
    circumstances({ ...incident, kinds: ["anomaly"] }),
    "10.0.0.5 with 10.0.0.9 and 2 others, Unusual behaviour",
  );
});

Deno.test("an incident's second line says no more of an estimate than is known", () => {
  const flood: Incident = { ...incident, kinds: ["flood"], targetCount: 1, sourceCount: 3001 };
  equal(
    circumstances(flood),
    "10.0.0.5 and others (more than 3,000 in all) to 10.0.0.9, Flood",
  );
  equal(
    circumstances({ ...flood, sourceCount: 1200 }),
    "10.0.0.5 and others (about 1,200 in all) to 10.0.0.9, Flood",
  );
});

Deno.test("the way of an incident ends at the host that others made stand out", () => {
  const window = (name: string) =>
    readFinding("anomalies", {
      kind: "anomaly",
      entity: "10.0.0.5",
      top_features: [{ name, contribution: 1 }],
    });
  const ways = [["failed_in"], ["failed"], ["failed_in", "failed"], []].map((names) => {
    const { from, to } = endsOfIncident({ ...incident, kinds: ["anomaly"] }, names.map(window));
    return [from.addresses[0], to.addresses[0]];
  });
  const out = ["10.0.0.5", "10.0.0.9"];
  deepEqual(ways, [out.toReversed(), out, out, out]);
});
