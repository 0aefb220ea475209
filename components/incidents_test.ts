import assert from "node:assert/strict";
import type { Incident, Mute } from "../agent/records.ts";
import { makeScan } from "../tests/finding_fixture.ts";
import { makeIncident } from "../tests/incident_fixture.ts";
import { circumstances, raisedText, standsOutTexts } from "./incident_text.ts";
import {
  byWeight,
  fitsQuery,
  type IncidentItem,
  type IncidentQuery,
  lookItem,
  lookText,
  mergeIncidents,
  type MuteView,
  needsLook,
  recentIncidents,
  stillToLookAt,
} from "./incidents.ts";

const nowUs = 1_795_000_000e6;
const noMutes: MuteView = { mutes: [], nowUs, zone: "UTC" };
const nothing = new Set<number>();

function item(change: Partial<Incident>, more: Partial<IncidentItem> = {}): IncidentItem {
  return { incident: makeIncident(change), isAcknowledged: false, muted: "", ...more };
}

Deno.test("what is open or was not looked at needs a look, unless it is muted or information", () => {
  const cases: readonly [IncidentItem, boolean][] = [
    [item({ isOpen: true }), true],
    [item({ isOpen: false }), true],
    [item({ isOpen: true }, { isAcknowledged: true }), true],
    [item({ isOpen: false }, { isAcknowledged: true }), false],
    [item({ isOpen: true }, { muted: "muted for good" }), false],
    [item({ isOpen: true, severity: "info" }), false],
    [item({ isOpen: false, severity: "low" }), true],
  ];
  for (const [each, expected] of cases) assert.equal(needsLook(each), expected);
  assert.deepEqual([0, 1, 2, 201].map(lookText), [
    "Nothing needs a look",
    "1 thing needs a look",
    "2 things need a look",
    "More than 200 things need a look",
  ]);
});

Deno.test("what arrives takes its row, keeps what people said, and leaves with what it became part of", () => {
  const known = [item({ id: 1 }, { isAcknowledged: true }), item({ id: 2 })];
  const grown = { incident: makeIncident({ id: 1, findingCount: 9 }), isAcknowledged: null };
  const fresh = { incident: makeIncident({ id: 3 }), isAcknowledged: null };
  const merged = mergeIncidents(known, {
    incidents: [grown, fresh],
    absorbedIds: new Set([2]),
  }, noMutes);
  assert.deepEqual(
    merged.map((
      { incident, isAcknowledged },
    ) => [incident.id, incident.findingCount, isAcknowledged]),
    [[1, 9, true], [3, 1, false]],
  );
});

Deno.test("the count of what needs a look follows what is told, and mutes", () => {
  const look = [item({ id: 1 }, { isAcknowledged: true }), item({ id: 2 })].map(lookItem);
  const told = (change: Partial<Incident>, view = noMutes, absorbedIds = nothing) =>
    stillToLookAt(look, {
      incidents: [{ incident: makeIncident(change), isAcknowledged: null }],
      absorbedIds,
    }, view).map(({ id }) => id);
  assert.deepEqual(told({ id: 1, isOpen: false }), [2], "it was acknowledged while it was open");
  assert.deepEqual(told({ id: 2, isOpen: false }), [1, 2]);
  assert.deepEqual(told({ id: 3 }), [1, 2, 3]);
  assert.deepEqual(told({ id: 3 }, noMutes, new Set([1])), [2, 3]);
  const mute: Mute = {
    id: 1,
    createdUs: 0,
    kind: "scan",
    source: "10.0.0.9",
    destination: "",
    port: "",
    untilUs: nowUs + 1,
    note: "",
  };
  const muted = { ...noMutes, mutes: [mute] };
  assert.deepEqual(told({ id: 2 }, muted), [1]);
  assert.deepEqual(told({ id: 2, kinds: ["scan", "flood"] }, muted), [1, 2], "beyond the mute");
  assert.deepEqual(told({ id: 2 }, { ...muted, nowUs: nowUs + 2 }), [1, 2], "the mute is over");
});

Deno.test("the overview has what needs a look whatever its age, and a day of the rest, gravest first", () => {
  const dayUs = 86_400e6;
  const at = (ageDays: number) => ({ lastUs: nowUs - ageDays * dayUs });
  const items = [
    item({ id: 1, ...at(0.5), severity: "critical" }, { isAcknowledged: true, muted: "muted" }),
    item({ id: 2, ...at(9), severity: "low" }),
    item({ id: 3, ...at(0.1), severity: "high" }),
    item({ id: 4, ...at(2), severity: "high" }, { muted: "muted" }),
    item({ id: 5, ...at(-1), severity: "info" }),
  ];
  assert.deepEqual(recentIncidents(items, nowUs).map(({ incident }) => incident.id), [3, 2, 1]);
  assert.ok(byWeight(items[2]!, items[1]!) < 0);
});

Deno.test("an arriving incident is shown where the page's filter takes it", () => {
  const all: IncidentQuery = {
    order: "newest",
    actor: "",
    source: "",
    target: "",
    kind: "",
    severity: "",
    state: "",
    acknowledged: "",
    fromUs: null,
    toUs: null,
  };
  const cases: readonly [Partial<IncidentQuery>, boolean][] = [
    [{}, true],
    [{ actor: "10.0.0.9", kind: "scan", severity: "high", state: "open" }, true],
    [{ kind: "flood" }, false],
    [{ target: "10.0.0.2", acknowledged: "no" }, true],
    [{ acknowledged: "yes" }, false],
    [{ source: "10.0.0.2" }, false],
    [{ state: "closed" }, false],
    [{ fromUs: nowUs, toUs: nowUs + 1 }, true],
    [{ toUs: nowUs }, false],
  ];
  const one = item({ lastUs: nowUs });
  for (const [query, expected] of cases) {
    assert.equal(fitsQuery(one, { ...all, ...query }), expected, JSON.stringify(query));
  }
});

Deno.test("an incident that is graver than its causes says why", () => {
  const cause = (change: Parameters<typeof makeScan>[0]) =>
    ({ finding: makeScan(change), role: "cause" }) as const;
  const { scan } = makeScan();
  const quiet = cause({ severity: "high", scan: { ...scan!, cameBack: [] } });
  assert.equal(raisedText(makeIncident({ severity: "high" }), [quiet]), "");
  assert.equal(
    raisedText(makeIncident({ severity: "critical" }), [cause({ severity: "high" })]),
    "Raised from high to critical: a port that was found open was used afterwards.",
  );
  assert.equal(
    raisedText(makeIncident({ severity: "critical", tactics: ["TA0007", "TA0006"] }), [quiet]),
    "Raised from high to critical: one actor followed several tactics of ATT&CK.",
  );
  assert.deepEqual(standsOutTexts([quiet, quiet]).length, 1, "each reason once");
});

Deno.test("the second line of an incident has who, whom, what and how long", () => {
  const firstUs = nowUs;
  assert.equal(
    circumstances(makeIncident({ firstUs, lastUs: firstUs + 90e6, hasSucceeded: true })),
    "10.0.0.9 to 10.0.0.2, Scan, in 1\u00a0min\u00a030\u00a0s, reached what it tried for",
  );
});
