import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Finding, INCIDENT_QUIET_US } from "../records.ts";
import { bruteForceFinding, scanFinding, startUs } from "../store/testing.ts";
import { isSame, KnownFindings } from "./known_findings.ts";

const minuteUs = 60_000_000;
const rowOfOld = 5 * 2 ** 32 + 3;
const beacon = (id: number, changes: Partial<Finding> = {}) =>
  bruteForceFinding(id, {
    kind: "beacon",
    amount: 21,
    firstUs: startUs,
    lastUs: startUs + 20 * minuteUs,
    ...changes,
  });

const pairs: readonly (readonly [string, Finding, Finding, boolean])[] = [
  ["the same traffic read again, grown less", beacon(1), beacon(2, { amount: 9 }), true],
  [
    "a scan that was of another kind then",
    scanFinding(1, { scan: { kind: "block" } }),
    scanFinding(2),
    true,
  ],
  ["another probe", scanFinding(1), scanFinding(2, { scan: { probe: "udp" } }), false],
  ["another kind", beacon(1), bruteForceFinding(2), false],
  ["another actor", beacon(1), beacon(2, { sources: ["10.0.0.1"] }), false],
  [
    "another target, later",
    beacon(1),
    beacon(2, { firstUs: startUs + 1, targets: ["10.0.0.2"] }),
    false,
  ],
  [
    "what goes on soon after",
    bruteForceFinding(1),
    bruteForceFinding(2, { firstUs: startUs + minuteUs, lastUs: startUs + 2 * minuteUs }),
    true,
  ],
  [
    "what comes after an incident's pause",
    bruteForceFinding(1),
    bruteForceFinding(2, {
      firstUs: startUs + 2_000_000 + INCIDENT_QUIET_US + 1,
      lastUs: startUs + 2 * INCIDENT_QUIET_US,
    }),
    false,
  ],
  [
    "a beacon of an hour's period, two hours after its last call",
    beacon(1, { lastUs: startUs + 20 * 60 * minuteUs }),
    beacon(2, { firstUs: startUs + 22 * 60 * minuteUs, lastUs: startUs + 31 * 60 * minuteUs }),
    true,
  ],
  [
    "a sweep of other hosts, soon after",
    scanFinding(1, { targetCount: 20 }),
    scanFinding(2, {
      targetCount: 20,
      targets: ["10.0.0.99"],
      firstUs: startUs + minuteUs,
      lastUs: startUs + 2 * minuteUs,
    }),
    true,
  ],
];

for (const [what, known, finding, expected] of pairs) {
  Deno.test(`isSame() ${expected ? "knows" : "does not know"} ${what}`, () => {
    strictEqual(isSame(known, finding), expected);
  });
}

Deno.test("isSame() knows a window by its host and its time", () => {
  const anomaly = {
    tsUs: startUs,
    windowUs: 10,
    entity: "10.0.0.1",
    score: 1,
    threshold: 1,
    topFeatures: [],
  };
  const window = (changes: Partial<typeof anomaly>) =>
    bruteForceFinding(1, { kind: "anomaly", anomaly: { ...anomaly, ...changes } });
  strictEqual(isSame(window({}), window({ score: 2 })), true);
  strictEqual(isSame(window({}), window({ tsUs: startUs + 10 })), false);
  strictEqual(isSame(window({}), window({ entity: "10.0.0.2" })), false);
});

function knownFindings(rows: readonly Finding[]): KnownFindings {
  return new KnownFindings({ find: () => rows, firstOwnRow: () => 6 * 2 ** 32 + 1 });
}

Deno.test("a finding that is read again is news only when it says more than its row", () => {
  const row = beacon(rowOfOld, { isOpen: false });
  const known = knownFindings([row]);
  const states = [
    beacon(1, { amount: 9, lastUs: startUs + 9 * minuteUs }),
    beacon(1, { amount: 21 }),
    beacon(1, { amount: 40, lastUs: startUs + 40 * minuteUs, reason: "more" }),
    beacon(1, { amount: 41, lastUs: startUs + 41 * minuteUs, isOpen: false }),
  ].map((state) => known.recognise(state));
  deepStrictEqual(states.map(({ isNews }) => isNews), [false, false, true, true]);
  deepStrictEqual(states.map(({ finding }) => finding.id), Array(4).fill(rowOfOld));
  deepStrictEqual(states.map(({ finding }) => finding.isOpen), [false, false, true, false]);
  deepStrictEqual(states.map(({ finding }) => finding.amount), [21, 21, 40, 41]);
  strictEqual(states[2]!.finding.reason, "more");
});

Deno.test("a beacon that goes on after a restart keeps its row, its beginning and its words", () => {
  const row = beacon(rowOfOld, { isOpen: false });
  const known = knownFindings([row]);
  const later = beacon(1, {
    amount: 9,
    firstUs: startUs + 22 * minuteUs,
    lastUs: startUs + 31 * minuteUs,
    severity: "critical",
  });
  const { finding, isNews } = known.recognise(later);
  deepStrictEqual(finding, {
    ...row,
    severity: "critical",
    lastUs: startUs + 31 * minuteUs,
    isOpen: true,
  });
  strictEqual(isNews, true);
  strictEqual(known.recognise({ ...later, isOpen: false }).finding.isOpen, false);
});

Deno.test("a row is one finding's, and no row of this run is another's", () => {
  const known = knownFindings([beacon(rowOfOld), beacon(6 * 2 ** 32 + 7)]);
  const ids = [1, 2, 3].map((id) => known.recognise(beacon(id)).finding.id);
  deepStrictEqual(ids, [rowOfOld, 2, 3]);
});
