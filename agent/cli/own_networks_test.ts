import { deepStrictEqual, ok } from "node:assert/strict";
import { parseNetwork } from "../decode/addresses.ts";
import { ownNetworks, watchOwnNetworks } from "./own_networks.ts";

Deno.test("ownNetworks() are networks, loopback's among them", () => {
  const networks = ownNetworks();
  ok(networks.every((network) => parseNetwork(network) !== null), networks.join());
  ok(networks.some((network) => network.startsWith("127.") || network === "::1/128"));
});

Deno.test("watchOwnNetworks() tells what the interfaces have, once for each change", async () => {
  const looks = [["192.0.2.1/24"], ["192.0.2.1/24"], [], ["192.0.2.1/24", "2001:db8::5/64"]];
  const told: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = watchOwnNetworks((networks) => told.push(networks.join()), {
    read: () => {
      const next = looks.shift();
      if (next === undefined) resolve();
      return next ?? ["192.0.2.1/24", "2001:db8::5/64"];
    },
    everyMs: 1,
  });
  await promise;
  stop();
  deepStrictEqual(told, ["192.0.2.1/24", "", "192.0.2.1/24,2001:db8::5/64"]);
});
