/** The overview: one range and one search for all of it, from the history, with what is under way. */
import assert from "node:assert/strict";
import type { OpenFlowsQuery } from "../agent/search/open_flows.ts";
import { NO_OPEN_FLOWS } from "../agent/search/open_flows.ts";
import { flowRow } from "../agent/flow/flow_row.ts";
import type { Flow } from "../agent/records.ts";
import { flow, many, openWriter, rows, second } from "../agent/store/testing.ts";
import { trafficChart } from "../components/series_chart.ts";
import { buildSeries } from "../components/traffic_series.ts";
import { hostileName } from "./dashboard_fixture.ts";
import { type Site, withSite } from "./dashboard_site.ts";
import { makeSource } from "./dashboard_fixture.ts";
import { makeScan, storeFindings } from "./finding_fixture.ts";

const minuteUs = 60e6;
const hourUs = 60 * minuteUs;
const dayUs = 24 * hourUs;
const nowUs = Date.now() * 1000;

function store({ folder }: Site, flows: readonly Flow[], seconds: number[] = []): void {
  const writer = openWriter(`${folder}/packet_logs.db`, { nowUs });
  writer.write(rows({ flows, seconds: seconds.map((tsUs) => second(0, { tsUs })) }));
  writer.close();
}

function flowAt(id: number, agoUs: number, changes: Partial<Flow> = {}): Flow {
  const endUs = Math.trunc(nowUs - agoUs);
  return flow(id, { startUs: endUs - 1e6, endUs, ...changes });
}

interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly href: string | null;
  readonly before_bytes?: number | null;
}
async function history({ get }: Site, query: string) {
  const response = await get(`/api/stats?${query}`);
  assert.equal(response.status, 200, query);
  const { history, series, beside } = await response.json();
  return { history, series, beside } as {
    history: { hosts: Listed[]; services: Listed[]; peers: Listed[]; bytes: number };
    series: { start_us: number; bucket_us: number; in_bytes: number[] };
    beside: {
      marks: { ts_us: number; text: string }[];
      gaps: { from_us: number; to_us: number }[];
      usual: unknown;
      usual_note: string;
      before: { in_bytes: number[] } | null;
    };
  };
}

Deno.test("hosts, services and networks of the range come from the history, open flows included", () => {
  const open = flow(9, {
    ...{ startUs: nowUs - 30e6, endUs: nowUs - 1e6, endReason: "" },
    ...{ origH: "192.168.1.77", respH: "203.0.113.9", service: "", respP: 8443 },
    ...{ origWireBytes: 1_000, respWireBytes: 5_000_000 },
  });
  const asked: OpenFlowsQuery[] = [];
  return withSite({
    openFlows: (query) => {
      asked.push(query);
      const row = flowRow(open);
      return Promise.resolve({ ...NO_OPEN_FLOWS, rows: [row], count: 1, openCount: 1 });
    },
  }, async (site) => {
    store(site, [
      flowAt(1, 5 * minuteUs, { origH: "192.168.1.20", respWireBytes: 2_000_000 }),
      flowAt(2, 3 * hourUs, { origH: "192.168.1.30", respWireBytes: 9_000_000 }),
    ]);
    const quarter = await history(site, "range=15m");
    assert.deepEqual(quarter.history.hosts.map(({ key }) => key), ["192.168.1.77", "192.168.1.20"]);
    assert.deepEqual(
      [quarter.history.hosts[0]!.in_bytes, quarter.history.hosts[0]!.out_bytes],
      [5_000_000, 1_000],
    );
    assert.deepEqual(quarter.history.services.map(({ key }) => key), ["tcp/8443", "tls"]);
    assert.deepEqual(quarter.history.peers[0]!.key, "203.0.113.0/24");
    const day = await history(site, "range=24h");
    assert.equal(day.history.hosts[0]!.key, "192.168.1.30");
    const html = await (await site.get("/?range=24h")).text();
    assert.match(html, /last 24 h, 1 open flows included/);
    assert.match(html, /href="\/\?range=24h&amp;q=host\+192\.168\.1\.30">/);
    assert.match(html, /href="\/\?range=24h&amp;q=proto\+tcp\+and\+dport\+8443">TCP 8443/);
    assert.match(html, /href="\/\?range=24h&amp;q=net\+203\.0\.113\.0%2F24">/);
    // What has ended before now is not asked of the pipeline.
    asked.length = 0;
    await history(site, `from=${nowUs - 4 * hourUs}&to=${nowUs - 2 * hourUs}`);
    assert.equal(asked.length, 0);
  });
});

Deno.test("a search narrows all of the page, and a wrong one is refused with its place", () =>
  withSite({}, async (site) => {
    store(site, [
      flowAt(1, hourUs, { origH: "192.168.1.20", service: "tls", respWireBytes: 1e6 }),
      flowAt(2, hourUs, { origH: "192.168.1.20", service: "dns", respWireBytes: 2e6 }),
      flowAt(3, hourUs, { origH: "192.168.1.30", service: "tls", respWireBytes: 3e6 }),
    ]);
    const narrowed = await history(site, "range=6h&q=host+192.168.1.20");
    assert.deepEqual(narrowed.history.services.map(({ key }) => key), ["dns", "tls"]);
    assert.deepEqual(narrowed.history.hosts.map(({ key }) => key), ["192.168.1.20"]);
    const sum = narrowed.series.in_bytes.reduce((total, bytes) => total + bytes, 0);
    assert.equal(sum, 3e6);
    const html = await (await site.get("/?range=6h&q=host+192.168.1.20")).text();
    assert.match(html, /class="chip on "[^>]*href="\/\?range=6h"/);
    assert.match(html, /href="\/\?range=6h&amp;q=host\+192\.168\.1\.20\+and\+service\+dns">DNS/);
    assert.match(html, /href="\/flows\?q=host\+192\.168\.1\.20"/);
    assert.equal((await site.get("/?q=port+x")).status, 400);
    const refused = await site.get("/api/stats?q=port+x");
    assert.equal(refused.status, 400);
    assert.match((await refused.json()).error, /Column 6/);
  }));

Deno.test("lists have what each row had in the same stretch a week before, where that is compared", () =>
  withSite({}, async (site) => {
    const before = 7 * dayUs;
    store(site, [
      flowAt(1, hourUs, { origH: "192.168.1.20", service: "tls", respWireBytes: 1e6 }),
      flowAt(2, hourUs, { origH: "192.168.1.30", service: "dns", respWireBytes: 2e6 }),
      flowAt(3, before + hourUs, { origH: "192.168.1.20", service: "tls", respWireBytes: 3e6 }),
      flowAt(4, before + hourUs, { origH: "192.168.1.40", service: "ssh", respWireBytes: 4e6 }),
      // Before the stretch of then, and after it.
      flowAt(5, before + 9 * hourUs, { origH: "192.168.1.20", service: "tls" }),
      flowAt(6, before - hourUs, { origH: "192.168.1.20", service: "tls" }),
    ]);
    const { history: compared } = await history(site, "range=6h&compare=week");
    assert.deepEqual(
      compared.hosts.map(({ key, before_bytes }) => [key, before_bytes]),
      [["192.168.1.30", 0], ["192.168.1.20", 3_001_600]],
    );
    assert.deepEqual(
      compared.services.map(({ key, before_bytes }) => [key, before_bytes]),
      [["dns", 0], ["tls", 3_001_600]],
    );
    const html = await (await site.get("/?range=6h&compare=week")).text();
    assert.match(html, /<th scope="col" class="num">Week before<\/th>/);
    assert.match(html, /data-l="week before">3\.00\u00a0MB</);
    const plain = await history(site, "range=6h");
    assert.ok(!("before_bytes" in plain.history.hosts[0]!));
    const alone = await (await site.get("/?range=6h&compare=week&q=host+192.168.1.30")).text();
    assert.match(alone, /There is no history of the week before\./);
  }));

Deno.test("own dates, the week before, gaps and incidents are of the stretch that is asked for", () =>
  withSite({}, async (site) => {
    const day = Math.floor(nowUs / dayUs) * dayUs - 3 * dayUs;
    const minutes = (startUs: number, count: number) =>
      Array.from({ length: count }, (_, index) => startUs + index * minuteUs);
    // Two runs with an hour between them, and the same hours a week before.
    store(site, [], minutes(day - 7 * dayUs, 180));
    store(site, [], minutes(day, 60));
    store(site, [], minutes(day + 2 * hourUs, 60));
    storeFindings(site, [{
      ...makeScan(),
      firstUs: day + 10 * minuteUs,
      lastUs: day + 12 * minuteUs,
      detectedUs: day + 11 * minuteUs,
    }]);
    const asked = `from=${day}&to=${day + 3 * hourUs}`;
    const { series, beside } = await history(site, asked);
    assert.deepEqual([series.start_us, series.bucket_us], [day, 60e6]);
    assert.equal(beside.marks.length, 1);
    assert.equal(beside.marks[0]!.ts_us, day + 10 * minuteUs);
    const gap = beside.gaps.map(({ from_us, to_us }) =>
      [from_us, to_us].map((us) => (us - day) / minuteUs)
    );
    assert.equal(gap.length, 1);
    assert.ok(gap[0]![0]! >= 59 && gap[0]![0]! <= 61 && gap[0]![1] === 120, `${gap}`);
    assert.match(beside.usual_note, /not yet/);
    assert.equal(beside.before, null);
    const compared = await history(site, `${asked}&compare=week`);
    const before = compared.beside.before!.in_bytes;
    assert.equal(before.reduce((sum, bytes) => sum + bytes, 0), 180 * 4000);
    const html = await (await site.get(`/?${asked}`)).text();
    assert.match(html, /<rect class="gap"/);
    assert.match(html, /class="mark sev-\w+"/);
    assert.match(html, /Usual range: not yet, .* history and there (is 1 week|are none)\./);
    assert.match(html, /beside the week before/);
    assert.match(html, /<summary aria-current="true">Dates/);
  }));

Deno.test("the anomaly rate over time stands beside its threshold: what is over it, what is under it", () =>
  withSite({}, async (site) => {
    const empty = await (await site.get("/?range=1h")).text();
    assert.match(empty, /Nothing was judged in this time: detection was learning, behind or off\./);
    const minute = Math.floor(nowUs / minuteUs) * minuteUs;
    const [overUs, underUs] = [minute - 30 * minuteUs, minute - 20 * minuteUs];
    const writer = openWriter(`${site.folder}/packet_logs.db`, { nowUs });
    writer.writeWindows([
      { tsUs: overUs, windows: 4, flagged: 2, ratePct: 15 },
      { tsUs: overUs + 10e6, windows: 5, flagged: 1, ratePct: 35 },
      { tsUs: underUs, windows: 6, flagged: 1, ratePct: 4 },
      // Before the hour.
      { tsUs: minute - 90 * minuteUs, windows: 7, flagged: 7, ratePct: 90 },
    ]);
    writer.close();
    const html = await (await site.get("/?range=1h")).text();
    assert.match(html, /aria-label="4 of 15 windows were unusual\."/);
    assert.match(html, /4 of 15 windows unusual/);
    assert.match(html, /an anomaly from 10\u00a0% on/);
    const [, drawn] = /<svg class="rate"[^>]*>([^]*?)<\/svg>/.exec(html)!;
    const percent = (of: string, name: string) =>
      Number(new RegExp(` ${name}="([\\d.]+)%"`).exec(of)![1]);
    const bars = [...drawn!.matchAll(/<rect([^>]*)><title>([^<]*)</g)].map(([, of, title]) => ({
      isOver: of!.includes('class="over"'),
      x: percent(of!, "x"),
      top: percent(of!, "y"),
      bottom: percent(of!, "y") + percent(of!, "height"),
      title: title!.replaceAll("\u00a0", " "),
    })).sort((a, b) => a.x - b.x);
    assert.deepEqual(bars.map(({ isOver }) => isOver), [true, false]);
    assert.match(bars[0]!.title, /: 25\.0 % of packets, 3 of 9 windows$/);
    assert.match(bars[1]!.title, /: 4\.0 % of packets, 1 of 6 windows$/);
    const line = /<line[^>]*>/.exec(drawn!)![0];
    const threshold = percent(line, "y1");
    assert.equal(percent(line, "y2"), threshold);
    assert.ok(bars[0]!.top < threshold && threshold < bars[1]!.top, `${drawn}`);
    assert.ok(bars.every(({ bottom }) => bottom > 99.9 && bottom < 100.1), `${drawn}`);
    // Ten minutes apart.
    assert.ok(Math.abs(bars[1]!.x - bars[0]!.x - 100 / 6) < 0.1, `${drawn}`);
    assert.doesNotMatch(await (await site.get("/?range=1h&q=service+dns")).text(), /class="rate"/);
  }));

Deno.test("the usual range of the hour stands behind the line once there are weeks to know it from", () =>
  withSite({}, async (site) => {
    const startUs = Math.floor(nowUs / dayUs) * dayUs - 2 * dayUs;
    const weekUs = 7 * dayUs;
    const asked = `from=${startUs}&to=${startUs + 6 * hourUs}`;
    /** The hours of a week so many weeks before: 1 MB in more each week, of odd hours twice as much. */
    const storeWeek = (weeks: number) => {
      const writer = openWriter(`${site.folder}/packet_logs.db`, { nowUs });
      const seconds = Array.from({ length: 168 }, (_, hour) =>
        second(0, {
          tsUs: startUs - weeks * weekUs + hour * hourUs,
          inBytes: weeks * 1e6 * (1 + hour % 2),
          outBytes: 5e5,
          bytes: 1e7,
        }));
      writer.write(rows({ seconds }));
      writer.close();
    };
    storeWeek(1);
    assert.match(
      (await history(site, asked)).beside.usual_note,
      /not yet, it needs 2 weeks of history and there is 1 week\./,
    );
    // Oldest last, as a restored history has it.
    storeWeek(3);
    storeWeek(2);
    const writer = openWriter(`${site.folder}/packet_logs.db`, { nowUs });
    const own = many(6, (hour) => second(0, { tsUs: startUs + hour * hourUs, inBytes: 4e6 }));
    writer.write(rows({ seconds: own }));
    writer.close();
    const { series, beside } = await history(site, asked);
    assert.equal(beside.usual_note, "");
    const usual = beside.usual as { in_bytes: number[]; out_bytes: number[] };
    assert.equal(usual.in_bytes.length, series.in_bytes.length);
    const share = series.bucket_us / hourUs;
    for (let index = 0; index < usual.in_bytes.length; index++) {
      const hour = Math.floor(
        (series.start_us + (index + 0.5) * series.bucket_us - startUs) / hourUs,
      );
      // The ninetieth hundredth of 1, 2 and 3 MB.
      const expected = 2.8e6 * (1 + hour % 2) * share;
      assert.ok(Math.abs(usual.in_bytes[index]! - expected) < 1, `${index}: ${usual.in_bytes}`);
      assert.ok(Math.abs(usual.out_bytes[index]! - 5e5 * share) < 1, `${usual.out_bytes}`);
    }
    const html = await (await site.get(`/?${asked}`)).text();
    assert.match(html, /<i class="sw usual"><\/i>usual for the hour/);
    assert.doesNotMatch(html, /Usual range: not yet/);
    // As the chart is given it: behind the lines, in above and out below.
    const shown = buildSeries([], {
      bucketUs: hourUs,
      countMax: 2,
      endUs: startUs + 2 * hourUs - 1,
    });
    const band = { inBytes: [3e6, 6e6], outBytes: [5e5, 5e5] };
    const { data, palette } = trafficChart(shown, "UTC", { usual: band, before: null });
    assert.deepEqual(data.datasets.map(({ name }) => name), [
      "Usual, in",
      "Usual, out",
      "In",
      "Out",
    ]);
    assert.equal(palette, "pal-usual");
    // The week before takes its place, and a search has none.
    const compared = await (await site.get(`/?${asked}&compare=week`)).text();
    assert.doesNotMatch(compared, /usual for the hour/);
    const narrowed = await (await site.get(`/?${asked}&q=service+dns`)).text();
    assert.doesNotMatch(narrowed, /usual for the hour/);
  }));

Deno.test("hostile names of hosts and services are text on the overview", () =>
  withSite({}, async (site) => {
    site.live.setSource(makeSource());
    const writer = openWriter(`${site.folder}/packet_logs.db`, { nowUs });
    writer.write(rows({
      flows: [flowAt(1, minuteUs, { origH: "192.168.1.20" })],
      hosts: [{
        ...{ address: "192.168.1.20", mac: "", name: hostileName, isLocal: true },
        ...{ firstSeenUs: nowUs - 1e9, lastSeenUs: nowUs, inPackets: 1, inBytes: 1 },
        ...{ outPackets: 1, outBytes: 1 },
      }],
    }));
    writer.close();
    const html = await (await site.get("/?range=1h")).text();
    assert.doesNotMatch(html.replaceAll(/<script[^]*?<\/script>/g, ""), /<img/);
    assert.ok(html.includes("&lt;img src=x"));
  }));
