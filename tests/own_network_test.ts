/** What is found on networks whose own addresses, hosts and routers only the link shows. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  advertisement,
  arpReply,
  arpRequest,
  type LinkEnd,
  segment,
  solicitation,
} from "../agent/pipeline/testing/link_frames.ts";
import type { Finding } from "../agent/records.ts";
import { detectInFrames } from "./detect_in_file.ts";

const routerMac = "02:00:00:00:00:01";
const server: LinkEnd = { mac: "02:00:00:00:00:02", ip: "203.0.113.5" };
const scanner: LinkEnd = { mac: routerMac, ip: "198.51.100.77" };
const router: LinkEnd = { mac: routerMac, ip: "192.168.1.1" };
const host: LinkEnd = { mac: "02:00:00:00:00:50", ip: "192.168.1.50" };
const host6: LinkEnd = { mac: host.mac, ip: "2001:db8:1:1::50" };
const peer6: LinkEnd = { mac: "02:00:00:00:00:60", ip: "2001:db8:1:1::60" };

/** Frames, 20 ms apart. */
type Script = Uint8Array[];

/** A connection that is used. */
function visit(client: LinkEnd, target: LinkEnd, ttls = [64, 64], port = 443): Script {
  const ports = [40_000, port] as const;
  const back = [port, 40_000] as const;
  const [ttl, ttlBack] = ttls;
  return [
    segment(client, target, { ports, ttl }),
    segment(target, client, { ports: back, flags: 0x12, ttl: ttlBack }),
    segment(client, target, { ports, flags: 0x18, payloadLength: 50, ttl }),
    segment(target, client, { ports: back, flags: 0x18, payloadLength: 50, ttl: ttlBack }),
  ];
}

/** Refused connections to as many ports. */
function scan(from: LinkEnd, target: LinkEnd, count: number): Script {
  return Array.from({ length: count }, (_, index) => 1000 + index).flatMap((port) => [
    segment(from, target, { ports: [50_000, port] }),
    segment(target, from, { ports: [port, 50_000], flags: 0x14 }),
  ]);
}

function remote(index: number, mac = routerMac): LinkEnd {
  return { mac, ip: `192.${index + 1}.100.${index + 1}` };
}
function remote6(index: number): LinkEnd {
  return { mac: routerMac, ip: `2001:db8:${100 + index}::1` };
}
function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function findingsOf(script: Script): Finding[] {
  const frames = script.map((frame, index) => ({ atS: index * 0.02, frame }));
  return detectInFrames(frames).findings.filter(({ kind }) => kind !== "anomaly");
}

const inbound = { severity: "low", attackId: "T1595.001" };
const internal = { severity: "medium", attackId: "T1046" };
const scans: Record<string, [script: Script, told: { severity: string; attackId: string } | null]> =
  {
    "of a public server by whose MAC address few, opposite many": [
      [...range(4).flatMap((index) => visit(remote(index), server)), ...scan(scanner, server, 5)],
      inbound,
    ],
    "of a public server that speaks ARP": [
      [
        arpRequest({ ...router, ip: "203.0.113.1" }, server.ip),
        arpReply(server, { ...router, ip: "203.0.113.1" }),
        ...scan(scanner, server, 5),
      ],
      inbound,
    ],
    "of a public server, four ports": [
      [...range(4).flatMap((index) => visit(remote(index), server)), ...scan(scanner, server, 4)],
      null,
    ],
    "between two hosts of one /64": [scan(host6, peer6, 6), internal],
    "of a host with a global address that speaks neighbour discovery": [
      [solicitation(host6, peer6.ip), ...scan(remote6(0), host6, 5)],
      inbound,
    ],
    "between routers, ten ports": [
      [
        ...range(6).flatMap((index) =>
          visit(remote(index), remote(10 + index, server.mac), [52, 60])
        ),
        ...scan(scanner, server, 10),
      ],
      null,
    ],
    "between routers, thirty ports": [
      [
        ...range(6).flatMap((index) =>
          visit(remote(index), remote(10 + index, server.mac), [52, 60])
        ),
        ...scan(scanner, server, 30),
      ],
      internal,
    ],
  };

for (const [name, [script, told]] of Object.entries(scans)) {
  Deno.test(`scan ${name}: ${told === null ? "not told" : `${told.severity}, ${told.attackId}`}`, () => {
    const findings = findingsOf(script);
    deepStrictEqual(
      findings.map(({ severity, attackId }) => ({ severity, attackId })),
      told === null ? [] : [told],
      findings.map(({ reason }) => reason).join("; "),
    );
  });
}

const polling: Script = range(90).flatMap((index) => {
  const target = `192.168.1.${100 + index}`;
  const isThere = index % 10 === 0;
  const there = { mac: "02:00:00:00:01:00", ip: target };
  return [arpRequest(router, target), ...(isThere ? [arpReply(there, router)] : [])];
});
const browsing = visit(host, remote(0));
const browsing6 = range(5).flatMap((index) => visit(host6, remote6(index)));

Deno.test("a router that polls its hosts by ARP is no scanner, when every flow is opened from inside", () => {
  deepStrictEqual(findingsOf([...browsing, ...polling]), []);
  deepStrictEqual(findingsOf([...browsing6, ...browsing, ...polling]), []);
});

Deno.test("a dual-stack host that sweeps by ARP is one", () => {
  const sweep = range(90).map((index) => arpRequest(host, `192.168.1.${100 + index}`));
  for (const before of [[], browsing6, [...browsing, ...browsing6]]) {
    const [found, ...more] = findingsOf([...before, ...sweep]);
    deepStrictEqual([found.scan?.probe, found.sources, found.targetCount], ["arp", [host.ip], 90]);
    strictEqual(more.length, 0);
  }
});

Deno.test("a host that sweeps by neighbour solicitations is a scanner, a router is none", () => {
  const sweepBy = (from: LinkEnd) =>
    range(60).map((index) => solicitation(from, `2001:db8:1:1::${(0x100 + index).toString(16)}`));
  const answers = range(5).map((index) =>
    advertisement(
      { mac: peer6.mac, ip: `2001:db8:1:1::${(0x100 + index).toString(16)}` },
      host6,
    )
  );
  const [found] = findingsOf([...browsing6, ...sweepBy(host6), ...answers]);
  deepStrictEqual(
    [found.scan?.kind, found.scan?.probe, found.sources, found.targetCount, found.scan?.answered],
    ["horizontal", "ndp", [host6.ip], 60, 5],
  );
  ok(found.reason.includes("asked by neighbour discovery for 60 addresses"), found.reason);
  const router6 = { mac: routerMac, ip: "2001:db8:1:1::1" };
  const known = [...browsing, ...sweepBy(router6)];
  deepStrictEqual(findingsOf(known), []);
  deepStrictEqual(findingsOf([advertisement(router6, host6, true), ...sweepBy(router6)]), []);
});

Deno.test("who claims the address of a host that only IP packets show is a spoofer", () => {
  const attacker: LinkEnd = { mac: "02:00:00:00:00:66", ip: "192.168.1.66" };
  for (const victim of [host, { ...server, mac: host.mac }]) {
    const gateway = { mac: routerMac, ip: victim === host ? router.ip : "203.0.113.1" };
    const own = victim === host ? attacker : { ...attacker, ip: "203.0.113.66" };
    const frames = range(40).flatMap((second) => [
      ...visit(victim, remote(second % 20), [64, 52]).map((frame) => ({ atS: second, frame })),
      ...(second === 1 ? [{ atS: second, frame: arpRequest(own, victim.ip) }] : []),
      ...(second > 4 && second % 2 === 0
        ? [{ atS: second + 0.5, frame: arpReply({ ...victim, mac: own.mac }, gateway) }]
        : []),
    ]);
    const found = detectInFrames(frames).findings.filter(({ kind }) => kind === "arp_spoof");
    deepStrictEqual(
      found.map(({ sources, targets, severity }) => ({ sources, targets, severity })),
      [{ sources: [own.ip], targets: [victim.ip, gateway.ip], severity: "critical" }],
    );
  }
});
