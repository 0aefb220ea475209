import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason } from "../records.ts";
import { checkPrefixes, decodeBytes } from "./decode_checks.ts";
import { ethernet, filler, ipv4, ipv6, join, udp, uint16 } from "./packet_builder.ts";

const UDP = udp({ destination: 53 }, filler(5));
const IP = ipv4({ protocol: 17 }, UDP);
const IP6 = ipv6({ nextHeader: 17 }, UDP);

function pppoe(payload: Uint8Array, length = payload.length): Uint8Array {
  return ethernet(0x8864, join([0x11, 0, 0, 1], uint16(length), payload));
}

Deno.test("decodePppoe() leads to IPv4 and IPv6, and stops at every shorter prefix", () => {
  strictEqual(decodeBytes(pppoe(join([0, 0x21], IP))).destinationPort, 53);
  strictEqual(decodeBytes(pppoe(join([0, 0x57], IP6))).ipVersion, 6);
  checkPrefixes(pppoe(join([0, 0x21], IP)), 14 + 8 + 28);
});

Deno.test("decodePppoe() bounds what follows by its length and refuses other versions", () => {
  const short = decodeBytes(pppoe(join([0, 0x21], IP), 12));
  strictEqual(short.stopReason, StopReason.malformed);
  strictEqual(short.stopLayer, Layer.ipv4);
  const bytes = pppoe(join([0, 0x21], IP));
  bytes[14] = 0x12;
  strictEqual(decodeBytes(bytes).stopLayer, Layer.pppoe);
});

Deno.test("decodePpp() takes framing and compressed protocol fields as they come", () => {
  const heads = [[0xff, 3, 0, 0x21], [0, 0x21], [0xff, 3, 0x21], [0x21]];
  for (const head of heads) {
    for (const linktype of [Linktype.ppp, Linktype.pppHdlc]) {
      strictEqual(decodeBytes(join(head, IP), { linktype }).destinationPort, 53, String(head));
    }
  }
  checkPrefixes(join([0xff, 3, 0, 0x21], IP), 4 + 28, { linktype: Linktype.ppp });
});

Deno.test("a PPP control protocol is unsupported", () => {
  const packet = decodeBytes(join([0xff, 3, 0xc0, 0x21], filler(20)), { linktype: Linktype.ppp });
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.ppp);
});

Deno.test("decodeCiscoHdlc() reads the EtherType, and stops at every shorter prefix", () => {
  const bytes = join([0x0f, 0, 8, 0], IP);
  strictEqual(decodeBytes(bytes, { linktype: Linktype.ciscoHdlc }).destinationPort, 53);
  strictEqual(decodeBytes(bytes, { linktype: Linktype.pppHdlc }).destinationPort, 53);
  checkPrefixes(bytes, 32, { linktype: Linktype.ciscoHdlc });
});

Deno.test("serial links may say who sent a packet, and have Cisco's framing under PPP's number", () => {
  const ppp = join([0xff, 3, 0, 0x21], IP);
  const hdlc = join([0x8f, 0, 8, 0], IP);
  const cases: [number, Uint8Array][] = [
    [Linktype.ppp, hdlc],
    [Linktype.pppHdlc, hdlc],
    [Linktype.pppoe, join([0x11, 0, 0, 1], uint16(IP.length + 2), [0, 0x21], IP)],
    [Linktype.pppWithDirection, join([0], ppp)],
    [Linktype.pppWithDirection, join([1, 0, 0x21], IP)],
    [Linktype.pppWithDirection, join([1], hdlc)],
    [Linktype.ciscoHdlcWithDirection, join([1], hdlc)],
    [Linktype.pppPppd, join([0, 3, 0, 0x21], IP)],
    [Linktype.pppPppd, join([1, 3, 0x21], IP)],
  ];
  for (const [linktype, bytes] of cases) {
    strictEqual(decodeBytes(bytes, { linktype }).destinationPort, 53, String(linktype));
    checkPrefixes(bytes, bytes.length - 5, { linktype });
  }
});

Deno.test("decodeFrameRelay() reads NLPID and EtherType encapsulation, and stops at every shorter prefix", () => {
  const linktype = Linktype.frameRelay;
  strictEqual(decodeBytes(join([0x18, 0x41, 3, 0xcc], IP), { linktype }).destinationPort, 53);
  strictEqual(decodeBytes(join([0x18, 0x40, 0x41, 3, 0x8e], IP6), { linktype }).ipVersion, 6);
  strictEqual(decodeBytes(join([0x18, 0x41, 8, 0], IP), { linktype }).destinationPort, 53);
  checkPrefixes(join([0x18, 0x41, 3, 0xcc], IP), 32, { linktype });
});
