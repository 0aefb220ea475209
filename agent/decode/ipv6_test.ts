import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { extension, filler, ipv6, join, tcp, udp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const UDP = udp({ destination: 53 }, filler(5));

Deno.test("decodeIpv6() fills outer and plain fields", () => {
  const packet = decodeBytes(ipv6({ nextHeader: 17 }, UDP), raw);
  strictEqual(packet.outerIpVersion, 6);
  strictEqual(packet.outerSourceOffset, START + 8);
  strictEqual(packet.outerDestinationOffset, START + 24);
  strictEqual(packet.outerIpProtocol, 17);
  strictEqual(packet.source0, 0x20010db8);
  strictEqual(packet.source3, 1);
  strictEqual(packet.destination3, 2);
  strictEqual(packet.ttl, 63);
  strictEqual(packet.ipLength, 53);
  strictEqual(packet.transport, Transport.udp);
});

Deno.test("decodeIpv6() walks extension headers, and stops at every shorter prefix", () => {
  const routing = extension(60, extension(17, UDP));
  const bytes = ipv6({ nextHeader: 0 }, extension(43, routing));
  const packet = decodeBytes(bytes, raw);
  strictEqual(packet.outerIpProtocol, 17);
  strictEqual(packet.destinationPort, 53);
  strictEqual(packet.payloadLength, 5);
  checkPrefixes(bytes, 40 + 24 + 8, raw);
});

Deno.test("decodeIpv6() counts the authentication header in words of four bytes", () => {
  const packet = decodeBytes(ipv6({ nextHeader: 51 }, join([17, 4], filler(22), UDP)), raw);
  strictEqual(packet.outerIpProtocol, 17);
  strictEqual(packet.outerDestinationPort, 53);
});

Deno.test("decodeIpv6() tells first, later and atomic fragments apart", () => {
  const fragment = (offsetAndMore: number) =>
    ipv6(
      { nextHeader: 44 },
      join([17, 0, offsetAndMore >> 8, offsetAndMore & 255, 0, 0, 0, 9], UDP),
    );
  const first = decodeBytes(fragment(0x0001), raw);
  strictEqual(first.isFragment, 1);
  strictEqual(first.destinationPort, 53);
  const later = decodeBytes(fragment(0x0008), raw);
  strictEqual(later.isLaterFragment, 1);
  strictEqual(later.destinationPort, -1);
  strictEqual(later.transport, Transport.udp);
  strictEqual(decodeBytes(fragment(0x0000), raw).isFragment, 0);
});

Deno.test("decodeIpv6() takes the link's length when its own is zero (jumbogram, offload)", () => {
  const packet = decodeBytes(
    ipv6({ nextHeader: 6, payloadLength: 0 }, tcp({ flags: 16 }, filler(9))),
    raw,
  );
  strictEqual(packet.payloadLength, 9);
  strictEqual(packet.ipLength, 40 + 29);
});

Deno.test("decodeIpv6() leaves what lies behind its payload length", () => {
  const packet = decodeBytes(join(ipv6({ nextHeader: 17 }, UDP), filler(30)), raw);
  strictEqual(packet.payloadLength, 5);
});

Deno.test("decodeIpv6() is malformed when an extension exceeds the packet", () => {
  const packet = decodeBytes(ipv6({ nextHeader: 60 }, join([17, 200], filler(20))), raw);
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer["ipv6-extension"]);
  strictEqual(packet.stopNeeded, 201 * 8);
  strictEqual(packet.stopAvailable, 22);
  strictEqual(packet.ipVersion, 6);
});

Deno.test("decodeIpv6() refuses another version", () => {
  const bytes = ipv6({ nextHeader: 17 }, UDP);
  bytes[0] = 0x50;
  const packet = decodeBytes(bytes, { linktype: Linktype.ipv6 });
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.ipVersion, 0);
});

Deno.test("no next header is complete, mobility is unsupported", () => {
  strictEqual(
    decodeBytes(ipv6({ nextHeader: 59 }, filler(0)), raw).stopReason,
    StopReason.complete,
  );
  const mobility = decodeBytes(ipv6({ nextHeader: 135 }, filler(16)), raw);
  strictEqual(mobility.stopReason, StopReason.unsupported);
  strictEqual(mobility.outerIpProtocol, 135);
});

Deno.test("64 KB of extension headers end", () => {
  const chain = join(...Array.from({ length: 8000 }, () => [60, 0, 1, 4, 0, 0, 0, 0]));
  strictEqual(decodeBytes(ipv6({ nextHeader: 60 }, chain), raw).stopReason, StopReason.malformed);
});
