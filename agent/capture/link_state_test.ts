import { match, strictEqual } from "node:assert/strict";
import { watchLink } from "./link_state.ts";

Deno.test("a device tells that it is down, without a link, renamed, and well again", () => {
  const files: Record<string, string | null> = {
    "/sys/class/net/eth0/flags": "0x1003\n",
    "/sys/class/net/eth0/carrier": "1\n",
  };
  const trouble = watchLink("eth0", (path) => files[path] ?? null);
  strictEqual(trouble(), "");
  files["/sys/class/net/eth0/carrier"] = "0\n";
  match(trouble(), /eth0 has no link/);
  files["/sys/class/net/eth0/carrier"] = null;
  strictEqual(trouble(), "eth0 is down");
  files["/sys/class/net/eth0/flags"] = null;
  match(trouble(), /no device has the name eth0/);
  files["/sys/class/net/eth0/flags"] = "0x1003\n";
  files["/sys/class/net/eth0/carrier"] = "1\n";
  strictEqual(trouble(), "");
});

Deno.test("what is no device of the kernel's, as any, has no trouble", () => {
  strictEqual(watchLink("any", () => null)(), "");
});
