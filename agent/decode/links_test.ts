import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";

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

Deno.test("decodeWifi() reads data frames in the clear, behind radiotap or without", () => {
  const llc = join([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IP);
  const data = join([0x08, 0x01], filler(22), llc);
  const qos = join([0x88, 0x03], filler(22), filler(6), [0, 0], llc);
  const linktype = Linktype.ieee80211;
  strictEqual(decodeBytes(data, { linktype }).destinationPort, 53);
  strictEqual(decodeBytes(qos, { linktype }).destinationPort, 53);
  const radiotap = join([0, 0, 8, 0, 0, 0, 0, 0], data);
  strictEqual(decodeBytes(radiotap, { linktype: Linktype.radiotap }).destinationPort, 53);
  checkPrefixes(radiotap, 8 + 24 + 8 + 28, { linktype: Linktype.radiotap });
});

Deno.test("decodeWifi() leaves beacons, empty and protected frames", () => {
  for (const head of [[0x80, 0], [0x48, 1], [0x08, 0x41]]) {
    const packet = decodeBytes(join(head, filler(60)), { linktype: Linktype.ieee80211 });
    strictEqual(packet.stopReason, StopReason.unsupported);
    strictEqual(packet.stopLayer, Layer.wifi);
  }
});

Deno.test("a link type that nobody reads is unsupported", () => {
  const packet = decodeBytes(filler(60), { linktype: 189 });
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.link);
  strictEqual(packet.transport, 0);
});
