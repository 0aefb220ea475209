import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { parseSearch } from "../../search/parse.ts";
import { ALL, type SearchTree } from "../../search/tree.ts";
import type { FlowFilter } from "../../store/filters.ts";
import type { History } from "../../store/history.ts";
import { StoreQueries } from "../../store/queries.ts";
import type { StoreReader } from "../../store/reader.ts";
import type { StoredFlow } from "../../store/schema.ts";
import { hasNoClickHouse, TestClickHouse } from "../testing/clickhouse.ts";
import { storedFlow } from "../testing.ts";
import { withArchive } from "./archive_reader.ts";
import { ClickHouse } from "./clickhouse.ts";
import { ClickHouseFlows } from "./clickhouse_flows.ts";
import type { AgentBatch, ArchivedFlows } from "./hub_store.ts";
import { flowRows, nothing, openHub, startUs, testAgent, withDatabasePath } from "./testing.ts";

const options = { nowUs: startUs, judge: () => nothing };

async function withServer(
  work: (server: TestClickHouse, flows: ClickHouseFlows) => Promise<void>,
): Promise<void> {
  await using server = await TestClickHouse.start();
  await work(server, await ClickHouseFlows.open(server.config));
}

/** Sums of a search on the overview, of flows in SQLite and of the same in ClickHouse. */
async function sumsAreEqual(
  plain: StoreQueries,
  flows: ClickHouseFlows,
  batches: readonly AgentBatch[],
): Promise<void> {
  await withDatabasePath(async (path) => {
    const hub = openHub(path, { archive: flows });
    await hub.commit(batches, options);
    const queries = new StoreQueries(path);
    const reader = withArchive(queries as unknown as StoreReader, flows);
    const asked = { fromUs: startUs - 60e6, toUs: startUs + 600e6, bucketUs: 60e6, limit: 5 };
    for (const q of searches) {
      const [expected, found] = [
        plain.history({ q, ...asked }),
        await reader.history({ q, ...asked }),
      ];
      deepStrictEqual(ordered(found), ordered(expected), q);
      deepStrictEqual(await reader.historySeries({ q, ...asked }), expected!.series, q);
      ok(q !== "name *.example.com" || found!.hosts.length === 6 && found!.total.flows >= 40, q);
    }
    queries.close();
    hub.close();
  });
}

/** What has as many bytes may stand in any order, and be among the others. */
function ordered(history: History | null): unknown {
  const bytes = (rows: readonly { readonly bytes: number }[]) => rows.map((row) => row.bytes);
  const { hosts, services, peers, countries, ...rest } = history!;
  return { ...rest, lists: [hosts, services, peers, countries].map(bytes) };
}

/** Odd rows: IPv6, names that a line or a literal could trip over, what is not there. */
const odd: readonly Partial<StoredFlow>[] = [
  { orig_h: "2001:db8::1", resp_h: "2001:db8:0:1::2", ip_version: 6, name: "a\tb\\n'c\n%" },
  { orig_h: "10.0.0.255", resp_h: "10.0.1.0", rtt_us: null, vlan_id: 7, local_resp: 1 },
  { proto: "udp", service: "dns", history: "D", resp_pkts: 0, resp_p: 53, name: "Ünicode.example" },
  { conn_state: "REJ", history: "Sr", orig_bytes: 0, resp_bytes: 0, start_us: startUs - 5e6 },
  { orig_wire_bytes: 2 ** 40, resp_p: 65_535, name: "" },
  { pid: 4242, process: "curl", executable: "/usr/bin/curl", command: "curl 'x'\t\\y", user: "me" },
  { orig_h: "0.0.0.0", orig_p: 0, resp_pkts: 0, summed_flows: 4900, end_reason: "summed" },
];
const searches = [
  "",
  "host 192.168.1.7",
  "src 10.0.0.0/24",
  "net 10.0.0.0/23",
  "host 2001:db8::/64",
  "net 2001:db8::/32 and port 443",
  "net 2001:db8:0:1::/120",
  "not net 192.168.0.0/16",
  "name *.example.com",
  "name ?nicode*",
  'name "*\'c*%"',
  "port 53,65535",
  "dport > 442",
  "bytes > 1gb",
  "answered no",
  "answered yes and state SF",
  "state REJ",
  "duration < 1s",
  "vlan 7",
  "process curl",
  "process *",
  "not process curl and user=bob",
  "unit cron*",
  "end summed",
  "example",
  "state open",
];

Deno.test({
  name: "flows in ClickHouse are found as those in SQLite are",
  ignore: hasNoClickHouse,
  fn: () =>
    withServer((_, flows) =>
      withDatabasePath(async (path) => {
        const agent = testAgent();
        const plain = openHub(path);
        const batches = [
          agent.batch(flowRows(1, 40)),
          agent.batch({
            kind: "flows",
            rows: odd.map((changes, at) => storedFlow(100 + at, changes)),
          }),
        ];
        await plain.commit(batches, options);
        const archived = batches.map(({ batch }) => ({ agent: 1, ...batch }) as ArchivedFlows);
        await flows.insert(archived);
        // What a hub that was killed sends again.
        await flows.insert(archived);
        const queries = new StoreQueries(path);
        for (const q of searches) {
          const tree = queries.readSearch("flows", q);
          const expected = withoutIds(queries.flows({ q, limit: 1000 }).rows);
          deepStrictEqual(withoutIds((await flows.flows({ limit: 1000 }, tree)).rows), expected, q);
          strictEqual((await flows.flowCount({}, tree)).count, expected.length, q);
        }
        for (const order of ["last", "bytes", "duration"] as const) {
          for (const isAscending of [false, true]) {
            const filter = { order, isAscending, limit: 7 };
            const all = await pages(flows, filter, ALL);
            strictEqual(all.length, 47, `${order} ${isAscending}`);
            strictEqual(new Set(all.map(({ id }) => id)).size, 47);
          }
        }
        const { rows: [first] } = await flows.flows({}, ALL);
        deepStrictEqual(await flows.flow(first!.id), first);
        strictEqual(await flows.flow(12), null);
        const range = { fromUs: startUs + 5000, toUs: startUs + 9000 };
        deepStrictEqual(
          withoutIds((await flows.flows(range, ALL)).rows),
          withoutIds(queries.flows(range).rows),
        );
        await rejects(
          flows.flows({}, parseSearch("country DE", "flows").tree),
          /countries and networks by their owners/,
        );
        await sumsAreEqual(queries, flows, batches);
        queries.close();
        plain.close();
      })
    ),
});

Deno.test({
  name:
    "a hub on ClickHouse that is killed between insert and ledger loses nothing and shows nothing twice",
  ignore: hasNoClickHouse,
  fn: () =>
    withServer((server, flows) =>
      withDatabasePath(async (path) => {
        const agent = testAgent();
        const hub = openHub(path, { archive: flows });
        const batch = agent.batch(flowRows(1, 30));
        const killed = () => {
          throw new Error("killed");
        };
        await rejects(hub.commit([batch], { ...options, judge: killed }));
        strictEqual(hub.through(agent.token, agent.epoch, "flows"), 0);
        hub.close();
        const next = openHub(path, { archive: flows });
        strictEqual((await next.commit([batch], options)).rows, 30);
        strictEqual((await next.commit([batch], options)).known, 1);
        strictEqual((await flows.flowCount({}, ALL)).count, 30);
        strictEqual((await flows.flows({}, ALL)).rows.length, 30);
        const raw = new ClickHouse(server.config);
        await raw.run("OPTIMIZE TABLE tapwatch.flows FINAL");
        const [row] = await raw.rows<{ n: string }>("SELECT count() AS n FROM tapwatch.flows");
        strictEqual(Number(row!.n), 30);
        const [sums] = await flows.agentSums({ fromUs: startUs - 1, toUs: startUs + 6e7 });
        deepStrictEqual([sums!.agent, sums!.flows], [1, 30]);
        await flows.deleteBefore(startUs + 86_400e6);
        strictEqual((await flows.flowCount({}, ALL)).count, 0);
        next.close();
      })
    ),
});

Deno.test({
  name: "while ClickHouse is away nothing is committed, and all is once it is back",
  ignore: hasNoClickHouse,
  fn: () =>
    withServer((server, flows) =>
      withDatabasePath(async (path) => {
        const agent = testAgent();
        const hub = openHub(path, { archive: flows });
        const batch = agent.batch(flowRows(1, 5));
        await server.stop("SIGKILL");
        await rejects(hub.commit([batch], options), { kind: "busy" });
        strictEqual(hub.through(agent.token, agent.epoch, "flows"), 0);
        await server.run();
        strictEqual((await hub.commit([batch], options)).rows, 5);
        ok((await flows.flowCount({}, ALL)).count === 5);
        hub.close();
      })
    ),
});

async function pages(
  flows: ClickHouseFlows,
  filter: FlowFilter,
  tree: SearchTree,
): Promise<StoredFlow[]> {
  const all: StoredFlow[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await flows.flows({ ...filter, cursor }, tree);
    all.push(...page.rows);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}

function withoutIds(rows: readonly StoredFlow[]): object[] {
  return rows.map(({ id: _, ...row }) => ({ ...row }))
    .sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

Deno.test({
  name: "a table that an older hub has made gets the columns that it lacks",
  ignore: hasNoClickHouse,
  fn: () =>
    withServer(async (server, flows) => {
      const raw = new ClickHouse(server.config);
      const { batch } = testAgent().batch(flowRows(1, 2));
      await flows.insert([{ agent: 1, ...batch } as ArchivedFlows]);
      for (const column of ["executable", "summed_flows"]) {
        await raw.run(`ALTER TABLE tapwatch.flows DROP COLUMN ${column}`);
      }
      const newer = await ClickHouseFlows.open(server.config);
      const { batch: next } = testAgent().batch(flowRows(1, 2));
      await newer.insert([{ agent: 2, ...next } as ArchivedFlows]);
      const { rows } = await newer.flows({}, ALL);
      deepStrictEqual(rows.map(({ executable }) => executable), [null, null, null, null]);
      deepStrictEqual(rows.map(({ summed_flows }) => summed_flows), [null, null, null, null]);
    }),
});

Deno.test("flows of a thousand days go in by inserts that ClickHouse takes", async () => {
  const rowsOfInserts: number[] = [];
  const { batch } = testAgent().batch({
    kind: "flows",
    rows: Array.from({ length: 200 }, (_, at) => {
      const us = startUs - at * 86_400_000_000;
      return storedFlow(at, { start_us: us, end_us: us });
    }),
  });
  // As a newer server would: rows alike are bytes alike.
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.bytes();
      if (new URL(request.url).search !== "") rowsOfInserts.push(body.length);
      return new Response(
        /version/.test(new TextDecoder().decode(body)) ? '{"version":"23.8"}' : "",
      );
    },
  );
  const flows = await ClickHouseFlows.open({
    kind: "clickhouse",
    url: `http://127.0.0.1:${server.addr.port}`,
    user: "default",
    password: "",
    database: "tapwatch",
  });
  await flows.insert([{ agent: 1, ...batch } as ArchivedFlows]);
  strictEqual(rowsOfInserts.length, 3);
  const [first, second, last] = rowsOfInserts;
  ok(first === second && last! < first!, String(rowsOfInserts));
});
