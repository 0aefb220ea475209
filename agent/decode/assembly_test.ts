import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Assembly, assemblyLengthMax } from "./assembly.ts";

const stream = Uint8Array.from({ length: 6000 }, (_, index) => index * 7 & 0xff);

Deno.test("add() joins pieces in any order, with overlaps and repeats", () => {
  const piece = fc.tuple(fc.nat(5999), fc.nat(2000));
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    const assembly = new Assembly();
    const known = new Uint8Array(stream.length);
    for (const [start, length] of pieces) {
      const end = Math.min(stream.length, start + length);
      ok(assembly.add(start, stream, start, end));
      known.fill(1, start, end);
    }
    const gap = known.indexOf(0);
    strictEqual(assembly.contiguous, gap < 0 ? stream.length : gap);
    const { contiguous } = assembly;
    deepStrictEqual(assembly.bytes.slice(0, contiguous), stream.slice(0, contiguous));
  }));
});

Deno.test("add() refuses what lies outside, and more than 64 separate pieces", () => {
  const assembly = new Assembly();
  strictEqual(assembly.add(-1, stream, 0, 5), false);
  strictEqual(assembly.add(assemblyLengthMax - 4, stream, 0, 5), false);
  strictEqual(assembly.add(assemblyLengthMax - 5, stream, 0, 5), true);
  for (let i = 1; i < 64; i++) ok(assembly.add(i * 10, stream, 0, 5), `piece ${i}`);
  strictEqual(assembly.add(5000, stream, 0, 5), false);
  ok(assembly.add(15, stream, 15, 20), "closing a gap has room");
  strictEqual(assembly.bytes.length, assemblyLengthMax);
});

Deno.test("shift() makes room before what came first", () => {
  const assembly = new Assembly();
  assembly.add(0, stream, 3000, 3100);
  ok(assembly.shift(3000));
  strictEqual(assembly.contiguous, 0);
  assembly.add(0, stream, 0, 3000);
  strictEqual(assembly.contiguous, 3100);
  deepStrictEqual(assembly.bytes.slice(0, 3100), stream.slice(0, 3100));
  strictEqual(assembly.shift(assemblyLengthMax), false);
});

Deno.test("clear() forgets everything", () => {
  const assembly = new Assembly();
  assembly.add(0, stream, 0, 100);
  assembly.clear();
  strictEqual(assembly.contiguous, 0);
  assembly.add(50, stream, 50, 100);
  strictEqual(assembly.contiguous, 0);
});
