import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { PresenceWatch } from "./presence.ts";
import { makeView } from "./testing.ts";

const second = 1_000_000;
const hour = 3600 * second;

function watch(): PresenceWatch {
  const presence = new PresenceWatch(makeView(3));
  presence.listen(true, 0);
  return presence;
}

Deno.test("an agent that says nothing for 90 s is silent, until it comes back", () => {
  const presence = watch();
  presence.saw(1, 0);
  presence.saw(2, 0);
  strictEqual(presence.drain(90 * second).length, 0);
  presence.saw(2, 80 * second);
  const [silent, ...others] = presence.drain(91 * second);
  strictEqual(others.length, 0);
  deepStrictEqual([silent!.finding.kind, silent!.finding.sources, silent!.finding.isOpen], [
    "agent_silent",
    ["web-1"],
    true,
  ]);
  presence.saw(2, 120 * second);
  strictEqual(presence.drain(120 * second).length, 0);
  presence.saw(1, 125 * second);
  const [back] = presence.drain(125 * second);
  deepStrictEqual([back!.finding.id, back!.finding.isOpen], [silent!.finding.id, false]);
  ok(/is back/.test(back!.finding.reason));
  strictEqual(presence.drain(130 * second).length, 0);
});

Deno.test("while the hub hears nobody, nobody is silent", () => {
  const presence = new PresenceWatch(makeView(3));
  presence.saw(1, 0);
  strictEqual(presence.drain(hour).length, 0);
  presence.listen(true, hour);
  strictEqual(presence.drain(hour + 80 * second).length, 0);
  strictEqual(presence.drain(hour + 91 * second).length, 1);
});

Deno.test("epochs that alternate are two agents under one name; a new spool is none", () => {
  const presence = watch();
  presence.saw(1, 0, "A");
  presence.saw(1, 30 * second, "B");
  presence.saw(1, 60 * second, "B");
  presence.saw(1, 90 * second, "C");
  strictEqual(presence.drain(90 * second).length, 0);
  strictEqual(presence.isCloned(1), false);
  presence.saw(1, 120 * second, "B");
  const [cloned, ...others] = presence.drain(120 * second);
  strictEqual(others.length, 0);
  deepStrictEqual([cloned!.finding.kind, cloned!.finding.severity], ["agent_cloned", "high"]);
  strictEqual(presence.isCloned(1), true);
  presence.saw(1, 150 * second, "C");
  presence.saw(1, 180 * second, "B");
  strictEqual(presence.drain(180 * second).length, 0);
  for (let us = 180 * second; us < 2 * hour; us += 60 * second) presence.saw(1, us, "B");
  const over = presence.drain(2 * hour);
  deepStrictEqual(over.map(({ finding }) => [finding.kind, finding.isOpen]), [[
    "agent_cloned",
    false,
  ]]);
  strictEqual(presence.isCloned(1), false);
});

Deno.test("who is revoked is not missed", () => {
  const presence = watch();
  presence.saw(1, 0);
  presence.saw(2, 0);
  presence.setRetired(new Set([2]));
  const [silent, ...others] = presence.drain(91 * second);
  strictEqual(others.length, 0);
  deepStrictEqual(silent!.agents, [1]);
  presence.setRetired(new Set([1, 2]));
  const [over] = presence.drain(100 * second);
  deepStrictEqual([over!.finding.id, over!.finding.isOpen], [silent!.finding.id, false]);
  ok(/enrolled no more/.test(over!.finding.reason));
});
