import { strictEqual } from "node:assert/strict";
import { Layer, StopReason } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { ethernet, filler, ipv4, join, udp, vlan } from "./packet_builder.ts";

const IP = ipv4({ protocol: 17 }, udp({ destination: 53 }, filler(5)));

Deno.test("decodeEthernet() reads the type and remembers where the addresses are", () => {
  const packet = decodeBytes(ethernet(0x0800, IP));
  strictEqual(packet.etherType, 0x0800);
  strictEqual(packet.linkOffset, START);
  strictEqual(packet.vlanId, -1);
  strictEqual(packet.destinationPort, 53);
});

Deno.test("decodeEthernet() does not take padding for payload", () => {
  const packet = decodeBytes(join(ethernet(0x0800, IP), filler(20)));
  strictEqual(packet.payloadLength, 5);
  strictEqual(packet.payloadCapturedLength, 5);
});

Deno.test("decodeEthernet() and decodeVlan() stop at every shorter prefix", () => {
  checkPrefixes(ethernet(0x8100, vlan(7, 0x0800, IP)), 14 + 4 + 20 + 8);
});

Deno.test("decodeVlan() keeps the outermost id of tags in tags", () => {
  const inner = vlan(100, 0x0800, IP);
  for (const outerType of [0x8100, 0x88a8, 0x9100]) {
    const packet = decodeBytes(ethernet(outerType, vlan(0xe01e, 0x8100, inner)));
    strictEqual(packet.etherType, outerType);
    strictEqual(packet.vlanId, 0x01e);
    strictEqual(packet.destinationPort, 53);
  }
});

Deno.test("a frame of nothing but tags ends as malformed", () => {
  const tags = join(...Array.from({ length: 300 }, () => vlan(1, 0x8100, new Uint8Array(0))));
  const packet = decodeBytes(ethernet(0x8100, tags));
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer.vlan);
});

Deno.test("an EtherType that nobody reads is unsupported, at the layer that named it", () => {
  const plain = decodeBytes(ethernet(0x88cc, filler(50)));
  strictEqual(plain.stopReason, StopReason.unsupported);
  strictEqual(plain.stopLayer, Layer.ethernet);
  strictEqual(plain.etherType, 0x88cc);
  strictEqual(decodeBytes(ethernet(0x8100, vlan(1, 0x88cc, filler(50)))).stopLayer, Layer.vlan);
});

Deno.test("decodeLlc() reads SNAP and bounds the frame by its 802.3 length", () => {
  const snap = join([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IP);
  const packet = decodeBytes(join(ethernet(snap.length, snap), filler(30)));
  strictEqual(packet.etherType, -1);
  strictEqual(packet.destinationPort, 53);
  checkPrefixes(ethernet(snap.length, snap), 14 + 8 + 20 + 8);
  const tooShort = decodeBytes(ethernet(20, snap));
  strictEqual(tooShort.stopReason, StopReason.malformed);
  strictEqual(tooShort.stopLayer, Layer.ipv4);
});

Deno.test("decodeLlc() leaves spanning tree and foreign organisations alone", () => {
  const bpdu = decodeBytes(ethernet(38, join([0x42, 0x42, 3], filler(35))));
  strictEqual(bpdu.stopReason, StopReason.unsupported);
  strictEqual(bpdu.stopLayer, Layer.llc);
  const cdp = decodeBytes(ethernet(38, join([0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0], filler(30))));
  strictEqual(cdp.stopReason, StopReason.unsupported);
});

Deno.test("a length that is neither 802.3's nor a type is malformed", () => {
  strictEqual(decodeBytes(ethernet(1501, IP)).stopReason, StopReason.malformed);
});

Deno.test("bridge tags and FabricPath lead to the frame they carry", () => {
  const vnTag = ethernet(0x8926, join([0, 0, 0, 0], [0x81, 0], vlan(11, 0x0800, IP)));
  strictEqual(decodeBytes(vnTag).vlanId, 11);
  strictEqual(decodeBytes(vnTag).destinationPort, 53);
  const eTag = ethernet(0x893f, join([0x10, 0, 0, 0xd3, 0, 0], [8, 0], IP));
  strictEqual(decodeBytes(eTag).destinationPort, 53);
  const fabricPath = decodeBytes(ethernet(0x8903, join([0, 0], ethernet(0x0800, IP))));
  strictEqual(fabricPath.etherType, 0x0800);
  strictEqual(fabricPath.linkOffset, START + 16);
});

Deno.test("Cisco's security tag leads to what it stands before, and stops at other versions", () => {
  const tagged = vlan(11, 0x0800, IP);
  const cases: [number[], Uint8Array][] = [
    [[1, 1, 0, 1, 0, 100, 8, 0], IP],
    [[1, 2, 0, 1, 0, 100, 0, 2, 0, 0, 8, 0], IP],
    [[1, 1, 0, 1, 0, 100, 0x81, 0], tagged],
  ];
  for (const [head, payload] of cases) {
    const bytes = ethernet(0x8909, join(head, payload));
    strictEqual(decodeBytes(bytes).destinationPort, 53, String(head));
    strictEqual(decodeBytes(bytes).etherType, 0x8909);
    checkPrefixes(bytes, bytes.length - 5);
  }
  const other = decodeBytes(ethernet(0x8909, join([2, 1, 0, 1, 0, 100, 8, 0], IP)));
  strictEqual(other.stopReason, StopReason.unsupported);
  strictEqual(other.stopLayer, Layer.cmd);
});

Deno.test("802.1ah leads to the customer's frame, whose addresses count", () => {
  const service = join([0, 0, 0x12, 0x34], ethernet(0x0800, IP));
  for (
    const [bytes, etherType, linkAt] of [
      [ethernet(0x88e7, service), 0x88e7, 18],
      [ethernet(0x88a8, vlan(7, 0x88e7, service)), 0x88a8, 22],
    ] as const
  ) {
    const packet = decodeBytes(bytes);
    strictEqual(packet.destinationPort, 53);
    strictEqual(packet.etherType, etherType);
    strictEqual(packet.linkOffset, START + linkAt);
    checkPrefixes(bytes, bytes.length - 5);
  }
  const customerTag = join([0, 0, 0x12, 0x34], ethernet(0x8100, vlan(9, 0x0800, IP)));
  strictEqual(decodeBytes(ethernet(0x88e7, customerTag)).vlanId, 9);
});
