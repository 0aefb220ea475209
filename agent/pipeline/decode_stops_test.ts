import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { decodePacket } from "../decode/decode.ts";
import { ethernet, filler, ipv4, join, tcp, vlan } from "../decode/packet_builder.ts";
import { Linktype, Packet } from "../records.ts";
import { DecodeStops } from "./decode_stops.ts";

interface Record {
  readonly bytes: Uint8Array;
  readonly linktype?: number;
  readonly wireLength?: number;
}

function count(records: readonly Record[]): DecodeStops {
  const stops = new DecodeStops();
  const packet = new Packet();
  for (const { bytes, linktype = Linktype.ethernet, wireLength = bytes.length } of records) {
    decodePacket(bytes, 0, bytes.length, wireLength, linktype, packet);
    if (packet.stopReason !== 0) stops.add(packet);
  }
  return stops;
}

const wifi = Linktype.ieee80211;
const ppp = Linktype.ppp;
const IP = ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(5)));
const FRAME = ethernet(0x0800, IP);

/** What one record is told as, and whether nothing that detection judges was seen of it. */
const cases: readonly [string, boolean, Record][] = [
  ["link type 189 (Linux USB)", true, { bytes: filler(60), linktype: 189 }],
  ["link type 9999", true, { bytes: filler(60), linktype: 9999 }],
  [
    "link type 189 (Linux USB)",
    true,
    { bytes: join([0, 0, 8, 0, 189, 0, 0, 0], filler(60)), linktype: Linktype.ppi },
  ],
  [
    "link type 1048575",
    true,
    { bytes: join([0, 0, 8, 0, 255, 255, 255, 255], filler(60)), linktype: Linktype.ppi },
  ],
  ["PPI", true, { bytes: filler(60).fill(9, 0, 1), linktype: Linktype.ppi }],
  ["EtherType 0x88e5 (MACsec)", true, { bytes: ethernet(0x88e5, filler(60)) }],
  ["EtherType 0xabcd", true, { bytes: ethernet(0x8100, vlan(3, 0xabcd, filler(60))) }],
  ["EtherType 0x88cc (LLDP)", false, { bytes: ethernet(0x88cc, filler(60)) }],
  ["LLC 0x4242 (spanning tree)", false, { bytes: ethernet(38, join([0x42, 0x42, 3], filler(35))) }],
  ["LLC 0xe0e0 (IPX)", true, { bytes: ethernet(38, join([0xe0, 0xe0, 3], filler(35))) }],
  ["802.11 frames without data", false, { bytes: filler(60).fill(0x80, 0, 1), linktype: wifi }],
  ["encrypted 802.11 data", true, { bytes: join([0x08, 0x41], filler(60)), linktype: wifi }],
  ["PPP protocol 0xc021 (LCP)", false, { bytes: join([0xc0, 0x21], filler(20)), linktype: ppp }],
  ["PPP protocol 0x003d (multilink)", true, { bytes: join([0, 0x3d], filler(20)), linktype: ppp }],
  ["address family 7", true, { bytes: join([7, 0, 0, 0], IP), linktype: Linktype.null }],
  ["IP protocol 88 (EIGRP)", false, { bytes: ethernet(0x0800, ipv4({ protocol: 88 }, IP)) }],
  ["GRE", true, { bytes: ethernet(0x0800, ipv4({ protocol: 47 }, join([0, 7, 8, 0], IP))) }],
  ["Ethernet", true, { bytes: filler(3), wireLength: 60 }],
  ["TCP", false, { bytes: FRAME.slice(0, 36), wireLength: 60 }],
];

Deno.test("add() counts what was not read by its name, and whether anything was seen of the packet", () => {
  for (const [name, isUnread, record] of cases) {
    const stops = count([record, record]);
    const unread = isUnread ? 2 : 0;
    const told = stops.list().map((stop) => [stop.name, stop.packets, stop.unread]);
    deepStrictEqual(told, [[name, 2, unread]]);
    strictEqual(stops.unreadPackets, unread, name);
  }
});

Deno.test("list() has the places with most packets first", () => {
  const lldp = { bytes: ethernet(0x88cc, filler(60)) };
  const cut = { bytes: FRAME.slice(0, 36), wireLength: 60 };
  const told = count([lldp, cut, cut]).list().map(({ layer, reason, packets }) =>
    [layer, reason, packets].join(" ")
  );
  deepStrictEqual(told, ["tcp truncated 2", "ethernet unsupported 1"]);
});

Deno.test("add() has a bound: what comes late is counted by its layer alone", () => {
  const records = Array.from({ length: 1000 }, (_, index) => ({
    bytes: ethernet(0xa000 + index, filler(60)),
  }));
  const stops = count(records);
  strictEqual(stops.unreadPackets, 1000);
  const [first, second] = stops.list();
  deepStrictEqual([first.name, first.packets, second.packets], ["Ethernet", 800, 1]);
  strictEqual(stops.list().length, 20);
});
