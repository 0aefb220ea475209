import { equal } from "node:assert/strict";
import { raiseHandleLimit } from "./handles.ts";
import { libc } from "./libc.ts";

/** Soft and hard, as the kernel has them. */
function limits(): string[] {
  const text = Deno.readTextFileSync("/proc/self/limits");
  return /^Max open files\s+(\d+)\s+(\d+)/m.exec(text)!.slice(1);
}

Deno.test({
  name: "raiseHandleLimit() raises the soft limit to the hard one, and not without end",
  sanitizeResources: false, // the C library stays loaded
  ignore: Deno.build.os !== "linux",
  fn() {
    const [, hard] = limits();
    const most = Math.min(Number(hard), 65_536);
    // Not far below, for other tests have handles too.
    const lower = BigInt(most - 1);
    libc().setrlimit(7, new BigUint64Array([lower, BigInt(hard!)]));
    equal(limits()[0], String(lower));
    raiseHandleLimit();
    equal(limits()[0], String(most));
  },
});
