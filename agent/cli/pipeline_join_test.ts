import { deepEqual, equal } from "node:assert/strict";
import type { CaptureSourceState, PipelineSnapshot, StatsSecond } from "../records.ts";
import { NO_OPEN_FLOWS, type OpenFlows, type OpenFlowsQuery } from "../search/open_flows.ts";
import { joinOpenFlows, joinSnapshots, joinSources, SecondsJoin } from "./pipeline_join.ts";

const second = (tsUs: number, packets: number) =>
  ({ tsUs, packets, bytes: 2 * packets }) as StatsSecond;

Deno.test("SecondsJoin adds up the parts of a second and tells it when all have passed it", () => {
  const join = new SecondsJoin();
  join.add([second(1e6, 5), second(2e6, 7)]);
  join.add([second(1e6, 3)]);
  deepEqual(join.take([3.5e6, 2.1e6]), [second(1e6, 8)]);
  deepEqual(join.take([3.5e6, 2.9e6]), []);
  // One is quiet: the others' seconds do not wait for it without end.
  deepEqual(join.take([6.5e6, 2.9e6]), [second(2e6, 7)]);
});

Deno.test("joinSnapshots() adds up counters, by name too, and hosts by address", () => {
  const host = { mac: "", name: "", inPackets: 1, inBytes: 10, outPackets: 1, outBytes: 5 };
  const times = { firstSeenUs: 5, lastSeenUs: 6, isLocal: true };
  const snapshot = (part: object) =>
    ({
      ...{ tsUs: 1, packets: 10, sampleK: 1, protocols: {}, decodeStops: { truncated: 1 } },
      ...{ decodeStopList: [], topTalkers: [], newestPackets: [] },
      ...part,
    }) as unknown as PipelineSnapshot;
  const joined = joinSnapshots([
    snapshot({
      protocols: { tcp: { packets: 1, bytes: 60 } },
      topTalkers: [{ address: "10.0.0.1", ...host, ...times }],
      newestPackets: [{ tsUs: 3 }, { tsUs: 9 }],
    }),
    snapshot({
      tsUs: 7,
      sampleK: 4,
      protocols: { tcp: { packets: 2, bytes: 80 }, udp: { packets: 1, bytes: 1 } },
      topTalkers: [{ address: "10.0.0.1", ...host, ...times, name: "nas", firstSeenUs: 2 }],
      newestPackets: [{ tsUs: 4 }],
      decodeStopList: [{ layer: "ip", reason: "truncated", name: "IPv4", packets: 1, unread: 0 }],
    }),
  ]);
  equal(joined.packets, 20);
  deepEqual([joined.tsUs, joined.sampleK], [7, 4]);
  deepEqual(joined.decodeStops as unknown, { truncated: 2 });
  deepEqual(joined.protocols, { tcp: { packets: 3, bytes: 140 }, udp: { packets: 1, bytes: 1 } });
  deepEqual(joined.newestPackets.map(({ tsUs }) => tsUs), [3, 4, 9]);
  const [{ name, inBytes, firstSeenUs }] = joined.topTalkers;
  deepEqual([joined.topTalkers.length, name, inBytes, firstSeenUs], [1, "nas", 20, 2]);
});

Deno.test("joinSources() tells the worst state, sums, and the device's own drops once", () => {
  const source = (part: Partial<CaptureSourceState>) =>
    ({
      state: "capturing",
      packets: 5,
      kernelDrops: 1,
      interfaceDrops: 9,
      ...part,
    }) as CaptureSourceState;
  const joined = joinSources([source({}), source({ state: "retrying", detail: "gone" })]);
  deepEqual([joined.state, joined.detail], ["retrying", "gone"]);
  const alike = joinSources([source({ detail: "capturing" }), source({ detail: "capturing" })]);
  equal(alike.detail, "capturing, 2 threads");
  equal(joinSources([source({ detail: "capturing" })]).detail, "capturing");
  deepEqual([joined.packets, joined.kernelDrops, joined.interfaceDrops], [10, 2, 9]);
});

Deno.test("joinOpenFlows() keeps the order asked for, and leaves out what lies behind the first place not looked at", () => {
  const query = { order: "last", isAscending: false, limit: 3 } as OpenFlowsQuery;
  const answer = (times: readonly (readonly [number, number])[], floor: OpenFlows["floor"]) => ({
    ...NO_OPEN_FLOWS,
    rows: times.map(([id, end_us]) => ({ id, end_us })),
    count: times.length,
    floor,
  });
  const joined = joinOpenFlows([
    answer([[1, 90], [3, 70], [5, 40]], { value: 60, id: 3 }),
    answer([[2, 80], [4, 50]], null),
  ], query);
  deepEqual(joined.rows.map(({ id }) => id), [1, 2, 3]);
  deepEqual([joined.count, joined.floor], [5, { value: 60, id: 3 }]);
});
