import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { filler, ipv4, tcp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };

Deno.test("decodeTcp() fills ports, numbers, window and payload", () => {
  const packet = decodeBytes(ipv4({ protocol: 6 }, tcp({ flags: 0x118 }, filler(11))), raw);
  strictEqual(packet.sourcePort, 40000);
  strictEqual(packet.destinationPort, 443);
  strictEqual(packet.outerSourcePort, 40000);
  strictEqual(packet.tcpSequence, 0xfedcba98);
  strictEqual(packet.tcpAcknowledgement, 0x01020304);
  strictEqual(packet.tcpFlags, 0x118);
  strictEqual(packet.tcpWindow, 512);
  strictEqual(packet.payloadOffset, START + 40);
  strictEqual(packet.payloadLength, 11);
  strictEqual(packet.stopReason, StopReason.complete);
});

Deno.test("decodeTcp() keeps the reserved bits in the outer flags only", () => {
  const packet = decodeBytes(ipv4({ protocol: 6 }, tcp({ flags: 0xf14 }, filler(0))), raw);
  strictEqual(packet.tcpFlags, 0x114);
  strictEqual(packet.outerTcpFlags, 0xf14);
});

Deno.test("decodeTcp() stops at every shorter prefix", () => {
  const options = [2, 4, 5, 0xb4, 1, 1, 1, 0];
  checkPrefixes(ipv4({ protocol: 6 }, tcp({ flags: 2, options }, filler(11))), 48, raw);
});

Deno.test("decodeTcp() keeps what a short capture has: ports, then flags, then the payload's length", () => {
  const bytes = ipv4({ protocol: 6 }, tcp({ flags: 2, options: [1, 1, 1, 1] }, filler(11)));
  const cut = (length: number) =>
    decodeBytes(bytes.subarray(0, length), { ...raw, wireLength: bytes.length });
  strictEqual(cut(23).sourcePort, -1);
  strictEqual(cut(24).sourcePort, 40000);
  strictEqual(cut(33).tcpFlags, -1);
  strictEqual(cut(34).tcpFlags, 2);
  strictEqual(cut(39).payloadLength, 0);
  strictEqual(cut(40).payloadLength, 11);
  strictEqual(cut(40).payloadCapturedLength, 0);
  strictEqual(cut(40).stopLayer, Layer.tcp);
});

Deno.test("decodeTcp() is malformed when the data offset is too small or too large", () => {
  for (const dataOffset of [0, 4, 15]) {
    const packet = decodeBytes(
      ipv4({ protocol: 6 }, tcp({ flags: 2, dataOffset }, filler(3))),
      raw,
    );
    strictEqual(packet.stopReason, StopReason.malformed);
    strictEqual(packet.stopLayer, Layer.tcp);
    strictEqual(packet.sourcePort, 40000);
    strictEqual(packet.transport, Transport.tcp);
    strictEqual(packet.payloadLength, 0);
  }
});

Deno.test("a first fragment that ends within the TCP header is malformed and has its ports", () => {
  const head = tcp({ flags: 2 }, filler(0)).subarray(0, 8);
  const packet = decodeBytes(ipv4({ protocol: 6, fragment: 0x2000 }, head), raw);
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.destinationPort, 443);
});
