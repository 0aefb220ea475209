import { deepEqual } from "node:assert/strict";
import { Detection } from "./detection.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "../records.ts";
import { ObservationKind, SHORT_WORDS } from "./observation.ts";

const { contact, end, arp, tick, windowEnd } = ObservationKind;

Deno.test("who takes rows in bulk gets them before they are observed, up to each tick and window's end", () => {
  const seen: string[] = [];
  const single = detector({
    observe: ({ kind, at }) => seen.push(`single ${kind} at ${place(at)}`),
  });
  const bulk = detector({
    interests: [{ kind: windowEnd, marks: 0 }],
    observe: ({ kind, at }) => seen.push(`bulk ${kind} at ${place(at)}`),
    advance: () => seen.push("bulk advances"),
    takeRows: (_, from, to) => seen.push(`bulk takes ${place(from)} to ${place(to)}`),
  });
  const detection = detectionWith(single, bulk);
  const words = rows(contact, tick, contact, windowEnd, windowEnd, contact);
  detection.take(words, words.length);
  detection.take(words, 0);
  deepEqual(seen, [
    "bulk takes 0 to 1",
    `single ${contact} at 0`,
    "bulk advances",
    "bulk takes 2 to 3",
    `single ${contact} at 2`,
    `single ${windowEnd} at 3`,
    `bulk ${windowEnd} at 3`,
    `single ${windowEnd} at 4`,
    `bulk ${windowEnd} at 4`,
    "bulk takes 5 to 6",
    `single ${contact} at 5`,
  ]);
  deepEqual(detection.state().observations, 5);
});

Deno.test("a detector observes rows of its kinds with one of its marks, and none that it does without", () => {
  const seen: string[] = [];
  const named = (name: string, interests?: Detector["interests"]) =>
    detector({ ...interests && { interests }, observe: ({ at }) => seen.push(name + place(at)) });
  const detection = detectionWith(
    named("a", [{ kind: contact, marks: 0b0011, without: 0b0100 }]),
    named("b", [{ kind: contact, marks: 0b1000, without: 0b0110 }, { kind: end, marks: 0 }]),
  );
  const words = rows(contact, contact, contact, contact, contact, end, arp);
  [0b0001, 0b0101, 0b1000, 0b1011, 0, 0, 0b1111].forEach((marks, row) =>
    words[row * SHORT_WORDS + 13] = marks
  );
  detection.take(words, words.length);
  deepEqual(seen, ["a0", "b2", "a3", "b5"]);
  deepEqual(detection.state().observations, 7);
});

Deno.test("no finding is dated before the first row, by the window that it is of", () => {
  const beganUs = 1_700_000_007_500_000;
  const told: number[] = [];
  const cases = [
    [beganUs - 7_500_000, beganUs],
    [beganUs, beganUs],
    [beganUs + 5, beganUs + 5],
    // Times that go backwards are what the packets say.
    [beganUs - 3600e6, beganUs - 3600e6],
  ] as const;
  let report: (firstUs: number) => void = () => {};
  const detection = new Detection({
    ...plainOptions,
    onFinding: ({ firstUs }) => told.push(firstUs),
    detectors: [(context) => {
      report = (firstUs) => context.report({ id: 1, kind: "anomaly", firstUs } as Finding);
      return detector({});
    }],
  });
  const words = rows(contact);
  words[1] = Math.floor(beganUs / 1e6);
  words[2] = beganUs % 1e6;
  detection.take(words, words.length);
  for (const [firstUs] of cases) report(firstUs);
  deepEqual(told, cases.map(([, firstUs]) => firstUs));
});

const plainOptions = {
  formatAddress: () => "",
  isLive: true,
  model: null,
  anomalyQuantile: 0.995,
  seed: 1,
  note: () => {},
} as const;

function detectionWith(...detectors: readonly Detector[]): Detection {
  return new Detection({
    ...plainOptions,
    onFinding: () => {},
    detectors: detectors.map((detector) => () => detector),
  });
}

function detector(methods: Partial<Detector>): Detector {
  return {
    observe() {},
    advance() {},
    finish() {},
    stateBytes: 0,
    forgottenCount: 0,
    ...methods,
  };
}

function rows(...kinds: readonly number[]): Int32Array {
  const words = new Int32Array(kinds.length * SHORT_WORDS);
  kinds.forEach((kind, index) => words[index * SHORT_WORDS] = SHORT_WORDS << 16 | kind);
  return words;
}

/** Number of the row. */
function place(at: number): number {
  return at / SHORT_WORDS;
}
