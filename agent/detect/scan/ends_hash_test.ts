import { equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { hashAddress0, hashAddress1, mix } from "./ends_hash.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

Deno.test("mix() gives different words different hashes, all else the same", () => {
  fc.assert(fc.property(word, word, word, word, (first, second, one, other) => {
    if (one !== other) notEqual(mix(first, second, one), mix(first, second, other));
    equal(mix(first, second, one), mix(first, second, one) | 0);
  }));
});

Deno.test("hashes of neighbours in a network fill a table nearly as evenly as chance does", () => {
  const placeCount = 65_536;
  for (
    const [hashAddress, shift] of [[hashAddress0, 0], [hashAddress1, 0], [
      hashAddress0,
      16,
    ]] as const
  ) {
    const places = new Set<number>();
    for (let host = 0; host < 256; host++) {
      const source = hashAddress(Int32Array.of(0, 0, 0xffff, 0x0a000000 | host << shift), 0);
      for (let port = 0; port < 128; port++) {
        places.add(
          mix(source, hashAddress(Int32Array.of(0, 0, 0xffff, 0x0a000101), 0), port << 16 | 1) &
            placeCount - 1,
        );
      }
    }
    // 32,768 balls at random leave 39 % of 65,536 places hit.
    ok(places.size > placeCount * 0.36, `${places.size}`);
  }
});
