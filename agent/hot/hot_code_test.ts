import { ok } from "node:assert/strict";
import { HOT_MODULES, isHotCurrent } from "../../tools/build_hot.ts";

for (const module of HOT_MODULES) {
  Deno.test(`${module.output} is what the sources in assembly/ compile to (else: deno task build-hot)`, async () => {
    ok(await isHotCurrent(module));
  });
}
