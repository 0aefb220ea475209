/** Countries and networks of addresses, from outside: beside addresses, in searches, on Status. */
import assert from "node:assert/strict";
import { setGeoFiles } from "../agent/geo/places.ts";
import { makeMmdb, shared } from "../agent/geo/testing.ts";
import { makeScan, pageOf, storeFindings } from "./finding_fixture.ts";
import { demoCapture, runProgram, withFolder } from "./program.ts";
import { markup, type Site, withTraffic } from "./dashboard_site.ts";

const file = {
  path: "/srv/geo/<b>test</b>.mmdb",
  bytes: shared(makeMmdb([
    ["203.0.113.0/24", {
      country: { iso_code: "SE" },
      autonomous_system_number: 64_500,
      autonomous_system_organization: `<img src=x onerror="alert(1)">`,
    }],
    ["2001:db8:88::/48", { country: { iso_code: "FR" } }],
  ])),
};

async function withPlaces(use: (site: Site) => Promise<void>): Promise<void> {
  setGeoFiles([file]);
  try {
    await withTraffic(use);
  } finally {
    setGeoFiles([]);
  }
}

async function page({ get }: Site, path: string): Promise<string> {
  const response = await get(path);
  assert.equal(response.status, 200, path);
  return markup(await response.text());
}

Deno.test("country and network stand beside addresses and lead to the same", () =>
  withPlaces(async (site) => {
    storeFindings(site, [makeScan()]);
    const flows = await page(site, "/flows");
    assert.match(flows, /class="plain place" href="\/flows\?q=country\+SE"/);
    assert.match(flows, /title="Sweden, AS64500 &lt;img/);
    assert.match(await page(site, "/flows?q=port+443"), /q=port\+443\+and\+country\+SE"/);
    const [, id] = /href="\/flows\/(\d+)"/.exec(flows)!;
    const flow = await page(site, `/flows/${id}`);
    assert.match(
      flow,
      /<a href="\/flows\?q=country\+SE" aria-current="false">Sweden<\/a>, <a href="\/flows\?q=asn\+64500" aria-current="false">AS64500/,
    );
    for (const path of ["/flows", `/flows/${id}`, "/hosts", pageOf(site, makeScan())]) {
      assert.doesNotMatch(await page(site, path), /<img/, path);
    }
    assert.match(await page(site, "/hosts"), /q=country\+SE/);
  }));

Deno.test("the overview sums up countries, each a link that narrows it", () =>
  withPlaces(async (site) => {
    const overview = await page(site, "/?range=24h");
    assert.match(overview, />Countries</);
    assert.match(overview, /href="\/\?range=24h&amp;q=country\+SE">Sweden</);
    assert.doesNotMatch(await page(site, "/?range=24h&q=proto+udp"), />Countries</);
  }));

Deno.test("lists and /api are searched by country and network", () =>
  withPlaces(async ({ get }) => {
    const count = async (list: string, q: string) => {
      const response = await get(`/api/${list}?limit=1000&q=${encodeURIComponent(q)}`);
      assert.equal(response.status, 200);
      return (await response.json())[list].length;
    };
    assert.equal(await count("flows", "country SE and asn 64500"), 1);
    assert.equal(await count("flows", "country FR"), 0);
    assert.equal(await count("packets", "country SE"), 120);
    assert.equal(await count("packets", "country FR"), 60);
    assert.equal(await count("hosts", "country SE"), 1);
    for (const list of ["scans", "anomalies", "incidents", "alerts"]) {
      assert.equal(await count(list, "country SE"), 0);
    }
  }));

Deno.test("rows of /api have country and network, in JSON and CSV", () =>
  withPlaces(async ({ get }) => {
    const { flows: [flow] } = await (await get("/api/flows?q=country+SE")).json();
    assert.deepEqual(
      [flow.orig_country, flow.orig_asn, flow.resp_country, flow.resp_asn],
      [null, null, "SE", 64_500],
    );
    const one = await (await get(`/api/flows/${flow.id}`)).json();
    assert.equal(one.resp_country, "SE");
    const [header, row] = (await (await get("/api/flows?format=csv")).text()).split("\r\n");
    assert.match(header!, /,orig_country,orig_asn,resp_country,resp_asn$/);
    assert.match(row!, /,,,SE,64500$/);
    const hosts = await (await get("/api/hosts?q=country+SE&format=csv")).text();
    assert.match(hosts, /country,asn\r\n.*,SE,64500\r\n/);
  }));

Deno.test("the command line reads the files that it is given, and refuses what is none", () =>
  withFolder(async (folder) => {
    const good = `${folder}/good.mmdb`;
    await Deno.writeFile(good, makeMmdb([["203.0.113.0/24", { country_code: "SE" }]]));
    const results = ["--results", `${folder}/results`];
    const missing = `${folder}/none.mmdb`;
    const alone = await runProgram(["export", "flows", ...results, "--geo-db", missing]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /Cannot use --geo-db .*none\.mmdb: no such file/i);
    const wrong = await runProgram(["replay", demoCapture, ...results, "--geo-db", demoCapture]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /Cannot use --geo-db .*: it is no MMDB file/);
    assert.throws(() => Deno.statSync(`${folder}/results`), Deno.errors.NotFound);
    const doctor = await runProgram(["doctor", ...results, "--json", "--geo-db", good]);
    const check = JSON.parse(doctor.stdout).find(({ name }: { name: string }) =>
      name === "countries and networks"
    );
    assert.deepEqual([check.state, check.text], ["ok", good]);
  }));

Deno.test("without a file nothing is shown, a search says why, and Status how to get one", () =>
  withTraffic(async (site) => {
    assert.doesNotMatch(await page(site, "/flows"), /class="plain place"/);
    const refused = await site.get("/flows?q=country+SE");
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /no file with countries is there/);
    assert.match(await page(site, "/status"), /start tapwatch with <code>--geo-db FILE<\/code>/);
    const state = { path: file.path, hasCountries: true, hasNetworks: true, builtUs: 1.7e15 };
    site.live.geoFiles = [{ ...state, error: "" }, {
      ...state,
      builtUs: 0,
      error: "it is damaged",
    }];
    const status = await page(site, "/status");
    assert.match(status, /&lt;b>test|&lt;b&gt;test/);
    assert.match(status, /countries and networks/);
    assert.match(status, /cannot be used: it is damaged/);
  }));
