import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Finding, type Severity, WINDOW_US } from "../../records.ts";
import { type UnusualWindow, WindowRuns } from "./window_runs.ts";

let lastId = 0;

function window(entity: string, index: number, changes: WindowChanges = {}): UnusualWindow {
  const { score = 0.6, severity = "low", targets = ["10.0.0.2"], flowIds = [index + 1] } = changes;
  const startUs = index * WINDOW_US;
  return {
    entity,
    describe: () => ({
      id: ++lastId,
      kind: "anomaly",
      severity,
      attackId: "T1046",
      sources: [entity],
      sourceCount: 1,
      targets,
      targetCount: targets.length,
      firstUs: startUs,
      lastUs: startUs + 9_000_000,
      detectedUs: startUs + WINDOW_US,
      confidence: 0.6,
      reason: `window ${index}`,
      isOpen: false,
      flowIds,
      amount: 1,
      anomaly: {
        tsUs: startUs,
        windowUs: WINDOW_US,
        entity,
        score,
        threshold: 0.5,
        topFeatures: [],
      },
    }),
  };
}
interface WindowChanges {
  readonly score?: number;
  readonly severity?: Severity;
  readonly targets?: readonly string[];
  readonly flowIds?: readonly number[];
}

function open() {
  const told: Finding[] = [];
  const runs = new WindowRuns((finding) => told.push(finding));
  const take = (index: number, ...windows: UnusualWindow[]) =>
    runs.take(windows, { startUs: index * WINDOW_US, endUs: (index + 1) * WINDOW_US });
  return { told, runs, take };
}

Deno.test("a run says what its most unusual window says, and has all their targets and flows", () => {
  const { told, take } = open();
  take(0, window("a", 0, { severity: "medium" }));
  take(1, window("a", 1, { score: 0.9, targets: ["10.0.0.3"], flowIds: [1, 5] }));
  take(2, window("a", 2, { score: 0.7, targets: ["10.0.0.4"] }));
  take(3);
  const last = told.at(-1)!;
  deepEqual(
    [last.reason, last.severity, last.targets, last.targetCount, last.flowIds, last.isOpen],
    ["window 1", "medium", ["10.0.0.3", "10.0.0.2", "10.0.0.4"], 3, [1, 5, 3], false],
  );
  deepEqual([last.firstUs, last.lastUs, last.detectedUs, last.anomaly!.tsUs], [
    0,
    29_000_000,
    WINDOW_US,
    0,
  ]);
  equal(new Set(told.map(({ id }) => id)).size, 1);
});

Deno.test("a gap ends a run, be it that no window came at all", () => {
  const { told, runs, take } = open();
  take(0, window("a", 0), window("b", 0));
  take(1, window("b", 1));
  take(7, window("a", 7), window("b", 7));
  runs.finish();
  runs.finish();
  const ends = told.filter(({ isOpen }) => !isOpen);
  deepEqual(
    ends.map(({ sources, amount, firstUs }) => [sources[0], amount, firstUs / WINDOW_US]),
    [["a", 1, 0], ["b", 2, 0], ["a", 1, 7], ["b", 1, 7]],
  );
});

Deno.test("of one moment 32 are told, and what goes on has its place", () => {
  const { told, take } = open();
  take(0, ...Array.from({ length: 40 }, (_, index) => window(`a${index}`, 0)));
  equal(told.length, 32);
  take(1, ...Array.from({ length: 40 }, (_, index) => window(`a${39 - index}`, 1)));
  const second = told.slice(32);
  equal(second.length, 32);
  ok(second.every(({ amount }) => amount === 2));
});

Deno.test("whatever comes, each window is in one finding, and all come to an end", () => {
  const seen = fc.array(fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 3 }), {
    maxLength: 30,
  });
  fc.assert(fc.property(seen, (moments) => {
    const { told, runs, take } = open();
    const expected: [entity: string, first: number, count: number][] = [];
    moments.forEach((entities, index) => {
      const present = [...new Set(entities)];
      take(index, ...present.map((entity) => window(entity, index)));
      for (const entity of present) {
        const run = expected.findLast(([of]) => of === entity);
        if (run && run[1] + run[2] === index) run[2]++;
        else expected.push([entity, index, 1]);
      }
    });
    runs.finish();
    const ended = told.filter(({ isOpen }) => !isOpen).map((
      { sources, firstUs, amount },
    ) => [sources[0], firstUs / WINDOW_US, amount]);
    deepEqual(ended.map(String).sort(), expected.map(String).sort());
    equal(new Set(told.map(({ id }) => id)).size, expected.length);
  }));
});
