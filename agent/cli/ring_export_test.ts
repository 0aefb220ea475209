import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { SearchError } from "../search/search_error.ts";
import { StoreQueries } from "../store/queries.ts";
import { readHere, type StoreReader } from "../store/reader.ts";
import {
  flow,
  hostRow,
  many,
  openWriter,
  rows,
  startUs,
  withDatabasePath,
} from "../store/testing.ts";
import { NothingFoundError, readRingSearch } from "./ring_export.ts";

function withQueries(use: (queries: StoreReader) => Promise<void>): Promise<void> {
  return withDatabasePath(async (path) => {
    const writer = openWriter(path);
    const flows = many(20, (number) => flow(number), 1);
    writer.write(rows({ flows, hosts: [hostRow("192.168.1.4", { name: "printer" })] }));
    writer.close();
    const queries = new StoreQueries(path);
    await use(readHere(queries));
    queries.close();
  });
}

Deno.test("what packets show is looked for in packets, known names too", () =>
  withQueries(async (queries) => {
    for (
      const q of ["", "host 10.0.0.9 and tcp and port 443", "udp&&port 53", "net 10.0.0.0/8 or arp"]
        .concat(
          "host printer",
          "mac 02:00:5e:10:00:01",
          "not vlan 7",
          "port 53   and   host fe80::1",
        )
    ) {
      const filter = await readRingSearch(queries, q, {});
      ok(filter.search !== undefined && filter.flows === undefined, q);
    }
    deepStrictEqual((await readRingSearch(queries, "host printer", {})).search, {
      op: "in",
      columns: ["src", "dst"],
      values: ["192.168.1.4"],
    });
  }));

Deno.test("names, services and states are looked for in flows, whose packets are taken", () =>
  withQueries(async (queries) => {
    const { flows } = await readRingSearch(queries, "name www7.* and dport 443", {});
    deepStrictEqual(flows, [{
      origH: "192.168.1.7",
      origP: 40_007,
      respH: "198.51.100.7",
      respP: 443,
      proto: "tcp",
    }]);
    strictEqual((await readRingSearch(queries, "service tls", {})).flows!.length, 20);
    const early = await readRingSearch(queries, "service tls", { toUs: startUs + 2500 });
    strictEqual(early.flows!.length, 2);
    await rejects(readRingSearch(queries, "name nothing.example", {}), NothingFoundError);
  }));

Deno.test("a search that neither packets nor flows take is refused with its place", () =>
  withQueries(async (queries) => {
    for (
      const [q, column] of [["port http", 6], ["port 65536", 6], ["host", 5], ["tcp port 443", 5]]
        .concat([["severity high", 1], ["host fax", 6], ["port 80 and hots=1", 13]]) as [
          string,
          number,
        ][]
    ) {
      await rejects(
        readRingSearch(queries, q, {}),
        (error) => error instanceof SearchError && error.column === column,
        q,
      );
    }
  }));
