/** The evidence (assembly/evidence.ts) against a slow model that sums it up anew. */
import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  FAMILY_TCP,
  JUDGED_AT,
  K_BYTES,
  K_START_US,
  OUTCOME_FAILED,
  P_AT_US,
  P_ENDS,
  P_OUTCOME,
  P_PORT,
  P_START_US,
  P_TRAITS,
  RING_AT,
  RING_LENGTH,
  S_KEPT,
  SOURCES_AT,
  SOURCES_MAX,
} from "./contact_layout.ts";
import { DEFAULT_SCAN_OPTIONS } from "./options.ts";
import { contactParts } from "./testing/contact_parts.ts";

interface Event {
  readonly afterUs: number;
  readonly isUsed: boolean;
}

const { halfLifeUs } = DEFAULT_SCAN_OPTIONS;
const threshold = Math.log(99);

class Evidence {
  readonly #parts = contactParts();
  readonly #view = new DataView(this.#parts.memory.buffer);

  get forgottenCount(): number {
    return this.#parts.forgottenCount();
  }

  /** One of the source numbered so fails on a port; returns the source. */
  fail(source: number, port: number, atUs: number): number {
    this.#judge(source, port, atUs);
    return this.#parts.addEvidence();
  }

  use(source: number, atUs: number): void {
    this.#judge(source, 0, atUs);
    this.#parts.reassure();
  }

  isAboveThreshold(source: number): boolean {
    return this.#parts.isAboveThreshold(source) !== 0;
  }

  isKnown(source: number): boolean {
    this.#judge(source, 0, 0);
    return this.#parts.findSource(JUDGED_AT, source, FAMILY_TCP) !== 0;
  }

  /** When the probes kept of the first source began. */
  keptStartsUs(): number[] {
    const count = Math.min(RING_LENGTH, this.#view.getInt32(SOURCES_AT + S_KEPT * 4, true));
    return Array.from(
      { length: count },
      (_, index) => this.#view.getFloat64(RING_AT + index * K_BYTES + K_START_US * 4, true),
    );
  }

  #judge(source: number, port: number, atUs: number): void {
    const words = new Int32Array(this.#parts.memory.buffer, JUDGED_AT);
    words.set([0, 0, 0xffff, source, 0, 0, 0xffff, 2]);
    words[P_PORT] = port << 16 | 1;
    words[P_ENDS] = source;
    words[P_TRAITS] = FAMILY_TCP;
    words[P_OUTCOME] = OUTCOME_FAILED;
    this.#view.setFloat64(JUDGED_AT + P_START_US * 4, atUs, true);
    this.#view.setFloat64(JUDGED_AT + P_AT_US * 4, atUs, true);
  }
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
    const evidence = new Evidence();
    let nowUs = 0;
    let source = 0;
    events.forEach(({ afterUs, isUsed }, index) => {
      nowUs += afterUs;
      if (isUsed) evidence.use(1, nowUs);
      else source = evidence.fail(1, index, nowUs);
    });
    const sum = modelSum(events);
    const isNear = Math.abs(sum - threshold) < 1e-6;
    ok(isNear || (source !== 0 && evidence.isAboveThreshold(source)) === sum > threshold);
  }));
});

Deno.test("four failures without a success decide, as in the paper", () => {
  const evidence = new Evidence();
  const decided = [0, 1, 2, 3].map((index) =>
    evidence.isAboveThreshold(evidence.fail(1, index, index))
  );
  equal(decided.join(), "false,false,false,true");
});

Deno.test("a full table gives up the oldest source that is not protected", () => {
  const evidence = new Evidence();
  // Two fresh failures protect it.
  evidence.fail(0, 1, 0);
  evidence.fail(0, 2, 0);
  for (let source = 1; source <= SOURCES_MAX; source++) evidence.fail(source, 1, source);
  equal(evidence.forgottenCount, 1);
  equal([0, 1, 2].map((source) => evidence.isKnown(source)).join(), "true,false,true");
});

Deno.test("the newest probes are kept", () => {
  const evidence = new Evidence();
  for (let index = 0; index < 100; index++) evidence.fail(1, index, index);
  const startsUs = evidence.keptStartsUs();
  equal(startsUs.length, RING_LENGTH);
  equal(Math.min(...startsUs), 100 - RING_LENGTH);
});
