/** The evidence against a slow model that keeps every probe and sums it up anew. */
import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { JudgedProbe, Outcome } from "./judged_probe.ts";
import { DEFAULT_SCAN_OPTIONS } from "./options.ts";
import { Family } from "./probe_family.ts";
import { RING_LENGTH, SourceEvidence } from "./source_evidence.ts";

interface Event {
  readonly afterUs: number;
  readonly isUsed: boolean;
}

const hooks = { isProtected: () => false, onForget: () => {} };
const halfLifeUs = DEFAULT_SCAN_OPTIONS.halfLifeUs;
const threshold = Math.log(99);

function probe(index: number, atUs: number, isUsed: boolean): JudgedProbe {
  const judged = new JudgedProbe();
  judged.key.set([0, 0, 0xffff, 1, 0, 0, 0xffff, 2, index << 16 | 1]);
  judged.family = Family.tcp;
  judged.outcome = isUsed ? Outcome.used : Outcome.failed;
  judged.atUs = atUs;
  judged.startUs = atUs;
  return judged;
}

/** The sum after all events: each step decays on its own, but for the floor. */
function modelSum(events: readonly Event[]): number {
  let sum = 0;
  let isKnown = false;
  for (const { afterUs, isUsed } of events) {
    sum *= 0.5 ** (afterUs / halfLifeUs);
    if (isUsed && isKnown) sum = Math.max(-threshold, sum - Math.log(4));
    if (!isUsed) {
      sum = (isKnown ? sum : 0) + Math.log(4);
      isKnown = true;
    }
  }
  return sum;
}

Deno.test("the sequential test decides as the slow model does", () => {
  const event = fc.record({
    afterUs: fc.integer({ min: 0, max: 3 * halfLifeUs }),
    isUsed: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const evidence = new SourceEvidence(DEFAULT_SCAN_OPTIONS, 4, hooks);
    let nowUs = 0;
    events.forEach(({ afterUs, isUsed }, index) => {
      nowUs += afterUs;
      evidence.add(probe(index, nowUs, isUsed));
    });
    const slot = evidence.find(probe(0, 0, false).key, 0, Family.tcp);
    const sum = modelSum(events);
    const isNear = Math.abs(sum - threshold) < 1e-6;
    ok(isNear || (slot >= 0 && evidence.isAboveThreshold(slot)) === sum > threshold);
  }));
});

Deno.test("four failures without a success decide, as in the paper", () => {
  const evidence = new SourceEvidence(DEFAULT_SCAN_OPTIONS, 4, hooks);
  const decided = [0, 1, 2, 3].map((index) =>
    evidence.isAboveThreshold(evidence.add(probe(index, index, false)))
  );
  equal(decided.join(), "false,false,false,true");
});

Deno.test("a full table gives up the oldest source that is not protected", () => {
  const forgotten: number[] = [];
  const evidence = new SourceEvidence(DEFAULT_SCAN_OPTIONS, 2, {
    isProtected: (slot) => slot === 0,
    onForget: (slot) => forgotten.push(slot),
  });
  for (const source of [10, 11, 12]) {
    const judged = probe(1, source, false);
    judged.key[3] = source;
    evidence.add(judged);
  }
  equal(forgotten.join(), "1");
  equal(evidence.forgottenCount, 1);
});

Deno.test("the newest probes are kept", () => {
  const evidence = new SourceEvidence(DEFAULT_SCAN_OPTIONS, 2, hooks);
  let slot = -1;
  for (let index = 0; index < 100; index++) slot = evidence.add(probe(index, index, false));
  equal(evidence.count(slot), RING_LENGTH);
  const ports = Array.from(
    { length: RING_LENGTH },
    (_, index) => evidence.ringStartUs[slot * RING_LENGTH + index],
  );
  equal(Math.min(...ports), 100 - RING_LENGTH);
});
