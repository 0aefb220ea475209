import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { parse, stringify } from "./serialize.ts";

Deno.test("stringify() writes the wire form of Fresh", () => {
  const shared = { a: 1 };
  const cases: [unknown, string][] = [
    [undefined, "-1"],
    [null, "-2"],
    [-0, "-6"],
    ["text", '["text"]'],
    [[NaN, Infinity, -Infinity], "[[-3,-4,-5]]"],
    [{ x: shared, y: shared }, '[{"x":1,"y":1},{"a":2},1]'],
  ];
  for (const [value, wire] of cases) strictEqual(stringify(value), wire);
});

Deno.test("parse() gives back what stringify() took", () => {
  const plain = fc.anything({ withNullPrototype: false, maxDepth: 4 });
  fc.assert(fc.property(plain, (value) => deepStrictEqual(parse(stringify(value)), value)), {
    examples: [[{ list: [undefined, null, -0, 0, "-1"], nested: { "": [] } }]],
  });
});

Deno.test("parse() keeps shared references and circles", () => {
  const circle: { self?: unknown; list: unknown[] } = { list: [] };
  circle.self = circle;
  circle.list.push(circle.list);
  const copy = parse(stringify(circle)) as typeof circle;
  strictEqual(copy.self, copy);
  strictEqual(copy.list[0], copy.list);
});

Deno.test("stringify() refuses what would not arrive as it was", () => {
  for (const value of [() => 1, Symbol("s"), 1n, new Date(), new Map(), new Uint8Array(1)]) {
    throws(() => stringify({ value }), /is no plain data/);
  }
});
