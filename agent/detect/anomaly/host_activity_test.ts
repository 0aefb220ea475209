import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Transport } from "../../records.ts";
import { COUNT_WIDTH, ROW_WORDS_MAX } from "./activity_layout.ts";
import { Count, HostActivity } from "./host_activity.ts";
import { type ConnectionScript, TestTraffic } from "./testing/host_traffic.ts";

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

Deno.test("ports on which files come by FTP count as one, for as long as the two speak FTP", () => {
  const [client, server] = ["10.0.0.1", "10.0.0.2"];
  const ports = (control: Partial<ConnectionScript> | null, windows = 1) => {
    const activity = new HostActivity();
    const traffic = new TestTraffic(activity);
    if (control) traffic.connect({ from: client, to: server, port: 21, ...control });
    for (let window = 1; window < windows; window++) activity.clear();
    for (let file = 0; file < 50; file++) {
      traffic.connect({ from: client, to: server, port: 40_000 + file });
      traffic.connect({ from: client, to: "10.0.0.3", port: 50_000 + file });
    }
    const { opened, accepted, portsOut, targetsOut } = countsOf(activity).get(client)!;
    equal(opened, accepted);
    return [portsOut, targetsOut, countsOf(activity).get(server)!.portsIn, opened];
  };
  deepEqual(ports(null), [100, 100, 50, 100]);
  deepEqual(ports({ application: "ftp" }), [52, 52, 2, 52]);
  deepEqual(
    ports({ from: server, to: client, application: "ftp" }),
    [51, 51, 1, 51],
    "whoever opened it",
  );
  deepEqual(ports({ port: 22, application: "ssh" }), [101, 101, 51, 101]);
  deepEqual(ports({}), [101, 101, 51, 101], "a port that is only tried");
  deepEqual(ports({ application: "ftp" }, 61), [51, 51, 1, 51], "ten minutes later");
  deepEqual(ports({ application: "ftp" }, 62), [100, 100, 50, 100]);
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  traffic.connect({ from: client, to: server, port: 21, application: "ftp" });
  for (let port = 1; port < 1_024; port++) traffic.connect({ from: client, to: server, port });
  equal(countsOf(activity).get(client)!.portsOut, 1_023, "no files come from system ports");
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

Deno.test("rows taken in bulk count as rows one by one, whatever the pieces", () => {
  const rows: number[] = [];
  const traffic = new TestTraffic({ takeRows: (words) => rows.push(...words) });
  for (let index = 0; index < 3000; index++) {
    const [from, to] = [`10.0.${index % 7}.1`, `10.1.0.${index % 11}`];
    traffic.connect({ from, to, port: index % 50 });
    traffic.askDns(from, "10.0.0.53", `${"x".repeat(index % 60)}.example`);
    if (index % 5 === 0) traffic.askArp(from, to);
  }
  const words = Int32Array.from(rows);
  ok(words.length > 2 * ROW_WORDS_MAX);
  const [bulk, single] = [new HostActivity(), new HostActivity()];
  bulk.takeRows(words, 0, words.length);
  for (let at = 0; at < words.length;) {
    const next = at + (words[at] >>> 16);
    single.takeRows(words, at, next);
    at = next;
  }
  deepEqual(countsOf(bulk), countsOf(single));
  equal(bulk.hostCount, 7 + 11);
});

Deno.test("a row that is cut off is left out, and harms nothing", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic({
    takeRows: (words) => activity.takeRows(words, 0, words.length - 1),
  });
  traffic.connect({ from: "10.0.0.1", to: "10.0.0.2", port: 1 });
  equal(activity.hostCount, 0);
});

Deno.test("what is different is counted exactly until the set is full, window by window", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  for (const ports of [3, 30_000, 130_000, 5]) {
    for (let port = 0; port < ports; port++) {
      const transport = port < 65_536 ? Transport.tcp : Transport.udp;
      traffic.connect({ from: "10.0.0.1", to: "10.0.0.2", port: port % 65_536, transport });
    }
    const { opened, targetsOut } = countsOf(activity).get("10.0.0.1")!;
    equal(opened, ports);
    // A port makes four entries: of both hosts, of the link, and of the two hosts together.
    ok(Math.abs(targetsOut! - Math.min(ports, 131_072 / 4)) <= (ports > 30_000 ? 1 : 0));
    activity.clear();
  }
});

Deno.test("who has met whom is remembered until 65,536 newer pairs have come, and again as many", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  const meet = (index: number) => {
    const to = `10.${1 + (index >> 16)}.${index >> 8 & 255}.${index & 255}`;
    traffic.connect({ from: "10.0.0.1", to, port: 1, outcome: "unanswered" });
  };
  const firstContacts = () =>
    activity.counts[activity.linkSlot * COUNT_WIDTH + Count.firstContacts];
  for (let index = 0; index <= 65_536; index++) meet(index);
  equal(firstContacts(), 65_537);
  equal(activity.forgottenCount > 0, true);
  meet(0);
  equal(firstContacts(), 65_537);
  for (let index = 65_537; index < 65_536 * 3; index++) meet(index);
  meet(1);
  equal(firstContacts(), 65_536 * 3 + 1);
});

Deno.test("of more hosts than there is room for, those seen last are known", () => {
  const activity = new HostActivity();
  const traffic = new TestTraffic(activity);
  const name = (index: number) => `10.1.${index >> 8}.${index & 255}`;
  for (let index = 0; index < 9000; index++) {
    for (let time = 0; time < 2; time++) {
      traffic.connect({ from: "10.0.0.1", to: name(index), port: 1, outcome: "unanswered" });
    }
  }
  const counts = countsOf(activity);
  equal(activity.hostCount, 8192);
  // The first 4,095 were let in at once, the others when they came again.
  equal(counts.get("10.0.0.1")!.opened, 18_000);
  equal(counts.has(name(9000 - 8192)), false);
  for (let index = 9000 - 8191; index < 9000; index++) ok(counts.has(name(index)), name(index));
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
