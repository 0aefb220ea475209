import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import { TUNNEL_DEPTH_MAX } from "./cursor.ts";
import {
  checkPlainUdp,
  checkTunnel,
  datagram,
  decodeBytes,
  INNER_FRAME as FRAME,
  INNER_IP as IP,
  INNER_IP6 as IP6,
} from "./decode_checks.ts";
import { ethernet, filler, ipv4, ipv6, join, udp } from "./packet_builder.ts";
import { TUNNEL_PORTS, tunnelPorts as tunnelPortsWith } from "./tunnel_ports.ts";

const raw = { linktype: Linktype.raw };

function gre(head: readonly number[], payload: Uint8Array): Uint8Array {
  return ipv4({ protocol: 47 }, join(head, payload));
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
    checkTunnel(bytes, name, raw);
    strictEqual(packet.outerIpProtocol, protocol, name);
    strictEqual(packet.outerSourcePort, -1, name);
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
    checkTunnel(bytes, name, raw);
    strictEqual(decodeBytes(bytes, raw).outerIpProtocol, 47);
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

/** Flags and the three bytes behind them, a network id, zero. */
function vxlan(head: readonly number[], inner: Uint8Array): Uint8Array {
  return join(head, [0, 0, 9, 0], inner);
}

Deno.test("decodeVxlan() leads to the inner frame and leaves the outer ports in place", () => {
  for (const destination of [4789, 4790, 8472]) {
    for (const head of [[8, 0, 0, 0], [0x88, 0, 0, 100], [0x88, 0x48, 0, 100], [8, 0, 0, 1]]) {
      const bytes = datagram({ destination }, vxlan(head, FRAME));
      checkTunnel(bytes, `${destination}: ${head}`, raw);
      const packet = decodeBytes(bytes, raw);
      strictEqual(packet.outerDestinationPort, destination);
      strictEqual(packet.outerIpProtocol, 17);
    }
  }
});

Deno.test("decodeVxlan() reads the ports that it is told, besides its own", () => {
  const tunnelPorts = tunnelPortsWith([6789, 1701]);
  for (const destination of [6789, 1701, 4789, 8472]) {
    const bytes = datagram({ destination }, vxlan([8, 0, 0, 0], FRAME));
    checkTunnel(bytes, String(destination), { ...raw, tunnelPorts });
  }
  checkPlainUdp(datagram({ destination: 6789 }, vxlan([8, 0, 0, 0], FRAME)), "not told", raw);
});

Deno.test("VXLAN-GPE goes where its next protocol says", () => {
  const nsh = join([0x0f, 0xc2, 2, 3, 0, 0, 1, 255], FRAME);
  const cases: [number[], Uint8Array][] = [
    [[0x0c, 0, 0, 1], IP],
    [[0x0c, 0, 0, 2], IP6],
    [[0x0c, 0, 0, 3], FRAME],
    [[0x0c, 0, 0, 4], nsh],
    [[0x0c, 0, 0, 5], join([0, 0, 0x11, 0x40], IP)],
    [[0x0e, 0, 0, 3], FRAME],
  ];
  for (const destination of [4790, 8472]) {
    for (const [head, inner] of cases) {
      checkTunnel(datagram({ destination }, vxlan(head, inner)), String(head), raw);
    }
  }
  const packet = decodeBytes(datagram({ destination: 4790 }, vxlan([0x0c, 0, 0, 9], IP)), raw);
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.vxlan);
});

Deno.test("what does not look like VXLAN is plain UDP", () => {
  const cases: [string, Uint8Array][] = [
    ["no network", vxlan([0, 0, 0, 0], FRAME)],
    ["version 1", vxlan([0x18, 0, 0, 0], FRAME)],
    ["OAM", vxlan([0x0d, 0, 0, 3], FRAME)],
    ["a last byte", join([8, 0, 0, 0, 0, 0, 9, 1], FRAME)],
    ["odd flags and no frame", vxlan([8, 0, 0, 1], filler(40))],
    ["odd flags and a cut frame", vxlan([8, 0, 0, 1], filler(10))],
    ["odd flags and no IP in the frame", vxlan([0x88, 0, 0, 1], ethernet(0x0800, filler(40)))],
    ["VXLAN-GPE with reserved bits", vxlan([0x0c, 0, 1, 3], filler(40))],
    ["short", Uint8Array.of(8, 0, 0, 0)],
  ];
  for (const [name, payload] of cases) {
    for (const destination of [4789, 4790, 8472]) {
      checkPlainUdp(datagram({ destination }, payload), name, raw);
    }
  }
});

Deno.test("decodeGeneve() passes its options", () => {
  for (const [protocol, inner] of [[[0x65, 0x58], FRAME], [[8, 0], IP]] as const) {
    const geneve = join([0x02, 0], protocol, [0, 0, 9, 0], filler(8), inner);
    const bytes = ipv4({ protocol: 17 }, udp({ destination: 6081 }, geneve));
    checkTunnel(bytes, "geneve", raw);
  }
});

Deno.test("decodeTeredo() passes authentication and origin", () => {
  const authentication = [0, 1, 0, 0, ...filler(9)];
  const origin = [0, 0, ...filler(6)];
  for (const head of [[], authentication, origin, [...authentication, ...origin]]) {
    const teredo = udp({ destination: 3544 }, join(head, IP6));
    checkTunnel(ipv4({ protocol: 17 }, teredo), String(head), raw);
    const answer = udp({ source: 3544, destination: 50000 }, join(head, IP6));
    checkTunnel(ipv4({ protocol: 17 }, answer), String(head), raw);
  }
});

Deno.test("decodeTeredo() leaves what is no IPv6 packet", () => {
  for (const payload of [filler(60), join([0x60, 0, 0, 0, 1, 0], filler(60)), IP]) {
    checkPlainUdp(datagram({ destination: 3544 }, payload), "", raw);
  }
});

Deno.test("decodeLisp() leads to an IP packet that ends with the datagram", () => {
  const destination = 4341;
  for (const inner of [IP, IP6]) {
    checkTunnel(datagram({ destination }, [0x88, 1, 2, 3, 0, 0, 0, 1], inner), "lisp", raw);
  }
  const cases: [string, Uint8Array][] = [
    ["encrypted", join([0x89, 1, 2, 3, 0, 0, 0, 1], IP)],
    ["bytes behind the packet", join([0x88, 1, 2, 3, 0, 0, 0, 1], IP, [0])],
    ["no IP", filler(60)],
    ["short", filler(7)],
  ];
  for (const [name, payload] of cases) checkPlainUdp(datagram({ destination }, payload), name, raw);
});

Deno.test("decodeMplsInUdp() passes labels to IP and to a pseudowire's frame", () => {
  const destination = 6635;
  const labels = [0, 1, 0, 64, 0, 2, 1, 64];
  for (const inner of [IP, IP6, FRAME, join([0, 0, 0, 0], FRAME)]) {
    checkTunnel(datagram({ destination }, labels.slice(4), inner), "one label", raw);
    checkTunnel(datagram({ destination }, labels, inner), "two labels", raw);
  }
  const cases: [string, Uint8Array][] = [
    ["no IP", join(labels, new Uint8Array(40))],
    ["bytes behind the packet", join(labels, IP, [0])],
    ["no last label", new Uint8Array(100)],
    ["short", filler(3)],
  ];
  for (const [name, payload] of cases) checkPlainUdp(datagram({ destination }, payload), name, raw);
});

Deno.test("random datagrams at the ports of tunnels are plain UDP", () => {
  const ports = [...TUNNEL_PORTS.entries()].filter(([, step]) => step !== 0).map(([port]) => port);
  const payloads = fc.uint8Array({ maxLength: 120 });
  fc.assert(
    fc.property(fc.constantFrom(...ports), fc.boolean(), payloads, (port, isSource, payload) => {
      const ends = isSource ? { source: port, destination: 443 } : { destination: port };
      checkPlainUdp(datagram(ends, payload), String(port), raw);
    }),
    // One in some 100,000 looks like a tunnel: always the same ones are tried.
    { numRuns: 20_000, seed: 1 },
  );
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
