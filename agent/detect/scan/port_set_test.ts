import { deepStrictEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { portRanges, PortSet } from "./port_set.ts";

Deno.test("portRanges() joins neighbours", () => {
  const cases: [number[], string][] = [
    [[], ""],
    [[0], "0"],
    [[22, 80], "22,80"],
    [[1, 2, 3, 3306, 65_534, 65_535], "1-3,3306,65534-65535"],
  ];
  for (const [ports, text] of cases) equal(portRanges(ports), text);
});

Deno.test("portRanges() ends a long list with an ellipsis", () => {
  const text = portRanges(Array.from({ length: 500 }, (_, index) => index * 2));
  equal(text.split(",").length, 201);
  equal(text.endsWith(",398,…"), true);
});

Deno.test("PortSet holds what a Set holds, small and large", () => {
  const ports = fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 800 });
  fc.assert(fc.property(ports, ports, (some, others) => {
    const set = new PortSet();
    const otherSet = new PortSet();
    for (const port of some) set.add(port);
    for (const port of others) otherSet.add(port);
    const model = new Set(some);
    deepStrictEqual(set.sorted(), [...model].sort((a, b) => a - b));
    equal(set.count, model.size);
    equal(set.countShared(otherSet), [...model].filter((port) => others.includes(port)).length);
    equal(set.stateBytes <= 8192, true);
  }));
});
