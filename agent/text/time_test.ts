import { strictEqual } from "node:assert/strict";
import { isoTime } from "./time.ts";

const times: readonly (readonly [number, string])[] = [
  [0, "1970-01-01T00:00:00.000000Z"],
  [1, "1970-01-01T00:00:00.000001Z"],
  [1_795_354_423_910_189, "2026-11-22T13:33:43.910189Z"],
  [4_294_967_295_999_999, "2106-02-07T06:28:15.999999Z"],
  [-1, "1969-12-31T23:59:59.999999Z"],
  [1e300, "1970-01-01T00:00:00.000000Z"],
];
for (const [timestampUs, text] of times) {
  Deno.test(`isoTime(${timestampUs}) is ${text}`, () => strictEqual(isoTime(timestampUs), text));
}
