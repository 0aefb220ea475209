/** Flows of a stretch of the past: those that stood in it, each once, however many have come since. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import type { Flow } from "../records.ts";
import { FLOW_ORDERS, flowValue } from "../search/open_flows.ts";
import type { FlowFilter } from "./filters.ts";
import { StoreQueries } from "./queries.ts";
import { FLOWS_PER_RUN, type StoredFlow } from "./schema.ts";
import { flow, many, openWriter, rows, startUs, withDatabasePath } from "./testing.ts";

const secondUs = 1_000_000;
const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

async function withFlows(
  flows: readonly Flow[],
  use: (queries: StoreQueries) => void,
): Promise<void> {
  await withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.write(rows({ flows }));
    writer.close();
    const queries = new StoreQueries(path);
    use(queries);
    queries.close();
  });
}

function walk(queries: StoreQueries, filter: FlowFilter): StoredFlow[] {
  const found: StoredFlow[] = [];
  for (let cursor: string | undefined, pages = 0; pages < 5000; pages++) {
    const page = queries.flows({ ...filter, cursor });
    found.push(...page.rows);
    if (page.nextCursor === null) return found;
    cursor = page.nextCursor;
  }
  throw new Error("the list has no end");
}

const someFlow = fc.record({
  endS: fc.integer({ min: 0, max: 8000 }),
  // On both sides of each step of the index.
  lastedUs: fc.oneof(
    fc.integer({ min: 0, max: 3_600_000_000 }),
    fc.constantFrom(
      0,
      999_999,
      ...[1, 2, 4, 16, 64, 1024, 2048].flatMap((s) => [s * secondUs - 1, s * secondUs]),
    ),
  ),
  host: fc.constantFrom(...hosts),
  bytes: fc.integer({ min: 0, max: 5 }),
});

Deno.test("flows of a stretch are those that stood in it, in each order, whatever a page looks at", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someFlow, { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 0, max: 8000 }),
      fc.integer({ min: 1, max: 8000 }),
      fc.constantFrom(undefined, 3, 20),
      async (made, fromS, lengthS, lookedAtMax) => {
        const flows = made.map(({ endS, lastedUs, host, bytes }, index) => {
          const endUs = startUs + endS * secondUs;
          return flow(index + 1, {
            startUs: endUs - lastedUs,
            endUs,
            origH: host,
            origWireBytes: bytes,
          });
        });
        const fromUs = startUs + fromS * secondUs;
        const toUs = fromUs + lengthS * secondUs;
        await withFlows(flows, (queries) => {
          for (const host of [null, ...hosts]) {
            for (const range of [{ fromUs, toUs }, { toUs }, { fromUs }]) {
              const expected = flows.filter(({ startUs, endUs, origH }) =>
                (host === null || origH === host) &&
                endUs >= (range.fromUs ?? 0) && startUs < (range.toUs ?? Infinity)
              );
              const byEnd = expected.toSorted((a, b) => b.endUs - a.endUs || b.id - a.id)
                .map(({ id }) => id);
              const filter = {
                ...range,
                lookedAtMax,
                limit: 7,
                ...(host && { q: `host ${host}` }),
              };
              const found = walk(queries, filter);
              deepStrictEqual(found.map(({ id }) => id % FLOWS_PER_RUN), byEnd);
              if (lookedAtMax !== undefined) continue;
              deepStrictEqual(queries.flowCount(filter), { count: byEnd.length, isMore: false });
              for (const order of FLOW_ORDERS) {
                const sorted = walk(queries, { ...filter, order });
                deepStrictEqual(
                  sorted.map(({ id }) => id).toSorted(),
                  found.map(({ id }) => id).toSorted(),
                );
                const values = sorted.map((row) => flowValue(row, order));
                deepStrictEqual(values, values.toSorted((a, b) => b - a), order);
              }
            }
          }
        });
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("a page of the past is full at once, however many flows have ended since, also of one host", () => {
  const perSecond = 2000;
  const toUs = startUs + 10 * secondUs;
  // 10 s before and 60 s after, of 0 to 20 s each, two thirds of them of one host.
  const flows = many(70 * perSecond, (number) => {
    const endUs = startUs + Math.floor(number / perSecond * secondUs);
    const lastedUs = number % 4 === 0 ? number % 900 * 1000 : number % 20 * secondUs;
    return flow(number + 1, {
      startUs: endUs - lastedUs,
      endUs,
      origH: hosts[number % 3 === 0 ? 1 : 0]!,
    });
  });
  const stood = ({ startUs, endUs }: { startUs: number; endUs: number }) =>
    startUs < toUs && endUs >= toUs - secondUs;
  return withFlows(flows, (queries) => {
    for (const q of [undefined, `host ${hosts[0]}`, `host ${hosts[1]}`, "port 40001 or port 443"]) {
      const newest = flows.filter((one) =>
        stood(one) && (q === undefined || !q.startsWith("host") || q.endsWith(one.origH))
      )
        .sort((a, b) => b.endUs - a.endUs || b.id - a.id);
      const page = queries.flows({ fromUs: toUs - secondUs, toUs, q, limit: 100 });
      deepStrictEqual(
        page.rows.map(({ id }) => id % FLOWS_PER_RUN),
        newest.slice(0, 100).map(({ id }) => id),
        q,
      );
      const sorted = queries.flows({
        fromUs: toUs - secondUs,
        toUs,
        q,
        order: "bytes",
        limit: 100,
      });
      strictEqual(sorted.rows.length, 100, q);
    }
    const history = queries.history({
      q: `host ${hosts[1]}`,
      fromUs: startUs,
      toUs,
      bucketUs: secondUs,
      limit: 10,
    })!;
    ok(history.total.flows > 1000, String(history.total.flows));
  });
});

Deno.test("flows that stood at a moment are found by how long they lasted", () =>
  withDatabasePath((path) => {
    openWriter(path).close();
    const seen: string[] = [];
    const prepare = DatabaseSync.prototype.prepare;
    DatabaseSync.prototype.prepare = function (sql: string) {
      if (sql.includes("end_us - start_us")) seen.push(sql);
      return prepare.call(this, sql);
    };
    const queries = new StoreQueries(path);
    try {
      queries.flows({ fromUs: startUs, toUs: startUs + secondUs });
    } finally {
      DatabaseSync.prototype.prepare = prepare;
    }
    queries.close();
    const database = new DatabaseSync(path, { readOnly: true });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${seen.at(-1)}`).all().map(({ detail }) =>
      String(detail)
    );
    database.close();
    const searches = plan.filter((line) => line.startsWith("SEARCH"));
    strictEqual(
      searches.filter((line) =>
        /USING INDEX flows_span \(<expr>=\? AND end_us>\? AND end_us<\?\)/.test(line)
      ).length,
      12,
    );
    strictEqual(searches.filter((line) => /USING INDEX flows_time/.test(line)).length, 2);
    for (const [index, line] of plan.entries()) {
      // What is sorted are the rows of a page.
      if (line === "USE TEMP B-TREE FOR ORDER BY") match(plan[index - 1]!, /^SCAN \(subquery/);
    }
    ok(plan.every((line) => !line.startsWith("SCAN flows")));
  }));
