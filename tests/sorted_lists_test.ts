/** Lists in every order of theirs: against sorting all rows at once, page by page and back, on pages and in what they lead to. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Severity } from "../agent/records.ts";
import { SEVERITIES } from "../agent/records.ts";
import { listValues, ordersOf } from "../agent/store/filters.ts";
import { StoreQueries } from "../agent/store/queries.ts";
import type { StoreWriter } from "../agent/store/writer.ts";
import {
  bruteForceFinding,
  incident,
  many,
  openWriter,
  packetRow,
  rows,
  scanFinding,
  startUs as beganUs,
  withDatabasePath,
} from "../agent/store/testing.ts";
import { makeAlert, makeDelivery } from "./incident_fixture.ts";
import { markup, type Site, withSite } from "./dashboard_site.ts";

type List = Exclude<keyof typeof listValues, "flows">;
const lists: readonly List[] = ["packets", "scans", "anomalies", "incidents", "alerts"];
type Row = Readonly<Record<string, number | string>>;
interface Body {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** Columns with a head that sorts, by their words. */
const heads: Readonly<Record<List, Readonly<Record<string, string>>>> = {
  packets: { Time: "time", Length: "length" },
  scans: {
    Began: "start",
    Severity: "severity",
    Targets: "targets",
    Attempts: "attempts",
    Answered: "answered",
  },
  anomalies: { Began: "start", Severity: "severity" },
  incidents: { Began: "start", Severity: "severity", Targets: "targets", Findings: "findings" },
  alerts: { When: "newest", Severity: "severity" },
};

const rowCount = 40;

/** Few different values each, so that most rows have their equals; the times of each call are later than those before. */
function fill(writer: StoreWriter, firstId: number, count: number): void {
  const startUs = beganUs + firstId * 60_000_000;
  const severityOf = (id: number): Severity => SEVERITIES[(id * 7) % SEVERITIES.length]!;
  const timesOf = (id: number) => ({
    firstUs: startUs + (id * 5) % 11 * 1_000_000,
    lastUs: startUs + 20_000_000 + (id * 3) % 13 * 1_000_000,
    detectedUs: startUs + 12_000_000 + (id * 3) % 7 * 1_000_000,
  });
  const made = <Made>(make: (id: number) => Made) => many(count, make, firstId);
  writer.write(rows({
    packets: made((id) =>
      packetRow(id, { tsUs: startUs + (id * 3) % 17, wireLength: 60 + (id * 7) % 5 })
    ),
  }));
  const changes = (id: number) => ({ ...timesOf(id), severity: severityOf(id), isOpen: false });
  writer.writeFindings(
    [
      ...made((id) =>
        scanFinding(id, {
          ...changes(id),
          targetCount: (id * 3) % 4,
          scan: { attempts: (id * 7) % 6, answered: id % 3 },
        })
      ),
      ...made((id) => bruteForceFinding(1000 + id, changes(id))),
    ],
    made((id) => ({
      incident: incident(id, {
        ...changes(id),
        targetCount: (id * 3) % 5,
        findingCount: id % 4,
      }),
      joined: [],
      absorbedIds: [],
    })),
  );
  const alerts = made((id) =>
    makeAlert({
      id,
      tsUs: timesOf(id).lastUs,
      severity: severityOf(id),
      kind: "health",
      incidentId: null,
      deliveries: [makeDelivery({})],
    })
  );
  writer.writeAlerts({ alerts, mutes: [], unmutedIds: [], acknowledged: [] });
}

async function withLists(use: (site: Site, writer: StoreWriter) => Promise<void>): Promise<void> {
  await withSite({}, async (site) => {
    const writer = openWriter(`${site.folder}/packet_logs.db`);
    fill(writer, 1, rowCount);
    await use(site, writer);
    writer.close();
  });
}

async function read({ get }: Site, path: string): Promise<Body> {
  const response = await get(path);
  const body = await response.json();
  strictEqual(response.status, 200, `${path}: ${body.error}`);
  const list = new URL(path, "http://localhost").pathname.split("/").at(-1)!;
  return { rows: body[list], next: body.next_cursor };
}

/** What an order goes by, from the columns of a row. */
function valueOf(list: List, order: string, row: Row): number {
  const time = list === "scans" || list === "incidents" ? row.last_us : row.ts_us;
  const columns: Readonly<Record<string, unknown>> = {
    time,
    newest: time,
    start: row.first_us,
    length: row.wire_length,
    targets: row.target_count,
    attempts: row.attempts,
    answered: row.answered,
    findings: row.finding_count,
    severity: SEVERITIES.indexOf(row.severity as Severity) * 1e12 + Math.floor(Number(time) / 1e6),
  };
  return Number(columns[order]);
}

for (const list of lists) {
  Deno.test(`${list} in each order are as if all were sorted at once, also while others come in`, () =>
    withLists(async (site, writer) => {
      let nextId = 5000;
      for (const order of ordersOf(list)) {
        for (const direction of ["down", "up"]) {
          const query = `order=${order}&direction=${direction}`;
          const all = (await read(site, `/api/${list}?limit=1000`)).rows;
          const sign = direction === "up" ? 1 : -1;
          const expected = all.map((row) => ({ id: row.id, value: valueOf(list, order, row) }))
            .sort((a, b) => sign * (a.value - b.value) || Number(b.id) - Number(a.id))
            .map(({ id }) => id);
          const pages: { readonly path: string; readonly ids: unknown[] }[] = [];
          for (let cursor: string | null = ""; cursor !== null;) {
            const path: string = `/api/${list}?limit=7&${query}${cursor && `&cursor=${cursor}`}`;
            const { rows, next } = await read(site, path);
            pages.push({ path, ids: rows.map(({ id }) => id) });
            cursor = next;
          }
          deepStrictEqual(pages.flatMap(({ ids }) => ids), expected, query);
          fill(writer, nextId += 10, 3);
          // The first page alone has what has come in meanwhile.
          for (const { path, ids } of pages.slice(1).toReversed()) {
            deepStrictEqual((await read(site, path)).rows.map(({ id }) => id), ids, path);
          }
        }
      }
    }));

  Deno.test(`the heads of ${list} sort without scripts, and what the page leads to keeps the order`, () =>
    withLists(async ({ get }) => {
      const page = async (path: string) => {
        const response = await get(path);
        strictEqual(response.status, 200, path);
        return markup(await response.text()).replaceAll("&amp;", "&");
      };
      const [, select] = /<select name="order">([^]*?)<\/select>/.exec(await page(`/${list}`))!;
      const choices = [...select!.matchAll(/<option value(?:="([^"]*)")?/g)].map(([, value = ""]) =>
        value
      );
      deepStrictEqual(choices, ["", ...ordersOf(list).slice(1)], "its own order is none");
      for (const [label, order] of Object.entries(heads[list])) {
        const path = `/${list}?limit=7&order=${order}`;
        const head = (html: string) =>
          new RegExp(`<th[^>]*><a[^>]*>${label}</a></th>`).exec(html)![0];
        const unsorted = head(await page(`/${list}?limit=7&direction=up&q=`));
        match(unsorted, new RegExp(`href="/${list}\\?limit=7&q=&order=${order}["&]`), label);
        const falling = await page(path);
        match(head(falling), /aria-sort="descending"/);
        match(head(falling), /&direction=up"/);
        const rising = await page(`${path}&direction=up`);
        match(head(rising), /aria-sort="ascending"/);
        ok(!head(rising).includes("direction=up"));
        strictEqual(rising.split("aria-sort=").length, 2, "one column is sorted");
        for (const format of ["JSON", "CSV"]) {
          const [, href] = new RegExp(
            `href="([^"]+)"[^>]*><svg(?:(?!</svg>)[^])*</svg>${format}</a>`,
          ).exec(rising)!;
          const answer = await (await get(href!)).text();
          const query = new URL(href!, "http://localhost").searchParams;
          deepStrictEqual([query.get("order"), query.get("direction")], [order, "up"]);
          const api = await (await get(`/api/${list}?limit=7&order=${order}&direction=up`)).json();
          const ids = api[list].map(({ id }: Row) => String(id));
          strictEqual(ids.length, 7);
          deepStrictEqual(
            format === "JSON"
              ? JSON.parse(answer)[list].map(({ id }: Row) => String(id))
              : answer.trimEnd().split("\n").slice(1, 8).map((line) => line.split(",", 1)[0]),
            ids,
            href,
          );
        }
        match(rising, /<span>Order, turned round<\/span>/);
        match(rising, /<input type="hidden" name="direction" value="up"/);
        const [, more] = /href="([^"]+)">More</.exec(rising)!;
        match(await page(more!), /aria-sort="ascending"/);
      }
    }));

  Deno.test(`an order of ${list} that is none is refused by name, and so is another list's place`, () =>
    withLists(async (site) => {
      const { get } = site;
      for (
        const [query, words] of [
          ["order=colour", /order must be one of .*, got \\?"colour/],
          ["order=rowid%3BDROP", /order must be one of/],
          ["direction=sideways", /direction must be one of up, down/],
          ["order=newest&order=severity", /order can be given only once/],
          [`order=${ordersOf(list).at(-1)}&cursor=nonsense`, /Unknown cursor/],
        ] as const
      ) {
        const answer = await get(`/api/${list}?${query}`);
        strictEqual(answer.status, 400, query);
        match(await answer.text(), words);
        const page = await get(`/${list}?${query}`);
        strictEqual(page.status, 400, query);
        match((await page.text()).replaceAll("&quot;", '"'), words);
      }
      const [first, second] = ordersOf(list);
      const { next } = await read(site, `/api/${list}?limit=7&order=${second}`);
      for (const order of [`order=${first}`, `order=${second}&direction=up`]) {
        strictEqual((await get(`/api/${list}?${order}&cursor=${next}`)).status, 400, order);
      }
    }));
}

Deno.test("of very many rows the newest are sorted, which the page and the API say", () =>
  withDatabasePath(async (path) => {
    const count = 25_100;
    const writer = openWriter(path);
    writer.write(
      rows({
        packets: many(count, (number) => packetRow(number, { wireLength: 60 + number % 1000 })),
      }),
    );
    const queries = new StoreQueries(path);
    const page = queries.packets({ order: "length", limit: 1000 });
    strictEqual(page.sortedNewest, 25_000);
    strictEqual(page.rows[0]!.wire_length, 1059);
    ok(page.rows.every(({ ts_us }) => ts_us >= beganUs + 100_000), "among the newest");
    strictEqual(
      queries.packets({ order: "length", fromUs: beganUs + 200_000 }).sortedNewest,
      undefined,
    );
    queries.close();
    writer.close();
    await withSite({}, async ({ get, folder }) => {
      Deno.copyFileSync(path, `${folder}/packet_logs.db`);
      match(
        await (await get("/packets?order=length")).text(),
        /100 of more than 10,000 packets, the newest 25,000 sorted/,
      );
      strictEqual((await (await get("/api/packets?order=length")).json()).sorted_newest, 25_000);
    });
  }));
