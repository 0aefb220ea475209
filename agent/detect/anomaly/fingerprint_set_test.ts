import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { FingerprintSet } from "./fingerprint_set.ts";

Deno.test("FingerprintSet tells what is new as a Set does", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(5), fc.integer())), (things) => {
    const set = new FingerprintSet(1024);
    const model = new Set<string>();
    for (const [kind, one, other] of things) {
      const key = `${kind} ${one} ${other}`;
      equal(set.begin(kind).mix(one).mix(other).has, model.has(key));
      equal(set.begin(kind).mix(one).mix(other).add(), !model.has(key));
      model.add(key);
    }
  }));
});

Deno.test("FingerprintSet keeps apart a hundred thousand words in order", () => {
  const set = new FingerprintSet(1 << 17);
  for (let word = 0; word < 100_000; word++) ok(set.begin(1).mix(7).mix(word).add());
  for (let word = 0; word < 100_000; word++) ok(!set.begin(1).mix(7).mix(word).add());
  set.clear();
  ok(set.begin(1).mix(7).mix(0).add());
});

Deno.test("FingerprintSet takes no more than it has room for", () => {
  const set = new FingerprintSet(4);
  for (let word = 0; word < 4; word++) ok(set.begin(0).mix(word).add());
  ok(set.isFull);
  ok(!set.begin(0).mix(9).add());
  ok(!set.begin(0).mix(9).has);
});
