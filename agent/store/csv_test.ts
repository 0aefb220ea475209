import { strictEqual } from "node:assert/strict";
import { csvCell } from "./csv.ts";

const cellCases = [
  [null, ""],
  [-5, "-5"],
  ["", ""],
  ["plain", "plain"],
  ['a "b", c', '"a ""b"", c"'],
  ["two\nlines", '"two\nlines"'],
  ["=1+1", "'=1+1"],
  ["+1", "'+1"],
  ["-1", "'-1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["\t=1", "'\t=1"],
  ['=HYPERLINK("x","y")', `"'=HYPERLINK(""x"",""y"")"`],
  ["x; =1+1", `"x; '=1+1"`],
  ["=1;=2", `"'=1;'=2"`],
  ["a;b-c", '"a;b-c"'],
  ["\uff1d1+1", "'\uff1d1+1"],
  ["\x1b[31m\x07", "\\x1b[31m\\x07"],
  ["\u202egnp.exe", "\\u202egnp.exe"],
  ["1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
] as const;
for (const [value, cell] of cellCases) {
  Deno.test(`csvCell(${JSON.stringify(value)}) is ${JSON.stringify(cell)}`, () =>
    strictEqual(csvCell(value), cell));
}
