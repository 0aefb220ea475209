import { strictEqual } from "node:assert/strict";
import { libc } from "../../ffi/linux/libc.ts";
import { freePort } from "../../tests/program.ts";
import { portHolder } from "./port_holder.ts";

const isLinux = Deno.build.os === "linux";
// Stays loaded for the life of the process.
if (isLinux) libc();

Deno.test({
  name: `portHolder() names the process that listens${isLinux ? "" : " (SKIPPED: needs /proc)"}`,
  ignore: !isLinux,
  fn: () => {
    for (const hostname of ["127.0.0.1", "0.0.0.0"]) {
      using listener = Deno.listen({ hostname, port: 0 });
      strictEqual(portHolder(listener.addr.port, true), `deno (pid ${Deno.pid})`);
    }
  },
});

Deno.test("portHolder() is null for a port that nobody listens on", () => {
  strictEqual(portHolder(freePort(), true), null);
});
