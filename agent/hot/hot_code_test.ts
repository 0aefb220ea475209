import { strictEqual } from "node:assert/strict";
import { compileHot } from "../../tools/build_hot.ts";

Deno.test("hot_code.ts is what the sources in assembly/ compile to (else: deno task build-hot)", async () => {
  const committed = await Deno.readTextFile(new URL("hot_code.ts", import.meta.url));
  strictEqual(committed === await compileHot(), true);
});
