import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { flowRow } from "../flow/flow_row.ts";
import { FlowTable } from "../flow/flow_table.ts";
import { Packet, Transport } from "../records.ts";
import { makeMatcher } from "../search/match.ts";
import {
  compareFlowPlaces,
  FLOW_ORDERS,
  flowValue,
  type OpenFlows,
  type OpenFlowsQuery,
} from "../search/open_flows.ts";
import { parseSearch } from "../search/parse.ts";
import { ALL } from "../search/tree.ts";
import { openFlows } from "./open_flows.ts";

const all: OpenFlowsQuery = {
  tree: ALL,
  fromUs: null,
  toUs: null,
  order: "last",
  isAscending: false,
  after: null,
  limit: 1000,
};

/** A table with `count` UDP flows, of which some had packets again. */
function tableOf(count: number): FlowTable {
  const table = new FlowTable({ onEnd: () => {}, flowCountMax: count + 1 });
  const packet = new Packet();
  packet.ipVersion = 4;
  packet.source2 = packet.destination2 = 0xffff;
  packet.transport = Transport.udp;
  packet.ipProtocol = 17;
  packet.payloadLength = 10;
  const send = (flow: number, atUs: number) => {
    packet.source3 = 0x0a000000 + flow;
    packet.destination3 = 0x0b000000 + flow % 7;
    packet.sourcePort = 40_000 + flow % 20_000;
    packet.destinationPort = 1000 + flow % 3;
    table.update(packet, atUs, 60 + flow % 5, 0);
  };
  for (let flow = 0; flow < count; flow++) send(flow, 1e15 + flow * 10);
  for (let flow = 0; flow < count; flow += 3) send(flow, 1e15 + count * 10 + flow);
  return table;
}

const never = () => 0;
const idsOf = ({ rows }: OpenFlows) => rows.map(({ id }) => Number(id));

Deno.test("openFlows() finds what a slow search finds, in each order and page by page", () => {
  const table = tableOf(120);
  const slow: Record<string, unknown>[] = [];
  table.forEachActive((slot) => slow.push({ ...flowRow(table.flow(slot)), is_open: 1 }));
  fc.assert(
    fc.property(
      fc.constantFrom(...FLOW_ORDERS),
      fc.boolean(),
      fc.constantFrom(
        "",
        "dport 1001",
        "state open",
        "state ended",
        "net 11.0.0.0/30 or bytes > 120",
      ),
      fc.integer({ min: 1, max: 50 }),
      (order, isAscending, q, limit) => {
        const { tree } = parseSearch(q, "flows");
        const place = (row: object) => ({
          value: flowValue(row, order),
          id: Number((row as { id: number }).id),
        });
        const expected = slow.filter(makeMatcher(tree))
          .map(place)
          .sort((a, b) => compareFlowPlaces(a, b, isAscending));
        const found: number[] = [];
        for (let after = null as OpenFlowsQuery["after"];;) {
          const page = openFlows(table, { ...all, tree, order, isAscending, limit, after }, never);
          ok(page.rows.length <= limit);
          if (page.rows.length === 0) break;
          found.push(...idsOf(page));
          after = place(page.rows.at(-1)!);
        }
        deepStrictEqual(found, expected.map(({ id }) => id));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("openFlows() stops when its time is over, says where, and goes on from there", () => {
  const table = tableOf(2000);
  const clock = () => {
    let nowMs = 0;
    return () => nowMs += 3;
  };
  const found: number[] = [];
  let after: OpenFlowsQuery["after"] = null;
  do {
    const page: OpenFlows = openFlows(table, { ...all, limit: 5000, after }, clock());
    strictEqual(page.standing, 2000);
    ok(page.lookedAt < 2000 || page.floor === null);
    found.push(...idsOf(page));
    after = page.floor;
  } while (after !== null);
  strictEqual(found.length, 2000);
  strictEqual(new Set(found).size, 2000);
});

Deno.test("openFlows() finds one flow by its id, and those of a range", () => {
  const table = tableOf(50);
  deepStrictEqual(idsOf(openFlows(table, { ...all, id: 7 }, never)), [7]);
  deepStrictEqual(idsOf(openFlows(table, { ...all, id: 70 }, never)), []);
  const fromUs = 1e15 + 500;
  const { rows } = openFlows(table, { ...all, fromUs }, never);
  strictEqual(rows.length, 17);
  deepStrictEqual(openFlows(table, { ...all, toUs: 1e15 + 20 }, never).count, 2);
});
