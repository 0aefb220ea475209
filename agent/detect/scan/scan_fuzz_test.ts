/** Rows that no pipeline would write: the detector takes them, and what it tells stays well formed. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { Finding } from "../../records.ts";
import { Detection } from "../detection.ts";
import { CONTACT_WORDS, ObservationKind } from "../observation.ts";
import { ROW_WORDS_MAX } from "./contact_layout.ts";
import { ScanDetector } from "./scan_detector.ts";

const kinds = [
  ObservationKind.contact,
  ObservationKind.arp,
  ObservationKind.ndp,
  ObservationKind.icmpError,
  ObservationKind.tick,
];
const row = fc.record({
  kind: fc.constantFrom(...kinds),
  transport: fc.integer({ min: 0, max: 14 }),
  second: fc.integer({ min: 0, max: 4000 }),
  hosts: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
  ports: fc.integer(),
  marks: fc.integer({ min: 0, max: 2 ** 18 - 1 }),
  flags: fc.integer({ min: 0, max: 0x3f }),
  rest: fc.array(fc.integer(), { minLength: 11, maxLength: 11 }),
});

function check(finding: Finding): void {
  const { scan, sources, targets, firstUs, lastUs, confidence, reason } = finding;
  ok(scan!.attempts >= scan!.answered && scan!.answered >= 0);
  ok(sources.length > 0 && targets.length > 0 && targets.length <= finding.targetCount);
  ok(firstUs <= lastUs && confidence > 0 && confidence <= 1);
  ok(!/NaN|undefined|Infinity/.test(reason), reason);
}

type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

/** The words of rows, one after the other. */
function wordsOf(rows: readonly Row[]): Int32Array {
  const all = new Int32Array(rows.length * CONTACT_WORDS);
  rows.forEach(({ kind, transport, second, hosts, ports, marks, flags, rest }, index) => {
    const words = all.subarray(index * CONTACT_WORDS);
    words[0] = CONTACT_WORDS << 16 | transport << 8 | kind;
    words[1] = 1_700_000_000 + second;
    words[5] = words[9] = 0xffff;
    words[6] = 0x0a000000 + hosts[0];
    words[10] = 0x0a000000 + hosts[1];
    words[11] = ports;
    words[13] = marks;
    const isNeighbours = kind === ObservationKind.arp || kind === ObservationKind.ndp;
    words[14] = isNeighbours ? 1 + (flags & 1) : flags << 16 | 64;
    words.set(rest, 15);
  });
  return all;
}

/** What is told of rows that come so many words at a time. */
function tell(words: Int32Array, atOnce: number): Finding[] {
  const told: Finding[] = [];
  const detection = new Detection({
    isLive: false,
    formatAddress: (...words) => words.join("."),
    model: null,
    anomalyQuantile: 0.995,
    seed: 1,
    note: () => {},
    onFinding: (finding) => told.push(finding),
    detectors: [(context) => new ScanDetector(context)],
  });
  for (let at = 0; at < words.length; at += atOnce) {
    const part = words.subarray(at, at + atOnce);
    detection.take(part, part.length);
  }
  detection.finish();
  return told;
}

Deno.test("rows of nonsense never make the detector throw or tell nonsense", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 50, maxLength: 400 }), (rows) => {
      const told = tell(wordsOf(rows), CONTACT_WORDS);
      told.forEach(check);
      const latest = new Map(told.map((finding) => [finding.id, finding]));
      for (const { isOpen } of latest.values()) equal(isOpen, false);
    }),
    { numRuns: 60 },
  );
});

Deno.test("rows tell the same whether they come one by one or all at once", () => {
  const noTicks = row.filter(({ kind }) => kind !== ObservationKind.tick);
  fc.assert(
    fc.property(fc.array(noTicks, { minLength: 800, maxLength: 1000 }), (rows) => {
      const words = wordsOf(rows);
      ok(words.length > ROW_WORDS_MAX);
      const tick = wordsOf([{ ...rows[0], kind: ObservationKind.tick }]);
      const all = Int32Array.of(...tick, ...words, ...tick);
      deepEqual(tell(all, all.length), tell(all, CONTACT_WORDS));
    }),
    { numRuns: 10 },
  );
});
