import { equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { ROWS_AT } from "./contact_layout.ts";
import { contactParts } from "./testing/contact_parts.ts";

const { memory, mix, hashAddress0, hashAddress1 } = contactParts();
const address = new Int32Array(memory.buffer, ROWS_AT, 4);
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

function hashOf(hashAddress: (address: number) => number, lastWord: number): number {
  address.set([0, 0, 0xffff, lastWord]);
  return hashAddress(ROWS_AT);
}

Deno.test("mix() gives different words different hashes, all else the same", () => {
  fc.assert(fc.property(word, word, word, word, (first, second, one, other) => {
    if (one !== other) notEqual(mix(first, second, one), mix(first, second, other));
    equal(mix(first, second, one), mix(first, second, one) | 0);
  }));
});

Deno.test("hashes of neighbours in a network fill a table nearly as evenly as chance does", () => {
  const placeCount = 65_536;
  const cases = [[hashAddress0, 0], [hashAddress1, 0], [hashAddress0, 16]] as const;
  for (const [hashAddress, shift] of cases) {
    const places = new Set<number>();
    const destination = hashOf(hashAddress, 0x0a000101);
    for (let host = 0; host < 256; host++) {
      const source = hashOf(hashAddress, 0x0a000000 | host << shift);
      for (let port = 0; port < 128; port++) {
        places.add(mix(source, destination, port << 16 | 1) & placeCount - 1);
      }
    }
    // 32,768 balls at random leave 39 % of 65,536 places hit.
    ok(places.size > placeCount * 0.36, `${places.size}`);
  }
});
