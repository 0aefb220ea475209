/** The form of a mute without scripts: filled in, looked at, made, lifted; what was not looked at is not made. */
import { match, ok, strictEqual } from "node:assert/strict";
import { MUTABLE_KINDS } from "../agent/alert/mutes.ts";
import type { Incident } from "../agent/records.ts";
import { openWriter } from "../agent/store/testing.ts";
import { muteFieldsOf, muteKindLabels, previewedKey } from "../components/mute_fields.ts";
import { hostileName } from "./dashboard_fixture.ts";
import { markup, type Site, withSite } from "./dashboard_site.ts";
import { makeAlert, makeIncident } from "./incident_fixture.ts";
import { makeScan, pageOf, storeFindings } from "./finding_fixture.ts";

const origin = "http://localhost:8055";

function withIncidents(
  incidents: readonly Incident[],
  use: (site: Site) => Promise<void>,
): Promise<void> {
  return withSite({}, async (site) => {
    const writer = openWriter(`${site.folder}/packet_logs.db`);
    writer.writeFindings(
      [],
      incidents.map((incident) => ({ incident, joined: [], absorbedIds: [] })),
    );
    writer.close();
    await use(site);
  });
}

function form(fields: Readonly<Record<string, string>>): RequestInit {
  return {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "text/html",
      origin,
    },
    body: new URLSearchParams(fields).toString(),
  };
}

/** What stands in an input of the page. */
function inputValue(html: string, name: string): string | undefined {
  const tag = html.match(new RegExp(`<input[^>]*name="${name}"[^>]*>`))?.[0];
  return tag && (/value="([^"]*)"/.exec(tag)?.[1] ?? "");
}

Deno.test("the form is filled in from an incident, looked at, made, and lifted where it was made", () =>
  withIncidents(
    [
      makeIncident({ id: 1, headline: hostileName }),
      makeIncident({ id: 2, actor: "10.0.0.7", sources: ["10.0.0.7"] }),
    ],
    async ({ get, context }) => {
      const html = await (await get("/mutes/new?from=/incidents/1")).text();
      strictEqual(inputValue(html, "source"), "10.0.0.9");
      strictEqual(inputValue(html, "destination"), "10.0.0.2");
      strictEqual(inputValue(html, "port"), "22");
      match(html, /would have held back 1 of the 2 incidents of the last 7 days, 1 of them high/);
      ok(!markup(html).includes("<img"));
      const fields = {
        kind: "scan",
        source: "10.0.0.9",
        destination: "10.0.0.2",
        port: "22",
        until: "1h",
        note: "our scanner",
      };
      const previewed = previewedKey(fields);
      const unseen = await get("/mutes/new", form({ ...fields, source: "10.0.0.0/8", previewed }));
      strictEqual(unseen.status, 400);
      match(await unseen.text(), /not what was looked at.*held back 2 of the 2/s);
      strictEqual(context.alerts.mutes.length, 0);
      const made = await get(
        "/mutes/new",
        form({ ...fields, from: "/incidents/1", previewed }),
      );
      strictEqual(made.status, 303);
      strictEqual(made.headers.get("location"), "/incidents/1");
      strictEqual(context.alerts.mutes[0]!.note, "our scanner");
      const lifted = await get("/api/mutes/1", form({ lift: "1", back: "/incidents/1" }));
      strictEqual(lifted.headers.get("location"), "/incidents/1");
      strictEqual(context.alerts.mutes.length, 0);
      const away = await get("/api/mutes/1", form({ lift: "1", back: "//evil.example" }));
      strictEqual(away.status, 404);
    },
  ));

Deno.test("what is no mute is told at its field", () =>
  withIncidents([makeIncident({})], async ({ get }) => {
    for (
      const [query, id] of [
        ["source=nobody", "mute-source-error"],
        ["destination=10.0.0.0/99", "mute-destination-error"],
        ["port=99999", "mute-port-error"],
        [`note=${"n".repeat(201)}&source=10.0.0.9`, "mute-note-error"],
      ] as const
    ) {
      const response = await get(`/mutes/new?${query}`);
      strictEqual(response.status, 400, query);
      match(await response.text(), new RegExp(`id="${id}" role="alert">\\w+ must be`), query);
    }
    const empty = await get("/mutes/new?source=");
    match(await empty.text(), /role="alert">a mute must name a kind/);
    strictEqual((await get("/mutes/new?from=/incidents/99")).status, 404);
    strictEqual((await get("/mutes/new?sorce=10.0.0.9")).status, 400);
    const refused = await get("/api/mutes", {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ port: "99999" }),
    });
    strictEqual((await refused.json()).field, "port");
  }));

Deno.test("the page of a finding leads to the form, and says what mutes it", () =>
  withSite({}, async (site) => {
    storeFindings(site, [makeScan()]);
    const path = pageOf(site, makeScan());
    const html = await (await site.get(path)).text();
    ok(html.includes(`href="/mutes/new?from=${encodeURIComponent(path)}"`), html);
    await site.context.alerts.addMute({
      kind: "scan",
      source: "192.168.10.0/24",
      destination: "10.20.0.0/24",
      port: "",
      untilUs: null,
      note: hostileName,
    });
    const muted = await (await site.get(path)).text();
    match(muted, /Muted for good/);
    match(muted, /Lift the mute/);
    ok(!markup(muted).includes("<img"));
  }));

Deno.test("a mute of what tapwatch says of itself counts those alerts", () =>
  withIncidents([makeIncident({})], async ({ get, folder }) => {
    const writer = openWriter(`${folder}/packet_logs.db`);
    const alert = makeAlert({ kind: "health", severity: "medium", headline: "The disk is full" });
    writer.writeAlerts({ alerts: [alert], mutes: [], unmutedIds: [], acknowledged: [] });
    writer.close();
    const html = await (await get("/mutes/new?kind=health")).text();
    match(html, /held back the one alert of the last 7 days\./);
    const narrow = await (await get("/mutes/new?kind=health&source=10.0.0.9")).text();
    match(narrow, /held back nothing of the last 7 days/);
  }));

Deno.test("muteFieldsOf() fills in what holds all, and any where no short text does", () => {
  const subject = {
    kinds: ["scan"],
    sources: ["10.0.0.9"],
    sourceCount: 1,
    targets: ["10.0.0.2", "10.0.0.3"],
    targetCount: 2,
    ports: ["22,80"],
  };
  const fields = muteFieldsOf(subject);
  strictEqual(fields.destination, "10.0.0.0/24");
  strictEqual(fields.port, "22,80");
  strictEqual(muteFieldsOf({ ...subject, targetCount: 300 }).destination, "");
  strictEqual(muteFieldsOf({ ...subject, targets: ["10.0.0.2", "10.0.1.3"] }).destination, "");
  strictEqual(muteFieldsOf({ ...subject, targets: ["fe80::1", "fe80::2"] }).destination, "");
  strictEqual(muteFieldsOf({ ...subject, kinds: ["scan", "beacon"] }).kind, "");
  strictEqual(muteFieldsOf({ ...subject, ports: ["22", ""] }).port, "");
});

Deno.test("each kind that a mute may name has a label", () => {
  strictEqual(Object.keys(muteKindLabels).sort().join(), [...MUTABLE_KINDS].sort().join());
});
