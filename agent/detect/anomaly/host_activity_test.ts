import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Transport } from "../../records.ts";
import { COUNT_WIDTH } from "./activity_layout.ts";
import { Count, HostActivity } from "./host_activity.ts";
import { type ConnectionScript, TestTraffic } from "./test_traffic.ts";

const connection = fc.record({
  from: fc.integer({ min: 1, max: 6 }).map((host) => `10.0.0.${host}`),
  to: fc.integer({ min: 4, max: 9 }).map((host) => `10.0.0.${host}`),
  port: fc.integer({ min: 1, max: 5 }),
  transport: fc.constantFrom(Transport.tcp, Transport.udp),
  outcome: fc.constantFrom("accepted" as const, "refused" as const, "unanswered" as const),
});

Deno.test("HostActivity counts as an obvious model with sets does", () => {
  fc.assert(fc.property(fc.array(fc.array(connection), { maxLength: 3 }), (windows) => {
    const activity = new HostActivity();
    const traffic = new TestTraffic(activity);
    const met = new Set<string>();
    for (const connections of windows) {
      for (const script of connections) traffic.connect(script);
      deepEqual(countsOf(activity), modelCounts(connections, met));
      activity.clear();
    }
  }));
});

Deno.test("ARP requests reach for hosts, each once, and count with connections to them", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  for (const target of ["10.0.0.2", "10.0.0.3", "10.0.0.3"]) traffic.askArp("10.0.0.1", target);
  traffic.connect({ from: "10.0.0.1", to: "10.0.0.2", port: 22 });
  const counts = countsOf(activity).get("10.0.0.1")!;
  equal(counts.peersOut, 2);
  equal(counts.arpAsked, 2);
  equal(counts.arpOut, 3);
});

Deno.test("DNS names are counted once, their bytes with each query", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  for (const name of ["a.example", "b.example", "a.example"]) {
    traffic.askDns("10.0.0.1", "10.0.0.53", name);
  }
  const { dnsQueries, dnsNames, dnsNameBytes } = countsOf(activity).get("10.0.0.1")!;
  deepEqual([dnsQueries, dnsNames, dnsNameBytes], [3, 2, 27]);
});

Deno.test("a flood of forged sources neither grows the tables nor hides its victim or the others", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  const { stateBytes } = activity;
  const busy = { from: "10.0.0.1", to: "10.0.0.2", port: 443 };
  for (let source = 0; source < 200_000; source++) {
    const from = `${source >> 16 & 255}.${source >> 8 & 255}.${source & 255}.77`;
    traffic.connect({ from, to: "10.0.0.9", port: 80, outcome: "unanswered" });
    if (source % 1000 === 0) traffic.connect(busy);
  }
  const counts = countsOf(activity);
  equal(activity.stateBytes, stateBytes);
  const { received, peersIn = 0 } = counts.get("10.0.0.9")!;
  equal(received, 200_000);
  // The set of what is different was full before that.
  ok(peersIn > 10_000, String(peersIn));
  equal(counts.get("10.0.0.1")!.opened, 200);
  ok(activity.hostCount <= 8192);
});

Deno.test("the main peers are those with most connections", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  for (let round = 0; round < 50; round++) {
    traffic.connect({ from: "10.0.0.1", to: "10.0.0.5", port: 22 });
    traffic.connect({ from: "10.0.0.1", to: `10.0.1.${round}`, port: 22 });
    traffic.connect({ from: "10.0.0.1", to: "10.0.0.6", port: 22 });
  }
  const slot = activity.slot(0);
  const peers = [...Array(4).keys()].map((peer) => activity.peers[(slot * 4 + peer) * 5 + 3]);
  ok(peers.includes(0x0a000005) && peers.includes(0x0a000006));
});

type Counts = Partial<Record<keyof typeof Count, number>>;

/** Counters of each host that are not 0, ARP and volumes apart. */
function countsOf(activity: HostActivity): Map<string, Counts> {
  const hosts = new Map<string, Counts>();
  for (let index = 0; index < activity.hostCount; index++) {
    const slot = activity.slot(index);
    const word = activity.addressWord(slot, 3);
    const counts: Counts = {};
    for (const [name, at] of Object.entries(Count)) {
      const value = activity.counts[slot * COUNT_WIDTH + at];
      if (value !== 0) counts[name as keyof typeof Count] = value;
    }
    const address = [word >>> 24, word >>> 16 & 255, word >>> 8 & 255, word & 255].join(".");
    hosts.set(address, counts);
  }
  return hosts;
}

function modelCounts(connections: readonly ConnectionScript[], met: Set<string>) {
  const hosts = new Map<string, Counts>();
  const seen = new Set<string>();
  const add = (host: string, count: keyof Counts, isCounted = true) => {
    const counts = hosts.get(host) ?? {};
    hosts.set(host, counts);
    if (isCounted) counts[count] = (counts[count] ?? 0) + 1;
  };
  const isNew = (set: Set<string>, ...parts: unknown[]) => {
    const key = parts.join(" ");
    return !set.has(key) && set.add(key) !== undefined;
  };
  for (const { from, to, port, transport, outcome } of connections) {
    const service = `${transport}/${port}`;
    add(from, "opened");
    add(from, "firstContacts", isNew(met, ...[from, to].sort()));
    add(from, "peersOut", isNew(seen, "peerOut", from, to));
    add(from, "portsOut", isNew(seen, "portOut", from, service));
    add(from, "targetsOut", isNew(seen, "targetOut", from, to, service));
    add(to, "received");
    add(to, "peersIn", isNew(seen, "peerIn", to, from));
    add(to, "portsIn", isNew(seen, "portIn", to, service));
    // A datagram that comes back is an answer, whatever it says.
    const isRefused = outcome === "refused" && transport === Transport.tcp;
    if (outcome === "unanswered") continue;
    add(from, isRefused ? "refused" : "accepted");
    add(to, isRefused ? "refusedIn" : "acceptedIn");
  }
  return hosts;
}
