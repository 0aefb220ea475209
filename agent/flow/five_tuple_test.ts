import { deepEqual, equal, notDeepEqual } from "node:assert/strict";
import fc from "fast-check";
import { HotPath } from "../hot/hot_path.ts";
import { KEY_AT, S_SEED_0, S_SEED_1 } from "../hot/layout.ts";
import { icmpCounterpart, icmpPairs } from "./five_tuple.ts";
import { serverPortBits } from "./server_ports.ts";
import { makePacket, type PacketFields } from "./test_packets.ts";

const hot = new HotPath({ flowCountMax: 1, hostCountMax: 1 });
hot.setTables(icmpPairs, serverPortBits);
const keyWords = hot.words.subarray(KEY_AT / 4, KEY_AT / 4 + 10);

const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "200.0.0.1", "0.0.0.0", "255.255.255.255");
const address6 = fc.constantFrom("2001:db8::1", "2001:db8::2", "fe80::1", "::", "ff02::1");
const port = fc.constantFrom(0, 1, 53, 443, 40000, 65535);

Deno.test("readKey() gives both directions one key and tells them apart", () => {
  fc.assert(
    fc.property(fc.constantFrom(address, address6), fc.gen(), port, port, (kind, gen, a, b) => {
      const source = gen(() => kind);
      const destination = gen(() => kind);
      const there = { source, destination, protocol: 17, sourcePort: a, destinationPort: b };
      const back = {
        source: destination,
        destination: source,
        protocol: 17,
        sourcePort: b,
        destinationPort: a,
      };
      deepEqual(keyOf(there).words, keyOf(back).words);
      const isSameEnd = source === destination && a === b;
      equal(keyOf(there).isSwapped !== keyOf(back).isSwapped, !isSameEnd);
    }),
  );
});

Deno.test("readKey() gives different flows different keys", () => {
  const base: PacketFields = {
    source: "10.0.0.1",
    destination: "10.0.0.2",
    protocol: 17,
    sourcePort: 1000,
    destinationPort: 53,
  };
  const others: readonly Partial<PacketFields>[] = [
    { source: "10.0.0.3" },
    { destination: "10.0.0.3" },
    { protocol: 6 },
    { sourcePort: 1001 },
    { destinationPort: 54 },
    { sourcePort: 53, destinationPort: 1000 },
    { sourcePort: -1, destinationPort: -1 },
    { source: "::ffff:a00:1", destination: "::ffff:a00:2" },
  ];
  for (const other of others) {
    notDeepEqual(keyOf({ ...base, ...other }).words, keyOf(base).words);
  }
});

Deno.test("readKey() pairs ICMP requests with their replies, by type", () => {
  const pairs = [
    [1, 8, 0],
    [1, 13, 14],
    [1, 15, 16],
    [1, 10, 9],
    [1, 17, 18],
    [58, 128, 129],
    [
      58,
      133,
      134,
    ],
    [58, 135, 136],
    [58, 130, 131],
    [58, 139, 140],
    [58, 144, 145],
  ];
  for (const [protocol, request, reply] of pairs) {
    equal(icmpCounterpart(protocol, request), reply);
    const [a, b] = protocol === 1 ? ["10.0.0.1", "10.0.0.2"] : ["fe80::1", "fe80::2"];
    const there = keyOf(icmp(protocol, a, b, request, 0));
    const back = keyOf(icmp(protocol, b, a, reply, 0));
    deepEqual(there.words, back.words);
    equal(there.isSwapped, !back.isSwapped);
    notDeepEqual(there.words, keyOf(icmp(protocol, b, a, request, 0)).words);
  }
});

Deno.test("readKey() keeps ICMP messages without an answer one-way, with type and code", () => {
  const there = keyOf(icmp(1, "10.0.0.1", "10.0.0.2", 3, 1));
  const back = keyOf(icmp(1, "10.0.0.2", "10.0.0.1", 3, 1));
  notDeepEqual(there.words, back.words);
  equal(there.isSwapped, false);
  equal(back.isSwapped, false);
  notDeepEqual(keyOf(icmp(1, "10.0.0.1", "10.0.0.2", 3, 3)).words, there.words);
});

Deno.test("hashKey() depends on each word of the key and on the seed", () => {
  const words = new Int32Array([1, 2, 3, 0x106, 5, 6, 7, 8, 9, 10]);
  const hash = hashOf(words, 1, 2);
  const changed = Array.from(words, (_, i) => {
    const other = words.slice();
    other[i] ^= 0x40;
    return hashOf(other, 1, 2);
  });
  equal(new Set([hash, ...changed, hashOf(words, 2, 2), hashOf(words, 1, 3)]).size, 13);
});

Deno.test("hashKey() spreads neighbouring addresses and ports over all places", () => {
  const places = new Uint32Array(256);
  for (let i = 0; i < 65_536; i++) {
    const words = new Int32Array([0x0a000000 + (i >> 8), 0x0a000001, 443 << 16 | i & 255, 6]);
    places[hashOf(words, 7, 9) & 255]++;
  }
  // Mean 256, standard deviation 16: seven of them are never reached by chance.
  equal(places.every((count) => count > 144 && count < 368), true);
});

function icmp(
  protocol: number,
  source: string,
  destination: string,
  type: number,
  code: number,
): PacketFields {
  return { source, destination, protocol, sourcePort: type, destinationPort: code };
}

interface FlowKey {
  readonly words: Int32Array;
  /** True when the packet went from the high to the low end. */
  readonly isSwapped: boolean;
}

function keyOf(fields: PacketFields): FlowKey {
  const packet = makePacket(fields);
  keyWords.fill(0);
  hot.setPacket(packet, packet.sourcePort, packet.destinationPort);
  hot.exports.readKey();
  return { words: keyWords.slice(), isSwapped: hot.exports.isKeySwapped() !== 0 };
}

function hashOf(words: Int32Array, seed0: number, seed1: number): number {
  keyWords.set(words);
  hot.state[S_SEED_0] = seed0;
  hot.state[S_SEED_1] = seed1;
  return hot.exports.hashKey();
}
