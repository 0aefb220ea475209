import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, type Packet, StopReason, Transport } from "../records.ts";
import { TUNNEL_DEPTH_MAX } from "./cursor.ts";
import { checkPrefixes, decodeBytes } from "./decode_checks.ts";
import { ethernet, filler, ipv4, ipv6, join, tcp, udp } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const TCP = tcp({ flags: 2 }, filler(5));
const IP = ipv4({ protocol: 6 }, TCP);
const IP6 = ipv6({ nextHeader: 6 }, TCP);
const FRAME = ethernet(0x0800, IP);

function gre(head: readonly number[], payload: Uint8Array): Uint8Array {
  return ipv4({ protocol: 47 }, join(head, payload));
}

function checkInner(packet: Packet, name: string): void {
  strictEqual(packet.transport, Transport.tcp, name);
  strictEqual(packet.destinationPort, 443, name);
  strictEqual(packet.tunnelDepth, 1, name);
  strictEqual(packet.outerTcpFlags, -1, name);
  strictEqual(packet.payloadLength, 5, name);
  strictEqual(packet.stopReason, StopReason.complete, name);
}

Deno.test("IP in IP, 6in4 and 4in6 lead to the inner packet", () => {
  const cases: [string, Uint8Array, number][] = [
    ["IP in IP", ipv4({ protocol: 4 }, IP), 4],
    ["6in4", ipv4({ protocol: 41 }, IP6), 41],
    ["4in6", ipv6({ nextHeader: 4 }, IP), 4],
    ["6in6", ipv6({ nextHeader: 41 }, IP6), 41],
  ];
  for (const [name, bytes, protocol] of cases) {
    const packet = decodeBytes(bytes, raw);
    checkInner(packet, name);
    strictEqual(packet.outerIpProtocol, protocol, name);
    strictEqual(packet.outerSourcePort, -1, name);
    checkPrefixes(bytes, bytes.length - 5, raw);
  }
});

Deno.test("decodeGre() passes its optional fields, PPTP, Ethernet and ERSPAN", () => {
  const cases: [string, Uint8Array][] = [
    ["plain", gre([0, 0, 8, 0], IP)],
    ["IPv6", gre([0, 0, 0x86, 0xdd], IP6)],
    ["checksum, key, sequence", gre([0xb0, 0, 8, 0, ...filler(12)], IP)],
    ["Ethernet", gre([0, 0, 0x65, 0x58], FRAME)],
    ["PPTP", gre([0x30, 0x81, 0x88, 0x0b, ...filler(12)], join([0xff, 3, 0, 0x21], IP))],
    ["ERSPAN I", gre([0, 0, 0x88, 0xbe], FRAME)],
    ["ERSPAN II", gre([0x10, 0, 0x88, 0xbe, ...filler(4)], join(new Uint8Array(8), FRAME))],
    ["ERSPAN III", gre([0x10, 0, 0x22, 0xeb, ...filler(4)], join(new Uint8Array(12), FRAME))],
    [
      "ERSPAN III with subheader",
      gre([0x10, 0, 0x22, 0xeb, ...filler(4)], join(new Uint8Array(11), [1], filler(8), FRAME)),
    ],
  ];
  for (const [name, bytes] of cases) {
    checkInner(decodeBytes(bytes, raw), name);
    strictEqual(decodeBytes(bytes, raw).outerIpProtocol, 47);
    checkPrefixes(bytes, bytes.length - 5, raw);
  }
});

Deno.test("decodeGre() without anything inside counts as GRE", () => {
  const keepalive = decodeBytes(gre([0, 0, 0, 0], filler(0)), raw);
  strictEqual(keepalive.transport, Transport.gre);
  strictEqual(keepalive.stopReason, StopReason.complete);
  const acknowledgement = decodeBytes(gre([0x20, 0x81, 0x88, 0x0b, ...filler(8)], filler(0)), raw);
  strictEqual(acknowledgement.stopReason, StopReason.complete);
  for (const head of [[0, 2, 8, 0], [0x40, 0, 8, 0], [0, 0, 0x20, 0]]) {
    const packet = decodeBytes(gre(head, IP), raw);
    strictEqual(packet.stopReason, StopReason.unsupported);
    strictEqual(packet.stopLayer, Layer.gre);
    strictEqual(packet.transport, Transport.gre);
  }
});

Deno.test("decodeVxlan() leads to the inner frame and leaves the outer ports in place", () => {
  const bytes = ipv4(
    { protocol: 17 },
    udp({ destination: 4789 }, join([8, 0, 0, 0, 0, 0, 9, 0], FRAME)),
  );
  const packet = decodeBytes(bytes, raw);
  checkInner(packet, "vxlan");
  strictEqual(packet.outerDestinationPort, 4789);
  strictEqual(packet.outerIpProtocol, 17);
  checkPrefixes(bytes, bytes.length - 5, raw);
});

Deno.test("decodeVxlanGpe() goes where its next protocol says", () => {
  const cases: [number[], Uint8Array][] = [
    [[0x0c, 0, 0, 1], IP],
    [[0x0c, 0, 0, 2], IP6],
    [[0x0c, 0, 0, 3], FRAME],
    [[0x08, 0, 0, 0], FRAME],
  ];
  for (const [head, inner] of cases) {
    const gpe = udp({ destination: 4790 }, join(head, [0, 0, 9, 0], inner));
    const bytes = ipv4({ protocol: 17 }, gpe);
    checkInner(decodeBytes(bytes, raw), String(head));
    checkPrefixes(bytes, bytes.length - 5, raw);
  }
});

Deno.test("decodeGeneve() passes its options", () => {
  for (const [protocol, inner] of [[[0x65, 0x58], FRAME], [[8, 0], IP]] as const) {
    const geneve = join([0x02, 0], protocol, [0, 0, 9, 0], filler(8), inner);
    const bytes = ipv4({ protocol: 17 }, udp({ destination: 6081 }, geneve));
    checkInner(decodeBytes(bytes, raw), "geneve");
    checkPrefixes(bytes, bytes.length - 5, raw);
  }
});

Deno.test("decodeTeredo() passes authentication and origin", () => {
  const authentication = [0, 1, 0, 0, ...filler(9)];
  const origin = [0, 0, ...filler(6)];
  for (const head of [[], authentication, origin, [...authentication, ...origin]]) {
    const teredo = udp({ destination: 3544 }, join(head, IP6));
    checkInner(decodeBytes(ipv4({ protocol: 17 }, teredo), raw), String(head));
    const answer = udp({ source: 3544, destination: 50000 }, join(head, IP6));
    checkInner(decodeBytes(ipv4({ protocol: 17 }, answer), raw), String(head));
  }
});

Deno.test("an inner packet that cannot be read leaves the outer one to count", () => {
  const packet = decodeBytes(ipv4({ protocol: 4 }, filler(30)), raw);
  strictEqual(packet.stopReason, StopReason.malformed);
  strictEqual(packet.ipProtocol, 4);
  strictEqual(packet.transport, Transport.other);
  strictEqual(packet.tunnelDepth, 0);
  strictEqual(packet.payloadLength, 30);
});

Deno.test("tunnels in tunnels end at the limit", () => {
  let bytes = IP;
  for (let depth = 0; depth < TUNNEL_DEPTH_MAX; depth++) bytes = ipv4({ protocol: 4 }, bytes);
  strictEqual(decodeBytes(bytes, raw).tunnelDepth, TUNNEL_DEPTH_MAX);
  strictEqual(decodeBytes(bytes, raw).destinationPort, 443);
  const tooDeep = decodeBytes(ipv4({ protocol: 4 }, bytes), raw);
  strictEqual(tooDeep.stopReason, StopReason.unsupported);
  strictEqual(tooDeep.destinationPort, -1);
});
