import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes } from "./decode_checks.ts";
import { filler, ipv4, join, uint16 } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const PORTS = [...uint16(2905), ...uint16(2906)];

Deno.test("decodeSctp() reads the ports, and stops at every shorter prefix", () => {
  const bytes = ipv4({ protocol: 132 }, join(PORTS, filler(28)));
  const packet = decodeBytes(bytes, raw);
  strictEqual(packet.transport, Transport.sctp);
  strictEqual(packet.sourcePort, 2905);
  strictEqual(packet.destinationPort, 2906);
  strictEqual(packet.payloadLength, 20);
  checkPrefixes(bytes, 32, raw);
});

Deno.test("decodeDccp() ends its header where the data offset says", () => {
  const bytes = ipv4({ protocol: 33 }, join(PORTS, [4], filler(27)));
  const packet = decodeBytes(bytes, raw);
  strictEqual(packet.transport, Transport.dccp);
  strictEqual(packet.destinationPort, 2906);
  strictEqual(packet.payloadLength, 16);
  checkPrefixes(bytes, 36, raw);
});

Deno.test("decodeDccp() is malformed when the data offset is too small or too large", () => {
  for (const dataOffset of [0, 2, 200]) {
    const packet = decodeBytes(ipv4({ protocol: 33 }, join(PORTS, [dataOffset], filler(27))), raw);
    strictEqual(packet.stopReason, StopReason.malformed);
    strictEqual(packet.stopLayer, Layer.dccp);
    strictEqual(packet.sourcePort, 2905);
  }
});
