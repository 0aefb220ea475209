/** What people do through the HTTP interface about incidents: mute after a preview, lift, acknowledge, send a test. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { openWriter } from "../agent/store/testing.ts";
import { nowUs } from "./dashboard_fixture.ts";
import { withSite } from "./dashboard_site.ts";
import { makeIncident } from "./incident_fixture.ts";

const origin = "http://localhost:8055";

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

function withApi(use: (ask: Ask) => Promise<void>): Promise<void> {
  return withSite({}, async ({ folder, get }) => {
    const writer = openWriter(`${folder}/packet_logs.db`);
    const incidents = [
      makeIncident({ id: 1 }),
      makeIncident({ id: 2, actor: "10.0.0.7", sources: ["10.0.0.7"] }),
      makeIncident({ id: 3, lastUs: nowUs() - 8 * 86_400e6 }),
      makeIncident({
        id: 4,
        targets: ["10.0.0.2", "10.0.0.3"],
        targetCount: 2,
        ports: ["22", "80"],
      }),
    ];
    writer.writeFindings(
      [],
      incidents.map((each) => ({ incident: each, joined: [], absorbedIds: [] })),
    );
    writer.close();
    await use(get);
  });
}

function json(fields: Readonly<Record<string, unknown>>): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify(fields),
  };
}

Deno.test("a mute is looked at, made, listed and lifted", () =>
  withApi(async (ask) => {
    const fields = {
      ...{ kind: "any", source: "10.0.0.0/29", destination: "any" },
      ...{ port: "22", until: "1d", note: "the scanner" },
    };
    const preview =
      await (await ask("/api/mutes?preview=1", json({ ...fields, source: "10.0.0.9" }))).json();
    deepStrictEqual([preview.count, preview.incidents.map(({ id }: { id: number }) => id)], [1, [
      1,
    ]]);
    deepStrictEqual((await (await ask("/api/mutes")).json()).mutes, []);
    const made = await ask("/api/mutes", json(fields));
    strictEqual(made.status, 201);
    const mute = await made.json();
    deepStrictEqual([mute.id, mute.source, mute.port, mute.note], [
      1,
      "10.0.0.0/29",
      "22",
      "the scanner",
    ]);
    strictEqual(Math.round((mute.until_us - nowUs()) / 3600e6), 24);
    strictEqual((await (await ask("/api/mutes")).json()).mutes.length, 1);
    const lifted = await ask("/api/mutes/1", { method: "DELETE", headers: { origin } });
    strictEqual(lifted.status, 204);
    strictEqual((await ask("/api/mutes/1", { method: "DELETE", headers: { origin } })).status, 404);
  }));

Deno.test("what is no mute is refused with what is allowed", () =>
  withApi(async (ask) => {
    const refused: readonly [Record<string, string>, RegExp][] = [
      [{}, /must name a kind/],
      [{ source: "nobody" }, /source must be an address, a network/],
      [{ kind: "noise" }, /kind must be one of/],
      [{ port: "99999" }, /port must be/],
      [{ source: "10.0.0.9", until: "1999-01-01T00:00:00Z" }, /until must be a time to come/],
      [{ source: "10.0.0.9", until: "soon" }, /until must be/],
      [{ sorce: "10.0.0.9" }, /did you mean source/],
    ];
    for (const [fields, text] of refused) {
      const response = await ask("/api/mutes", json(fields));
      strictEqual(response.status, 400, JSON.stringify(fields));
      match((await response.json()).error, text);
    }
    const foreign = await ask("/api/mutes", {
      ...json({ source: "10.0.0.9" }),
      headers: { "content-type": "application/json", origin: "https://evil.example" },
    });
    strictEqual(foreign.status, 403);
  }));

Deno.test("an incident is acknowledged, and that is taken back", () =>
  withApi(async (ask) => {
    const path = "/api/incidents/2/acknowledge";
    const acknowledged = await (await ask(path, json({}))).json();
    strictEqual(typeof acknowledged.acknowledged_us, "number");
    const listed = await (await ask("/api/incidents?acknowledged=yes")).json();
    deepStrictEqual(listed.incidents.map(({ id }: { id: number }) => id), [2]);
    strictEqual((await (await ask(path, json({ undo: 1 }))).json()).acknowledged_us, null);
    strictEqual((await ask("/api/incidents/99/acknowledge", json({}))).status, 404);
    const one = await (await ask("/api/incidents/2")).json();
    deepStrictEqual([one.id, one.findings], [2, []]);
    strictEqual((await ask("/api/incidents/x")).status, 404);
  }));

Deno.test("without a channel there is nothing to test", () =>
  withApi(async (ask) => {
    strictEqual((await ask("/api/alerts/test", json({}))).status, 409);
    strictEqual((await ask("/api/alerts?state=muted&kind=incident&incident=1")).status, 200);
    strictEqual((await ask("/api/alerts/1")).status, 404);
  }));
