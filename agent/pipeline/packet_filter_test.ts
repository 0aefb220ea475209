import assert from "node:assert/strict";
import { amsdu } from "../decode/packet_builder.ts";
import { UsageError } from "../errors.ts";
import { Linktype } from "../records.ts";
import { parseSearch } from "../search/parse.ts";
import { createPacketFilter, createPacketSorter, type PacketFilter } from "./packet_filter.ts";

const u16 = (value: number) => [value >> 8, value & 0xff];
const macs = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const a = [10, 0, 0, 1];
const b = [10, 0, 0, 2];
const v6a = [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1];
const v6b = [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 2];

function ipv4(protocol: number, payload: number[], from = a, to = b, fragment = 0): number[] {
  const head = [0x45, 0, ...u16(20 + payload.length), 0, 0, ...u16(fragment), 64, protocol, 0, 0];
  return [...head, ...from, ...to, ...payload];
}
const udp = (from: number, to: number) => [...u16(from), ...u16(to), 0, 12, 0, 0, 1, 2, 3, 4];
const ethernet = (etherType: number, payload: number[]) => [...macs, ...u16(etherType), ...payload];

const packets = {
  query: ethernet(0x0800, ipv4(17, udp(1000, 53))),
  answer: ethernet(0x0800, ipv4(17, udp(53, 1000), b, a)),
  other: ethernet(0x0800, ipv4(17, udp(1001, 53))),
  ping: ethernet(0x0800, ipv4(1, [8, 0, 0, 0, 0, 53, 0, 53])),
  laterFragment: ethernet(0x0800, ipv4(17, [1, 2, 3, 4, 5, 6, 7, 8], a, b, 100)),
  ipv6: ethernet(0x86dd, [0x60, 0, 0, 0, 0, 12, 17, 64, ...v6a, ...v6b, ...udp(1000, 53)]),
  arp: ethernet(0x0806, [0, 1, 8, 0, 6, 4, 0, 1, ...macs.slice(6), ...a, 0, 0, 0, 0, 0, 0, ...b]),
  tunnel: ethernet(0x0800, ipv4(4, ipv4(17, udp(1000, 53)), [192, 0, 2, 1], [192, 0, 2, 2])),
  cutArp: ethernet(0x0806, [0, 1, 8, 0, 6, 4, 0, 1, ...macs.slice(6), ...a]),
};
type Name = keyof typeof packets;
const all = Object.keys(packets) as Name[];
const flow = {
  origH: "10.0.0.1",
  origP: 1000,
  respH: "10.0.0.2",
  respP: 53,
  proto: "udp",
} as const;

const searchOf = (text: string) => parseSearch(text, "pcap").tree;

const toTarget = {
  origP: 0,
  respH: "10.0.0.2",
  respP: 53,
  proto: "udp",
  sum: { fromUs: 5e6, toUs: 6e6 },
} as const;
const cases: readonly (readonly [string, PacketFilter, readonly Name[]])[] = [
  ["no condition", {}, all],
  [
    "a host, inside and outside of tunnels and in ARP",
    { hosts: ["10.0.0.1"] },
    ["query", "answer", "other", "ping", "laterFragment", "arp", "tunnel"],
  ],
  ["the outer host of a tunnel", { hosts: ["192.0.2.2"] }, ["tunnel"]],
  ["any of several hosts", { hosts: ["2001:db8::2", "192.0.2.1"] }, ["ipv6", "tunnel"]],
  ["hosts and the peers they talk to", { hosts: ["10.0.0.1"], peers: ["192.0.2.2"] }, ["tunnel"]],
  ["peers that are not there", { hosts: ["10.0.0.1"], peers: ["10.0.0.3"] }, []],
  ["a host that is not there", { hosts: ["10.0.0.3"] }, []],
  ["a port, of TCP and UDP only", { search: searchOf("port 53") }, [
    "query",
    "answer",
    "other",
    "ipv6",
    "tunnel",
  ]],
  ["a protocol", { search: searchOf("proto icmp") }, ["ping"]],
  ["a protocol and a port", { search: searchOf("proto udp and port 1001") }, ["other"]],
  ["a flow, both directions, with later fragments", { flows: [flow] }, [
    "query",
    "answer",
    "laterFragment",
    "tunnel",
  ]],
  ["a flow named from its other end", {
    flows: [{ origH: "10.0.0.2", origP: 53, respH: "10.0.0.1", respP: 1000, proto: "udp" }],
  }, ["query", "answer", "laterFragment", "tunnel"]],
  [
    "a flow of ICMP, by its addresses",
    { flows: [{ ...flow, proto: "icmp", origP: 8, respP: 0 }] },
    [
      "ping",
    ],
  ],
  ["a flow of IPv6", { flows: [{ ...flow, origH: "2001:db8::1", respH: "2001:db8::2" }] }, [
    "ipv6",
  ]],
  ["many flows to one target", {
    flows: [{ ...toTarget, origH: "0.0.0.0" }],
  }, ["query", "other", "laterFragment", "tunnel"]],
  ["many flows of one source to one target", {
    flows: [{ ...toTarget, origH: "10.0.0.1" }],
  }, ["query", "other", "laterFragment", "tunnel"]],
  ["many flows to any port of one target", {
    flows: [{ ...toTarget, origH: "0.0.0.0", respH: "10.0.0.1", respP: 0 }],
  }, ["answer"]],
  ["many flows of another source to that target, beside a flow of ICMP", {
    flows: [{ ...toTarget, origH: "10.0.0.3" }, { ...flow, proto: "icmp", origP: 8, respP: 0 }],
  }, ["ping"]],
  ["many flows of another time", {
    flows: [{ ...toTarget, origH: "0.0.0.0", sum: { fromUs: 7e6, toUs: 8e6 } }],
  }, []],
  ["several flows, of IPv4 and IPv6", {
    flows: [flow, { ...flow, origH: "2001:db8::1", respH: "2001:db8::2" }],
  }, ["query", "answer", "laterFragment", "ipv6", "tunnel"]],
  ...([
    ["", all],
    ["host 10.0.0.1", [
      "query",
      "answer",
      "other",
      "ping",
      "laterFragment",
      "arp",
      "tunnel",
      "cutArp",
    ]],
    ["src 10.0.0.2", ["answer"]],
    ["dst 10.0.0.2 and proto arp", ["arp"]],
    ["host 192.0.2.2", ["tunnel"]],
    ["net 2001:db8::/32", ["ipv6"]],
    ["not net 10.0.0.0/8", ["ipv6"]],
    ["dport 53 and not sport 1001", ["query", "ipv6", "tunnel"]],
    ["port 54-1000 or proto icmp", ["query", "answer", "ping", "ipv6", "tunnel"]],
    ["mac 02:00:00:00:00:01 and proto arp", ["arp", "cutArp"]],
    ["arp", ["arp", "cutArp"]],
    ["192.0.2", ["tunnel"]],
    ["bytes >= 66", ["ipv6", "tunnel"]],
    ["vlan 1", []],
  ] as const).map(([text, names]) =>
    [`the search ${JSON.stringify(text)}`, { search: searchOf(text) }, names] as const
  ),
];

for (const [name, filter, expected] of cases) {
  Deno.test(`createPacketFilter() picks by ${name}`, () => {
    const matches = createPacketFilter(filter);
    const picked = all.filter((packet) => {
      const bytes = Uint8Array.from([0, 0, 0, ...packets[packet]]);
      const length = packets[packet].length;
      return matches(bytes, 3, length, length, 1, 5.5e6);
    });
    assert.deepEqual(picked, expected);
  });
}

Deno.test("createPacketFilter() picks a frame of which any packet fits, but not by parts of several", () => {
  const bytes = amsdu([packets.query, packets.ping].map((packet) => Uint8Array.from(packet)));
  const matches = (filter: PacketFilter) =>
    createPacketFilter(filter)(bytes, 0, bytes.length, bytes.length, Linktype.ieee80211);
  assert.ok(matches({ search: searchOf("port 53") }));
  assert.ok(matches({ search: searchOf("proto icmp") }));
  assert.ok(!matches({ search: searchOf("proto tcp") }));
  assert.ok(!matches({ search: searchOf("proto icmp and port 53") }));
});

Deno.test("createPacketFilter() reads ports of VXLAN that it is told", () => {
  const vxlan = [0, 9, 26, 133, 0, 16 + packets.query.length, 0, 0, 8, 0, 0, 0, 0, 0, 9, 0];
  const bytes = Uint8Array.from(
    ethernet(0x0800, ipv4(17, [...vxlan, ...packets.query], [192, 0, 2, 1], [192, 0, 2, 2])),
  );
  const matches = (ports: readonly number[]) =>
    createPacketFilter({ search: searchOf("port 53") }, ports)(
      bytes,
      0,
      bytes.length,
      bytes.length,
      1,
    );
  assert.ok(matches([6789]));
  assert.ok(!matches([]));
});

Deno.test("createPacketFilter() refuses what is no address", () => {
  for (const host of ["", "10.0.0", "10.0.0.256", "localhost", "1::2::3"]) {
    assert.throws(() => createPacketFilter({ hosts: [host] }), UsageError);
    assert.throws(() => createPacketFilter({ flows: [{ ...flow, respH: host }] }), UsageError);
  }
});

Deno.test("createPacketSorter() finds for each packet what filters of their own would", () => {
  const filters: PacketFilter[] = [
    { hosts: ["10.0.0.1"] },
    { hosts: ["10.0.0.2", "10.0.0.1"], peers: ["192.0.2.2"] },
    { hosts: ["2001:db8::1"] },
    {},
    { hosts: ["10.0.0.77"] },
    { hosts: ["10.0.0.2"], peers: ["10.0.0.1"] },
  ];
  const sort = createPacketSorter(filters);
  for (const [name, data] of Object.entries(packets)) {
    const bytes = Uint8Array.from(data);
    const expected = filters.flatMap((filter, index) =>
      createPacketFilter(filter)(bytes, 0, bytes.length, bytes.length, Linktype.ethernet)
        ? [index]
        : []
    );
    const found: number[] = [];
    sort(bytes, 0, bytes.length, bytes.length, Linktype.ethernet, (index) => found.push(index));
    assert.deepEqual(found.sort(), expected, name);
  }
});

Deno.test("createPacketSorter() looks into tunnels of UDP, and at packets of any length", () => {
  const inner = ethernet(
    0x0800,
    ipv4(6, [...u16(80), ...u16(81), ...new Array<number>(16).fill(0)]),
  );
  const tunnel = (port: number, content: number[]) => {
    const payload = [8, 0, 0, 0, 0, 0, 7, 0, ...content];
    const head = [...u16(40_000), ...u16(port), ...u16(8 + payload.length), 0, 0];
    return ethernet(0x0800, ipv4(17, [...head, ...payload], [192, 0, 2, 1], [192, 0, 2, 2]));
  };
  const frames = [inner, tunnel(4789, inner), tunnel(5555, inner), tunnel(7777, inner)];
  const filters = ["10.0.0.1", "10.0.0.3", "192.0.2.2"].map((host) => ({ hosts: [host] }));
  const sort = createPacketSorter(filters, [7777]);
  const single = filters.map((filter) => createPacketFilter(filter, [7777]));
  let passed = 0;
  for (const frame of frames) {
    const bytes = new Uint8Array([1, 2, 3, ...frame]);
    for (let length = 0; length <= frame.length; length++) {
      const found: number[] = [];
      sort(bytes, 3, length, frame.length, 1, (index) => found.push(index));
      const wanted = single.flatMap((test, index) =>
        test(bytes, 3, length, frame.length, 1) ? [index] : []
      );
      assert.deepEqual(found.sort(), wanted, `${frame} cut at ${length}`);
      passed += found.length;
    }
  }
  assert.ok(passed > 100);
});
