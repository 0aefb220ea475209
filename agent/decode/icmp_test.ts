import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };

Deno.test("decodeIcmp() puts type and code in the ports' place, and reads the identifier of echo", () => {
  const packet = decodeBytes(
    ipv4({ protocol: 1 }, join([8, 1, 0, 0, 0xab, 0xcd, 0, 1], filler(6))),
    raw,
  );
  strictEqual(packet.transport, Transport.icmp);
  strictEqual(packet.sourcePort, 8);
  strictEqual(packet.destinationPort, 1);
  strictEqual(packet.outerSourcePort, -1);
  strictEqual(packet.icmpIdentifier, 0xabcd);
  strictEqual(packet.payloadLength, 6);
});

Deno.test("decodeIcmp() points at the quoted packet and does not take it for a tunnel", () => {
  const quoted = ipv4({ protocol: 17 }, udp({ destination: 53 }, filler(0)));
  const packet = decodeBytes(ipv4({ protocol: 1 }, join([3, 3, 0, 0, 0, 0, 0, 0], quoted)), raw);
  strictEqual(packet.payloadOffset, START + 28);
  strictEqual(packet.payloadLength, quoted.length);
  strictEqual(packet.icmpIdentifier, -1);
  strictEqual(packet.tunnelDepth, 0);
});

Deno.test("decodeIcmpv6() reads the identifier of types 128 and 129", () => {
  for (const type of [128, 129, 135]) {
    const packet = decodeBytes(
      ipv6({ nextHeader: 58 }, join([type, 0, 0, 0, 0, 7], filler(20))),
      raw,
    );
    strictEqual(packet.transport, Transport.icmpv6);
    strictEqual(packet.sourcePort, type);
    strictEqual(packet.icmpIdentifier, type === 135 ? -1 : 7);
  }
});

Deno.test("decodeIcmp(), decodeIcmpv6() and decodeIgmp() stop at every shorter prefix", () => {
  checkPrefixes(ipv4({ protocol: 1 }, join([8, 0], filler(20))), 28, raw);
  checkPrefixes(ipv6({ nextHeader: 58 }, join([128, 0], filler(20))), 48, raw);
  checkPrefixes(ipv4({ protocol: 2 }, filler(16)), 28, raw);
});

Deno.test("a message of fewer than eight bytes is malformed", () => {
  const packet = decodeBytes(ipv4({ protocol: 1 }, filler(7)), raw);
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer.icmp);
  strictEqual(packet.sourcePort, 0);
});
