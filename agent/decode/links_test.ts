import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { ethernet, filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";

const UDP = udp({ destination: 53 }, filler(5));
const IP = ipv4({ protocol: 17 }, UDP);
const IP6 = ipv6({ nextHeader: 17 }, UDP);

Deno.test("decodeNull() reads the family in either byte order", () => {
  const linktype = Linktype.null;
  strictEqual(decodeBytes(join([2, 0, 0, 0], IP), { linktype }).destinationPort, 53);
  strictEqual(decodeBytes(join([0, 0, 0, 2], IP), { linktype }).destinationPort, 53);
  for (const family of [10, 24, 28, 30]) {
    strictEqual(decodeBytes(join([family, 0, 0, 0], IP6), { linktype }).ipVersion, 6);
    strictEqual(decodeBytes(join([0, 0, 0, family], IP6), { linktype }).ipVersion, 6);
  }
  checkPrefixes(join([2, 0, 0, 0], IP), 32, { linktype });
});

Deno.test("decodeLoop() reads the family in network byte order", () => {
  const linktype = Linktype.loop;
  strictEqual(decodeBytes(join([0, 0, 0, 2], IP), { linktype }).destinationPort, 53);
  const packet = decodeBytes(join([0, 0, 0, 7], IP), { linktype });
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.null);
});

Deno.test("decodeSll() and decodeSll2() read the protocol and place the source address", () => {
  const sll = join([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0], IP);
  const first = decodeBytes(sll, { linktype: Linktype.linuxSll });
  strictEqual(first.destinationPort, 53);
  strictEqual(first.linkOffset + 6, START + 6);
  strictEqual(first.etherType, -1);
  checkPrefixes(sll, 16 + 28, { linktype: Linktype.linuxSll });
  const sll2 = join([0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0], IP6);
  const second = decodeBytes(sll2, { linktype: Linktype.linuxSll2 });
  strictEqual(second.ipVersion, 6);
  strictEqual(second.linkOffset + 6, START + 12);
  checkPrefixes(sll2, 20 + 48, { linktype: Linktype.linuxSll2 });
});

Deno.test("raw IP tells its version by the first nibble", () => {
  for (const linktype of [Linktype.raw, Linktype.rawBsd, Linktype.rawOpenBsd]) {
    strictEqual(decodeBytes(IP, { linktype }).ipVersion, 4);
    strictEqual(decodeBytes(IP6, { linktype }).ipVersion, 6);
    strictEqual(decodeBytes(Uint8Array.of(0x12), { linktype }).stopReason, StopReason.malformed);
  }
});

Deno.test("decodeNflog() finds the payload among the attributes, and stops at every shorter prefix", () => {
  const bytes = join([2, 0, 0, 1], [5, 0, 10, 0, 0x41, 0, 0, 0], [0, 0, 9, 0], IP);
  bytes[12] = 4 + IP.length;
  const linktype = Linktype.nflog;
  strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53);
  checkPrefixes(bytes, 16 + 28, { linktype });
  const endless = decodeBytes(join([2, 0, 0, 1], new Uint8Array(40)), { linktype });
  strictEqual(endless.stopReason, StopReason.malformed);
});

/** Each link type that a header may name, and a packet of it. */
const INNER: readonly [number, Uint8Array][] = [
  [0, join([2, 0, 0, 0], IP)],
  [1, ethernet(0x0800, IP)],
  [9, join([0xff, 3, 0, 0x21], IP)],
  [12, IP],
  [101, IP],
  [105, join([0x08, 0x01], filler(22), [0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IP)],
  [192, join([0, 0, 8, 0, 101, 0, 0, 0], IP)],
];

function ppi(dlt: number, payload: Uint8Array, fields: readonly number[] = []): Uint8Array {
  return join([0, 0, 8 + fields.length, 0, dlt, 0, 0, 0], fields, payload);
}

Deno.test("decodePpi() passes its fields, and goes on as the link type that it names", () => {
  const linktype = Linktype.ppi;
  for (const [dlt, inner] of INNER) {
    for (const fields of [[], [2, 0, 4, 0, 1, 2, 3, 4]]) {
      const bytes = ppi(dlt, inner, fields);
      strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53, String(dlt));
      checkPrefixes(bytes, bytes.length - 5, { linktype });
    }
  }
});

Deno.test("decodePpi() refuses a length below its own, other versions and unknown link types", () => {
  const cases: [number[], number, number][] = [
    [[0, 0, 7, 0, 1, 0, 0, 0], Layer.ppi, StopReason.malformed],
    [[0, 0, 0, 0, 192, 0, 0, 0], Layer.ppi, StopReason.malformed],
    [[0, 0, 0xff, 0xff, 1, 0, 0, 0], Layer.ppi, StopReason.malformed],
    [[1, 0, 8, 0, 1, 0, 0, 0], Layer.ppi, StopReason.unsupported],
    [[0, 0, 8, 0, 189, 0, 0, 0], Layer.link, StopReason.unsupported],
    [[0, 0, 8, 0, 1, 0, 0, 0xff], Layer.link, StopReason.unsupported],
  ];
  for (const [head, layer, reason] of cases) {
    const packet = decodeBytes(join(head, filler(60)), { linktype: Linktype.ppi });
    strictEqual(packet.stopLayer, layer, String(head));
    strictEqual(packet.stopReason, reason, String(head));
  }
});

function pktap(dlt: number, payload: Uint8Array, length = 108, next = 1): Uint8Array {
  const head = new Uint8Array(length);
  head.set([length, 0, 0, 0, next, 0, 0, 0, dlt, 0, 0, 0]);
  return join(head, payload);
}

Deno.test("decodePktap() goes on as the link type that it names, by its own number or Apple's", () => {
  for (const linktype of [Linktype.pktap, Linktype.pktapAsUser2]) {
    for (const [dlt, inner] of INNER) {
      for (const length of [108, 156]) {
        const bytes = pktap(dlt, inner, length);
        strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53, String(dlt));
        checkPrefixes(bytes, bytes.length - 5, { linktype });
      }
    }
  }
});

Deno.test("decodePktap() refuses a length below its own, and what holds no packet", () => {
  const linktype = Linktype.pktap;
  const short = decodeBytes(pktap(1, filler(60)).fill(107, 0, 1), { linktype });
  strictEqual(short.stopReason, StopReason.malformed);
  const none = decodeBytes(pktap(1, filler(60), 108, 0), { linktype });
  strictEqual(none.stopReason, StopReason.unsupported);
  strictEqual(none.stopLayer, Layer.pktap);
});

function pflog(length: number, family: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array((length + 3) & ~3);
  head.set([length, family]);
  return join(head, payload);
}

Deno.test("decodePflog() passes its header up to a multiple of four, and knows each system's families", () => {
  const linktype = Linktype.pflog;
  for (const length of [45, 48, 61, 64, 69, 100]) {
    const bytes = pflog(length, 2, IP);
    strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53, String(length));
    checkPrefixes(bytes, bytes.length - 5, { linktype });
    for (const family of [24, 28, 30]) {
      strictEqual(decodeBytes(pflog(length, family, IP6), { linktype }).ipVersion, 6);
    }
  }
  strictEqual(decodeBytes(pflog(61, 7, IP), { linktype }).stopLayer, Layer.pflog);
  strictEqual(decodeBytes(pflog(44, 2, IP), { linktype }).stopReason, StopReason.malformed);
});

Deno.test("a link type that nobody reads is unsupported", () => {
  const packet = decodeBytes(filler(60), { linktype: 189 });
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.link);
  strictEqual(packet.transport, 0);
});
