import { equal, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { StringTable } from "./string_table.ts";

Deno.test("StringTable keeps a string once and forgets it with its last user", () => {
  const table = new StringTable({ countMax: 10, lengthMax: 1000 });
  const first = table.acquire("example.org");
  equal(table.acquire("example.org"), first);
  equal(table.count, 1);
  table.release(first);
  equal(table.text(first), "example.org");
  table.release(first);
  equal(table.count, 0);
  notEqual(table.acquire("example.com"), 0);
  equal(table.count, 1);
});

Deno.test("StringTable gives 0 for the empty string and never counts it", () => {
  const table = new StringTable({ countMax: 10, lengthMax: 1000 });
  equal(table.acquire(""), 0);
  table.release(0);
  equal(table.text(0), "");
  equal(table.count, 0);
});

Deno.test("StringTable turns new strings away when number or length is used up, and counts them", () => {
  const table = new StringTable({ countMax: 2, lengthMax: 10 });
  const a = table.acquire("aaaa");
  equal(table.acquire("bbbbbbb"), 0);
  const b = table.acquire("bbbb");
  equal(table.acquire("c"), 0);
  equal(table.acquire("aaaa"), a);
  equal(table.droppedCount, 2);
  table.release(b);
  notEqual(table.acquire("c"), 0);
});

Deno.test("StringTable cuts long strings", () => {
  const table = new StringTable({ countMax: 2, lengthMax: 1000 });
  equal(table.text(table.acquire("x".repeat(300))).length, 255);
});

Deno.test("StringTable agrees with a list of the strings in use", () => {
  const step = fc.record({ text: fc.constantFrom("a", "b", "cc", "ddd"), isRelease: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new StringTable({ countMax: 100, lengthMax: 1000 });
      const held: { readonly index: number; readonly text: string }[] = [];
      for (const { text, isRelease } of steps) {
        const last = isRelease ? held.pop() : undefined;
        if (last !== undefined) table.release(last.index);
        else held.push({ index: table.acquire(text), text });
        for (const { index, text } of held) equal(table.text(index), text);
        equal(table.count, new Set(held.map(({ text }) => text)).size);
      }
    }),
  );
});
