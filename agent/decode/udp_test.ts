import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes } from "./decode_checks.ts";
import { filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };

Deno.test("decodeUdp() stops at every shorter prefix", () => {
  checkPrefixes(ipv4({ protocol: 17 }, udp({ destination: 53 }, filler(9))), 28, raw);
});

Deno.test("decodeUdp() bounds the payload by its own length, never beyond the IP packet", () => {
  const payloadLength = (length: number) =>
    decodeBytes(ipv4({ protocol: 17 }, udp({ destination: 53, length }, filler(9))), raw)
      .payloadLength;
  strictEqual(payloadLength(8), 0);
  strictEqual(payloadLength(12), 4);
  strictEqual(payloadLength(17), 9);
  strictEqual(payloadLength(60000), 9);
});

Deno.test("decodeUdp() is malformed below eight bytes, and keeps the ports", () => {
  for (const length of [0, 7]) {
    const bytes = ipv4({ protocol: 17 }, udp({ destination: 53, length }, filler(9)));
    const packet = decodeBytes(bytes, raw);
    strictEqual(packet.stopReason, StopReason.malformed);
    strictEqual(packet.stopLayer, Layer.udp);
    strictEqual(packet.destinationPort, 53);
  }
});

Deno.test("decodeUdp() takes length zero for a jumbogram's over IPv6", () => {
  const packet = decodeBytes(
    ipv6({ nextHeader: 17 }, udp({ destination: 53, length: 0 }, filler(9))),
    raw,
  );
  strictEqual(packet.payloadLength, 9);
  strictEqual(packet.stopReason, StopReason.complete);
});

Deno.test("UDP-Lite has ports and a payload to the end, and counts as other", () => {
  const packet = decodeBytes(
    ipv4({ protocol: 136 }, udp({ destination: 53, length: 3 }, filler(9))),
    raw,
  );
  strictEqual(packet.destinationPort, 53);
  strictEqual(packet.payloadLength, 9);
  strictEqual(packet.transport, Transport.other);
});

Deno.test("a tunnel's port with other contents is plain UDP", () => {
  for (const destination of [3544, 4789, 4790, 6081]) {
    for (const payload of [filler(0), filler(3), join([0xc7], filler(60))]) {
      const packet = decodeBytes(ipv4({ protocol: 17 }, udp({ destination }, payload)), raw);
      strictEqual(packet.stopReason, StopReason.complete);
      strictEqual(packet.destinationPort, destination);
      strictEqual(packet.payloadLength, payload.length);
    }
  }
});
