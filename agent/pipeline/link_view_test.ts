/** What is local by what the link shows, of frames that go through the whole pipeline. */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { Pipeline } from "./pipeline.ts";
import { batchOf } from "./testing.ts";
import {
  advertisement,
  arpReply,
  arpRequest,
  type LinkEnd,
  packet,
  routerAdvertisement,
  segment,
  solicitation,
} from "./testing/link_frames.ts";

const router = "02:00:00:00:00:01";
const other = "02:00:00:00:00:09";
const server: LinkEnd = { mac: "02:00:00:00:00:02", ip: "203.0.113.5" };
const twin: LinkEnd = { mac: "02:00:00:00:00:03", ip: "203.0.113.6" };
const host6: LinkEnd = { mac: "02:00:00:00:00:05", ip: "2001:db8:1:1::50" };
const host6b: LinkEnd = { mac: "02:00:00:00:00:06", ip: "2001:db8:1:1::60" };
const private4: LinkEnd = { mac: "02:00:00:00:00:07", ip: "192.168.1.7" };

/** The `index`th host of the internet, each in a network of its own, behind a MAC address. */
function remote(index: number, mac = router): LinkEnd {
  return { mac, ip: `198.${51 + index}.100.${index + 1}` };
}

/** A SYN and its answer; hop limits as they are when nobody counted down, or as told. */
function meeting(client: LinkEnd, host: LinkEnd, ttls: readonly [number, number] = [64, 64]) {
  return [
    segment(client, host, { ttl: ttls[0] }),
    segment(host, client, { ttl: ttls[1], flags: 0x12, ports: [443, 40_000] }),
  ];
}

/** Public addresses of the host table that are local in the end. */
function locals(frames: readonly Uint8Array[], homeNets?: readonly string[]): string[] {
  const pipeline = new Pipeline({
    flowCountMax: 1000,
    rowPolicy: "none",
    ...(homeNets && { homeNets }),
  });
  const timestampUs = 1_700_000_000_000_000;
  pipeline.process(
    batchOf(frames.map((bytes, index) => ({ timestampUs: timestampUs + index * 1000, bytes }))),
  );
  return pipeline.takeChangedHosts(1000)
    .filter(({ isLocal, address }) => isLocal && !/^(192\.168|fe80|ff)/.test(address))
    .map(({ address }) => address).sort();
}

const clients = Array.from({ length: 5 }, (_, index) => remote(index));
const visits = clients.flatMap((client) => meeting(client, server, [52, 64]));

const cases: Record<string, [frames: Uint8Array[], local: string[]]> = {
  "a server whose MAC address stands for one address, opposite many": [visits, [server.ip]],
  "a server with a few addresses of one network": [
    [server, { ...server, ip: "203.0.113.9" }].flatMap((end) =>
      clients.flatMap((client) => meeting(client, end))
    ),
    ["203.0.113.5", "203.0.113.9"],
  ],
  "a host that asks, and is answered by many": [
    clients.flatMap((client) => meeting(server, client, [128, 52])),
    [server.ip],
  ],
  "a scanned server, one way only": [
    clients.map((client) => segment(client, server)).concat(segment(server, remote(0))),
    [server.ip],
  ],
  "two addresses, of two networks, opposite one": [
    [...meeting(remote(0), server), ...meeting(remote(1), server)],
    [server.ip],
  ],
  "one opposite one": [meeting(remote(0), server), []],
  "a host that does not speak": [clients.map((client) => segment(client, server)), []],
  "hosts beyond a second router, hop limits counted down": [
    clients.flatMap((client) => meeting(client, server, [52, 63])),
    [],
  ],
  "routers on both sides, hop limits as a capture made by hand has them": [
    clients.flatMap((client) =>
      [0, 1, 2].flatMap((index) => meeting(client, remote(20 + index, other)))
    ),
    [],
  ],
  "an internet address that comes once through another MAC address": [
    [...visits, ...meeting(remote(9, other), server)],
    [server.ip],
  ],
  "a public address that asks by ARP": [
    [arpRequest(server, "203.0.113.1"), ...meeting(remote(0), server)],
    [server.ip],
  ],
  "a public address that answers by ARP": [
    [arpReply(server, { mac: router, ip: "203.0.113.1" }), ...meeting(remote(0), server)],
    [server.ip],
  ],
  "a router that answers for the world by ARP": [
    [arpReply({ ...remote(0) }, server), ...meeting(remote(0), server)],
    [],
  ],
  "an ARP probe, which nobody has sent": [
    [arpRequest({ mac: server.mac, ip: "0.0.0.0" }, server.ip), ...meeting(remote(0), server)],
    [],
  ],
  "a public address that speaks to a group of the link": [
    [
      packet(server, { mac: "01:00:5e:00:00:fb", ip: "224.0.0.251" }, {
        protocol: 2,
        ttl: 1,
        payload: Uint8Array.of(0x16, 0, 0, 0, 224, 0, 0, 251),
      }),
      ...meeting(remote(0), server),
    ],
    [server.ip],
  ],
  "a public address that speaks to a group that routers pass on": [
    [
      packet(server, { mac: "01:00:5e:7f:ff:fa", ip: "239.255.255.250" }, {
        protocol: 2,
        ttl: 1,
        payload: Uint8Array.of(0x16, 0, 0, 0, 239, 255, 255, 250),
      }),
      ...meeting(remote(0), server),
    ],
    [],
  ],
  "all of a /64 of which a host solicits neighbours": [
    [solicitation(host6, "2001:db8:1:1::1"), ...meeting(remote6(0), host6b)],
    [host6.ip, host6b.ip],
  ],
  "neighbour discovery with a hop limit that was counted down": [
    [lowered(advertisement(host6, host6b)), ...meeting(remote6(0), host6)],
    [],
  ],
  "all of a prefix that a router advertises": [
    [
      routerAdvertisement({ mac: router, ip: "fe80::1" }, "2001:db8:1:1::", 64),
      ...meeting(remote6(0), host6),
    ],
    [host6.ip],
  ],
  "no prefix as wide as the world": [
    [
      routerAdvertisement({ mac: router, ip: "fe80::1" }, "2000::", 3),
      ...meeting(remote6(0), host6),
    ],
    [],
  ],
  "two hosts of one /64 that talk to each other": [meeting(host6, host6b), [host6.ip, host6b.ip]],
  "two hosts of one /64, of which one is silent": [[segment(host6, host6b)], []],
  "two hosts of one IPv4 network": [meeting(server, twin), []],
  "private hosts behind a router": [clients.flatMap((client) => meeting(private4, client)), []],
};

for (const [name, [frames, local]] of Object.entries(cases)) {
  Deno.test(`local: ${name}: ${local.join(", ") || "nothing"}`, () => {
    deepStrictEqual(locals(frames), local);
    deepStrictEqual(
      locals([...frames].reverse()).every((address) => local.includes(address)),
      true,
    );
    deepStrictEqual(locals(frames, ["private"]), [], "not when only private networks are local");
  });
}

function remote6(index: number): LinkEnd {
  return { mac: router, ip: `2001:db8:${100 + index}::1` };
}

function lowered(frame: Uint8Array): Uint8Array {
  frame[14 + 7] = 254;
  return frame;
}

Deno.test("a guessed address that speaks to its /64 shows that all of that is local", () => {
  const far = clients.map((_, index) => remote6(index));
  const guess = far.flatMap((client) => meeting(client, host6b, [52, 64]));
  const exchange = meeting(host6, host6b);
  deepStrictEqual(locals([...guess, ...exchange]), locals([...exchange, ...guess]));
  deepStrictEqual(locals([...guess, ...exchange.reverse()]), [host6.ip, host6b.ip].sort());
});

Deno.test("what is local does not depend on the order of packets", () => {
  const address = fc.oneof(
    fc.nat(6).map((index) => remote(index)),
    fc.nat(2).map((index) => remote(10 + index, other)),
    fc.constantFrom(server, twin, host6, host6b, private4, remote6(0), remote6(1), {
      ...server,
      ip: "198.18.7.7",
    }),
  );
  const exchange = fc.tuple(address, address).filter(([a, b]) =>
    a.mac !== b.mac && a.ip.includes(":") === b.ip.includes(":")
  );
  const frames = fc.oneof(
    { weight: 6, arbitrary: exchange.map(([a, b]) => meeting(a, b)) },
    { weight: 1, arbitrary: exchange.map(([a, b]) => [segment(a, b)]) },
    { weight: 1, arbitrary: fc.constant([arpRequest(twin, "203.0.113.1")]) },
    { weight: 1, arbitrary: fc.constant([solicitation(host6, host6b.ip)]) },
  );
  let localCount = 0;
  const traffic = fc.array(frames, { maxLength: 30 }).chain((meetings) => {
    const all = meetings.flat();
    return fc.tuple(
      fc.constant(all),
      fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
    );
  });
  fc.assert(
    fc.property(traffic, ([frames, shuffled]) => {
      const found = locals(frames);
      localCount += found.length;
      deepStrictEqual(locals(shuffled), found);
    }),
    { numRuns: 300 },
  );
  ok(localCount > 100, String(localCount));
});
