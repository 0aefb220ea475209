import { equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { mix } from "./ends_hash.ts";
import { FingerprintSet } from "./fingerprint_set.ts";

/** Two hashes of a key of two words, independent as those of ends_hash.ts: mix() alone takes 3, 5 for 5, 3. */
const key = (first: number, second = 0): [number, number] => [
  mix(Math.imul(first, 0x9e3779b1), 1, second),
  mix(Math.imul(first, 0xcc9e2d51), 2, second),
];

Deno.test("FingerprintSet remembers for one to two periods", () => {
  const set = new FingerprintSet({ capacity: 64, periodUs: 100 });
  set.advance(1000);
  equal(set.add(...key(1, 2)), false);
  equal(set.add(...key(1, 2)), true);
  set.advance(1100);
  equal(set.has(...key(1, 2)), true);
  set.advance(1199);
  equal(set.has(...key(1, 2)), true);
  set.advance(1200);
  equal(set.has(...key(1, 2)), false);
});

Deno.test("FingerprintSet keeps what is added again", () => {
  const set = new FingerprintSet({ capacity: 64, periodUs: 100 });
  for (let nowUs = 0; nowUs < 2000; nowUs += 90) {
    set.advance(nowUs);
    equal(set.add(...key(7)), nowUs > 0);
  }
});

Deno.test("FingerprintSet forgets all after a long silence, forward or back", () => {
  for (const laterUs of [1e6, -1e6]) {
    const set = new FingerprintSet({ capacity: 64, periodUs: 100 });
    set.advance(0);
    set.add(...key(7));
    set.advance(laterUs);
    equal(set.has(...key(7)), false);
  }
});

Deno.test("FingerprintSet that is full forgets its older half and counts it", () => {
  const set = new FingerprintSet({ capacity: 1024, periodUs: 1e12 });
  for (let index = 0; index < 5000; index++) set.add(...key(index));
  equal(set.forgottenCount, Math.floor(4999 / 768));
  for (let index = 4500; index < 5000; index++) equal(set.has(...key(index)), true);
  equal(set.has(...key(0)), false);
});

Deno.test("FingerprintSet holds what a Set holds", () => {
  const words = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer()), {
    maxLength: 200,
  });
  fc.assert(fc.property(words, (pairs) => {
    const set = new FingerprintSet({ capacity: 1024, periodUs: 1 });
    const model = new Set<string>();
    for (const [first, second] of pairs) {
      equal(set.add(...key(first, second)), model.has(`${first} ${second}`));
      model.add(`${first} ${second}`);
    }
  }));
});

Deno.test("FingerprintSet refuses a capacity that is no power of two", () => {
  throws(() => new FingerprintSet({ capacity: 100, periodUs: 1 }), {
    message: "Cannot make set: capacity must be a power of two, got 100",
  });
});
