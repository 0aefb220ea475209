/** Request to response, through everything but the socket. */
import assert from "node:assert/strict";
import { FEATURES } from "../agent/detect/anomaly/features.ts";
import { featureLabel, featureValue } from "../components/feature_text.ts";
import { clientsMax } from "../routes/(_server)/event_hub.ts";
import {
  fillDatabase,
  hostileName,
  makePackets,
  makeSecond,
  makeSnapshot,
  makeSource,
  nowUs,
} from "./dashboard_fixture.ts";
import { type Site, withSite, withTraffic } from "./dashboard_site.ts";
import {
  learningDetection,
  makeAnomaly,
  makeFindings,
  makeScan,
  pageOf,
  readyDetection,
  storeFindings,
} from "./finding_fixture.ts";

const root = new URL("..", import.meta.url);
const pages = [
  "/",
  "/status",
  "/flows",
  "/packets",
  "/hosts",
  "/anomalies",
  "/scans",
  "/alerts",
] as const;

Deno.test("every page is there, with strict headers, escaped names and no inline style", () =>
  withTraffic(async ({ get }) => {
    for (const path of pages) {
      const response = await get(path);
      const html = await response.text();
      const markup = html.replaceAll(/<script[^]*?<\/script>/g, "");
      assert.equal(response.status, 200, path);
      assert.match(html, /^<!DOCTYPE html><html lang="en">/);
      assert.match(html, /<title>[A-Z]\w+ · tapwatch<\/title>/);
      assert.doesNotMatch(markup, /\sstyle=/, path);
      assert.doesNotMatch(markup, /<img/, path);
      assert.doesNotMatch(markup, /(href|src|action)="(https?:)?\/\//, path);
      const policy = response.headers.get("content-security-policy")!;
      for (const [, nonce] of html.matchAll(/<script[^>]*nonce="([^"]+)"/g)) {
        assert.ok(policy.includes(`'nonce-${nonce}'`), path);
      }
      assert.doesNotMatch(html, /<script(?![^>]*nonce=)/, path);
      assertSecured(response);
      assert.equal(response.headers.get("cache-control"), "no-store");
    }
  }));

function assertSecured({ headers }: Response): void {
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; /);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("referrer-policy"), "no-referrer");
}

Deno.test("a hostile name of a host is text on the pages that show it", () =>
  withTraffic(async ({ get }) => {
    const html = await (await get("/hosts")).text();
    assert.ok(html.includes("&lt;img src=x onerror="), "escaped");
    assert.ok(!html.includes(hostileName));
  }));

const withFindings = (use: (site: Site) => Promise<void>) =>
  withTraffic(async (site) => {
    storeFindings(site);
    site.live.detectionOwn = readyDetection;
    await use(site);
  });

Deno.test("the overview says what needs a look, the gravest incidents first", () =>
  withFindings(async ({ get }) => {
    const html = await (await get("/")).text();
    assert.match(html, /<h2[^>]*>5 things need a look</);
    assert.match(html, /href="\/incidents\/1"[^]*cam-garage \(192\.168\.10\.57\) scanned 38 hosts/);
    const rows = [...html.matchAll(/<a class="finding is-(\w+)[^"]*" href="([^"]+)"/g)];
    assert.deepEqual(rows.map((row) => row[1]), ["critical", "medium", "medium", "low", "low"]);
    assert.match(html, /data-stat="Anomaly rate">1\.27<small>%/);
    assert.match(html, /3 of 412 windows/);
  }));

Deno.test("without findings the overview says that nothing was found, and how far learning is", () =>
  withTraffic(async ({ get, live }) => {
    live.detectionOwn = readyDetection;
    assert.match(
      await (await get("/")).text(),
      /Capturing without loss.*No scan and nothing unusual since the start/,
    );
    live.detectionOwn = learningDetection;
    const html = await (await get("/")).text();
    assert.match(html, /<h2[^>]*>Still learning what is usual, 43 of 256 windows/);
    assert.match(html, /Capturing without loss[^<]*\. No scan or attack since the start/);
    assert.match(await (await get("/anomalies")).text(), /<h2>Still learning what is usual, 43 of/);
    assert.match(await (await get("/scans")).text(), /<h2>No scan so far</);
    assert.match(html, /data-stat="Anomaly rate">–/);
    const status = await (await get("/status")).text();
    assert.match(status, /role="progressbar"[^>]*aria-valuenow="43"/);
    assert.match(status, /<p class="note">Loopback is not watched: &lt;b>lo&lt;\/b>\.<\/p>/);
  }));

Deno.test("an incident of days ago needs a look until somebody has had one", () =>
  withTraffic(async (site) => {
    const dayUs = 86_400e6;
    const times = { firstUs: nowUs() - 2 * dayUs, lastUs: nowUs() - 2 * dayUs };
    storeFindings(site, [makeScan({ ...times, isOpen: false })]);
    assert.match(await (await site.get("/")).text(), /1 thing needs a look/);
    await site.get("/api/incidents/1/acknowledge", { method: "POST" });
    assert.doesNotMatch(await (await site.get("/")).text(), /class="finding/);
    assert.match(await (await site.get("/scans")).text(), /tried 12 ports on 38 hosts/);
  }));

Deno.test("lists of findings take filters, which the form shows again, and the API the same", () =>
  withFindings(async ({ get }) => {
    const cases: readonly [string, number][] = [
      ["/scans?", 2],
      ["/scans?kind=vertical&probe=syn", 1],
      ["/scans?source=192.168.10.57&target=10.20.0.14", 1],
      ["/scans?source=192.168.10.5", 0],
      ["/scans?state=open&severity=high", 1],
      ["/scans?probe=udp", 0],
      ["/scans?from=2001-01-01T00:00&to=2001-01-02T00:00", 0],
      ["/anomalies?", 3],
      ["/anomalies?kind=brute_force&state=open", 1],
      ["/anomalies?state=closed", 2],
      ["/anomalies?source=192.168.10.14&target=203.0.113.77", 1],
    ];
    for (const [path, count] of cases) {
      const html = await (await get(path)).text();
      assert.equal([...html.matchAll(/<td class="level">/g)].length, count, path);
      const body = await (await get(`/api${path}`)).json();
      assert.equal((body.scans ?? body.anomalies).length, count, path);
    }
    const html = await (await get("/scans?kind=vertical&source=10.0.0.9&state=closed")).text();
    assert.match(html, /<option value="vertical" selected>/);
    assert.match(html, /name="source" value="10\.0\.0\.9"/);
    assert.match(html, /No scan fits.*has been looking since/);
  }));

Deno.test("an empty list of findings says what is looked for, and since when", () =>
  withTraffic(async ({ get }) => {
    assert.match(
      await (await get("/scans")).text(),
      /No scan so far.*since \d\d:.*TCP SYN, connect/,
    );
    assert.match(await (await get("/anomalies")).text(), /Nothing unusual so far.*beacons/);
  }));

Deno.test("the page of a scan has who, whom, what answered, what to do, and its packets", () =>
  withFindings(async (site) => {
    const response = await site.get(pageOf(site, makeScan()));
    const html = await response.text();
    const markup = html.replaceAll(/<script[^]*?<\/script>/g, "");
    assert.equal(response.status, 200);
    assert.match(html, /192\.168\.10\.57 tried 12 ports on 38 hosts/);
    assert.match(html, /<title>192\.168\.10\.57 tried 12 ports[^<]+ · tapwatch<\/title>/);
    assert.match(html, /T1046, Network Service Discovery/);
    assert.match(html, /like nmap T3 \(normal\)/);
    assert.match(html, /Check 10\.20\.0\.14:22 for log-ins/);
    assert.match(html, /10\.20\.0\.2 to \.3/, "neighbours are folded");
    assert.match(html, /<td class="o" title="10\.20\.0\.11:8443 open"><span class="vh">open/);
    assert.match(html, /open 11/);
    assert.match(html, /11 ports on 6 hosts/);
    assert.match(html, /href="\/api\/export\/pcap\?finding=\d+"/);
    assert.match(html, /href="\/flows\?host=192\.168\.10\.57&amp;from=/);
    assert.match(html, /href="\/hosts\/192\.168\.10\.57"/);
    assert.doesNotMatch(markup, /\sstyle=|(href|src|action)="(https?:)?\/\//);
    const flows = /href="(\/flows\?host=[^"]+)"/.exec(html)![1]!.replaceAll("&amp;", "&");
    assert.match(
      await (await site.get(flows)).text(),
      /10\.20\.0\.2/,
      "its link leads to its flows",
    );
  }));

Deno.test("the page of an anomaly says why it stands out, against what is usual", () =>
  withFindings(async (site) => {
    const html = await (await site.get(pageOf(site, makeAnomaly()))).text();
    assert.match(html, /class="why is-critical"/);
    assert.match(html, /20\.6 × the top of usual/);
    assert.match(html, /52\u00a0% of the weight/);
    assert.match(html, /<b class="clip">nas-01<\/b>/, "named as the host list has it");
    assert.match(html, /<dd>0\.781<\/dd>/);
    assert.match(html, /example\.org/, "its flow");
  }));

Deno.test("every feature of the forest has words of its own", () => {
  for (const { name, unit } of FEATURES) {
    assert.notEqual(featureLabel(name), name.replaceAll("_", " "), name);
    assert.equal(featureValue(name, 1).endsWith("%"), unit.startsWith("share"), name);
  }
});

Deno.test("the page of a flow lists the findings about its hosts, and says of which it is evidence", () =>
  withFindings(async (site) => {
    const { get } = site;
    const scan = makeScan();
    const { flows } = await (await get("/api/flows?q=host+192.168.10.57&limit=1000")).json();
    const pageOfFlow = async (port: number) => {
      const { id } = flows.find((row: { orig_p: number }) => row.orig_p === port);
      const html = await (await get(`/flows/${id}`)).text();
      return /<h2>Findings<\/h2>[^]*?<\/section>/.exec(html)![0];
    };
    // The first 64 flows of the scan are its evidence; the last is not.
    const [first, last] = [await pageOfFlow(40_000), await pageOfFlow(40_000 + flows.length - 1)];
    for (const part of [first, last]) {
      assert.ok(part.includes(`href="${pageOf(site, scan)}"`), part);
      assert.match(part, /192\.168\.10\.57 tried 12 ports on 38 hosts/);
      // About another host.
      assert.doesNotMatch(part, /84 short SSH sessions/);
    }
    assert.match(first, /This flow is evidence of it\./);
    assert.doesNotMatch(last, /This flow is evidence of it\./);
  }));

Deno.test("a finding that is not written yet has its page already", () =>
  withTraffic(async (site) => {
    storeFindings(site, []);
    const scan = makeScan({ id: 99 });
    site.live.setFinding(scan);
    const response = await site.get(pageOf(site, scan));
    assert.equal(response.status, 200);
    assert.match(await response.text(), /tried 12 ports/);
  }));

Deno.test("a number that no finding has is answered with 404, and the way to the list", () =>
  withFindings(async ({ get }) => {
    for (const path of ["/scans/5", "/anomalies/5", "/scans/x", "/scans/99999999999999999999"]) {
      const response = await get(path);
      assert.equal(response.status, 404, path);
      assert.match(await response.text(), /There is no (scan|finding) with this number/);
      assertSecured(response);
    }
  }));

Deno.test("hostile texts in a finding are text on every page that has them", () =>
  withFindings(async (site) => {
    const hostile = makeFindings().find(({ kind }) => kind === "beacon")!;
    for (const path of ["/", "/anomalies", pageOf(site, hostile)]) {
      const html = await (await site.get(path)).text();
      assert.ok(html.includes("&lt;img src=x onerror="), path);
      assert.doesNotMatch(html.replaceAll(/<script[^]*?<\/script>/g, ""), /<img/, path);
    }
  }));

Deno.test("errors, files and refusals carry the same headers", () =>
  withSite({}, async ({ get }) => {
    const cases: readonly [string, RequestInit, number][] = [
      ["/nowhere", {}, 404],
      ["/api/nowhere", {}, 404],
      ["/app.css", {}, 200],
      ["/", { headers: { host: "evil.example" } }, 421],
      ["/theme", { method: "POST", headers: { "sec-fetch-site": "cross-site" } }, 403],
      ["/login", { method: "POST", headers: { "content-length": "999999" } }, 413],
    ];
    for (const [path, init, status] of cases) {
      const response = await get(path, init);
      assert.equal(response.status, status, path);
      assertSecured(response);
      await response.body?.cancel();
    }
    assert.match(await (await get("/api/nowhere")).text(), /^\{"error":"There is no page/);
  }));

Deno.test("a write to a page that takes none is no success", () =>
  withSite({}, async ({ get }) => {
    for (const path of ["/", "/flows", "/anomalies", "/metrics"]) {
      const { status } = await get(path, { method: "DELETE" });
      assert.ok(status === 404 || status === 405, `${path} ${status}`);
    }
  }));

Deno.test("a cookie chooses the theme before the page is painted", () =>
  withSite({}, async ({ get }) => {
    const dark = await (await get("/", { headers: { cookie: "tapwatch_theme=dark" } })).text();
    assert.match(dark, /<html lang="en" data-theme="dark">/);
    const odd = await (await get("/", { headers: { cookie: 'tapwatch_theme="><' } })).text();
    assert.match(odd, /<html lang="en">/);
    const body = new URLSearchParams({ theme: "light", back: "//evil.example" });
    const posted = await get("/theme", { method: "POST", body });
    assert.equal(posted.status, 303);
    assert.equal(posted.headers.get("location"), "/");
    assert.match(posted.headers.get("set-cookie")!, /^tapwatch_theme=light; /);
  }));

Deno.test("without scripts the overview has numbers and hosts, Packets has packets by protocol", () =>
  withTraffic(async ({ get }) => {
    const overview = await (await get("/")).text();
    assert.match(overview, /Capturing without loss/);
    assert.match(overview, /data-stat="In">[\d.]+<small>Mbit\/s/);
    assert.match(overview, /href="\/\?range=15m&amp;q=host\+192\.168\.10\.23">/);
    const old = await get("/?protocol=arp");
    assert.equal(old.headers.get("location"), "/packets?protocol=arp#newest");
    const html = await (await get("/packets?protocol=arp")).text();
    assert.match(html, /who has 192\.168\.10\.1/);
    assert.doesNotMatch(html, /data-protocol="(tcp|udp)"/);
    assert.match(html, /<option value="arp" selected>ARP/);
    assert.match(html, /<form method="get" action="\/api\/export\/pcap"/);
  }));

Deno.test("a packet that is in memory and stored is listed once, though memory has its nanoseconds", () =>
  withSite({}, async (site) => {
    const packets = makePackets(30).map((row) => ({ ...row, tsUs: Math.trunc(row.tsUs) + 0.75 }));
    fillDatabase(site, packets);
    site.live.setSource(makeSource());
    site.live.setSnapshot(makeSnapshot({ newestPackets: packets }), []);
    const html = await (await site.get("/packets")).text();
    assert.equal([...html.matchAll(/<tr data-protocol=/g)].length, packets.length);
  }));

Deno.test("a sensor before its first packet says so on every page", () =>
  withSite({}, async ({ get, live }) => {
    live.setSource(makeSource({ packets: 0, received: 0 }));
    for (const path of pages) assert.equal((await get(path)).status, 200, path);
    assert.match(await (await get("/")).text(), /Waiting for the first packet/);
  }));

Deno.test("a replay says what is replayed, and when it is over", () =>
  withSite({ mode: "replay" }, async ({ get, live }) => {
    live.setSource(makeSource({ name: "/captures/demo.pcap" }));
    live.setSnapshot(makeSnapshot({ tsUs: 1e15 }), [makeSecond(1e15, 1)]);
    const html = await (await get("/")).text();
    assert.match(html, /Replaying demo\.pcap/);
    assert.match(html, /at 10 times its speed/);
    live.setSource(makeSource({ name: "/captures/demo.pcap", state: "finished" }));
    assert.match(await (await get("/")).text(), /Replay of demo\.pcap has finished/);
  }));

Deno.test("a database that cannot be read is a notice on pages and 503 in the API", () =>
  withSite({}, async ({ get, live, folder }) => {
    await Deno.writeTextFile(`${folder}/packet_logs.db`, "no database at all ".repeat(1000));
    live.setSource(makeSource());
    for (
      const path of [
        "/?range=24h",
        "/?range=24h&q=port+53",
        "/status?range=1h",
        "/flows",
        "/packets",
      ]
    ) {
      const response = await get(path);
      assert.equal(response.status, 200, path);
      assert.match(await response.text(), /class="notice"/, path);
    }
    for (const path of ["/api/packets", "/api/hosts", "/api/stats?range=1h"]) {
      const response = await get(path);
      assert.equal(response.status, 503, path);
      assert.match((await response.json()).error, /\w/);
    }
  }));

Deno.test("the API's lists are paged by cursor to their end, without gap or repetition", () =>
  withTraffic(async ({ get }) => {
    const seen: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const response = await get(`/api/packets?limit=70${cursor && `&cursor=${cursor}`}`);
      const body = await response.json();
      seen.push(...body.packets.map((packet: { ts_us: number }) => packet.ts_us));
      cursor = body.next_cursor;
    }
    assert.equal(seen.length, 300);
    assert.equal(new Set(seen).size, 300);
    assert.deepEqual(seen, [...seen].sort((a, b) => b - a));
  }));

Deno.test("lists take the filters of their pages and refuse wrong ones by name", () =>
  withTraffic(async ({ get }) => {
    const rowsOf = async (path: string, key: string) => (await (await get(path)).json())[key];
    const dns = await rowsOf("/api/packets?protocol=dns&limit=1000", "packets");
    assert.equal(dns.length, 60);
    assert.ok(dns.every(({ application }: { application: string }) => application === "dns"));
    const flows = await rowsOf("/api/flows?host=203.0.113.77&port=443", "flows");
    assert.equal(flows[0].community_id, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    assert.equal((await rowsOf("/api/hosts?order=bytes&limit=2", "hosts"))[0].name, "nas-01");
    for (const kind of ["anomalies", "scans", "alerts"]) {
      const total = { count: 0, is_more: false };
      const beside = { total, ...kind === "alerts" && { pending: [] } };
      const answer = await (await get(`/api/${kind}`)).json();
      assert.deepEqual(answer, { [kind]: [], next_cursor: null, ...beside });
    }
  }));

Deno.test("each list says on its first page how many rows there are, and how many of them it shows", () =>
  withTraffic(async (site) => {
    storeFindings(site, [makeScan(), makeAnomaly()]);
    const shown: readonly (readonly [path: string, key: string, words: RegExp])[] = [
      ["/packets?limit=7", "packets", />7 of 300 packets</],
      ["/packets?q=service+dns&limit=7", "packets", />7 of 60 packets</],
      ["/flows", "flows", />100 of \d+ flows</],
      ["/hosts?limit=2", "hosts", />2 of \d+ hosts</],
      ["/scans", "scans", />1 scan</],
      ["/anomalies", "anomalies", />1 finding</],
      ["/incidents", "incidents", />\d incidents?</],
    ];
    for (const [path, key, words] of shown) {
      const response = await site.get(`/api${path}`);
      const { total, next_cursor, [key]: rows } = await response.json();
      assert.equal(total.is_more, false, path);
      assert.ok(total.count >= rows.length && rows.length > 0, path);
      assert.match(await (await site.get(path)).text(), words, path);
      if (next_cursor === null) continue;
      const next = `${path}${path.includes("?") ? "&" : "?"}cursor=${
        encodeURIComponent(next_cursor)
      }`;
      assert.equal((await (await site.get(`/api${next}`)).json()).total, null);
      assert.equal((await site.get(next)).status, 200);
    }
    const empty = await (await site.get("/alerts")).text();
    assert.doesNotMatch(empty, />0 alerts/);
  }));

Deno.test("lists within findings are lists in the API, as analyze has them", () =>
  withTraffic(async ({ get, ...site }) => {
    storeFindings(site, [makeScan(), makeAnomaly()]);
    const first = async (kind: string) => {
      const [row] = (await (await get(`/api/${kind}`)).json())[kind];
      const one = await (await get(`/api/${kind}/${row.id}`)).json();
      return [row, one];
    };
    for (const row of await first("scans")) {
      assert.deepEqual(row.sources, makeScan().sources);
      assert.ok(Array.isArray(row.found) && Array.isArray(row.came_back));
      assert.equal(row.ports, makeScan().scan!.ports);
    }
    for (const row of await first("anomalies")) {
      assert.deepEqual(row.top_features[0].name, makeAnomaly().anomaly!.topFeatures[0]!.name);
    }
    for (const row of await first("incidents")) {
      for (const name of ["sources", "targets", "tactics", "techniques", "kinds", "ports"]) {
        assert.ok(Array.isArray(row[name]), name);
      }
    }
    const csv = await (await get("/api/scans?format=csv")).text();
    assert.ok(csv.includes(`"[""${makeScan().sources[0]}""]"`), "CSV has one text for a list");
  }));

Deno.test("a filter that is none is refused by name in the API, and in place on pages, with the form kept", () =>
  withTraffic(async ({ get }) => {
    const packets = ["port=x", "limit=0", "limit=1001", "from=soon", "cursor=???", "port=70000"]
      .concat("protcol=udp", "protocol=foo", "host=nas-99", "host=10.0.0.0/88", "to=1&from=2")
      .concat("q=port", "q=hots+10.0.0.1")
      .concat("host=10.0.0.1&host=10.0.0.2");
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ["/packets", packets],
      ["/flows", ["state=odd", "host=02:00:5e:99:99:99", "service=tls", "protocol=foo"]],
      ["/hosts", ["local=yes", "order=name", "host=10.0.0.1", "limit=x"]],
      ["/scans", ["state=odd", "kind=beacon", "probe=tcp", "severity=worst", "source=me", "q=("]],
      ["/alerts", ["kind=scan", "severity=worst", "state=odd", "mute=x", "incident=-1", "q=("]],
      ["/anomalies", ["kind=vertical", "probe=syn", "target=them", "state=1"]],
      ["/incidents", ["kind=vertical", "acknowledged=1", "actor=me", "order=time", "sort=x"]],
    ];
    for (const [path, queries] of cases) {
      for (const query of queries) {
        const response = await get(`/api${path}?${query}`);
        assert.equal(response.status, 400, `${path} ${query}`);
        const { error } = await response.json();
        const [name] = query.split("=");
        assert.ok(error.includes(name === "q" ? "of the search" : name), error);
        const other = await get(`${path}?${query}`);
        assert.equal(other.status, 400, `${path} ${query}`);
        const html = await other.text();
        assert.match(html, /class="notice"/);
        assert.match(html, /<form method="get"[^>]*class="filters"/);
      }
    }
    const html = await (await get("/scans?kind=odd&source=nas-01&severity=high")).text();
    assert.match(html, /name="source" value="nas-01"/);
    assert.match(html, /<option value="odd" selected>odd/);
    assert.match(html, /<option value="high" selected>/);
    for (
      const path of [
        "/?range=2h",
        "/packets?protocol=foo",
        "/?x=1",
        "/?from=20&to=10",
        "/?q=port+x",
        "/status?range=1y",
      ]
    ) {
      const response = await get(path);
      assert.equal(response.status, 400, path);
      assert.match(
        await response.text(),
        /class="notice"[^]*must be one of|to ask for here|later than from|Column 6/,
      );
    }
    for (const query of ["kind=odd", "actor=me", "acknowledged=1", "state=odd", "order=x"]) {
      assert.equal((await get(`/api/incidents?${query}`)).status, 400, query);
    }
    for (const path of ["/scans/31?x=1", "/anomalies/31?x=1"]) {
      const response = await get(path);
      assert.equal(response.status, 400, path);
      assert.match(await response.text(), /takes no query/);
    }
    const asked = ["/api/stats?range=2h", "/api/stats?rnage=1h", "/api/events?form=1"];
    for (const path of [...asked, "/api/export/pcap?host=x", "/api/export/pcap?hots=10.0.0.1"]) {
      const response = await get(path);
      assert.equal(response.status, 400, path);
      assert.match(await response.text(), /must be|to ask for here|no host is known/);
    }
  }));

Deno.test("addresses and states are found however they are written", () =>
  withTraffic(async ({ get }) => {
    const countOf = async (path: string, key: string) =>
      (await (await get(path)).json())[key].length;
    assert.equal(await countOf("/api/packets?host=2001:DB8:88:20:0:0:0:5a1", "packets"), 60);
    assert.equal(await countOf("/api/packets?host=02-00-5E-10-00-01", "packets"), 60);
    assert.equal(await countOf("/api/flows?state=sf&protocol=TLS", "flows"), 1);
  }));

Deno.test("traffic over time comes from memory and from the database in at most 300 buckets", () =>
  withTraffic(async ({ get }) => {
    for (
      const [range, bucketS] of [["15m", 3], ["1h", 15], ["6h", 120], ["24h", 300], ["7d", 3600]]
    ) {
      const { series, snapshot } = await (await get(`/api/stats?range=${range}`)).json();
      assert.equal(series.bucket_us, Number(bucketS) * 1e6, String(range));
      assert.ok(series.packets.length <= 300);
      assert.ok(series.packets.some((packets: number) => packets > 0), String(range));
      assert.equal(snapshot.packets, 81_234);
    }
  }));

Deno.test("/metrics is well-formed and names packets, bytes and drops by place", () =>
  withTraffic(async ({ get, live }) => {
    live.setSource(makeSource({ kernelDrops: 7, interfaceDrops: 2, queueDrops: 1 }));
    live.workerRestarts = 3;
    const response = await get("/metrics");
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const samples = parseMetrics(await response.text());
    assert.equal(samples.get("tapwatch_packets_total"), 81_234);
    assert.equal(samples.get("tapwatch_bytes_total"), 61_000_000);
    assert.equal(samples.get('tapwatch_capture_drops_total{where="kernel"}'), 7);
    for (const where of ["interface", "queue", "recorder", "store"]) {
      assert.ok(samples.has(`tapwatch_capture_drops_total{where="${where}"}`), where);
    }
    assert.equal(samples.get("tapwatch_worker_restarts_total"), 3);
    assert.equal(samples.get('tapwatch_decode_stops_total{reason="malformed"}'), 2);
    assert.ok(samples.get("tapwatch_resident_memory_bytes")! > 1e6);
  }));

Deno.test("what was not decoded is told by its name on the status page", () =>
  withTraffic(async ({ get }) => {
    const page = await (await get("/status")).text();
    assert.match(page, /<td>EtherType 0x88cc \(LLDP\)<\/td><td class="grow">not read</);
    assert.match(page, /<td>TCP<\/td><td class="grow">cut off</);
  }));

Deno.test("copies are told on the status page when they are many, and in /metrics", () =>
  withTraffic(async ({ get, live }) => {
    assert.doesNotMatch(await (await get("/status")).text(), /copies that the capture saw/);
    const snapshot = makeSnapshot({ copies: 20_000 });
    live.setSnapshot(snapshot, []);
    assert.match(
      await (await get("/status")).text(),
      /20,000 of [\d,]+ packets are copies that the capture saw twice/,
    );
    const samples = parseMetrics(await (await get("/metrics")).text());
    assert.equal(samples.get("tapwatch_packet_copies_total"), 20_000);
  }));

Deno.test("how the fleet is told stands on the status page and in /metrics, and nothing without one", () =>
  withTraffic(async ({ get, live }) => {
    assert.doesNotMatch(await (await get("/status")).text(), /id="fleet"/);
    assert.doesNotMatch(await (await get("/metrics")).text(), /fleet/);
    live.fleet = {
      state: "rejected",
      detail: "the engine does not accept this credential",
      name: hostileName,
      agent: "N4N2VOFSI2UKHV76SJO7BM7AUY",
      level: "rollups",
      servers: ["tls://hub.example.org:4222"],
      batches: 3,
      bytes: 4000,
      bytesMax: 1e9,
      oldestUs: Date.now() * 1000 - 90_000_000,
      committedUs: null,
      flows: { spooled: 900, committed: 500, givenUp: 7 },
      findings: { spooled: 2, committed: 2, givenUp: 0 },
      refusals: 1,
      resent: 2,
      reconnects: 3,
    };
    const page = await (await get("/status")).text();
    assert.match(page, /Credential rejected: the engine does not accept this credential\./);
    assert.match(page, /500 of 900 at the hub/);
    assert.match(page, /7 given up/);
    assert.ok(!page.includes(hostileName));
    const samples = parseMetrics(await (await get("/metrics")).text());
    assert.equal(samples.get("tapwatch_fleet_up"), 0);
    assert.equal(samples.get('tapwatch_fleet_rows_total{channel="flows",state="given_up"}'), 7);
  }));

Deno.test("flows that the full table ended early are told on the status page and in /metrics", () =>
  withTraffic(async ({ get, live }) => {
    assert.match(await (await get("/status")).text(), /of 1\.00\smillion flows/);
    live.setSnapshot(makeSnapshot({ flowsEvicted: 1234, flowNamesDropped: 56 }), []);
    assert.match(await (await get("/status")).text(), /flow table full: 1,234 ended early/);
    const samples = parseMetrics(await (await get("/metrics")).text());
    assert.equal(samples.get("tapwatch_flows_evicted_total"), 1234);
    assert.equal(samples.get("tapwatch_flow_names_dropped_total"), 56);
  }));

/** Samples by name and labels; throws when a line is none, or a family lacks its HELP and TYPE. */
function parseMetrics(text: string): Map<string, number> {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
    if (type) types.set(type[1]!, type[2]!);
    if (line.startsWith("#")) continue;
    const sample = /^(\w+)(\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})? (\S+)$/.exec(line);
    assert.ok(sample, line);
    assert.ok(types.has(sample[1]!), line);
    assert.equal(types.get(sample[1]!) === "counter", sample[1]!.endsWith("_total"), line);
    samples.set(sample[1]! + (sample[2] ?? ""), Number(sample[3]));
  }
  return samples;
}

Deno.test("/healthz answers at once, /readyz once a source is open", () =>
  withSite({ password: "correct horse" }, async ({ get, live }) => {
    assert.equal((await get("/healthz")).status, 200);
    assert.equal((await get("/readyz")).status, 503);
    live.setSource(makeSource());
    assert.equal((await get("/readyz")).status, 200);
  }));

Deno.test("under a password pages lead to the login and the API answers 401", () =>
  withSite({ password: "correct horse" }, async ({ get }) => {
    for (const path of pages) {
      const response = await get(path);
      assert.equal(response.status, 303, path);
      assert.equal(response.headers.get("location"), `/login?next=${encodeURIComponent(path)}`);
    }
    for (const path of ["/api/stats", "/api/events", "/api/export/pcap", "/metrics"]) {
      const response = await get(path);
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get("www-authenticate")!, /^Basic /);
      const inBrowser = await get(path, { headers: { "sec-fetch-mode": "cors" } });
      assert.equal(inBrowser.headers.get("www-authenticate"), null);
    }
    assert.equal((await get("/app.css")).status, 200, "the login page needs it");
    const authorization = `Basic ${btoa("prometheus:correct horse")}`;
    assert.equal((await get("/metrics", { headers: { authorization } })).status, 200);
  }));

Deno.test("logging in, looking, logging out", () =>
  withSite({ password: "correct horse" }, async ({ get }) => {
    const logIn = (password: string) =>
      get("/login", { method: "POST", body: new URLSearchParams({ password, next: "/flows" }) });
    const wrong = await logIn("wrong");
    assert.equal(wrong.status, 401);
    assert.match(await wrong.text(), /The password does not match\. 4 tries left/);
    const right = await logIn("correct horse");
    assert.equal(right.status, 303);
    assert.equal(right.headers.get("location"), "/flows");
    const cookie = right.headers.get("set-cookie")!.split(";")[0]!;
    const page = await get("/flows", { headers: { cookie } });
    assert.equal(page.status, 200);
    assert.match(await page.text(), /action="\/logout"/);
    const out = await get("/logout", { method: "POST", headers: { cookie } });
    assert.match(out.headers.get("set-cookie")!, /^tapwatch_session=; .*Max-Age=0/);
    for (let tries = 0; tries < 5; tries++) await logIn("wrong");
    const locked = await logIn("correct horse");
    assert.equal(locked.status, 429);
    assert.equal(locked.headers.get("retry-after"), "15");
  }));

Deno.test("an export passes its filter on and names the file", () =>
  withSite({}, async ({ get, exports }) => {
    const query =
      "from=2026-11-22T14:07:31Z&to=2026-11-22T14:08:00Z&host=10.0.0.9&port=443&protocol=TCP";
    const response = await get(`/api/export/pcap?${query}`);
    assert.equal(response.headers.get("content-type"), "application/vnd.tcpdump.pcap");
    assert.equal(
      response.headers.get("content-disposition"),
      'attachment; filename="tapwatch-20261122T140731Z.pcap"',
    );
    assert.equal((await response.bytes()).length, 24);
    assert.deepEqual(exports, [{
      fromUs: Date.UTC(2026, 10, 22, 14, 7, 31) * 1000,
      toUs: Date.UTC(2026, 10, 22, 14, 8) * 1000,
      q: "host 10.0.0.9 and port 443 and proto tcp",
      isOfFlows: false,
      flowId: null,
      findingId: null,
      scanId: null,
      anomalyId: null,
      incidentId: null,
    }]);
    const backwards = await get("/api/export/pcap?from=20&to=10");
    assert.equal(backwards.status, 400);
    assert.match(await backwards.text(), /to must be later than from/);
  }));

Deno.test("an export that fails says why", () =>
  withSite({
    exportPcap: () => Promise.reject(new Error("The capture files cannot be read")),
  }, async ({ get }) => {
    const response = await get("/api/export/pcap");
    assert.equal(response.status, 503);
    assert.equal(await response.text(), "The capture files cannot be read\n");
  }));

interface ServerEvent {
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- a test looks into what JSON brought
  readonly data: any;
}

/** Reads the events of a stream one by one. */
async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end));
      text = text.slice(end + 2);
      if (match) yield { type: match[1]!, data: JSON.parse(match[2]!) };
    }
  }
}

async function next(events: AsyncGenerator<ServerEvent>): Promise<ServerEvent> {
  const { value, done } = await events.next();
  assert.ok(!done, "the stream has ended");
  return value;
}

Deno.test("/api/events sends the present state, what was missed, each second, and log lines", () =>
  withTraffic(async ({ get, live, dashboard }) => {
    const since = live.seconds(4)[0]!.tsUs;
    const response = await get(`/api/events?since=${since}`);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const events = eventsOf(response);
    const first = await next(events);
    assert.equal(first.type, "stats");
    assert.equal(first.data.seconds.length, 3);
    assert.equal(first.data.snapshot.packets, 81_234);
    const two = [makeSecond(nowUs() + 1e6, 1), makeSecond(nowUs() + 2e6, 2)];
    live.setSnapshot(makeSnapshot({ packets: 90_000 }), two);
    const second = await next(events);
    assert.deepEqual(
      second.data.seconds.map((s: { ts_us: number }) => s.ts_us),
      two.map((s) => s.tsUs),
    );
    assert.equal(second.data.snapshot.packets, 90_000);
    // The clock is set back.
    const earlier = makeSecond(nowUs() - 3600e6, 3);
    live.setSnapshot(makeSnapshot(), [earlier]);
    assert.deepEqual(
      (await next(events)).data.seconds.map((s: { ts_us: number }) => s.ts_us),
      [earlier.tsUs],
    );
    live.note("error", "enp3s0 is gone");
    const third = await next(events);
    assert.equal(third.type, "status");
    assert.equal(third.data.entry.text, "enp3s0 is gone");
    dashboard.closeStreams();
    assert.equal((await events.next()).done, true);
    assert.equal((await get("/api/events")).status, 503);
  }));

Deno.test("readers of /api/events beyond the limit are refused, and a place is free again after one leaves", () =>
  withSite({}, async ({ get }) => {
    const open = await Promise.all(Array.from({ length: clientsMax }, () => get("/api/events")));
    assert.ok(open.every(({ status }) => status === 200));
    const refused = await get("/api/events");
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "5");
    await open[0]!.body!.cancel();
    assert.equal((await get("/api/events")).status, 200);
  }));

Deno.test("a reader of /api/events that does not keep up is dropped; the others go on", () =>
  withTraffic(async ({ get, live }) => {
    const stalled = await get("/api/events");
    const events = eventsOf(await get("/api/events"));
    await next(events);
    for (let number = 0; number < 40; number++) {
      live.setSnapshot(makeSnapshot({ packets: number }), []);
      assert.equal((await next(events)).data.snapshot.packets, number);
    }
    await assert.rejects(async () => {
      for await (const _ of stalled.body!);
    }, /does not keep up/);
    assert.match(await (await get("/metrics")).text(), /^tapwatch_event_streams 1$/m);
  }));

Deno.test("components have no colours and no styles of their own", () => {
  for (const folder of ["components/", "islands/", "routes/"]) {
    for (const url of filesUnder(new URL(folder, root))) {
      if (!url.pathname.endsWith(".tsx")) continue;
      const source = Deno.readTextFileSync(url);
      assert.doesNotMatch(source, /\bstyle=|#[0-9a-f]{6}\b|dangerouslySetInnerHTML/i, url.pathname);
    }
  }
});

function* filesUnder(folder: URL): Generator<URL> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(encodeURIComponent(entry.name) + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* filesUnder(url);
    else yield url;
  }
}
