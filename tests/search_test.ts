/** The search language from outside: the same on pages, in /api and in `export`. */
import assert from "node:assert/strict";
import { nowUs } from "./dashboard_fixture.ts";
import { withTraffic } from "./dashboard_site.ts";
import { storeFindings } from "./finding_fixture.ts";

Deno.test("q narrows every list, and says where it is wrong", () =>
  withTraffic(async ({ get }) => {
    const countOf = async (list: string, q: string) => {
      const response = await get(`/api/${list}?limit=1000&q=${encodeURIComponent(q)}`);
      assert.equal(response.status, 200, `${list} ${q}`);
      return (await response.json())[list].length;
    };
    assert.equal(await countOf("packets", "service dns"), 60);
    assert.equal(await countOf("packets", "not service dns"), 240);
    assert.equal(await countOf("flows", "host 203.0.113.0/24 and port 443"), 1);
    assert.equal(await countOf("flows", "port 443 and proto udp"), 0);
    assert.equal(await countOf("hosts", "name nas-01"), 1);
    for (const list of ["scans", "anomalies", "incidents", "alerts"]) {
      assert.equal(await countOf(list, "host 10.0.0.9 and severity >= low"), 0);
    }
    for (const list of ["flows", "packets", "hosts", "scans", "anomalies", "incidents", "alerts"]) {
      for (const q of ["host", "hots=1", "name (", "x".repeat(10_000)]) {
        const response = await get(`/api/${list}?q=${encodeURIComponent(q)}`);
        assert.equal(response.status, 400, `${list} ${q.slice(0, 20)}`);
        assert.match((await response.json()).error, /^Column \d+ of the search: /);
      }
    }
  }));

Deno.test("a page shows its search in the box, as chips, and links to what it shows as JSON and CSV", () =>
  withTraffic(async ({ get }) => {
    const html = await (await get("/flows?host=203.0.113.77&port=443")).text();
    assert.match(html, /name="q" value="host 203\.0\.113\.77 and port 443"/);
    assert.match(html, /class="chip on " href="\/flows\?q=port\+443"/);
    assert.match(html, /class="chip on " href="\/flows\?q=host\+203\.0\.113\.77"/);
    const csv = /href="(\/api\/flows\?[^"]*format=csv)"/.exec(html)![1]!.replaceAll("&amp;", "&");
    const response = await get(csv);
    assert.match(response.headers.get("content-type")!, /^text\/csv/);
    const [header, row] = (await response.text()).split("\r\n");
    assert.match(header!, /^id,start_us,end_us,orig_h/);
    assert.match(row!, /203\.0\.113\.77/);
    const accepted = await get("/api/hosts", { headers: { accept: "text/csv" } });
    assert.match(await accepted.text(), /^address,mac,name/);
    assert.equal((await get("/api/flows?format=xml")).status, 400);
    const hostile = `name "<script>alert(1)</script>\u202e"`;
    const page = await (await get(`/flows?q=${encodeURIComponent(hostile)}`)).text();
    // Between the quotes of an attribute, and in a script's data, a "<" is text.
    const markup = page.replaceAll(/<script[^]*?<\/script>/g, "").replaceAll(/="[^"]*"/g, "");
    assert.doesNotMatch(markup, /<script>alert/);
    assert.match(page, /&lt;script&gt;|&lt;script>/);
    const wrong = await get("/packets?q=port+443+and+hots=10.0.0.1");
    assert.equal(wrong.status, 400);
    const refused = await wrong.text();
    assert.match(
      refused,
      /Column 14 of the search: there is no &quot;hots&quot;; did you mean host\?/,
    );
    assert.match(refused, /name="q" value="port 443 and hots=10\.0\.0\.1"/);
  }));

Deno.test("the links to JSON and CSV of each list keep its filter, its time and its order", () =>
  withTraffic(async (site) => {
    const { get } = site;
    storeFindings(site);
    const fromUs = nowUs() - 86_400e6;
    const queries: [string, string][] = [
      ["flows", "host 203.0.113.77"],
      ["packets", "service dns"],
      ["hosts", "name nas-01"],
      ["scans", "severity >= high"],
      ["anomalies", "severity >= high"],
      ["incidents", "severity >= high"],
    ];
    for (const [list, q] of queries) {
      const search = new URLSearchParams({ q });
      if (list !== "hosts") search.set("from", String(fromUs));
      const html = await (await get(`/${list}?${search}`)).text();
      const linkOf = (label: string) =>
        new RegExp(`href="([^"]+)"[^>]*>(?:<svg(?:(?!</svg>)[^])*</svg>)?${label}</a>`).exec(
          html,
        )![1]!
          .replaceAll("&amp;", "&");
      const [json, csv] = [linkOf("JSON"), linkOf("CSV")];
      for (const link of [json, csv]) {
        const { pathname, searchParams } = new URL(link, "http://x");
        assert.equal(pathname, `/api/${list}`);
        for (const [name, value] of search) assert.equal(searchParams.get(name), value, link);
      }
      const rows: unknown[] = (await (await get(json)).json())[list];
      const all: unknown[] = (await (await get(`/api/${list}`)).json())[list];
      // A list of one row cannot become shorter.
      assert.ok(
        rows.length > 0 && (rows.length < all.length || all.length === 1),
        `${list}: ${rows.length} of ${all.length}`,
      );
      const lines = (await (await get(csv)).text()).trimEnd().split("\r\n");
      assert.equal(lines.length, rows.length + 1, list);
    }
  }));
