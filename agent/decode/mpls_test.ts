import { strictEqual } from "node:assert/strict";
import { Layer, StopReason } from "../records.ts";
import { checkPrefixes, decodeBytes } from "./decode_checks.ts";
import { ethernet, filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";

const UDP = udp({ destination: 53 }, filler(5));
const IP = ipv4({ protocol: 17 }, UDP);
const LABELS = [0, 1, 0x00, 64, 0, 2, 0x01, 64];

Deno.test("decodeMpls() passes the stack to IPv4, IPv6, and Ethernet with and without control word", () => {
  const payloads = [IP, ipv6({ nextHeader: 17 }, UDP), ethernet(0x0800, IP)];
  payloads.push(join([0, 0, 0, 0], ethernet(0x0800, IP)));
  for (const payload of payloads) {
    const packet = decodeBytes(ethernet(0x8847, join(LABELS, payload)));
    strictEqual(packet.destinationPort, 53);
    strictEqual(packet.etherType, 0x8847);
  }
});

Deno.test("decodeMpls() stops at every shorter prefix", () => {
  checkPrefixes(ethernet(0x8847, join(LABELS, IP)), 14 + 8 + 28);
});

Deno.test("a stack without bottom is malformed", () => {
  const packet = decodeBytes(ethernet(0x8847, new Uint8Array(200)));
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer.mpls);
});
