import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { StoredFlow } from "../../../store/schema.ts";
import { rollupRow } from "../../testing.ts";
import { decodeBatch, encodeBatch } from "../../wire.ts";
import type { FleetFinding } from "../hub_store.ts";
import type { FleetView } from "./fleet_detector.ts";
import { FleetScan } from "./fleet_scan.ts";
import { call, hostOf, knock, makeView, minuteUs, rowsOf, startUs, visit } from "./testing.ts";

const scanner = "203.0.113.9";

interface Event {
  readonly agent: number;
  readonly flow: Partial<StoredFlow>;
}

/** Runs events through a detector as agents bring them: each agent's flows of a minute in one batch. */
function run(view: FleetView, events: readonly Event[]): FleetFinding[] {
  const detector = new FleetScan(view);
  const found: FleetFinding[] = [];
  const batches = Map.groupBy(
    events,
    ({ agent, flow }) => `${Math.floor(flow.start_us! / minuteUs)} ${agent}`,
  );
  let newestUs = 0;
  for (const batch of batches.values()) {
    detector.take(rowsOf(batch[0]!.agent, batch.map(({ flow }) => flow)));
    newestUs = Math.max(newestUs, ...batch.map(({ flow }) => flow.start_us!));
    found.push(...detector.drain(newestUs));
  }
  return found;
}

/** So many events a minute for some minutes, in order. */
function spread(
  { perMinute, minutes }: { readonly perMinute: number; readonly minutes: number },
  make: (number: number, us: number) => Event,
): Event[] {
  return Array.from(
    { length: perMinute * minutes },
    (_, number) => make(number, startUs + Math.floor(number / perMinute * minuteUs)),
  );
}

/** Ordinary traffic of 200 agents: visitors, resolvers, time servers, a CDN, monitoring. */
function background(agents: number, minutes: number): Event[] {
  const all: Event[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    for (let agent = 1; agent <= agents; agent++) {
      const us = startUs + minute * minuteUs + agent * 1000;
      const add = (flow: Partial<StoredFlow>) => all.push({ agent, flow });
      add(call(agent, "198.51.100.1", us));
      add(call(agent, "9.9.9.9", us, { proto: "udp", resp_p: 53, service: "dns", history: "Dd" }));
      add(call(agent, "198.51.100.123", us, { proto: "udp", orig_p: 123, resp_p: 123 }));
      // Monitoring: each minute, and of a twentieth of the hosts it gets no answer.
      const isDown = agent % 20 === 3;
      add(isDown ? knock("10.9.9.9", agent, us, { resp_p: 9100 }) : visit("10.9.9.9", agent, us));
      add(visit(`192.0.2.${agent % 250}`, agent, us));
      // Late answers: of a resolver, of a time server, and the end of a connection with the CDN that is older than the capture.
      const answer = { resp_p: 40_000 + minute, proto: "udp", history: "D" };
      add(knock("9.9.9.9", agent, us, { ...answer, orig_p: 53 }));
      add(knock("198.51.100.123", agent, us, { ...answer, orig_p: 123 }));
      add(knock("198.51.100.1", agent, us, {
        orig_p: 443,
        resp_p: 41_000,
        history: "^AdFa",
        conn_state: "OTH",
      }));
      // One host asks all on the link, and all agents see it.
      add(knock("10.1.0.77", agent, us, { proto: "udp", resp_h: "10.1.0.255", resp_p: 1900 }));
      add(knock("10.1.0.78", agent, us, { proto: "udp", resp_h: "239.255.255.250", resp_p: 1900 }));
    }
  }
  return all;
}

function byTime(...lists: readonly Event[][]): Event[] {
  return lists.flat().sort((a, b) => a.flow.start_us! - b.flow.start_us!);
}

Deno.test("a slow scan of 200 agents is found within six minutes, and nothing else in their traffic is", () => {
  const scan = spread({ perMinute: 5, minutes: 30 }, (number, us) => {
    const agent = 1 + number * 7 % 200;
    return { agent, flow: knock(scanner, agent, us) };
  });
  const found = run(makeView(200), byTime(scan, background(200, 12)));
  const sources = new Set(found.map(({ finding }) => finding.sources[0]));
  deepStrictEqual([...sources], [scanner]);
  const { finding, agents } = found[0]!;
  ok(finding.detectedUs - startUs <= 6 * minuteUs, `${(finding.detectedUs - startUs) / minuteUs}`);
  strictEqual(finding.kind, "fleet_scan");
  strictEqual(agents.length, 20);
  strictEqual(finding.attackId, "T1595.001");
  ok(/^203\.0\.113\.9 scanned hosts of 20 of 200 agents/.test(finding.reason), finding.reason);
  // The same episode grows.
  strictEqual(new Set(found.map(({ finding }) => finding.id)).size, 1);
  ok(found.at(-1)!.agents.length > 80);
});

Deno.test("five flows a minute at each agent are found within six minutes, in whatever order batches come", () => {
  for (const agents of [20, 30, 200]) {
    const events = spread({ perMinute: 5 * agents, minutes: 10 }, (number, us) => {
      const agent = 1 + number % agents;
      return { agent, flow: knock(scanner, agent, us) };
    });
    const first = run(makeView(200), events)[0]!;
    ok(first.finding.detectedUs - startUs <= 6 * minuteUs, String(agents));
    // Of the newest minutes alone, which come first.
    const late = run(makeView(200), events.toReversed());
    const newestUs = events.at(-1)!.flow.start_us!;
    ok(newestUs - late[0]!.finding.firstUs <= 6 * minuteUs, String(agents));
    for (const { finding, agents } of [first, late[0]!]) {
      deepStrictEqual([finding.kind, finding.sources], ["fleet_scan", [scanner]]);
      strictEqual(agents.length, 20);
    }
  }
});

Deno.test("of a small fleet a tenth suffices, but never fewer than three agents", () => {
  const scan = (agents: number) =>
    spread({ perMinute: 5, minutes: 2 }, (number, us) => {
      const agent = 1 + number % agents;
      return { agent, flow: knock(scanner, agent, us) };
    });
  strictEqual(run(makeView(20), scan(2)).length, 0);
  strictEqual(run(makeView(20), scan(3)).length > 0, true);
  strictEqual(run(makeView(60), scan(5)).length, 0);
  strictEqual(run(makeView(60), scan(6)).length > 0, true);
  strictEqual(run(makeView(2000), scan(10)).length, 0);
});

Deno.test("agents touched in the course of hours are none within ten minutes", () => {
  const events = Array.from({ length: 100 }, (_, number) => ({
    agent: 1 + number,
    flow: knock(scanner, 1 + number, startUs + number * minuteUs),
  }));
  strictEqual(run(makeView(200), events).length, 0);
});

Deno.test("a source inside, one that finds doors open and says nothing, and one that asks by UDP are found too", () => {
  const scans: readonly Partial<StoredFlow>[] = [
    { local_orig: 1 },
    { conn_state: "RSTO", history: "ShR", resp_pkts: 1 },
    { proto: "udp", resp_p: 161, history: "D" },
    { proto: "icmp", orig_p: 8, resp_p: 0, history: "" },
    { conn_state: "REJ", history: "Sr", resp_pkts: 1 },
  ];
  for (const changes of scans) {
    const events = spread({ perMinute: 5, minutes: 2 }, (number, us) => {
      const agent = 1 + number;
      return { agent, flow: knock(scanner, agent, us, changes) };
    });
    const [first] = run(makeView(20), events);
    ok(first, JSON.stringify(changes));
    strictEqual(first.finding.attackId, changes.local_orig === 1 ? "T1046" : "T1595.001");
  }
});

Deno.test("floods of many sources, whose rows name none, are no scan of one", () => {
  const events = spread({ perMinute: 50, minutes: 5 }, (number, us) => ({
    agent: 1 + number % 20,
    flow: knock("0.0.0.0", 1 + number % 20, us, { summed_flows: 5000, end_reason: "summed" }),
  }));
  strictEqual(run(makeView(20), events).length, 0);
});

Deno.test("one host that many agents see is one target", () => {
  const events = spread({ perMinute: 30, minutes: 2 }, (number, us) => ({
    agent: 1 + number % 20,
    flow: knock(scanner, 1, us, { resp_h: hostOf(1) }),
  }));
  strictEqual(run(makeView(20), events).length, 0);
});

Deno.test("clocks that are off are set right", () => {
  const skewUs = (agent: number) => agent % 2 === 0 ? 3 * 3600e6 : 0;
  const events = spread({ perMinute: 5, minutes: 2 }, (number, us) => {
    const agent = 1 + number % 6;
    return { agent, flow: knock(scanner, agent, us + skewUs(agent)) };
  });
  strictEqual(run(makeView(60, { skewUs }), events).length > 0, true);
  strictEqual(run(makeView(60), events).length, 0);
});

Deno.test("roll-ups tell it as flows do", () => {
  const detector = new FleetScan(makeView(20));
  for (let agent = 1; agent <= 4; agent++) {
    const rows = [
      rollupRow(agent, {
        start_us: startUs,
        orig_h: scanner,
        resp_h: hostOf(agent),
        resp_p: 22,
        local_orig: 0,
        local_resp: 1,
        flows: 5,
        failed_flows: 5,
      }),
      // Beyond what one batch has room for.
      rollupRow(agent, { start_us: startUs, orig_h: "203.0.113.8", resp_h: "", local_resp: 1 }),
    ];
    const epoch = "AAAAAAAAAAAAAAAAAAAAAAAAAA";
    const batch = decodeBatch(
      encodeBatch({ kind: "rollups", rows }, { epoch, firstSeq: 1, madeUs: 1 }),
    );
    if (batch.kind !== "rollups") throw new TypeError("not roll-ups");
    detector.take({ agent, kind: "rollups", rowCount: 2, columns: batch.columns });
  }
  const found = detector.drain(startUs);
  deepStrictEqual(found.map(({ finding }) => finding.sources[0]), [scanner]);
});
