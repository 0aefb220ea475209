import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setGeoFiles } from "../geo/places.ts";
import { shared } from "../geo/testing.ts";
import type { Flow } from "../records.ts";
import type { History } from "./history.ts";
import { StoreQueries } from "./queries.ts";
import { networkOf, serviceSearch } from "./rollup_keys.ts";
import { ROLLUP_SPANS, rollupKeysMax } from "./rollup_spans.ts";
import {
  flow,
  hostRow,
  many,
  openWriter,
  rows,
  second,
  startUs,
  withDatabasePath,
} from "./testing.ts";

const minuteUs = 60_000_000;
const hourUs = 60 * minuteUs;
const dayUs = 24 * hourUs;

function all(path: string, sql: string): unknown[][] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row));
  } finally {
    database.close();
  }
}

function history(path: string, changes: Partial<Parameters<StoreQueries["history"]>[0]> = {}) {
  const queries = new StoreQueries(path);
  try {
    return queries.history({
      fromUs: startUs,
      toUs: startUs + hourUs,
      q: "",
      bucketUs: minuteUs,
      limit: 10,
      ...changes,
    })!;
  } finally {
    queries.close();
  }
}

/** A small generator with a fixed seed. */
function randomInt(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * max);
  };
}

function randomFlow(id: number, random: (max: number) => number): Flow {
  const start = startUs + random(90 * 60) * 1_000_000 + random(1e6);
  const isInside = random(10) === 0;
  return flow(id, {
    startUs: start,
    endUs: start + random(2) * random(600) * 1_000_000,
    origH: `192.168.1.${random(20)}`,
    respH: isInside ? `192.168.1.${100 + random(5)}` : `198.51.${random(8)}.${random(200)}`,
    isRespLocal: isInside,
    respP: random(5000),
    service: (["tls", "dns", "", "ssh"] as const)[random(4)]!,
    origPkts: random(1000),
    respPkts: random(1000),
    origWireBytes: random(1e7),
    respWireBytes: random(1e9),
  });
}

Deno.test("at each length of buckets the sums by service are those of the flows, to the byte", () =>
  withDatabasePath((path) => {
    const random = randomInt(7);
    const flows = many(2000, (id) => randomFlow(id + 1, random));
    const writer = openWriter(path);
    for (let at = 0; at < flows.length; at += 300) {
      writer.write(rows({ flows: flows.slice(at, at + 300) }));
    }
    writer.close();
    const sums = "sum(packets), sum(bytes), sum(in_bytes), sum(out_bytes), sum(flows)";
    const expected = all(
      path,
      `SELECT sum(orig_pkts + resp_pkts), sum(orig_wire_bytes + resp_wire_bytes),
         sum(CASE local_resp WHEN 0 THEN resp_wire_bytes ELSE 0 END),
         sum(CASE local_resp WHEN 0 THEN orig_wire_bytes ELSE 0 END), count(*) FROM flows`,
    )[0]!;
    for (const { spanUs } of ROLLUP_SPANS) {
      const of = (kind: string) =>
        all(path, `SELECT ${sums} FROM rollups WHERE span_us = ${spanUs} AND kind = '${kind}'`)[0];
      deepStrictEqual(of("service"), expected, `service, ${spanUs}`);
      // Of a flow between two own hosts each has its side.
      const twice = all(
        path,
        `SELECT sum((orig_wire_bytes + resp_wire_bytes) * (1 + local_resp)) FROM flows`,
      )[0]![0];
      strictEqual(of("host")![1], twice);
      const outside = all(
        path,
        `SELECT sum(orig_wire_bytes + resp_wire_bytes) FROM flows WHERE local_resp = 0`,
      )[0]![0];
      strictEqual(of("peer")![1], outside);
    }
    const most = all(
      path,
      "SELECT max(n) FROM (SELECT count(*) AS n FROM rollups GROUP BY span_us, kind, ts_us)",
    );
    ok(Number(most[0]![0]) <= rollupKeysMax, `${most} rows in one bucket`);
  }));

Deno.test("a bucket is bounded; what it does not have of a key is at most what is under others", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const random = randomInt(3);
    const bytesOf = new Map<string, number>();
    for (let batch = 0; batch < 40; batch++) {
      const flows = many(500, (number) => {
        // A heavy host in each batch among many that come once.
        const origH = number === 0 ? "10.0.0.1" : `10.${random(200)}.${random(250)}.${batch}`;
        const origWireBytes = number === 0 ? 50_000 : random(1000);
        bytesOf.set(origH, (bytesOf.get(origH) ?? 0) + origWireBytes + 10);
        const at = startUs + batch * 1000;
        return flow(batch * 500 + number + 1, {
          ...{ startUs: at, endUs: at, origH, origWireBytes, respWireBytes: 10 },
        });
      });
      writer.write(rows({ flows }));
    }
    writer.close();
    const sumOf = (values: Iterable<unknown>) =>
      [...values].reduce<number>((sum, value) => sum + Number(value), 0);
    for (const { spanUs } of ROLLUP_SPANS) {
      const kept = all(
        path,
        `SELECT key, bytes FROM rollups WHERE span_us = ${spanUs} AND kind = 'host'`,
      );
      ok(kept.length <= rollupKeysMax);
      const others = Number(kept.find(([key]) => key === "")![1]);
      strictEqual(sumOf(kept.map(([, bytes]) => bytes)), sumOf(bytesOf.values()));
      for (const [key, bytes] of kept) {
        if (key === "") continue;
        const missing = bytesOf.get(String(key))! - Number(bytes);
        ok(missing >= 0 && missing <= others, `${key} lacks ${missing}`);
      }
    }
    deepStrictEqual(history(path).hosts[0]!.key, "10.0.0.1");
    strictEqual(history(path).hosts[0]!.bytes, bytesOf.get("10.0.0.1"));
  }));

Deno.test("a flow that lasts is spread over its minutes, in and out from its host's side", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const at = startUs + 30_000_000;
    writer.write(rows({
      flows: [
        flow(1, { startUs: at, endUs: at + 2 * minuteUs, origWireBytes: 400, respWireBytes: 4001 }),
        flow(2, {
          ...{ startUs: at, endUs: at, origH: "203.0.113.9", respH: "192.168.1.7" },
          ...{ isOrigLocal: false, isRespLocal: true, origWireBytes: 7, respWireBytes: 70 },
        }),
      ],
    }));
    writer.close();
    const of = (kind: string, key: string) =>
      all(
        path,
        `SELECT (ts_us - ${startUs}) / ${minuteUs}, in_bytes, out_bytes, flows FROM rollups
         WHERE span_us = ${minuteUs} AND kind = '${kind}' AND key = '${key}'`,
      );
    deepStrictEqual(of("host", "192.168.1.1"), [[0, 1000, 100, 0], [1, 2000, 200, 0], [
      2,
      1001,
      100,
      1,
    ]]);
    deepStrictEqual(of("host", "192.168.1.7"), [[0, 7, 70, 1]]);
    deepStrictEqual(of("host", "203.0.113.9"), []);
    deepStrictEqual(of("peer", "203.0.113.0/24"), [[0, 7, 70, 1]]);
  }));

Deno.test("history is read from roll-ups, and for a search from flows, with the same sums", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const random = randomInt(11);
    const flows = many(800, (id) => {
      const made = randomFlow(id + 1, random);
      const tsUs = startUs + random(50 * 60) * 1_000_000;
      return { ...made, startUs: tsUs, endUs: tsUs + 1_000_000 };
    });
    writer.write(rows({ flows, seconds: many(3000, (number) => second(number)) }));
    writer.close();
    const whole = history(path);
    strictEqual(whole.spanUs, minuteUs);
    strictEqual(whole.total.bytes, 3000 * 10_000);
    strictEqual(whole.series.length, 50);
    const host = whole.hosts[0]!.key;
    const ofHost = history(path, { q: `host ${host}` });
    const bytes = (list: History["hosts"], key: string) => list.find((row) => row.key === key)!;
    deepStrictEqual(ofHost.total.bytes, whole.hosts[0]!.bytes);
    deepStrictEqual(bytes(ofHost.hosts, host).in_bytes, whole.hosts[0]!.in_bytes);
    const tls = history(path, { q: "service tls" });
    deepStrictEqual([tls.total.bytes, tls.total.flows], [
      bytes(whole.services, "tls").bytes,
      bytes(whole.services, "tls").flows,
    ]);
    deepStrictEqual(tls.services.map(({ key }) => key), ["tls"]);
    const peer = whole.peers[0]!;
    strictEqual(history(path, { q: `net ${peer.key}` }).total.bytes, peer.bytes);
    // What no key answers comes from the flows alone.
    const both = history(path, { q: `service tls and host ${host}` });
    strictEqual(both.spanUs, null);
    const expected = all(
      path,
      `SELECT sum(orig_wire_bytes + resp_wire_bytes), count(*) FROM flows
       WHERE service = 'tls' AND (orig_h = '${host}' OR resp_h = '${host}')`,
    )[0]!;
    deepStrictEqual([both.total.bytes, both.total.flows], expected);
    strictEqual(
      Math.round(both.series.reduce((sum, point) => sum + point.bytes, 0)),
      expected[0],
    );
    deepStrictEqual(history(path, { q: "host 10.255.0.1" }).hosts, []);
  }));

Deno.test("lists and series of days are those of their hours, wherever the stretch begins and ends", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const random = randomInt(23);
    const flows = many(2000, (id) => {
      const tsUs = startUs + random(5 * 24 * 3600) * 1_000_000;
      return { ...randomFlow(id + 1, random), startUs: tsUs, endUs: tsUs };
    });
    writer.write(rows({ flows }));
    writer.close();
    for (
      const [from, to] of [[0, 120], [5, 115], [30, 42], [23, 49], [47, 48], [-50, 500]] as const
    ) {
      const stretch = { fromUs: startUs + from * hourUs, toUs: startUs + to * hourUs };
      const within = `ts_us >= ${stretch.fromUs} AND ts_us < ${stretch.toUs}`;
      const ofHours = (kind: string) =>
        all(
          path,
          `SELECT key, sum(bytes), sum(flows) FROM rollups
           WHERE span_us = ${hourUs} AND kind = '${kind}' AND ${within} AND key <> '' GROUP BY key ORDER BY key`,
        );
      const found = history(path, { ...stretch, bucketUs: hourUs, limit: 1000 });
      const host = found.hosts.filter(({ key }) => key !== "").map((row) => [
        ...[row.key, row.bytes, row.flows],
      ]).sort(([a], [b]) => a! < b! ? -1 : 1);
      deepStrictEqual(host, ofHours("host"), `hours ${from} to ${to}`);
      const [key] = host[0]!;
      const { series } = history(path, { ...stretch, bucketUs: hourUs, q: `host ${key}` });
      deepStrictEqual(
        series.map(({ ts_us, bytes }) => [ts_us, bytes]),
        all(
          path,
          `SELECT ts_us, bytes FROM rollups WHERE span_us = ${hourUs} AND kind = 'host'
             AND key = '${key}' AND ${within} ORDER BY ts_us`,
        ),
      );
    }
  }));

Deno.test("fine roll-ups go, coarse ones stay, and the same stretch can still be read", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 1, historyDays: 100 });
    for (const day of [0, 40, 41, 60]) {
      const at = startUs + day * dayUs;
      writer.write(rows({
        flows: [flow(day + 1, { startUs: at, endUs: at })],
        seconds: [second(0, { tsUs: at })],
      }));
    }
    for (let step = 0; step < 40; step++) writer.deleteOld(startUs + 60 * dayUs);
    writer.close();
    const days = (spanUs: number) =>
      all(
        path,
        `SELECT (ts_us - ${startUs}) / ${dayUs} FROM rollups
         WHERE span_us = ${spanUs} AND kind = 'host' ORDER BY ts_us`,
      ).flat();
    deepStrictEqual(ROLLUP_SPANS.map(({ spanUs }) => days(spanUs)), [
      [60],
      [40, 41, 60],
      [0, 40, 41, 60],
      [0, 40, 41, 60],
    ]);
    deepStrictEqual(all(path, "SELECT count(*) FROM flows"), [[1]]);
    const old = history(path, { toUs: startUs + dayUs, bucketUs: hourUs });
    deepStrictEqual([old.spanUs, old.total.bytes, old.hosts.length], [hourUs, 10_000, 1]);
  }));

Deno.test("roll-ups take a quarter of the bytes at most, and the finest go first", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionBytes: 4e6 });
    let id = 0;
    for (let minute = 0; minute < 400; minute++) {
      const at = startUs + minute * minuteUs;
      const flows = many(
        40,
        (host) => flow(++id, { startUs: at, endUs: at, origH: `10.0.0.${host}` }),
      );
      writer.write(rows({ flows, seconds: [second(0, { tsUs: at })] }));
    }
    for (let step = 0; step < 200; step++) {
      writer.deleteOld(startUs + 400 * minuteUs + step * 700e6);
    }
    writer.close();
    const counts = ROLLUP_SPANS.map(({ spanUs }) =>
      Number(all(path, `SELECT count(*) FROM rollups WHERE span_us = ${spanUs}`)[0]![0])
    );
    ok(counts.reduce((a, b) => a + b) <= 1e6 / 90, `${counts}`);
    ok(counts[0]! < 400 * 40 && counts[3]! >= 40, `${counts}`);
  }));

Deno.test("the usual range needs two weeks of history, and is that of the same hour", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionBytes: 1e9 });
    const hours = many(5 * 168, (hour) =>
      second(0, {
        tsUs: startUs + hour * hourUs,
        inBytes: hour % 168 === 20 ? 5000 + Math.floor(hour / 168) * 100 : 10,
        outBytes: 1,
      }));
    for (let at = 0; at < hours.length; at += 100) {
      writer.write(rows({ seconds: hours.slice(at, at + 100) }));
    }
    writer.close();
    const queries = new StoreQueries(path);
    const week = (number: number) => startUs + number * 168 * hourUs;
    deepStrictEqual(queries.usual({ fromUs: week(1), toUs: week(1) + dayUs }), {
      weeks: 1,
      hours: [],
    });
    const { weeks, hours: ranges } = queries.usual({ fromUs: week(4), toUs: week(4) + dayUs });
    strictEqual(weeks, 4);
    strictEqual(ranges.length, 24);
    deepStrictEqual(ranges[19], {
      ts_us: week(4) + 19 * hourUs,
      low_in: 10,
      high_in: 10,
      low_out: 1,
      high_out: 1,
    });
    deepStrictEqual([ranges[20]!.low_in, ranges[20]!.high_in], [5030, 5270]);
    queries.close();
  }));

Deno.test("gaps are when no run was at work; a quiet live link is none", () =>
  withDatabasePath((path) => {
    const live = (fromMinute: number, toMinute: number) => {
      const writer = openWriter(path);
      writer.write(rows({ seconds: [second(fromMinute * 60)] }));
      for (let at = fromMinute * 60; at <= toMinute * 60; at += 15) {
        writer.beat(startUs + at * 1_000_000);
      }
      writer.close();
    };
    live(0, 10);
    live(20, 30);
    const queries = new StoreQueries(path);
    const gaps = queries.gaps({ fromUs: startUs, toUs: startUs + 30 * minuteUs })
      .map(({ fromUs, toUs }) => [(fromUs - startUs) / minuteUs, (toUs - startUs) / minuteUs]);
    deepStrictEqual(gaps, [[10, 20]]);
    queries.close();
  }));

Deno.test("networks and searches of keys are written as people write them", () => {
  deepStrictEqual(
    ["192.0.2.7", "2001:db8:1:2::3", "2001:db8::1", "::1", "02:00:5e:10:00:01"].map(networkOf),
    ["192.0.2.0/24", "2001:db8:1::/48", "2001:db8::/48", "::/48", "02:00:5e:10:00:01"],
  );
  deepStrictEqual(["tls", "tcp/8443", "icmp"].map(serviceSearch), [
    "service tls",
    "proto tcp and dport 8443",
    "proto icmp",
  ]);
});

Deno.test("peers outside are summed up by country, by a published file, and the list says the same of a search", async () => {
  const folder = import.meta.resolve("@ip-location-db/geo-whois-asn-country-mmdb/package.json");
  const path = new URL("geo-whois-asn-country.mmdb", folder).pathname;
  setGeoFiles([{ path, bytes: shared(Deno.readFileSync(path)) }]);
  const to = (id: number, respH: string, changes: Partial<Flow> = {}) =>
    flow(id, {
      startUs,
      endUs: startUs + 1e6,
      origH: "192.168.1.9",
      isOrigLocal: true,
      isRespLocal: false,
      respH,
      origWireBytes: 10,
      respWireBytes: 100,
      ...changes,
    });
  const flows = [
    to(1, "8.8.8.8"),
    to(2, "2001:4860:4860::8888"),
    to(3, "193.0.6.139"),
    to(4, "192.168.1.10", { isRespLocal: true }),
    to(5, "10.200.0.1"),
    to(6, "192.168.1.9", { origH: "8.8.4.4", isOrigLocal: false, isRespLocal: true }),
  ];
  try {
    await withDatabasePath((path) => {
      const writer = openWriter(path);
      writer.write(rows({ flows }));
      writer.close();
      const listed = ({ countries }: History) =>
        countries.map((
          { key, bytes, in_bytes, out_bytes, flows },
        ) => [key, bytes, in_bytes, out_bytes, flows]);
      const expected = [["US", 330, 210, 120, 3], ["NL", 110, 100, 10, 1]];
      deepStrictEqual(listed(history(path)), expected);
      deepStrictEqual(listed(history(path, { q: "proto tcp" })), expected);
      deepStrictEqual(listed(history(path, { q: "host 8.8.8.8" })), [["US", 110, 100, 10, 1]]);
    });
  } finally {
    setGeoFiles([]);
  }
});

Deno.test("without files of countries none is summed up", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.write(rows({ flows: [flow(1, { startUs, endUs: startUs, respH: "8.8.8.8" })] }));
    writer.close();
    deepStrictEqual(history(path).countries, []);
  }));

Deno.test("flows that share a row count as before: all of them, by target, and by the sources that it tells apart", () =>
  withDatabasePath((path) => {
    const one = flow(1, {
      ...{ startUs, endUs: startUs + 900_000, respH: "192.168.1.2", respP: 80, service: "" },
      proto: "udp",
      ...{ respPkts: 0, respBytes: 0, respWireBytes: 0, isOrigLocal: false, isRespLocal: true },
    });
    const source = (origH: string, flows: number) => ({
      ...{ origH, isOrigLocal: false, flows, origPkts: flows, origWireBytes: 60 * flows },
    });
    const sum = {
      ...one,
      ...{ origH: "0.0.0.0", origP: 0, origPkts: 1000, origWireBytes: 60_000 },
      ...{ communityId: "", endReason: "summed" as const },
      summed: {
        flows: 1000,
        sources: [source("203.0.113.1", 600), source("198.51.100.7", 300), source("", 100)],
      },
    };
    const toAllPorts = { ...sum, id: 2, respH: "192.168.1.3", respP: 0 };
    const writer = openWriter(path);
    const hosts = [hostRow("192.168.1.2", { isLocal: true })];
    writer.write(
      rows({
        hosts,
        flows: [sum, toAllPorts, flow(5, { isOrigLocal: false, isRespLocal: false })],
      }),
    );
    writer.close();
    const sums = `SELECT kind, key, packets, bytes, in_bytes, flows FROM rollups
      WHERE span_us = ${minuteUs} AND (key IN ('', '192.168.1.2', 'udp', 'udp/80') OR key LIKE '203%') ORDER BY 1, 2`;
    deepStrictEqual(all(path, sums), [
      ["host", "192.168.1.2", 1000, 60_000, 60_000, 1000],
      ["peer", "", 200, 12_000, 12_000, 200],
      ["peer", "203.0.113.0/24", 1200, 72_000, 72_000, 1200],
      ["service", "udp", 1000, 60_000, 60_000, 1000],
      ["service", "udp/80", 1000, 60_000, 60_000, 1000],
    ]);
    deepStrictEqual(
      all(path, "SELECT id % 4294967296, orig_h, end_reason, summed_flows FROM flows ORDER BY id"),
      [[1, "0.0.0.0", "summed", 1000], [2, "0.0.0.0", "summed", 1000], [
        5,
        flow(5).origH,
        "closed",
        null,
      ]],
    );
    const devices = "SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM device_peers)";
    deepStrictEqual(all(path, devices), [[1, 0]]);
    // A search counts the rows themselves, which have no sources.
    const { total, peers, ...lists } = history(path, { q: "dst 192.168.1.2" });
    deepStrictEqual([total.flows, total.packets, total.bytes], [1000, 1000, 60_000]);
    deepStrictEqual(peers.map(({ key, flows }) => [key, flows]), [["", 1000]]);
    deepStrictEqual(lists.hosts.map(({ key, flows }) => [key, flows]), [["192.168.1.2", 1000]]);
  }));
