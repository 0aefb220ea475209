import { strictEqual } from "node:assert/strict";
import { kindOf } from "./describe_hosts.ts";

const cases: readonly [kind: string, offers: readonly string[], vendor?: string][] = [
  ["", []],
  ["server", ["tcp/22"]],
  ["printer", ["tcp/80", "tcp/9100"]],
  ["camera", ["tcp/554"], "Amcrest Technologies"],
  ["", ["tcp/554"]],
  ["file server", ["tcp/445", "tcp/2049"]],
  ["domain controller", ["tcp/53", "tcp/88", "udp/389"]],
];
for (const [kind, offers, vendor = ""] of cases) {
  Deno.test(`${offers.join(" ") || "nothing"} of ${vendor || "nobody"} is of kind "${kind}"`, () => {
    strictEqual(kindOf({ is_router: 0, offers, id: 1 }, vendor), kind);
  });
}

Deno.test("a router is one whatever it offers, and a host elsewhere has no kind", () => {
  strictEqual(kindOf({ is_router: 1, offers: ["tcp/9100"], id: 1 }, ""), "router");
  strictEqual(kindOf({ is_router: 0, offers: ["tcp/9100"], id: null }, ""), "");
});
