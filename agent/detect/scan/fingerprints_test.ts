/** Sets of fingerprints (assembly/fingerprints.ts) against a Set. */
import { equal } from "node:assert/strict";
import fc from "fast-check";
import { TARGET_SET_AT, TARGETS_AT, TARGETS_SMALL_AT } from "./contact_layout.ts";
import { contactParts } from "./testing/contact_parts.ts";

const setBytes = 64;

/** One in the place of the targets. */
class FingerprintSet {
  readonly #parts = contactParts();

  constructor(size: number, periodUs: number) {
    new Uint8Array(this.#parts.memory.buffer, TARGET_SET_AT, setBytes).fill(0);
    this.#parts.makeSet(TARGET_SET_AT, TARGETS_AT, TARGETS_SMALL_AT, size, periodUs);
  }

  get forgottenCount(): number {
    return this.#parts.forgottenOf(TARGET_SET_AT);
  }

  advance(nowUs: number): void {
    this.#parts.advanceSet(TARGET_SET_AT, nowUs);
  }

  /** Whether the key of two words was there before. */
  add(first: number, second = 0): boolean {
    return this.#parts.addTo(TARGET_SET_AT, ...this.#key(first, second)) !== 0;
  }

  has(first: number, second = 0): boolean {
    return this.#parts.hasIn(TARGET_SET_AT, ...this.#key(first, second)) !== 0;
  }

  /** Two hashes, independent as those of addresses: mix() alone takes 3, 5 for 5, 3. */
  #key(first: number, second: number): [number, number] {
    const { mix } = this.#parts;
    return [
      mix(Math.imul(first, 0x9e3779b1), 1, second),
      mix(Math.imul(first, 0xcc9e2d51), 2, second),
    ];
  }
}

Deno.test("a set of fingerprints remembers for one to two periods", () => {
  const set = new FingerprintSet(64, 100);
  set.advance(1000);
  equal(set.add(1, 2), false);
  equal(set.add(1, 2), true);
  set.advance(1100);
  equal(set.has(1, 2), true);
  set.advance(1199);
  equal(set.has(1, 2), true);
  set.advance(1200);
  equal(set.has(1, 2), false);
});

Deno.test("a set of fingerprints keeps what is added again", () => {
  const set = new FingerprintSet(64, 100);
  for (let nowUs = 0; nowUs < 2000; nowUs += 90) {
    set.advance(nowUs);
    equal(set.add(7), nowUs > 0);
  }
});

Deno.test("a set of fingerprints forgets all after a long silence, forward or back", () => {
  for (const laterUs of [1e6, -1e6]) {
    const set = new FingerprintSet(64, 100);
    set.advance(0);
    set.add(7);
    set.advance(laterUs);
    equal(set.has(7), false);
  }
});

Deno.test("a set of fingerprints that is full forgets its older half and counts it", () => {
  const set = new FingerprintSet(1024, 1e12);
  for (let index = 0; index < 5000; index++) set.add(index);
  equal(set.forgottenCount, Math.floor(4999 / 768));
  for (let index = 4500; index < 5000; index++) equal(set.has(index), true);
  equal(set.has(0), false);
});

Deno.test("a set of fingerprints holds what a Set holds", () => {
  const words = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer()), {
    maxLength: 200,
  });
  fc.assert(fc.property(words, (pairs) => {
    const set = new FingerprintSet(1024, 1);
    const model = new Set<string>();
    for (const [first, second] of pairs) {
      equal(set.add(first, second), model.has(`${first} ${second}`));
      model.add(`${first} ${second}`);
    }
  }));
});
