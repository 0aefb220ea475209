import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./failure.ts";
import { StoreQueries } from "./queries.ts";
import { FLOW_ORDERS, flowValue } from "../search/open_flows.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
import {
  flow,
  hostRow,
  many,
  openWriter,
  packetRow,
  rows,
  second,
  startUs,
  withDatabasePath,
} from "./testing.ts";
import { type Page, rowsLookedAtMax } from "./time_list.ts";
import type { StoreRows, StoreWriter } from "./writer.ts";

function withRows(
  batch: StoreRows,
  check: (queries: StoreQueries, writer: StoreWriter) => void,
): Promise<void> {
  return withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.write(batch);
    const queries = new StoreQueries(path);
    check(queries, writer);
    queries.close();
    writer.close();
  });
}

/** All rows of a list, page by page. */
function walk<Row>(
  read: (cursor: string | undefined) => Page<Row>,
): { rows: Row[]; pages: number } {
  const all: Row[] = [];
  let pages = 0;
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
    const page = read(cursor);
    all.push(...page.rows);
    cursor = page.nextCursor ?? undefined;
    pages++;
  }
  return { rows: all, pages };
}

Deno.test("without a database every list is empty", () =>
  withDatabasePath((path) => {
    const queries = new StoreQueries(path);
    for (const list of ["packets", "flows", "hosts", "anomalies", "scans", "alerts"] as const) {
      deepStrictEqual(queries[list](), { rows: [], nextCursor: null }, list);
    }
    strictEqual(queries.stats({ fromUs: 0, toUs: 1e6 }).points.length, 0);
    strictEqual(queries.counts().packets, 0);
    strictEqual(queries.size().fileBytes, 0);
    strictEqual(queries.span(), null);
    strictEqual(queries.flow(1), null);
    deepStrictEqual(queries.meta(), {});
    throws(() => Deno.statSync(path), Deno.errors.NotFound);
  }));

Deno.test("a file that is no database is a StoreError, not an empty list", () =>
  withDatabasePath((path) => {
    Deno.writeTextFileSync(path, "not a database ".repeat(1000));
    throws(
      () => new StoreQueries(path).packets(),
      (error) => error instanceof StoreError && error.kind === "corrupt",
    );
  }));

const dnsQuery = packetRow(3, {
  protocol: "udp",
  application: "dns",
  src: "2001:db8::1",
  dst: "2001:db8::53",
  srcPort: 5353,
  dstPort: 53,
  flowId: 900,
  info: "A 100%_Example.org",
});
const packetCases = [
  [{}, 20],
  [{ q: "proto udp" }, 1],
  [{ q: "service dns" }, 1],
  [{ q: "proto tcp" }, 19],
  [{ q: "host 2001:DB8::53" }, 1],
  [{ q: "host 2001:db8::5" }, 0],
  [{ q: "port 53" }, 1],
  [{ q: "port 443" }, 19],
  [{ q: "EXAMPLE" }, 1],
  [{ q: "100%_e" }, 1],
  [{ q: "%" }, 1],
  [{ q: "198.51." }, 19],
  [{ q: `flow ${FLOWS_PER_RUN + 900}` }, 1],
  [{ fromUs: startUs + 5000 }, 15],
  [{ toUs: startUs + 5000 }, 5],
  [{ fromUs: startUs + 5000, toUs: startUs + 7000 }, 2],
  [{ fromUs: null, toUs: null, limit: 7 }, 7],
  [{ q: "proto tcp and host 192.168.1.4 and port 40004" }, 1],
] as const;
for (const [filter, count] of packetCases) {
  Deno.test(`packets(${JSON.stringify(filter)}) finds ${count}`, () =>
    withRows(
      rows({ packets: many(20, (number) => number === 3 ? dnsQuery : packetRow(number)) }),
      (queries) => strictEqual(queries.packets(filter).rows.length, count),
    ));
}

const odd = flow(3, {
  proto: "udp",
  service: "quic",
  name: "Video.example.net",
  origH: "2001:db8::1",
  respH: "2001:db8::2",
  respP: 8443,
  connState: "S0",
  communityId: "1:abc=",
  ja4: "q13d0310h3_x_y",
});
const flowCases = [
  [{}, 20],
  [{ q: "proto udp" }, 1],
  [{ q: "service quic" }, 1],
  [{ q: "service tls" }, 19],
  [{ q: "state S0" }, 1],
  [{ q: "host 2001:DB8::2" }, 1],
  [{ q: "host 2001:db8::1 and port 8443" }, 1],
  [{ q: "host 192.168.1.4" }, 1],
  [{ q: "not host 192.168.1.4" }, 19],
  [{ q: "src 192.168.1.4 or dst 2001:db8::2" }, 2],
  [{ q: "dst 198.51.100.4 and port 443" }, 1],
  [{ q: "host 198.51.100.4 and port 1" }, 0],
  [{ q: "port 443" }, 19],
  [{ q: "name *video*" }, 1],
  [{ q: "name *198.51*" }, 0],
  [{ q: "198.51" }, 19],
  [{ q: "1:abc=" }, 1],
  [{ q: "q13d0310h3_x_y" }, 1],
  [{ q: "state open" }, 0],
  // Flow n lasts from n ms to n + 500 ms: all overlap 19 ms to 20 ms but 20, which begins there.
  [{ fromUs: startUs + 19_000, toUs: startUs + 20_000 }, 19],
  [{ fromUs: startUs + 519_000 }, 2],
  [{ toUs: startUs + 2000 }, 1],
] as const;
for (const [filter, count] of flowCases) {
  Deno.test(`flows(${JSON.stringify(filter)}) finds ${count}`, () =>
    withRows(
      rows({ flows: many(20, (number) => number === 3 ? odd : flow(number), 1) }),
      (queries) => strictEqual(queries.flows(filter).rows.length, count),
    ));
}

Deno.test("pages are newest first, whole, and not moved by rows that come in between", () =>
  withRows(rows({ packets: many(250, packetRow) }), (queries, writer) => {
    let next = 1000;
    const { rows: all, pages } = walk((cursor) => {
      writer.write(rows({ packets: many(3, packetRow, next += 3) }));
      return queries.packets({ limit: 60, cursor, toUs: startUs + 1_000_000 });
    });
    deepStrictEqual(all.map((row) => row.id), many(250, (number) => 250 - number));
    strictEqual(pages, 5);
  }));

Deno.test("rows of one microsecond are told apart by their id", () =>
  withRows(
    rows({ packets: many(30, (number) => packetRow(number, { tsUs: startUs })) }),
    (queries) => {
      const { rows: all } = walk((cursor) => queries.packets({ limit: 7, cursor }));
      deepStrictEqual(all.map((row) => row.id), many(30, (number) => 30 - number));
    },
  ));

Deno.test("a host's flows come once each, newest first, whichever side it was on", () =>
  withRows(
    rows({
      flows: many(90, (number) =>
        flow(number, {
          origH: number % 3 === 0 ? "10.0.0.2" : "10.0.0.1",
          respH: number % 3 === 1 ? "10.0.0.3" : "10.0.0.1",
        }), 1),
    }),
    (queries) => {
      const { rows: all } = walk((cursor) =>
        queries.flows({ q: "host 10.0.0.1", limit: 8, cursor })
      );
      deepStrictEqual(all.map((row) => row.id % FLOWS_PER_RUN), many(90, (number) => 90 - number));
    },
  ));

Deno.test("a search looks at a bounded stretch a page, and goes on where it stopped", () =>
  withDatabasePath((path) => {
    const count = rowsLookedAtMax * 2 + 10;
    const writer = openWriter(path);
    writer.write(rows({ packets: [packetRow(0, { info: "needle" })] }));
    for (let from = 1; from < count; from += 10_000) {
      writer.write(rows({ packets: many(Math.min(10_000, count - from), packetRow, from) }));
    }
    const queries = new StoreQueries(path);
    const first = queries.packets({ q: "needle" });
    strictEqual(first.rows.length, 0);
    ok(first.nextCursor !== null);
    const { rows: all, pages } = walk((cursor) => queries.packets({ q: "needle", cursor }));
    deepStrictEqual(all.map((row) => row.info), ["needle"]);
    strictEqual(pages, 3);
    queries.close();
    writer.close();
  }));

Deno.test("cursors of another list, damaged ones and wrong limits are refused", () =>
  withRows(
    rows({ packets: many(5, packetRow), hosts: many(5, (n) => hostRow(`h${n}`)) }),
    (queries) => {
      const { nextCursor } = queries.packets({ limit: 2 });
      const hostCursor = queries.hosts({ limit: 2 }).nextCursor!;
      for (
        const cursor of ["", "x", "%", "a".repeat(5000), nextCursor!.slice(2), btoa("flows:1:x")]
      ) {
        throws(() => queries.packets({ cursor }), /Unknown cursor/);
      }
      throws(() => queries.flows({ cursor: nextCursor! }), RangeError);
      throws(() => queries.hosts({ cursor: nextCursor! }), RangeError);
      throws(() => queries.hosts({ cursor: hostCursor, order: "last_seen" }), RangeError);
      for (const limit of [0, -1, 1001, 1.5, NaN]) {
        throws(() => queries.packets({ limit }), RangeError);
        throws(() => queries.hosts({ limit }), RangeError);
      }
      throws(() => queries.packets({ fromUs: 0.5 }), RangeError);
      throws(() => queries.stats({ fromUs: 5, toUs: 5 }), RangeError);
      throws(() => queries.stats({ fromUs: 5, toUs: 6 }, 301), RangeError);
    },
  ));

Deno.test("hosts are listed in each order, page by page, and filtered", () => {
  const hosts = many(30, (number) =>
    hostRow(`10.0.0.${number}`, {
      isLocal: number % 2 === 0,
      inBytes: number % 5,
      outBytes: 0,
      lastSeenUs: startUs + (number * 7) % 30,
      firstSeenUs: startUs - number,
      name: number === 4 ? "Printer" : "",
      mac: number === 5 ? "02:00:00:00:00:05" : "",
    }));
  return withRows(rows({ hosts }), (queries) => {
    for (const order of ["bytes", "last_seen", "first_seen", "address"] as const) {
      const { rows: all } = walk((cursor) => queries.hosts({ order, limit: 4, cursor }));
      strictEqual(new Set(all.map((row) => row.address)).size, 30, order);
      const values = all.map((row) =>
        ({
          bytes: row.in_bytes,
          last_seen: row.last_seen_us,
          first_seen: row.first_seen_us,
          address: 0,
        })[order]
      );
      deepStrictEqual(values, values.toSorted((a, b) => b - a), order);
    }
    strictEqual(queries.hosts({ q: "local yes" }).rows.length, 15);
    strictEqual(queries.hosts({ q: "PRINT" }).rows[0]!.address, "10.0.0.4");
    strictEqual(queries.hosts({ q: "00:05" }).rows[0]!.address, "10.0.0.5");
    strictEqual(queries.host("10.0.0.4")!.name, "Printer");
    strictEqual(queries.host("10.0.0.99"), null);
  });
});

for (
  const [title, spanS, bucketS] of [["an hour by seconds", 3600, 13], [
    "a week by minutes",
    604_800,
    2040,
  ]] as const
) {
  Deno.test(`stats() sums up ${title}, in at most 300 points`, () => {
    const step = Math.floor(spanS / 700);
    const seconds = many(700, (number) => second(number * step, { activeHosts: number }));
    return withRows(rows({ seconds }), (queries) => {
      const { bucketUs, points } = queries.stats({ fromUs: startUs, toUs: startUs + spanS * 1e6 });
      strictEqual(bucketUs, bucketS * 1e6);
      ok(points.length > 250 && points.length <= 300, String(points.length));
      strictEqual(points.reduce((sum, point) => sum + point.packets, 0), 7000);
      strictEqual(points.at(-1)!.active_hosts, 699);
      ok(points.every((point) => point.ts_us % bucketUs === 0));
    });
  });
}

Deno.test("a single flow, counts, span and sizes are at hand", () =>
  withRows(rows({ packets: many(5, packetRow), flows: many(3, flow, 1) }), (queries) => {
    strictEqual(queries.flow(FLOWS_PER_RUN + 2)?.orig_p, 40_002);
    deepStrictEqual(queries.counts(), {
      packets: 5,
      flows: 3,
      hosts: 0,
      anomalies: 0,
      scans: 0,
      incidents: 0,
      alerts: 0,
    });
    deepStrictEqual(queries.span(), { oldestUs: startUs, newestUs: startUs + 503_000 });
    ok(queries.size().fileBytes + queries.size().walBytes > 0);
  }));

Deno.test("what is committed is seen at once, and what is not committed is not", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const queries = new StoreQueries(path);
    writer.write(rows({ packets: [packetRow(1)] }));
    strictEqual(queries.packets().rows.length, 1);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    other.exec("DELETE FROM packets");
    strictEqual(queries.packets().rows.length, 1);
    other.exec("COMMIT");
    other.close();
    strictEqual(queries.packets().rows.length, 0);
    queries.close();
    writer.close();
  }));

Deno.test("lists are read along an index, without a sort", () =>
  withDatabasePath((path) => {
    openWriter(path).close();
    const database = new DatabaseSync(path);
    const plan = (sql: string) =>
      database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => detail).join("; ");
    const order = "ORDER BY ts_us DESC, id DESC LIMIT 100";
    match(
      plan(
        `SELECT * FROM packets WHERE ts_us >= 1 AND (ts_us, id) < (9, 9) AND src = 'a' ${order}`,
      ),
      /^SEARCH packets USING INDEX packets_time \([^;]*\)$/,
    );
    match(
      plan(
        "SELECT * FROM flows WHERE resp_h = 'a' AND +orig_h <> 'a' AND (end_us, id) < (9, 9) AND proto = 'tcp' " +
          "ORDER BY end_us DESC, id DESC LIMIT 100",
      ),
      /^SEARCH flows USING INDEX flows_resp \(resp_h=\? AND end_us<\?\)$/,
    );
    database.close();
  }));

Deno.test("flows are sorted among the newest, page by page, and not moved by flows that end meanwhile", () =>
  withRows(
    rows({ flows: many(60, (number) => flow(number, { origWireBytes: (number * 37) % 50 }), 1) }),
    (queries, writer) => {
      let next = 1000;
      for (const isAscending of [false, true]) {
        for (const order of FLOW_ORDERS) {
          const { count } = queries.flowCount();
          const { rows: all } = walk((cursor) => {
            const page = queries.flows({ order, isAscending, limit: 7, cursor });
            writer.write(rows({ flows: many(2, (number) => flow(number), next += 2) }));
            return page;
          });
          const ids = all.map(({ id }) => id % FLOWS_PER_RUN);
          strictEqual(new Set(ids).size, count, order);
          const values = all.map((row) => flowValue(row, order));
          const sorted = values.toSorted((a, b) => isAscending ? a - b : b - a);
          deepStrictEqual(values, sorted, order);
        }
      }
      for (const q of ["host 198.51.100.7 or port 1", "host 198.51.100.7", "src 192.168.1.9"]) {
        const sorted = queries.flows({ q, order: "bytes" }).rows.map(({ id }) => id);
        const all = queries.flows({ q }).rows.map(({ id }) => id);
        deepStrictEqual(sorted.toSorted(), all.toSorted(), q);
      }
      throws(
        () => queries.flows({ order: "bytes", cursor: queries.flows({ limit: 1 }).nextCursor! }),
        /Unknown cursor/,
      );
    },
  ));

Deno.test("flows are counted as far as a page looks", () =>
  withRows(
    rows({ flows: many(60, (number) => flow(number), 1) }),
    (queries) => {
      deepStrictEqual(queries.flowCount(), { count: 60, isMore: false });
      deepStrictEqual(queries.flowCount({ q: "host 198.51.100.7" }), { count: 1, isMore: false });
      deepStrictEqual(queries.flowCount({ q: "port 1" }), { count: 0, isMore: false });
    },
  ));

Deno.test("a search names hosts by what is known of them, and is refused when nobody is", () =>
  withRows(
    rows({
      flows: many(20, (number) => flow(number), 1),
      hosts: [
        hostRow("192.168.1.4", { name: "Printer", mac: "02:00:5e:10:00:01" }),
        hostRow("192.168.1.5", { name: "print-2f" }),
      ],
    }),
    (queries) => {
      for (
        const [q, count] of [["host printer", 1], ["host print*", 2], ["not host print*", 18]]
          .concat([["mac 02-00-5e-10-00-01", 1]]) as [string, number][]
      ) strictEqual(queries.flows({ q }).rows.length, count, q);
      throws(() => queries.flows({ q: "port 443 and host fax" }), /Column 19.*no host is known/);
      throws(() => queries.hosts({ q: "host fax" }), /no host is known/);
    },
  ));
