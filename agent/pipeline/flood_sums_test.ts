import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Flow, SummedFlows } from "../records.ts";
import { flow as storedFlow } from "../store/testing.ts";
import { FloodSums, ROWS_PER_TARGET, SOURCES_PER_HOST, SOURCES_PER_SUM } from "./flood_sums.ts";

const secondUs = 1_000_000;
const startUs = 1_780_000_000 * secondUs;

/** A SYN of the flood, 100 µs after the one before. */
function probe(id: number, changes: Partial<Flow> = {}): Flow {
  const atUs = startUs + id * 100;
  return storedFlow(id, {
    ...{
      startUs: atUs,
      endUs: atUs,
      origH: `203.0.${id >> 8 & 255}.${id & 255}`,
      origP: 1024 + id,
    },
    ...{ respH: "192.168.1.2", respP: 80, service: "", name: "", ja4: "", history: "S" },
    ...{
      origPkts: 1,
      origBytes: 0,
      origWireBytes: 60,
      respPkts: 0,
      respBytes: 0,
      respWireBytes: 0,
    },
    ...{
      connState: "S0",
      communityId: `1:${id}`,
      rttUs: -1,
      respRetransmissions: 0,
      respCopies: 0,
    },
    ...{ isOrigLocal: false, isRespLocal: true, endReason: "idle" },
    ...changes,
  });
}

function rowsOf(flows: readonly Flow[]): Flow[] {
  const rows: Flow[] = [];
  const sums = new FloodSums((row) => rows.push(row));
  for (const flow of flows) sums.add(flow, false);
  sums.flush();
  return rows;
}

const many = (count: number, changes: (id: number) => Partial<Flow> = () => ({})) =>
  Array.from({ length: count }, (_, index) => probe(index + 1, changes(index + 1)));

Deno.test("FloodSums gives twenty rows and one sum of a second's unanswered flows to one target", () => {
  const rows = rowsOf(many(5000));
  strictEqual(rows.length, ROWS_PER_TARGET + 1);
  deepStrictEqual(rows.slice(0, -1), many(ROWS_PER_TARGET));
  const { summed, ...row } = rows.at(-1)!;
  const first = probe(ROWS_PER_TARGET + 1);
  deepStrictEqual(row, {
    ...first,
    ...{ origH: "0.0.0.0", origP: 0, communityId: "", endReason: "summed" },
    ...{ endUs: probe(5000).endUs, origPkts: 4980, origWireBytes: 4980 * 60 },
  });
  strictEqual(summed!.flows, 4980);
  strictEqual(summed!.sources.length, SOURCES_PER_SUM + 1);
  deepStrictEqual(summed!.sources.at(-1), {
    ...{ origH: "", isOrigLocal: false, flows: 4880, origPkts: 4880, origWireBytes: 4880 * 60 },
  });
});

Deno.test("FloodSums keeps the source of a sum that has one, and tells few sources apart", () => {
  const one = rowsOf(many(300, () => ({ origH: "203.0.113.9" }))).at(-1)!;
  deepStrictEqual([one.origH, one.origP], ["203.0.113.9", 0]);
  const two = rowsOf(many(300, (id) => ({ origH: `203.0.113.${id % 2}` }))).at(-1)!;
  deepStrictEqual(two.summed!.sources.map(({ origH, flows }) => [origH, flows]), [
    ["203.0.113.1", 140],
    ["203.0.113.0", 140],
  ]);
});

/** From as many sources as flows, each to a port of its own. */
const anyPort = (id: number) => ({ respP: 1 + id % 60_000 });

Deno.test("FloodSums takes all ports of a host as one target once too many sources send there for a scan", () => {
  const own = ROWS_PER_TARGET + SOURCES_PER_HOST - 1;
  const rows = rowsOf(many(5000, anyPort));
  deepStrictEqual(rows.slice(0, -1), many(own, anyPort));
  const { respH, respP, origH, endReason, summed } = rows.at(-1)!;
  deepStrictEqual([respH, respP, origH, endReason], ["192.168.1.2", 0, "0.0.0.0", "summed"]);
  strictEqual(summed!.flows, 5000 - own);
  const scans = (id: number) => ({ respP: id, origH: `203.0.113.${id % (SOURCES_PER_HOST - 1)}` });
  deepStrictEqual(rowsOf(many(5000, scans)), many(5000, scans));
});

Deno.test("FloodSums keeps the port of a flood beside one of any ports", () => {
  const rows = rowsOf(many(10_000, (id) => id % 2 === 0 ? {} : anyPort(id)));
  const sums = rows.filter(({ summed }) => summed !== undefined);
  deepStrictEqual(sums.map(({ respP }) => respP).sort(), [0, 80]);
  strictEqual(sums.find(({ respP }) => respP === 80)!.summed!.flows, 5000 - ROWS_PER_TARGET);
  strictEqual(rows.reduce((count, row) => count + (row.summed?.flows ?? 1), 0), 10_000);
});

Deno.test("FloodSums loses nothing when so many targets come that groups have to be closed", () => {
  const scan = many(45_000, (id) => ({ respP: id, origH: "203.0.113.9", endUs: startUs }));
  const flood = many(5000, (id) => ({ respP: 45_000 + id, endUs: startUs }));
  const rows = rowsOf([...scan, ...flood]);
  strictEqual(rows.reduce((count, row) => count + (row.summed?.flows ?? 1), 0), 50_000);
});

Deno.test("FloodSums keeps devices apart", () => {
  const rows = rowsOf(many(1000, (id) => ({ interfaceId: id % 2 })));
  const sums = rows.filter(({ summed }) => summed !== undefined);
  deepStrictEqual(
    sums.map(({ interfaceId, summed }) => [interfaceId, summed!.flows]).sort(),
    [[0, 480], [1, 480]],
  );
});

Deno.test("FloodSums leaves a single flow more as it is", () =>
  deepStrictEqual(rowsOf(many(ROWS_PER_TARGET + 1)), many(ROWS_PER_TARGET + 1)));

Deno.test("FloodSums leaves scans of many ports or hosts, talk, answers and pieces of long flows as they are", () => {
  const kinds: readonly ((id: number) => Partial<Flow>)[] = [
    (id) => ({ respP: id, origH: "203.0.113.9" }),
    (id) => ({ respH: `10.0.${id >> 8}.${id & 255}` }),
    () => ({ proto: "udp", isOrigLocal: true, origPkts: 4 }),
    () => ({ origPkts: 4, origBytes: 517, history: "SADF" }),
    () => ({ respPkts: 1, connState: "REJ" }),
    () => ({ endReason: "active" }),
  ];
  for (const kind of kinds) deepStrictEqual(rowsOf(many(1000, kind)), many(1000, kind));
  const rows: Flow[] = [];
  const sums = new FloodSums((row) => rows.push(row));
  for (const flow of many(1000)) sums.add(flow, true);
  deepStrictEqual(rows, many(1000), "later pieces");
});

Deno.test("FloodSums tells a sum once nothing has come for it during a turn, and no sooner", () => {
  const rows: Flow[] = [];
  const sums = new FloodSums((row) => rows.push(row));
  for (const flow of many(300)) {
    sums.add(flow, false);
    if (flow.id % 50 === 0) sums.turn();
  }
  strictEqual(rows.length, ROWS_PER_TARGET);
  sums.turn();
  strictEqual(rows.length, ROWS_PER_TARGET + 1);
  strictEqual(sums.summedCount, 300 - ROWS_PER_TARGET);
});

Deno.test("FloodSums stays small under a million sources and targets, and loses no flow", () => {
  let [rows, flows] = [0, 0];
  const sums = new FloodSums(({ summed }) => {
    rows++;
    flows += summed?.flows ?? 1;
  });
  const template = probe(1);
  const count = 1_000_000;
  for (let id = 1; id <= count; id++) {
    // Every other one goes to a target of its own.
    const respH = id % 2 === 0 ? "192.168.1.2" : `10.${id >> 16}.${id >> 8 & 255}.${id & 255}`;
    sums.add({ ...template, id, origH: `203.${id}`, respH, endUs: startUs + id }, false);
    ok(sums.groupCount <= 40_000);
  }
  sums.flush();
  deepStrictEqual([flows, rows, sums.groupCount], [count, count / 2 + ROWS_PER_TARGET + 2, 0]);
});

Deno.test("FloodSums loses nothing of floods, scans and both at once, in any order", () => {
  const drawnPart = fc.record({
    sources: fc.constantFrom(1, 50, 150, 5000),
    ports: fc.constantFrom(1, 3, 1000),
    target: fc.nat(1),
    count: fc.integer({ min: 1, max: 600 }),
  });
  fc.assert(
    fc.property(fc.array(drawnPart, { maxLength: 5 }), fc.nat(), (parts, turnEvery) => {
      const flows: Flow[] = [];
      for (const { sources, ports, target, count } of parts) {
        for (let index = 0; index < count; index++) {
          const origH = `203.0.${(index % sources) >> 8}.${(index % sources) & 255}`;
          const changes = { origH, respH: `192.168.1.${target}`, respP: index % ports };
          flows.push(probe(flows.length + 1, changes));
        }
      }
      const rows: Flow[] = [];
      const sums = new FloodSums((row) => rows.push(row));
      flows.forEach((flow, index) => {
        sums.add(flow, false);
        if (index % (1 + turnEvery % 997) === 0) sums.turn();
      });
      sums.flush();
      strictEqual(new Set(rows.map(({ id }) => id)).size, rows.length, "an id is of one row");
      for (const row of rows) {
        if (row.summed === undefined) deepStrictEqual(row, flows[row.id - 1]);
        else checkSum(row, row.summed);
      }
      const ofHost = (host: string, list: readonly Flow[]) =>
        list.filter(({ respH }) => respH === host)
          .reduce((sum, { summed }) => sum + (summed?.flows ?? 1), 0);
      for (const host of ["192.168.1.0", "192.168.1.1"]) {
        strictEqual(ofHost(host, rows), ofHost(host, flows));
      }
    }),
    { numRuns: 50 },
  );
});

/** Of flows of one packet. */
function checkSum({ origPkts, origWireBytes }: Flow, { flows, sources }: SummedFlows): void {
  const total = { flows: 0, origPkts: 0, origWireBytes: 0 };
  for (const source of sources) {
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += source[name];
  }
  deepStrictEqual(total, { flows, origPkts, origWireBytes });
  strictEqual(flows, origPkts);
}

/** What can be, by the numbers drawn. */
const drawn = fc.record({
  second: fc.nat(2),
  source: fc.nat(5),
  target: fc.nat(1),
  port: fc.nat(1),
  packets: fc.constantFrom(1, 1, 1, 2, 3, 4),
  isAnswered: fc.boolean(),
  isLocal: fc.boolean(),
  proto: fc.constantFrom("tcp", "udp"),
  endReason: fc.constantFrom("idle", "idle", "evicted", "end", "active"),
  isContinued: fc.constantFrom(false, false, false, true),
  repeated: fc.integer({ min: 1, max: 160 }),
}) satisfies fc.Arbitrary<unknown>;

Deno.test("FloodSums adds up as an obvious model does, whatever comes", () => {
  fc.assert(fc.property(fc.array(drawn, { maxLength: 30 }), (draws) => {
    const rows: Flow[] = [];
    const sums = new FloodSums((row) => rows.push(row));
    const flows: Flow[] = [];
    const ownIds = new Set<number>();
    for (const draw of draws) {
      for (let time = 0; time < draw.repeated; time++) {
        const id = flows.length + 1;
        const isTalk = draw.proto === "udp" && draw.isLocal && draw.packets > 3;
        const isOwn = draw.isAnswered || isTalk || draw.isContinued || draw.endReason === "active";
        const endUs = startUs + draw.second * secondUs + id;
        const flow = probe(id, {
          ...{ startUs: endUs - draw.packets, endUs, endReason: draw.endReason as "idle" },
          ...{ origH: `203.0.113.${draw.source}`, respH: `192.168.1.${draw.target}` },
          ...{ respP: draw.port, origPkts: draw.packets, origWireBytes: draw.packets * 60 },
          ...{ respPkts: draw.isAnswered ? 1 : 0, respWireBytes: draw.isAnswered ? 54 : 0 },
          ...{ isOrigLocal: draw.isLocal, proto: draw.proto as "tcp" },
        });
        flows.push(flow);
        if (isOwn) ownIds.add(id);
        sums.add(flow, draw.isContinued);
      }
    }
    sums.flush();
    checkTotals(rows, flows);
    checkGroups(rows, flows, ownIds);
  }));
});

const targetOf = ({ endUs, proto, respH, respP }: Flow) =>
  `${Math.floor(endUs / secondUs)} ${proto} ${respH} ${respP}`;

/** Flows, packets and bytes by the second and target, and by those and the source, where the sum has it. */
function checkTotals(rows: readonly Flow[], flows: readonly Flow[]): void {
  type Totals = Map<string, [flows: number, packets: number, bytes: number]>;
  const add = (
    totals: Totals,
    key: string,
    flow: Pick<Flow, "origPkts" | "origWireBytes">,
    count = 1,
  ) => {
    const sum = totals.get(key) ?? [0, 0, 0];
    totals.set(key, [sum[0] + count, sum[1] + flow.origPkts, sum[2] + flow.origWireBytes]);
  };
  const [ofRows, ofFlows]: [Totals, Totals] = [new Map(), new Map()];
  for (const flow of flows) {
    add(ofFlows, targetOf(flow), flow);
    add(ofFlows, `${targetOf(flow)} ${flow.origH} ${flow.isOrigLocal}`, flow);
  }
  for (const row of rows) {
    add(ofRows, targetOf(row), row, row.summed?.flows);
    for (const source of row.summed?.sources ?? [{ ...row, flows: 1 }]) {
      add(ofRows, `${targetOf(row)} ${source.origH} ${source.isOrigLocal}`, source, source.flows);
    }
  }
  deepStrictEqual(new Map([...ofRows].sort()), new Map([...ofFlows].sort()));
}

/** All that may not be summed is there as it came, and of the rest no group has more rows than it may. */
function checkGroups(
  rows: readonly Flow[],
  flows: readonly Flow[],
  ownIds: ReadonlySet<number>,
): void {
  const groups = Map.groupBy(flows.filter(({ id }) => !ownIds.has(id)), targetOf);
  for (const [key, group] of groups) {
    const ofGroup = rows.filter((row) => !ownIds.has(row.id) && targetOf(row) === key);
    strictEqual(ofGroup.length, Math.min(group.length, ROWS_PER_TARGET + 1));
    const sum = ofGroup.find(({ summed }) => summed !== undefined);
    if (sum === undefined) continue;
    const summed = group.slice(ROWS_PER_TARGET);
    strictEqual(sum.startUs, Math.min(...summed.map(({ startUs }) => startUs)));
    strictEqual(sum.endUs, Math.max(...summed.map(({ endUs }) => endUs)));
  }
  const byId = new Map(rows.map((row) => [row.id, row]));
  strictEqual(byId.size, rows.length, "an id is of one row");
  for (const id of ownIds) deepStrictEqual(byId.get(id), flows[id - 1]);
}
