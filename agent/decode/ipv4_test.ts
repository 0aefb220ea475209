import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { filler, ipv4, join, tcp, udp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const UDP = udp({ destination: 53 }, filler(5));

Deno.test("decodeIpv4() fills outer and plain fields", () => {
  const packet = decodeBytes(ipv4({ protocol: 17 }, UDP), raw);
  strictEqual(packet.outerIpVersion, 4);
  strictEqual(packet.outerSourceOffset, START + 12);
  strictEqual(packet.outerDestinationOffset, START + 16);
  strictEqual(packet.outerIpProtocol, 17);
  strictEqual(packet.ipVersion, 4);
  strictEqual(packet.source2, 0xffff);
  strictEqual(packet.source3, 0xc0000201 | 0);
  strictEqual(packet.destination3, 0xc6336402 | 0);
  strictEqual(packet.ttl, 64);
  strictEqual(packet.ipLength, 33);
  strictEqual(packet.transport, Transport.udp);
  strictEqual(packet.isFragment, 0);
});

Deno.test("decodeIpv4() passes options, and stops at every shorter prefix", () => {
  const bytes = ipv4({ protocol: 17, options: [1, 1, 1, 1, 1, 1, 1, 0] }, UDP);
  strictEqual(decodeBytes(bytes, raw).destinationPort, 53);
  checkPrefixes(bytes, 28 + 8, raw);
});

Deno.test("decodeIpv4() keeps addresses when only the options were cut off", () => {
  const bytes = ipv4({ protocol: 17, options: [1, 1, 1, 1] }, UDP);
  const packet = decodeBytes(bytes.subarray(0, 22), { ...raw, wireLength: bytes.length });
  strictEqual(packet.stopReason, StopReason.truncated);
  strictEqual(packet.stopLayer, Layer.ipv4);
  strictEqual(packet.outerSourceOffset, START + 12);
  strictEqual(packet.transport, Transport.udp);
  strictEqual(packet.sourcePort, -1);
});

Deno.test("decodeIpv4() refuses wrong versions and lengths", () => {
  const cases = [
    { name: "version 5", fields: { protocol: 17, versionAndLength: 0x55 } },
    { name: "header shorter than 20", fields: { protocol: 17, versionAndLength: 0x44 } },
    { name: "total shorter than header", fields: { protocol: 17, totalLength: 19 } },
  ];
  for (const { name, fields } of cases) {
    const packet = decodeBytes(ipv4(fields, UDP), { linktype: Linktype.ipv4 });
    strictEqual(packet.stopReason, StopReason.malformed, name);
    strictEqual(packet.stopLayer, Layer.ipv4, name);
    strictEqual(packet.ipVersion, 0, name);
  }
});

Deno.test("decodeIpv4() stops at a header longer than the packet", () => {
  const packet = decodeBytes(ipv4({ protocol: 17, versionAndLength: 0x4f }, filler(0)), raw);
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopNeeded, 60);
  strictEqual(packet.stopAvailable, 20);
});

Deno.test("decodeIpv4() takes the whole capture when the total length is zero (offload)", () => {
  const packet = decodeBytes(
    ipv4({ protocol: 6, totalLength: 0 }, tcp({ flags: 16 }, filler(9))),
    raw,
  );
  strictEqual(packet.ipLength, 49);
  strictEqual(packet.payloadLength, 9);
});

Deno.test("decodeIpv4() goes on when the total length promises more than the link had", () => {
  const packet = decodeBytes(ipv4({ protocol: 17, totalLength: 1000 }, UDP), raw);
  strictEqual(packet.ipLength, 1000);
  strictEqual(packet.payloadLength, 5);
});

Deno.test("decodeIpv4() reads ports of a first fragment only", () => {
  const first = decodeBytes(ipv4({ protocol: 17, fragment: 0x2000 }, UDP), raw);
  strictEqual(first.isFragment, 1);
  strictEqual(first.isLaterFragment, 0);
  strictEqual(first.destinationPort, 53);
  const later = decodeBytes(ipv4({ protocol: 17, fragment: 0x0010 }, UDP), raw);
  strictEqual(later.isFragment, 1);
  strictEqual(later.isLaterFragment, 1);
  strictEqual(later.destinationPort, -1);
  strictEqual(later.transport, Transport.udp);
  strictEqual(later.payloadLength, UDP.length);
  strictEqual(later.stopReason, StopReason.complete);
});

Deno.test("a later fragment of a protocol that nobody reads is complete", () => {
  const later = decodeBytes(ipv4({ protocol: 253, fragment: 0x0010 }, UDP), raw);
  strictEqual(later.stopReason, StopReason.complete);
});

Deno.test("an IP protocol counts by name, and one without a name as other", () => {
  const known: [number, number][] = [[50, Transport.esp], [89, Transport.ospf]];
  known.push([103, Transport.pim], [112, Transport.vrrp], [253, Transport.other]);
  for (const [protocol, transport] of known) {
    const packet = decodeBytes(ipv4({ protocol }, filler(12)), raw);
    strictEqual(packet.transport, transport);
    strictEqual(packet.payloadLength, 12);
    const isKnown = transport !== Transport.other;
    strictEqual(packet.stopReason, isKnown ? StopReason.complete : StopReason.unsupported);
  }
});

Deno.test("decodeAuthentication() reads behind AH, which stays the outer protocol", () => {
  const ah = join([17, 4, 0, 0], filler(20), UDP);
  const packet = decodeBytes(ipv4({ protocol: 51 }, ah), raw);
  strictEqual(packet.outerIpProtocol, 51);
  strictEqual(packet.outerDestinationPort, -1);
  strictEqual(packet.ipProtocol, 17);
  strictEqual(packet.destinationPort, 53);
  checkPrefixes(ipv4({ protocol: 51 }, ah), 20 + 24 + 8, raw);
});
