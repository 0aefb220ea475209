import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FindingsMessage } from "../messages.ts";
import { bruteForceFinding } from "../store/testing.ts";
import { makeIncident } from "../../tests/incident_fixture.ts";
import { FindingOutlet } from "./finding_outlet.ts";

/** An outlet, and the ids in each message that it sent. */
function startOutlet() {
  const sent: FindingsMessage[] = [];
  const outlet = new FindingOutlet((message) => sent.push(message));
  const ids = () => sent.map(({ findings }) => findings.map(({ id }) => id));
  return { outlet, sent, ids };
}

Deno.test("FindingOutlet sends the first finding at once, and those that come meanwhile together", () => {
  const { outlet, sent, ids } = startOutlet();
  for (const id of [1, 2, 3]) outlet.add(bruteForceFinding(id));
  outlet.add(bruteForceFinding(2, { isOpen: false }));
  deepStrictEqual(ids(), [[1]]);
  outlet.taken(0);
  deepStrictEqual(ids(), [[1], [3, 2]]);
  strictEqual(sent[1]!.findings[1]!.isOpen, false);
  outlet.taken(1);
  outlet.add(bruteForceFinding(4));
  deepStrictEqual(ids().at(-1), [4]);
});

Deno.test("FindingOutlet gives a new store what the one before had not taken", () => {
  const { outlet, ids } = startOutlet();
  for (const id of [1, 2]) outlet.add(bruteForceFinding(id));
  outlet.resend();
  deepStrictEqual(ids(), [[1], [1]]);
  outlet.taken(0);
  deepStrictEqual(ids(), [[1], [1], [2]]);
  outlet.taken(1);
  outlet.resend();
  strictEqual(ids().length, 3);
});

Deno.test("FindingOutlet holds a bounded number of findings and counts the rest as lost", () => {
  const { outlet, ids } = startOutlet();
  for (let id = 0; id < 10_101; id++) outlet.add(bruteForceFinding(id));
  strictEqual(outlet.lostCount, 100);
  outlet.flush();
  const all = ids().flat();
  deepStrictEqual([all.length, all[1], all.at(-1)], [10_001, 101, 10_100]);
});

Deno.test("FindingOutlet sends what is about an incident behind it, and in order", () => {
  const order: string[] = [];
  const outlet = new FindingOutlet(({ incidents }) =>
    order.push(`incidents ${incidents.map(({ incident }) => incident.id)}`)
  );
  const news = (id: number) => [{ incident: makeIncident({ id }), joined: [], absorbedIds: [] }];
  const alert = (id: number, text: string) =>
    outlet.sendBehind([id], () => order.push(`alert ${id} ${text}`));
  outlet.add(bruteForceFinding(1), news(1));
  alert(1, "a");
  outlet.add(bruteForceFinding(2), news(2));
  alert(2, "a");
  alert(2, "b");
  alert(1, "b");
  outlet.sendBehind([], () => order.push("mute"));
  deepStrictEqual(order, ["incidents 1", "alert 1 a", "alert 1 b", "mute"]);
  outlet.taken(0);
  deepStrictEqual(order.slice(4), ["incidents 2", "alert 2 a", "alert 2 b"]);
});
