/** What the detectors get of ARP and neighbour discovery, and which senders are marked as routers. */
import { deepStrictEqual } from "node:assert/strict";
import { formatIpWords } from "../decode/addresses.ts";
import { Mark, type Observation, ObservationKind } from "../detect/observation.ts";
import { observe } from "./testing.ts";
import {
  advertisement,
  arpRequest,
  type LinkEnd,
  packet,
  routerAdvertisement,
  segment,
  solicitation,
} from "./testing/link_frames.ts";

const routerMac = "02:00:00:00:00:01";
const router: LinkEnd = { mac: routerMac, ip: "192.168.1.1" };
const router6: LinkEnd = { mac: routerMac, ip: "fe80::1" };
const host: LinkEnd = { mac: "02:00:00:00:00:50", ip: "192.168.1.50" };
const host6: LinkEnd = { mac: host.mac, ip: "2001:db8:1:1::50" };
const other6: LinkEnd = { mac: "02:00:00:00:00:60", ip: "2001:db8:1:1::60" };
const { arp, ndp } = ObservationKind;

function rowsOf<T>(frames: readonly Uint8Array[], describe: (row: Observation) => T): T[] {
  const timed = frames.map((bytes, index) => ({ timestampUs: 1.7e15 + index * 1000, bytes }));
  return observe(timed, (row) => ({ kind: row.kind, told: describe(row) }))
    .filter(({ kind }) => kind === arp || kind === ndp).map(({ told }) => told);
}

function addressAt({ words, at }: Observation, word: number): string {
  const [word0, word1, word2, word3] = words.subarray(at + word, at + word + 4);
  return formatIpWords(6, [word0, word1, word2, word3]);
}

Deno.test("a solicitation asks for its target, an advertisement answers who asked", () => {
  const rows = rowsOf([solicitation(host6, other6.ip), advertisement(other6, host6)], (row) => ({
    source: addressAt(row, 3),
    destination: addressAt(row, 7),
    operation: row.arpOperation,
    mac: row.arpFrameMac,
    isToMany: row.has(Mark.isToMany),
  }));
  deepStrictEqual(rows, [
    {
      source: host6.ip,
      destination: other6.ip,
      operation: 1,
      mac: 0x020000000050,
      isToMany: true,
    },
    {
      source: other6.ip,
      destination: host6.ip,
      operation: 2,
      mac: 0x020000000060,
      isToMany: false,
    },
  ]);
});

Deno.test("what was passed on by a router, or cut off, is no neighbour discovery", () => {
  const passedOn = solicitation(host6, other6.ip);
  passedOn[14 + 7] = 254;
  const cut = packet(host6, other6, {
    protocol: 58,
    ttl: 255,
    payload: solicitation(host6, other6.ip).slice(54, 54 + 20),
  });
  deepStrictEqual(rowsOf([passedOn, cut], (row) => row.kind), []);
});

const remote: LinkEnd = { mac: routerMac, ip: "198.51.100.7" };
const remote6 = (index: number): LinkEnd => ({ mac: routerMac, ip: `2001:db8:${100 + index}::1` });
const back = { flags: 0x12, ports: [443, 40_000] } as const;
const asks = { arp: arpRequest(router, "192.168.1.99"), ndp: solicitation(router6, other6.ip) };
const hostAsks = {
  arp: arpRequest(host, "192.168.1.99"),
  ndp: solicitation(host6, "2001:db8:1:1::99"),
};

const cases: Record<string, [frames: Uint8Array[], isRouter: boolean]> = {
  "nobody knows": [[asks.arp, asks.ndp], false],
  "it brought a packet from outside": [[segment(remote, host), asks.arp, asks.ndp], true],
  "it brought an answer to what was asked inside": [
    [segment(host, remote), segment(remote, host, back), asks.arp, asks.ndp],
    true,
  ],
  "nobody outside answered": [[segment(host, remote), asks.arp, asks.ndp], false],
  "it advertises itself": [
    [routerAdvertisement(router6, "2001:db8:1:1::", 64), asks.arp, asks.ndp],
    true,
  ],
  "its advertisement of an address says so": [
    [advertisement(router6, host6, true), asks.arp, asks.ndp],
    true,
  ],
  "a neighbour's advertisement does not": [
    [advertisement(host6, other6), hostAsks.arp, hostAsks.ndp],
    false,
  ],
  "it brought packets from two IPv6 networks to local hosts": [
    [
      solicitation(host6, other6.ip),
      segment(remote6(0), host6),
      segment(remote6(1), host6),
      asks.arp,
    ],
    true,
  ],
  "a host's own IPv6 address makes none": [
    [0, 1, 2, 3, 4].flatMap((index) => [
      segment(host6, remote6(index)),
      segment(remote6(index), host6, back),
    ]).concat(hostAsks.arp, hostAsks.ndp),
    false,
  ],
  "nor does it when the host talks to local addresses": [
    [segment(host6, { mac: other6.mac, ip: "fd00::60" }), hostAsks.arp, hostAsks.ndp],
    false,
  ],
  "a host's own public IPv4 address, seen to be local, makes none": [
    [
      arpRequest({ mac: host.mac, ip: "203.0.113.5" }, "203.0.113.1"),
      segment({ mac: host.mac, ip: "203.0.113.5" }, { mac: other6.mac, ip: "192.168.1.60" }),
      hostAsks.arp,
    ],
    false,
  ],
  "between routers, both are": [
    Array.from({ length: 9 }, (_, index) =>
      segment(
        { mac: routerMac, ip: `198.${index}.100.1` },
        { mac: host.mac, ip: `203.${index}.113.1` },
      )).concat(asks.arp, hostAsks.arp),
    true,
  ],
};

for (const [name, [frames, isRouter]] of Object.entries(cases)) {
  Deno.test(`who asks is marked as a router or not: ${name}`, () => {
    const marks = rowsOf(frames, (row) => row.arpOperation === 1 && row.has(Mark.isSentByRouter));
    deepStrictEqual(marks.at(-1), isRouter);
  });
}
