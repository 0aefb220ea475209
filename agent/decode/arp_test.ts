import { strictEqual } from "node:assert/strict";
import { Layer, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, START } from "./decode_checks.ts";
import { ethernet, filler, ipv4, join, udp } from "./packet_builder.ts";

const ARP = join([0, 1, 8, 0, 6, 4, 0, 1], filler(20));

Deno.test("decodeArp() marks the packet and points at the fixed header", () => {
  for (const etherType of [0x0806, 0x8035]) {
    const packet = decodeBytes(ethernet(etherType, join(ARP, filler(18))));
    strictEqual(packet.transport, Transport.arp);
    strictEqual(packet.arpOffset, START + 14);
    strictEqual(packet.ipVersion, 0);
    strictEqual(packet.stopReason, StopReason.complete);
  }
});

Deno.test("decodeArp() stops at every shorter prefix", () => {
  checkPrefixes(ethernet(0x0806, ARP), 14 + 28);
});

Deno.test("decodeArp() is malformed when its address lengths exceed the packet", () => {
  const packet = decodeBytes(ethernet(0x0806, join([0, 1, 8, 0, 255, 4, 0, 1], filler(20))));
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.stopLayer, Layer.arp);
  strictEqual(packet.stopNeeded, 8 + 2 * 259);
  strictEqual(packet.stopAvailable, 28);
  strictEqual(packet.transport, Transport.arp);
});

Deno.test("ARP in a tunnel leaves the packet to the IP layer around it", () => {
  const vxlan = join([8, 0, 0, 0, 0, 0, 1, 0], ethernet(0x0806, ARP));
  const packet = decodeBytes(
    ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 4789 }, vxlan))),
  );
  strictEqual(packet.transport, Transport.udp);
  strictEqual(packet.arpOffset, -1);
  strictEqual(packet.tunnelDepth, 0);
});
