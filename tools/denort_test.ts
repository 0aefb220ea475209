import { strictEqual, throws } from "node:assert/strict";
import { elfLength } from "./denort.ts";

Deno.test("elfLength() ends at the section header table, whatever was appended", () => {
  const file = new Uint8Array(1000);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2]);
  view.setBigUint64(0x28, 500n, true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 3, true);
  strictEqual(elfLength(file), 500 + 3 * 64);
});

Deno.test("elfLength() refuses what is no 64-bit ELF file", () => {
  throws(() => elfLength(new Uint8Array(10)), /Not a 64-bit ELF file/);
  throws(() => elfLength(new Uint8Array(1000)), /Not a 64-bit ELF file/);
});
