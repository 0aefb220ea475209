/** Open and ended flows as one list, and the page of a flow. */
import assert from "node:assert/strict";
import type { OpenFlows, OpenFlowsQuery } from "../agent/search/open_flows.ts";
import { compareFlowPlaces, flowValue, NO_OPEN_FLOWS } from "../agent/search/open_flows.ts";
import { makeMatcher } from "../agent/search/match.ts";
import { FLOWS_PER_RUN } from "../agent/store/schema.ts";
import { flow as makeFlow, many, openWriter, startUs } from "../agent/store/testing.ts";
import { flowRow } from "../agent/flow/flow_row.ts";
import type { Flow } from "../agent/records.ts";
import { hostileName } from "./dashboard_fixture.ts";
import { type Site, withSite } from "./dashboard_site.ts";
import { startTraffic } from "./dashboard_fixture.ts";

/** A pipeline that holds these flows. */
function pipelineOf(flows: readonly Flow[]) {
  return (query: OpenFlowsQuery): Promise<OpenFlows> => {
    const fits = makeMatcher(query.tree);
    const { order, isAscending, after, limit } = query;
    const place = (row: object) => ({ value: flowValue(row, order), id: (row as Flow).id });
    const fitting = flows.map((flow) => ({ ...flowRow(flow), id: flow.id, is_open: 1 }))
      .filter((row) => fits(row) && (query.id === undefined || row.id === query.id));
    const rows = fitting.filter((row) =>
      after === null || compareFlowPlaces(after, place(row), isAscending) < 0
    ).sort((a, b) => compareFlowPlaces(place(a), place(b), isAscending)).slice(0, limit);
    const count = fitting.length;
    return Promise.resolve({
      ...NO_OPEN_FLOWS,
      rows,
      count,
      openCount: count,
      lookedAt: flows.length,
      standing: flows.length,
      tookMs: 1,
    });
  };
}

/** Flows 1 to 40 have ended, 41 to 60 are open; their last packets alternate. */
const ended = many(
  40,
  (number) => makeFlow(number, { endUs: startUs + 2_000_000 + number * 2000 }),
  1,
);
const open = many(
  20,
  (number) =>
    makeFlow(number, {
      endUs: startUs + 2_000_000 + (number - 40) * 4001,
      origWireBytes: 5000 + number * 100,
      connState: "S1",
      endReason: "",
      ...(number === 45 && { name: hostileName }),
    }),
  41,
);

function withFlows(use: (site: Site) => Promise<void>, isLate = false): Promise<void> {
  const openFlows = isLate
    ? () => Promise.resolve({ ...NO_OPEN_FLOWS, isLate: true })
    : pipelineOf(open);
  return withSite({ openFlows, ringSpan: { startUs, newestFileUs: startUs } }, async (site) => {
    const writer = openWriter(`${site.folder}/packet_logs.db`);
    const empty = { packets: [], seconds: [], hosts: [] };
    writer.write({ ...empty, flows: ended });
    writer.close();
    startTraffic(site.live);
    site.live.storeRun = 1;
    await use(site);
  });
}

/** What is markup: between the quotes of an attribute, and in a script's data, a "<" is text. */
function markupOf(html: string): string {
  return html.replaceAll(/<script[^]*?<\/script>/g, "").replaceAll(/="[^"]*"/g, "");
}

async function walk({ get }: Site, path: string) {
  const rows: Record<string, number | string>[] = [];
  for (let cursor = "", pages = 0; pages < 100; pages++) {
    const body = await (await get(`${path}${cursor && `&cursor=${cursor}`}`)).json();
    rows.push(...body.flows);
    if (body.next_cursor === null) return rows;
    cursor = body.next_cursor;
  }
  assert.fail("the list has no end");
}

Deno.test("open and ended flows are one list, each once, in every order, whatever the size of a page", () =>
  withFlows(async (site) => {
    for (const limit of [1, 7, 20, 1000]) {
      for (const order of ["last", "bytes", "duration", "start"] as const) {
        for (const direction of ["down", "up"]) {
          const path = `/api/flows?limit=${limit}&order=${order}&direction=${direction}`;
          const rows = await walk(site, path);
          assert.equal(rows.length, 60, path);
          assert.equal(new Set(rows.map(({ id }) => id)).size, 60, path);
          const values = rows.map((row) => flowValue(row, order));
          assert.deepEqual(
            values,
            values.toSorted((a, b) => direction === "up" ? a - b : b - a),
            path,
          );
        }
      }
    }
    const rows = await walk(site, "/api/flows?q=state+open&limit=6");
    assert.equal(rows.length, 20);
    assert.ok(rows.every(({ state }) => state === "open"));
    const others = await walk(site, "/api/flows?q=state+ended&limit=6");
    assert.equal(others.length, 40);
    assert.ok(others.every(({ state }) => state === "ended"));
    const mixed = await walk(site, "/api/flows?q=state+S1+or+host+192.168.1.7&limit=3");
    assert.equal(mixed.length, 21);
  }));

Deno.test("/api/flows says how many there are and what it cost to ask; a pipeline that is late is told", async () => {
  await withFlows(async ({ get }) => {
    const body = await (await get("/api/flows?limit=5")).json();
    assert.deepEqual(body.total, { count: 60, is_more: false });
    assert.equal(body.open.count, 20);
    assert.equal(typeof body.open.took_ms, "number");
    const html = await (await get("/flows?limit=5")).text();
    assert.match(html, /5 of 60 flows, 20 open/);
  });
  await withFlows(async ({ get }) => {
    const body = await (await get("/api/flows")).json();
    assert.equal(body.flows.length, 40);
    assert.equal(body.open.is_late, true);
    assert.match(await (await get("/flows")).text(), /Open flows could not be read in time/);
  }, true);
});

Deno.test("everything in a row of the list narrows it, and columns are sorted by links", () =>
  withFlows(async ({ get }) => {
    const html = (await (await get("/flows?q=port+443&limit=1000")).text()).replaceAll(
      "&amp;",
      "&",
    );
    for (
      const q of ["host 192.168.1.7", "port 40007", "service tls", "state open", "state SF"]
        .concat("name www7.example.com")
    ) {
      const query = new URLSearchParams({ q: `port 443 and ${q}` }).get("q")!;
      const href = `q=${encodeURIComponent(query).replaceAll("%20", "+")}`;
      assert.ok(html.includes(href), href);
    }
    assert.match(html, /href="\/flows\?q=port\+443&limit=1000&order=sent"/);
    assert.match(html, /aria-sort="descending"/);
    assert.doesNotMatch(markupOf(html), /<img/);
    assert.match(html, /&lt;img/);
    const links = [...html.matchAll(/href="(\/flows\?[^"]+)"/g)].map(([, href]) => href!);
    for (const href of new Set(links.filter((_, index) => index % 25 === 0))) {
      assert.equal((await get(href)).status, 200, href);
    }
  }));

Deno.test("the page of a flow tells how it went in words, and leads to flows like it", () =>
  withFlows(async ({ get }) => {
    const response = await get(`/flows/${FLOWS_PER_RUN + 7}`);
    assert.equal(response.status, 200);
    const html = (await response.text()).replaceAll("&amp;", "&");
    for (
      const text of ["established and closed in order", "the originator asked for a connection"]
        .concat("t13d1516h2_8daaf6152771_02713d6af862", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "12.3")
    ) assert.ok(html.includes(text), text);
    assert.match(html, /href="\/api\/export\/pcap\?flow=4294967303&from=\d+&to=\d+"/);
    const like = [...html.matchAll(/href="(\/flows\?q=[^"]+)"/g)].map(([, href]) => href!);
    assert.ok(like.length >= 7);
    for (const href of like) {
      const list = await (await get(`/api${href}`)).json();
      assert.ok(
        list.flows.some(({ id }: { id: number }) => id === FLOWS_PER_RUN + 7),
        `${href} has the flow itself`,
      );
    }
    const standing = await (await get(`/flows/${FLOWS_PER_RUN + 45}`)).text();
    assert.match(standing, /<b>open<\/b>/);
    assert.doesNotMatch(markupOf(standing), /<img/);
    assert.equal((await get("/flows/99999")).status, 404);
    assert.equal((await get("/flows/x")).status, 404);
    assert.equal((await get("/api/flows/x")).status, 404);
    assert.equal((await (await get(`/api/flows/${FLOWS_PER_RUN + 45}`)).json()).state, "open");
    assert.equal((await (await get(`/api/flows/${FLOWS_PER_RUN + 7}`)).json()).state, "ended");
  }));

Deno.test("a long flow's rows are summed on the page of each, and add up to it", () =>
  withSite({ ringSpan: null }, async (site) => {
    const pieces = many(4, (number) =>
      makeFlow(number, {
        origH: "192.168.1.9",
        origP: 50_000,
        respH: "198.51.100.7",
        startUs: startUs + number * 300e6,
        endUs: startUs + number * 300e6 + 299e6,
        origWireBytes: 1000,
        respWireBytes: 1_000_000,
        endReason: number === 4 ? "closed" : "active",
      }), 1);
    const other = makeFlow(9, {
      ...pieces[0]!,
      id: 9,
      startUs,
      endUs: startUs + 1,
      endReason: "closed",
    });
    const writer = openWriter(`${site.folder}/packet_logs.db`);
    writer.write({ packets: [], seconds: [], hosts: [], flows: [...pieces, other] });
    writer.close();
    startTraffic(site.live);
    for (const id of [1, 3, 4]) {
      const html = await (await site.get(`/flows/${FLOWS_PER_RUN + id}`)).text();
      assert.match(html, /data-stat="Received">4\.00<small>MB/, String(id));
      assert.match(html, /Its rows/);
      assert.equal([...html.matchAll(/<rect class="received"/g)].length, 4);
    }
    const html = await (await site.get(`/flows/${FLOWS_PER_RUN + 9}`)).text();
    assert.doesNotMatch(html, /Its rows/);
    assert.match(html, /No capture file has a packet yet|Capture files are off/);
  }));
