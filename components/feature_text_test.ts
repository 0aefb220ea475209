import assert from "node:assert/strict";
import { featureScaleEnd, featureValue, usualRange, usualText } from "./feature_text.ts";

/** Without the difference between spaces. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

Deno.test("values of features have their units", () => {
  assert.equal(featureValue("connections", 1412), "1,412");
  assert.equal(plain(featureValue("failed_share", 0.956)), "96 %");
  assert.equal(plain(featureValue("dns_name_length", 41.4)), "41 B");
  assert.equal(featureValue("ports_per_peer", 3.14159), "3.14");
  assert.equal(featureValue("of_another_version", 7), "7");
});

Deno.test("what is usual is told in the value's unit, and how far above it the value is", () => {
  const cases: readonly [string, number, [number, number], string][] = [
    ["connections", 412, [3, 20], "20.6 × the top of usual"],
    ["connections", 30, [3, 20], "usual 3 to 20"],
    ["connections", 1, [3, 20], "usual 3 to 20"],
    ["connections", 5, [3, 20], "as usual"],
    ["failed", 149, [0, 0], "usual 0"],
    ["failed_share", 0.5, [0.02, 0.3], "usual 2 to 30 %"],
    ["ports", 30, [0, 20], "usual up to 20"],
  ];
  for (const [name, value, typical, text] of cases) {
    assert.equal(plain(usualText(name, value, typical)), text);
  }
  assert.equal(plain(usualRange("dns_name_length", [900, 2100])), "usual 900 B to 2.10 kB");
});

Deno.test("a scale shows the value and the usual range; that of a share ends at all", () => {
  assert.equal(featureScaleEnd("failed_share", 0.5, [0, 0.2]), 1);
  assert.ok(featureScaleEnd("connections", 412, [3, 20]) > 412);
  assert.ok(featureScaleEnd("connections", 1, [3, 20]) > 20);
});
