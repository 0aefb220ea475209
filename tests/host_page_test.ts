/** The pages of hosts: a row a device, one host with all that is known of it, what is new. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import type { Flow, HostTotals } from "../agent/records.ts";
import { flowRow } from "../agent/flow/flow_row.ts";
import { makeMatcher } from "../agent/search/match.ts";
import { NO_OPEN_FLOWS, type OpenFlowsQuery } from "../agent/search/open_flows.ts";
import { flow, hostRow } from "../agent/store/testing.ts";
import { StoreWriter } from "../agent/store/writer.ts";
import { hostileName, nowUs } from "./dashboard_fixture.ts";
import { markup, type Site, withSite, withTraffic } from "./dashboard_site.ts";

const hourUs = 3600e6;
const dayUs = 24 * hourUs;
const camera = "192.168.10.57";
const cameraMac = "9c:8e:cd:00:00:57";
const privacy = "2001:db8:1:1:a1b2:c3d4:e5f6:1";

interface Batch {
  readonly hosts?: readonly HostTotals[];
  readonly flows?: readonly Flow[];
}

function write({ folder }: Site, batches: readonly Batch[]): void {
  const writer = new StoreWriter({
    path: `${folder}/packet_logs.db`,
    retentionDays: 14,
    retentionBytes: 2 ** 31,
    toolVersion: "test",
    nowUs: nowUs(),
  });
  for (const { hosts = [], flows = [] } of batches) {
    writer.write({ packets: [], seconds: [], hosts, flows });
  }
  writer.close();
}

function host(address: string, atUs: number, changes: Partial<HostTotals> = {}): HostTotals {
  return hostRow(address, {
    firstSeenUs: atUs,
    lastSeenUs: atUs,
    mac: address.startsWith("192.168.10.57") || address === privacy ? cameraMac : "",
    ...changes,
  });
}

function talk(id: number, atUs: number, respH: string, changes: Partial<Flow> = {}): Flow {
  return flow(id, { startUs: atUs, endUs: atUs + 1e6, origH: camera, respH, ...changes });
}

/** A camera that has been there for four days and meets somebody new an hour ago. */
function cameraDays(): Batch[] {
  const startUs = Math.floor(nowUs() / hourUs) * hourUs - 4 * dayUs;
  const days: Batch[] = Array.from({ length: 96 }, (_, hour) => ({
    hosts: [
      host(camera, startUs + hour * hourUs, {
        names: [{ name: "cam-garage", origin: "dhcp" }],
        inBytes: hour % 24 >= 7 && hour % 24 < 22 ? 40_000 : 0,
      }),
    ],
  }));
  const lateUs = nowUs() - hourUs;
  return [
    { hosts: [host(privacy, startUs)] },
    ...days.slice(0, 1),
    {
      flows: [
        talk(1, startUs, "198.51.100.9", { name: "cloud.example", respWireBytes: 5000 }),
        flow(2, {
          startUs,
          endUs: startUs + 1,
          origH: "192.168.10.9",
          respH: camera,
          respP: 554,
          service: "",
        }),
      ],
    },
    ...days.slice(1),
    {
      hosts: [host("192.168.10.99", lateUs)],
      flows: [
        talk(3, lateUs, "203.0.113.77", { name: hostileName, origWireBytes: 25e6 }),
        talk(4, lateUs, "198.51.100.9", { name: "cloud.example" }),
        flow(5, {
          startUs: lateUs,
          endUs: lateUs + 1,
          origH: "192.168.10.9",
          respH: camera,
          respP: 23,
          service: "",
        }),
      ],
    },
  ];
}

function withCamera(use: (site: Site) => Promise<void>): Promise<void> {
  return withSite({}, async (site) => {
    write(site, cameraDays());
    await use(site);
  });
}

const textOf = (html: string) =>
  markup(html).replaceAll(/<[^>]+>/g, "\n").replaceAll(/\s*\n\s*/g, "\n");

Deno.test("the list has one row for a device with all its addresses, named and with its maker", () =>
  withCamera(async ({ get }) => {
    const html = markup(await (await get("/hosts")).text());
    strictEqual(html.match(/cam-garage/g)!.length, 1);
    match(html, /href="\/hosts\/9c%3A8e%3Acd%3A00%3A00%3A57"/);
    match(
      textOf(html),
      /cam-garage\n192\.168\.10\.57\n[^]*and 1 more\ncamera\nAmcrest Technologies/,
    );
  }));

Deno.test("hosts are sorted by columns, and turned round", () =>
  withTraffic(async ({ get }) => {
    const names = async (query: string) => {
      const { hosts } = await (await get(`/api/hosts?${query}`)).json();
      return hosts.map(({ address }: { address: string }) => address);
    };
    const falling = await names("order=received");
    strictEqual(falling[0], "192.168.10.14");
    deepStrictEqual(await names("order=received&direction=up"), falling.toReversed());
    const own = await names("");
    ok(own.slice(0, 4).every((address: string) => address.startsWith("192.168.")), own.join());
    const html = await (await get("/hosts?order=received")).text();
    match(html, /aria-sort="descending"><a href="\/hosts\?order=received&amp;direction=up"/);
  }));

Deno.test("hosts are paged without gap or repetition in each order and direction", () =>
  withCamera(async ({ get }) => {
    for (const order of ["own", "bytes", "sent", "first_seen", "address"]) {
      for (const direction of ["up", "down"]) {
        const seen: string[] = [];
        for (let cursor = "", at = 0; at < 9; at++) {
          const path = `/api/hosts?order=${order}&direction=${direction}&limit=1${cursor}`;
          const page = await (await get(path)).json();
          seen.push(...page.hosts.map(({ address }: { address: string }) => address));
          if (page.next_cursor === null) break;
          cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
        }
        deepStrictEqual(seen.sort(), [camera, "192.168.10.99"].sort(), `${order} ${direction}`);
      }
    }
  }));

for (
  const id of [camera, privacy, cameraMac, cameraMac.toUpperCase(), "1"]
) {
  Deno.test(`the page of a host is found by ${id}`, () =>
    withCamera(async ({ get }) => {
      const response = await get(`/hosts/${encodeURIComponent(id)}`);
      strictEqual(response.status, 200);
      match(await response.text(), /<p class="lead">cam-garage \(192\.168\.10\.57\)<\/p>/);
    }));
}

Deno.test("a host's page has its peers with names, bytes and first contacts, its services and usual hours", () =>
  withCamera(async ({ get }) => {
    const response = await get(`/hosts/${camera}`);
    const html = await response.text();
    const text = textOf(html);
    ok(!html.includes(hostileName), "a hostile name is text");
    match(text, /Usually active from \d\d:00 to \d\d:00, judged by the last four weeks\./);
    match(text, /\n203\.0\.113\.77\n[^]*?25\.0\sMB\n1\nnew,/);
    match(text, /cloud\.example\n198\.51\.100\.9\n/);
    match(text, /Services offered\n[^]*Telnet \(23\/tcp\)\nnew,[^]*554\/tcp/);
    match(text, /cam-garage: it calls itself so by DHCP/);
    match(text, new RegExp(`Also\n${privacy}`));
    match(html, /href="\/api\/export\/pcap\?q=host\+192\.168\.10\.57\+or\+host\+2001/);
  }));

Deno.test("a host's page is of the range that is asked for", () =>
  withCamera(async ({ get }) => {
    const week = textOf(await (await get(`/hosts/${camera}`)).text());
    match(week, /Traffic\nlast 7 d; received above the line, sent below/);
    match(week, /\n203\.0\.113\.77\n/);
    const early = nowUs() - 5 * dayUs;
    const before = await get(`/hosts/${camera}?from=${early}&to=${early + 2 * dayUs}`);
    const old = textOf(await before.text());
    ok(!/\n203\.0\.113\.77\n/.test(old), "the stranger came later");
    match(old, /cloud\.example\n198\.51\.100\.9\n/);
    match(old, /Received [\d.]+\skB above the line/);
    const hour = textOf(await (await get(`/hosts/${camera}?range=24h`)).text());
    match(hour, /Received [^\n]+ above the line, sent 25\.0\sMB below it/);
    const html = await (await get(`/hosts/${camera}?range=24h`)).text();
    match(html, /href="\/hosts\/192\.168\.10\.57\?range=30d"/);
    match(html, /href="\/\?range=24h&amp;q=mac\+9c%3A8e%3Acd%3A00%3A00%3A57"/);
    match(html, /q=%28host\+192[^"]+\+and\+proto\+tcp\+and\+dport\+23"/);
    for (const query of ["range=2h", "from=20&to=10", "x=1"]) {
      strictEqual((await get(`/hosts/${camera}?${query}`)).status, 400, query);
    }
  }));

Deno.test("the overview has one row for a device with all its addresses, which narrows to all of them", () =>
  withCamera(async (site) => {
    write(site, [{
      flows: [talk(6, nowUs() - hourUs, "203.0.113.9", { origH: privacy, origWireBytes: 9e6 })],
    }]);
    const { history } = await (await site.get("/api/stats?range=24h")).json();
    const own = history.hosts.filter(({ name }: { name: string }) => name === "cam-garage");
    deepStrictEqual(own.map(({ key }: { key: string }) => key), [camera]);
    ok(own[0].out_bytes >= 34e6, own[0].out_bytes);
    strictEqual(own[0].href, `/?range=24h&q=mac+${encodeURIComponent(cameraMac)}`);
    const narrowed = await site.get(`/api/stats?range=24h&q=mac+${cameraMac}`);
    const sent = (await narrowed.json()).series.out_bytes;
    ok(sent.reduce((sum: number, bytes: number) => sum + bytes, 0) >= 34e6, "all addresses");
    const { flows } = await (await site.get(`/api/flows?q=mac+${cameraMac}`)).json();
    ok(flows.some(({ orig_h }: { orig_h: string }) => orig_h === privacy));
    ok(flows.some(({ orig_h }: { orig_h: string }) => orig_h === camera));
    strictEqual(new Set(flows.map(({ id }: { id: number }) => id)).size, flows.length);
  }));

Deno.test("a host elsewhere has a page of its own; one that nobody has seen is a 404 that leads on", () =>
  withCamera(async (site) => {
    write(site, [{ hosts: [host("203.0.113.77", nowUs(), { isLocal: false })] }]);
    const outside = await site.get("/hosts/203.0.113.77");
    strictEqual(outside.status, 200);
    match(textOf(await outside.text()), /elsewhere[^]*cam-garage|elsewhere/);
    for (const id of ["10.9.9.9", "999", "%3Cb%3E", "..%2F", "a".repeat(300)]) {
      const missing = await site.get(`/hosts/${id}`);
      strictEqual(missing.status, 404, id);
      match(await missing.text(), /This host has not been seen/);
      strictEqual((await site.get(`/api/hosts/${id}`)).status, 404);
    }
  }));

Deno.test("a host has its page from its first flow on, before its row is written", () => {
  const startUs = nowUs() - 30e6;
  const open = flow(7, {
    ...{ startUs, endUs: startUs + 20e6, endReason: "", origH: "192.168.1.88" },
    ...{ respH: "2001:db8::9", origWireBytes: 2000, respWireBytes: 7_000_000 },
  });
  const openFlows = ({ tree }: OpenFlowsQuery) => {
    const rows = [flowRow(open)].filter(makeMatcher(tree));
    return Promise.resolve({ ...NO_OPEN_FLOWS, rows, count: rows.length });
  };
  return withSite({ openFlows }, async (site) => {
    for (const id of ["192.168.1.88", "2001:DB8:0::9"]) {
      const page = await site.get(`/hosts/${id}`);
      strictEqual(page.status, 200, id);
      match(textOf(await page.text()), /7\.00\sMB/);
    }
    match(await (await site.get("/hosts/192.168.1.88")).text(), /own network/);
    const told = await (await site.get("/api/hosts/192.168.1.88")).json();
    deepStrictEqual([told.address, told.in_bytes, told.peers.length], ["192.168.1.88", 7e6, 1]);
  });
});

Deno.test("what is new is a list, counted on the overview, with the device's page behind it", () =>
  withCamera(async ({ get }) => {
    const text = textOf(await (await get("/hosts/new")).text());
    match(text, /192\.168\.10\.99 was seen for the first time/);
    match(
      text,
      /cam-garage \(192\.168\.10\.57\) answered as a server for the first time: Telnet \(23\/tcp\)/,
    );
    match(text, /cam-garage \(192\.168\.10\.57\) talked to /);
    match(
      textOf(await (await get("/?range=24h")).text()),
      /New here\s+last 24 h\s+What is new\s+(?=[^]*First time on this network)(?=[^]*New service)[^]*New peer of cam-garage/,
    );
    const { first_contacts: rows } = await (await get("/api/hosts/new?kind=service")).json();
    deepStrictEqual(
      rows.map(({ kind, address, port }: Record<string, unknown>) => [kind, address, port]),
      [["service", camera, 23]],
    );
    strictEqual((await get("/api/hosts/new?kind=odd")).status, 400);
    strictEqual((await get("/hosts/new?device=x")).status, 400);
    match(
      await (await get("/api/hosts/new?format=csv")).text(),
      /^id,ts_us,kind,device_id,address/,
    );
  }));

Deno.test("what is new can be asked for since yesterday, as the overview leads to it; what is older is then not listed", () =>
  withSite({}, async (site) => {
    const atUs = nowUs() - 10 * dayUs;
    const hours = Array.from({ length: 240 }, (_, hour) => ({
      hosts: [host(camera, atUs + hour * hourUs)],
    }));
    const [olderUs, newerUs] = [nowUs() - 4 * dayUs, nowUs() - hourUs];
    write(site, [
      ...hours.slice(0, 144),
      { hosts: [host("192.168.10.98", olderUs)] },
      ...hours.slice(144),
      { hosts: [host("192.168.10.99", newerUs)] },
    ]);
    const both = textOf(await (await site.get("/hosts/new")).text());
    match(both, /192\.168\.10\.98 was seen for the first time/);
    match(both, /192\.168\.10\.99 was seen for the first time/);
    const linkOf = async (path: string) => {
      const html = await (await site.get(path)).text();
      return /href="([^"]+)"[^>]*>What is new/.exec(html)![1]!.replaceAll("&amp;", "&");
    };
    const href = await linkOf("/?range=15m");
    const fromUs = Number(new URL(href, "http://x").searchParams.get("from"));
    const age = nowUs() - fromUs;
    // A day may have an hour more.
    ok(age >= dayUs - hourUs && age <= 2 * dayUs + hourUs + 60e6, href);
    strictEqual(new Date(fromUs / 1000).toTimeString().slice(0, 8), "00:00:00");
    const html = await (await site.get(href)).text();
    match(html, /class="chip on"[^>]*>Since yesterday</);
    match(textOf(html), /192\.168\.10\.99 was seen/);
    doesNotMatch(textOf(html), /192\.168\.10\.98 was seen/);
    const csv = /href="(\/api\/hosts\/new[^"]*format=csv)"/.exec(html)![1]!.replaceAll(
      "&amp;",
      "&",
    );
    const lines = (await (await site.get(csv)).text()).trimEnd().split("\r\n");
    const json = /href="(\/api\/hosts\/new[^"]*)"[^>]*>(?:<svg(?:(?!<\/svg>)[^])*<\/svg>)?JSON</
      .exec(html)![1]!.replaceAll(
        "&amp;",
        "&",
      );
    const { first_contacts: contacts } = await (await site.get(json)).json();
    deepStrictEqual(contacts.map(({ address }: { address: string }) => address), ["192.168.10.99"]);
    deepStrictEqual(
      lines.slice(1).map((line) => line.split(",")[0]),
      contacts.map(({ id }: { id: number }) => `${id}`),
    );
    // A longer range goes back as far as the range does, and one with an end ends there.
    match(textOf(await (await site.get(await linkOf("/?range=7d"))).text()), /10\.98 was seen/);
    const past = await linkOf(`/?from=${olderUs - hourUs}&to=${olderUs + hourUs}`);
    const then = textOf(await (await site.get(past)).text());
    match(then, /10\.98 was seen/);
    doesNotMatch(then, /10\.99 was seen/);
  }));

Deno.test("while tapwatch learns, the list and the overview say so", () =>
  withSite({}, async (site) => {
    write(site, [{ hosts: [host(camera, nowUs() - 60e6)] }]);
    for (const path of ["/hosts/new", "/"]) {
      match(await (await site.get(path)).text(), /tapwatch learns what is there/);
    }
  }));

Deno.test("/api/hosts/ADDRESS has all parts, and a list's CSV one text for addresses", () =>
  withCamera(async ({ get }) => {
    const one = await (await get(`/api/hosts/${camera}`)).json();
    deepStrictEqual(one.addresses.toSorted(), [camera, privacy].sort());
    strictEqual(one.vendor, "Amcrest Technologies");
    strictEqual(one.kind, "camera");
    strictEqual(one.peers[0].peer, "203.0.113.77");
    strictEqual(one.peers[0].is_new, 1);
    strictEqual(one.hours.length, 96);
    const csv = await (await get("/api/hosts?format=csv")).text();
    match(csv, new RegExp(`${camera},${cameraMac},cam-garage,1,[^\r]*${camera} ${privacy}`));
  }));

Deno.test("a search finds a device by any of its addresses and names, and its opposite by none", () =>
  withCamera(async ({ get }) => {
    const found = async (q: string) => {
      const query = new URLSearchParams({ q, order: "address" });
      const { hosts } = await (await get(`/api/hosts?${query}`)).json();
      return hosts.map(({ address }: { address: string }) => address);
    };
    deepStrictEqual(await found(`host ${privacy}`), [camera]);
    deepStrictEqual(await found("name cam-garage"), [camera]);
    deepStrictEqual(await found(`not host ${privacy}`), ["192.168.10.99"]);
    deepStrictEqual(await found(`not host ${camera}`), ["192.168.10.99"]);
    deepStrictEqual(await found("net 2001:db8::/32 and mac 9c:8e:cd:00:00:57"), [camera]);
    deepStrictEqual(await found("local no"), []);
  }));
