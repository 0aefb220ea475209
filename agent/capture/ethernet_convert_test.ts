import assert from "node:assert/strict";
import { EthernetConverter } from "./ethernet_convert.ts";
import { concatenate, sampleBatch } from "./sample_captures.ts";

const ipv4 = Uint8Array.of(0x45, 0, 0, 20, 1, 2, 3, 4);
const ipv6 = Uint8Array.of(0x60, 0, 0, 0, 5, 6, 7, 8);
const zeros = new Uint8Array(12);
const mac = Uint8Array.of(2, 1, 2, 3, 4, 5);
const sll = (type: number) =>
  concatenate([Uint8Array.of(0, 0, 0, 1, 0, 6), mac, Uint8Array.of(0, 0, type >> 8, type & 0xff)]);
const sll2 = (type: number, addressLength: number) =>
  concatenate([
    Uint8Array.of(type >> 8, type & 0xff, 0, 0, 0, 0, 0, 2, 0, 1, 0, addressLength),
    mac,
    Uint8Array.of(0, 0),
  ]);
const withMac = concatenate([new Uint8Array(6), mac]);

/** Link type, what was captured, and the addresses and EtherType that it gets; null when it is left out. */
const cases: readonly (readonly [string, number, Uint8Array, Uint8Array | null])[] = [
  ["raw IPv4", 101, ipv4, concatenate([zeros, Uint8Array.of(8, 0), ipv4])],
  ["raw IPv6", 229, ipv6, concatenate([zeros, Uint8Array.of(0x86, 0xdd), ipv6])],
  ["raw, of no IP version", 101, Uint8Array.of(0x10, 0), null],
  ["raw, empty", 101, new Uint8Array(0), null],
  [
    "null, little-endian IPv4",
    0,
    concatenate([Uint8Array.of(2, 0, 0, 0), ipv4]),
    concatenate([zeros, Uint8Array.of(8, 0), ipv4]),
  ],
  [
    "null, big-endian IPv6 of macOS",
    0,
    concatenate([Uint8Array.of(0, 0, 0, 30), ipv6]),
    concatenate([zeros, Uint8Array.of(0x86, 0xdd), ipv6]),
  ],
  ["null, cut off", 0, Uint8Array.of(2, 0, 0), null],
  [
    "loopback of OpenBSD",
    108,
    concatenate([Uint8Array.of(0, 0, 0, 24), ipv6]),
    concatenate([zeros, Uint8Array.of(0x86, 0xdd), ipv6]),
  ],
  [
    "Linux cooked",
    113,
    concatenate([sll(0x0806), ipv4]),
    concatenate([withMac, Uint8Array.of(8, 6), ipv4]),
  ],
  [
    "Linux cooked, LLC",
    113,
    concatenate([sll(4), ipv4]),
    concatenate([withMac, Uint8Array.of(0, 8), ipv4]),
  ],
  [
    "Linux cooked v2",
    276,
    concatenate([sll2(0x0800, 6), ipv4]),
    concatenate([withMac, Uint8Array.of(8, 0), ipv4]),
  ],
  [
    "Linux cooked v2 without a MAC address",
    276,
    concatenate([sll2(0x86dd, 0), ipv6]),
    concatenate([zeros, Uint8Array.of(0x86, 0xdd), ipv6]),
  ],
  ["a link type without an Ethernet form", 127, ipv4, null],
];

for (const [name, linktype, data, expected] of cases) {
  Deno.test(`EthernetConverter converts ${name}`, () => {
    const packets = [{ seconds: 1, nanosecond: 2, data, wireLength: 1000 }];
    const batch = sampleBatch([...packets, ...packets]);
    const records = new Uint8Array(batch.buffer);
    const result = new EthernetConverter().convert(records, 2, linktype);
    const wireLength = 1000 + (expected?.length ?? 0) - data.length;
    const converted = expected === null ? [] : [{ ...packets[0], data: expected, wireLength }];
    const wanted = sampleBatch([...converted, ...converted]);
    assert.deepEqual(result.bytes.slice(), new Uint8Array(wanted.buffer));
    assert.deepEqual([result.packetCount, result.skipped], expected === null ? [0, 2] : [2, 0]);
  });
}
