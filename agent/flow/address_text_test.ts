import { equal } from "node:assert/strict";
import fc from "fast-check";
import { addressText } from "./address_text.ts";

Deno.test("addressText() writes IPv4 addresses with dots", () => {
  equal(addressText(new Uint8Array([192, 0, 2, 255])), "192.0.2.255");
});

Deno.test("addressText() follows the rules of RFC 5952 section 4 and 5", () => {
  const cases: readonly [readonly number[], string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], "2001:db8::"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
    [[0, 0, 0, 0, 0, 0xffff, 0xc000, 0x201], "::ffff:192.0.2.1"],
  ];
  for (const [groups, expected] of cases) equal(addressText(bytesOf(groups)), expected);
});

Deno.test("addressText() agrees with the URL standard's IPv6 serializer", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      fc.pre(groups[5] !== 0xffff);
      const text = groups.map((value) => value.toString(16)).join(":");
      equal(`[${addressText(bytesOf(groups))}]`, new URL(`http://[${text}]/`).hostname);
    }),
  );
});

function bytesOf(groups: readonly number[]): Uint8Array {
  return new Uint8Array(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
