/** Incidents on pages without scripts and in `/api`: the list, one of them, what leads to it, its packets. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import type { Finding } from "../agent/records.ts";
import { hostileName, nowUs } from "./dashboard_fixture.ts";
import { type Site, withSite, withTraffic } from "./dashboard_site.ts";
import { makeIncident } from "./incident_fixture.ts";
import { makeAnomaly, makeScan, pageOf, storeFindings } from "./finding_fixture.ts";

/** The page without what its islands start from. */
async function markup(site: Site, path: string, status = 200): Promise<string> {
  const response = await site.get(path);
  equal(response.status, status, path);
  return (await response.text()).split('<script type="module"', 1)[0]!;
}

function post(fields: Readonly<Record<string, string>>): RequestInit {
  return {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "text/html",
      origin: "http://localhost:8055",
    },
    body: new URLSearchParams(fields).toString(),
  };
}

/** A guess that succeeded on a host that then scans: two incidents, the second raised and linked to the first. */
function story(): Finding[] {
  const { anomaly: _, ...plain } = makeAnomaly();
  const startUs = nowUs() - 2840e6;
  const guess: Finding = {
    ...plain,
    id: 20,
    kind: "brute_force",
    severity: "high",
    attackId: "T1110.001",
    sources: ["10.0.0.9"],
    sourceCount: 1,
    targets: ["192.168.10.57"],
    targetCount: 1,
    firstUs: startUs - 60e6,
    lastUs: startUs,
    detectedUs: startUs,
    hasSucceeded: true,
    reason: "10.0.0.9 opened 84 short SSH sessions to 192.168.10.57 in 60 s",
  };
  const window = makeAnomaly({
    id: 32,
    severity: "medium",
    sources: ["192.168.10.57"],
    targets: [],
    targetCount: 0,
    firstUs: nowUs() - 2790e6,
    lastUs: nowUs() - 2780e6,
    anomaly: { ...makeAnomaly().anomaly!, entity: "192.168.10.57" },
    reason: "192.168.10.57 opened 412 connections in 10 s; usually 3 to 20",
  });
  return [guess, makeScan(), window];
}

const withStory = (use: (site: Site) => Promise<void>) =>
  withTraffic(async (site) => {
    storeFindings(site, story());
    await use(site);
  });

Deno.test("an incident's page tells its story in order, and leads to all of it", () =>
  withStory(async (site) => {
    const html = await markup(site, "/incidents/2");
    match(
      html,
      /<p class="lead">cam-garage \(192\.168\.10\.57\) scanned 38 hosts and found 11 ports/,
    );
    match(html, /Raised from high to critical: a port that was found open was used afterwards\./);
    match(html, /It began 40 s after 10\.0\.0\.9 logged in: <a href="\/incidents\/1">incident 1, /);
    match(html, /class="tactic"[^>]*>Discovery<\/span>192\.168\.10\.57 tried 12 ports/);
    const open = html.slice(html.indexOf("Found open"));
    match(open, /^Found open<\/h2><p>11 ports on 6 hosts/);
    ok(open.indexOf("10.20.0.14") < open.indexOf("10.20.0.11"), "what was used comes first");
    match(open, /<b>22[^<]* \(used afterwards\)<\/b><\/a>, <a [^>]*dport\+443"[^>]*>443/);
    match(html, /Why this stands out[^]*413 of 424 first contacts failed/);
    match(html, /Its most unusual window[^]*<ul class="why/);
    match(html, /Check 10\.20\.0\.14:22 for log-ins/);
    match(html, /href="\/scans\/\d+">192\.168\.10\.57 tried 12 ports[^]*>cause</);
    match(html, /href="\/anomalies\/\d+">192\.168\.10\.57 opened 412[^]*>also unusual</);
    const flows = html.slice(html.indexOf('id="flows"'));
    const asked = flows.replace(/<[^>]*>/g, "").matchAll(/10\.20\.0\.\d+:(\d+)/g);
    deepEqual([...asked].slice(0, 4).map(([, port]) => Number(port)), [22, 80, 443, 8443]);
    match(html, /href="\/api\/export\/pcap\?incident=2" download/);
    match(html, /href="\/mutes\/new\?from=%2Fincidents%2F2"/);
    match(html, /href="\/flows\?host=192\.168\.10\.57&amp;from=/);
    const before = await markup(site, "/incidents/1");
    match(
      before,
      /It led to <a href="\/incidents\/2">incident 2, cam-garage[^<]*<\/a> That began 40 s/,
    );
    match(before, /<p class="lead">10\.0\.0\.9 guessed passwords on .* and logged in/);
  }));

Deno.test("the need to look ends with a button, and begins again with another", () =>
  withStory(async (site) => {
    const needLook = async () => (await (await site.get("/api/stats")).json()).need_look;
    deepEqual(await needLook(), { count: 2, text: "2 things need a look" });
    match(await markup(site, "/"), /<h2[^>]*>2 things need a look</);
    const answer = await site.get("/api/incidents/1/acknowledge", post({}));
    equal(answer.status, 303);
    equal(answer.headers.get("location"), "/incidents/1");
    match(await markup(site, "/incidents/1"), /Acknowledged [^<]+<\/span>.*>Undo<\/button>/);
    deepEqual(await needLook(), { count: 1, text: "1 thing needs a look" });
    const { need_look: said } = await (await site.get("/api/incidents")).json();
    deepEqual(said, { count: 1, text: "1 thing needs a look" });
    const overview = await markup(site, "/");
    match(overview, /<h2[^>]*>1 thing needs a look</);
    match(overview, /1 incident of the last 24 h is acknowledged, it was critical/);
    match(overview, /<span class="n crit">1<span class="vh">need a look/);
    await site.get("/api/incidents/1/acknowledge", post({ undo: "1" }));
    deepEqual(await needLook(), { count: 2, text: "2 things need a look" });
    const foreign = {
      ...post({}).headers as Record<string, string>,
      origin: "http://evil.example",
    };
    const refused = await site.get("/api/incidents/1/acknowledge", {
      ...post({}),
      headers: foreign,
    });
    equal(refused.status, 403);
  }));

Deno.test("what is muted is greyed with its end, needs no look, and stays off the overview", () =>
  withStory(async (site) => {
    const mute = { kind: "brute_force", source: "10.0.0.9", until: "1d", note: "pen test" };
    await site.get("/api/mutes", post(mute));
    const list = await markup(site, "/incidents");
    equal([...list.matchAll(/<tr class="muted">/g)].length, 1);
    match(list, /<small>muted until [^<]+ by “pen test”<\/small>/);
    match(await markup(site, "/incidents/1"), /This incident is muted until [^<]+ by “pen test”/);
    const overview = await markup(site, "/");
    match(overview, /1 thing needs a look/);
    match(overview, /1 muted: <a href="\/incidents"/);
    doesNotMatch(overview, /class="finding[^>]*href="\/incidents\/1"/);
  }));

Deno.test("the list of incidents takes filters and an order, page by page, and so does the API", () =>
  withTraffic(async (site) => {
    storeFindings(site);
    const cases: readonly [string, readonly number[]][] = [
      ["", [2, 1, 4, 5, 3]],
      ["order=severity", [1, 4, 5, 2, 3]],
      ["order=severity&limit=2", [1, 4]],
      ["kind=scan", [1, 3]],
      ["kind=beacon&severity=medium", [5]],
      ["source=192.168.10.57&target=10.20.0.14", [1]],
      ["target=10.20.0.140", []],
      ["state=open", [2, 1, 4]],
      ["acknowledged=yes", []],
      ["from=2001-01-01T00:00&to=2001-01-02T00:00", []],
    ];
    for (const [query, ids] of cases) {
      const html = await markup(site, `/incidents?${query}`);
      const links = [...html.matchAll(/<a class="plain" href="\/incidents\/(\d+)"/g)];
      deepEqual(links.map(([, id]) => Number(id)), ids, query);
      const { incidents } = await (await site.get(`/api/incidents?${query}`)).json();
      deepEqual(incidents.map(({ id }: { id: number }) => id), ids, query);
    }
    match(await markup(site, "/incidents?kind=flood"), /<h2>No incident fits/);
    const seen: number[] = [];
    for (let path: string | undefined = "/incidents?order=severity&limit=2"; path;) {
      const html: string = await markup(site, path);
      const links = html.matchAll(/<a class="plain" href="\/incidents\/(\d+)"/g);
      seen.push(...[...links].map(([, id]) => Number(id)));
      path = /<a class="btn" href="([^"]+)"[^>]*>More/.exec(html)?.[1]?.replaceAll("&amp;", "&");
    }
    deepEqual(seen, [1, 4, 5, 2, 3]);
  }));

Deno.test("findings lead to their incident, from the lists and from their pages", () =>
  withStory(async (site) => {
    match(await markup(site, "/scans"), /part of <a href="\/incidents\/2">incident 2<\/a>/);
    const anomalies = await markup(site, "/anomalies");
    const leads = anomalies.matchAll(
      />192\.168\.10\.57 opened 412|>10\.0\.0\.9 opened 84|part of <a href="\/incidents\/(\d)"/g,
    );
    deepEqual([...leads].map(([what, id]) => id ?? what.split(" ")[0]), [
      ">192.168.10.57",
      "2",
      ">10.0.0.9",
      "1",
    ]);
    match(
      await markup(site, pageOf(site, makeScan())),
      /Part of incident <a href="\/incidents\/2">2: cam-garage/,
    );
  }));

Deno.test("an unknown incident is a 404 that leads on, and a new one has its page before it is written", () =>
  withStory(async (site) => {
    for (const id of ["99", "x", "99999999999999999999"]) {
      const html = await markup(site, `/incidents/${id}`, 404);
      match(html, /There is no incident with this number[^]*href="\/incidents"[^>]*>All incidents/);
    }
    site.live.setIncident({ incident: makeIncident({ id: 7 }), joined: [], absorbedIds: [] });
    match(await markup(site, "/incidents/7"), /10\.0\.0\.9 scanned 10\.0\.0\.2/);
  }));

Deno.test("hostile texts in an incident are text on every page that has them", () =>
  withTraffic(async (site) => {
    storeFindings(site, [makeScan({ sources: [hostileName], reason: hostileName })]);
    const paths = ["/", "/incidents", "/incidents/1", "/scans", pageOf(site, makeScan())];
    for (const path of paths) {
      const html = await (await site.get(path)).text();
      ok(html.includes("&lt;img src=x"), path);
      ok(!html.includes(hostileName), path);
    }
  }));

Deno.test("the packets of an incident, or the reason why there are none", () =>
  withSite({
    exportPcap: ({ incidentId, scanId }) => {
      const bytes = pcapFile(samplePackets(incidentId === 2 ? 3 : 0, 1));
      if (scanId === 5) return Promise.reject(new RangeError("There is no scan 5."));
      return Promise.resolve(new Blob([bytes]).stream());
    },
  }, async ({ get }) => {
    const full = await get("/api/export/pcap?incident=2");
    equal(full.status, 200);
    equal(
      full.headers.get("content-disposition"),
      'attachment; filename="tapwatch-incident-2.pcap"',
    );
    deepEqual(await full.bytes(), pcapFile(samplePackets(3, 1)));
    const gone = await get("/api/export/pcap?incident=3");
    equal(gone.status, 404);
    match(await gone.text(), /Capture files are off|None of its packets is in the capture files/);
    equal((await get("/api/export/pcap")).status, 200, "a stretch of time may be empty");
    equal((await get("/api/export/pcap?scan=5")).status, 400);
    equal((await get("/api/export/pcap?incident=x")).status, 400);
  }));
