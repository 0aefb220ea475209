import { ok } from "node:assert/strict";
import {
  FOREST,
  HOST_ACTIVITY,
  HOT_PATH,
  isHotCurrent,
  SCAN_CONTACTS,
} from "../../tools/build_hot.ts";

for (const module of [HOT_PATH, HOST_ACTIVITY, SCAN_CONTACTS, FOREST]) {
  Deno.test(`${module.output} is what the sources in assembly/ compile to (else: deno task build-hot)`, async () => {
    ok(await isHotCurrent(module));
  });
}
