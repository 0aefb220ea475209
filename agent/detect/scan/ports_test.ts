/** Lists of ports (assembly/ports.ts) against a slow model. */
import { deepStrictEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { ContactJudge } from "./contact_judge.ts";
import { EPISODE_WORDS, EPISODES_AT, I_PORTS, PORT_WORDS } from "./contact_layout.ts";
import { DEFAULT_SCAN_OPTIONS } from "./options.ts";
import { noHooks } from "./testing/contact_parts.ts";

const contacts = new ContactJudge(DEFAULT_SCAN_OPTIONS, noHooks);

/** A bit for each port. */
function bitsOf(ports: readonly number[]): Int32Array {
  const bits = new Int32Array(PORT_WORDS);
  for (const port of ports) bits[port >>> 5] |= 1 << (port & 31);
  return bits;
}

/** Joins neighbours, one by one. */
function modelText(ports: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const port of [...new Set(ports)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else ranges.push([port, port]);
  }
  const texts = ranges.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`);
  return texts.slice(0, 200).join(",") + (texts.length > 200 ? ",…" : "");
}

Deno.test("a list of ports joins neighbours", () => {
  const cases: [number[], string][] = [
    [[], ""],
    [[0], "0"],
    [[22, 80], "22,80"],
    [[9, 10, 99, 100, 999, 1000, 9999, 10_000], "9-10,99-100,999-1000,9999-10000"],
    [[1, 2, 3, 3306, 65_534, 65_535], "1-3,3306,65534-65535"],
  ];
  for (const [ports, text] of cases) {
    deepStrictEqual(contacts.listPorts(bitsOf(ports)), { text, count: ports.length });
  }
});

Deno.test("a long list of ports ends with an ellipsis, at its longest too", () => {
  const odd = Array.from({ length: 500 }, (_, index) => index * 2);
  const pairs = Array.from({ length: 2000 }, (_, index) => 10_000 + index * 3 - (index & 1));
  for (const ports of [odd, pairs]) {
    const { text, count } = contacts.listPorts(bitsOf(ports));
    equal(text, modelText(ports));
    equal(text.endsWith(",…"), true);
    equal(count, ports.length);
  }
});

Deno.test("lists of ports hold what a Set holds, few and many, apart and together", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const run = fc.tuple(port, fc.integer({ min: 0, max: 300 }));
  const runs = fc.array(run, { maxLength: 300 });
  fc.assert(fc.property(runs, (runs) => {
    const ports = runs.flatMap(([from, length]) =>
      Array.from({ length }, (_, index) => from + index & 0xffff)
    );
    const { text, count } = contacts.listPorts(bitsOf(ports));
    equal(text, modelText(ports));
    equal(count, new Set(ports).size);
  }));
});

Deno.test("ports that two episodes have in common are counted", () => {
  const other = EPISODES_AT + EPISODE_WORDS * 4;
  const bits = (at: number) => new Int32Array(contacts.memory, at + I_PORTS * 4, PORT_WORDS);
  const ports = fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 800 });
  fc.assert(fc.property(ports, ports, (some, others) => {
    bits(EPISODES_AT).set(bitsOf(some));
    bits(other).set(bitsOf(others));
    const shared = new Set(some).intersection(new Set(others)).size;
    equal(contacts.countSharedPorts(EPISODES_AT, other), shared);
  }));
});
