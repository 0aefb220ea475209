import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import {
  checkPlainUdp,
  checkTunnel,
  datagram,
  decodeBytes,
  INNER_FRAME,
  INNER_IP,
  INNER_IP6,
} from "./decode_checks.ts";
import { ethernet, filler, ipv4, join, uint16, vlan } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const destination = 1701;
const PPP = join([0xff, 3, 0, 0x21], INNER_IP);

/** A data message of version 2; `fields` are those behind the length, the session's numbers among them. */
function l2tp(
  flags: number,
  fields: readonly number[],
  inner: Uint8Array,
  lengthError = 0,
): Uint8Array {
  const hasLength = (flags & 0x4000) !== 0;
  const length = (hasLength ? 4 : 2) + fields.length + inner.length + lengthError;
  return join(uint16(flags), hasLength ? uint16(length) : [], fields, inner);
}

const IDS = [0, 1, 0, 7];

Deno.test("decodeL2tp() passes the fields of version 2 to PPP in each of its forms", () => {
  const heads: readonly [number, readonly number[]][] = [
    [0x0002, IDS],
    [0x4002, IDS],
    [0x0802, [...IDS, 0, 5, 0, 6]],
    [0x0202, [...IDS, 0, 0]],
    [0x0202, [...IDS, 0, 4, 9, 9, 9, 9]],
    [0x4b02, [...IDS, 0, 5, 0, 6, 0, 2, 9, 9]],
    [0x0102, IDS],
  ];
  const frames = [
    PPP,
    join([0xff, 3, 0x21], INNER_IP),
    join([0, 0x21], INNER_IP),
    join([0x21], INNER_IP),
    join([0xff, 3, 0, 0x57], INNER_IP6),
    join([0x57], INNER_IP6),
  ];
  for (const [flags, fields] of heads) {
    for (const frame of frames) {
      const bytes = datagram({ destination }, l2tp(flags, fields, frame));
      checkTunnel(bytes, `${flags} ${fields}`, raw);
    }
  }
  const answer = datagram({ source: 1701, destination: 50000 }, l2tp(0x0002, IDS, PPP));
  checkTunnel(answer, "from the port", raw);
});

Deno.test("decodeL2tp() counts the other protocols of PPP as such", () => {
  const lcp = join([0xff, 3, 0xc0, 0x21], filler(20));
  const packet = decodeBytes(datagram({ destination }, l2tp(0x0002, IDS, lcp)), raw);
  strictEqual(packet.stopLayer, Layer.ppp);
  strictEqual(packet.stopNeeded, 0xc021);
  strictEqual(packet.transport, Transport.udp);
});

Deno.test("decodeL2tp() leaves control messages, other versions and lengths, and what is no L2TP", () => {
  const cases: [string, Uint8Array][] = [
    ["control", l2tp(0xc802, [0, 1, 0, 0, 0, 1, 0, 2], filler(30))],
    ["version 1", l2tp(0x0001, IDS, PPP)],
    ["reserved bits", l2tp(0x0402, IDS, PPP)],
    ["no tunnel", l2tp(0x0002, [0, 0, 0, 7], PPP)],
    ["no session", l2tp(0x0002, [0, 1, 0, 0], PPP)],
    ["a length too small", l2tp(0x4002, IDS, PPP, -1)],
    ["a length too large", l2tp(0x4002, IDS, PPP, 1)],
    ["an offset beyond the end", l2tp(0x0202, [...IDS, 0xff, 0], PPP)],
    ["no protocol of PPP", l2tp(0x0002, IDS, join([0x12, 0x35], filler(40)))],
    ["no IP behind its number", l2tp(0x0002, IDS, join([0, 0x21], filler(40)))],
    ["IPv6 behind IPv4's number", l2tp(0x0002, IDS, join([0, 0x21], INNER_IP6))],
    ["version 3 without a session", join([0, 3, 0, 0, 0, 0, 0, 0], INNER_FRAME)],
    ["version 3 with reserved bits", join([0, 3, 0, 1, 0, 0, 0, 7], INNER_FRAME)],
    ["empty", filler(0)],
    ["short", Uint8Array.of(0, 2, 0)],
    ["a query", join([0x8d, 0x6d, 1, 0, 0, 1], filler(60))],
  ];
  for (const [name, payload] of cases) checkPlainUdp(datagram({ destination }, payload), name, raw);
});

const SESSION = [0, 0, 0, 7];
const COOKIE = [0x11, 0x22, 0x33, 0x44];
const SUBLAYER = [0, 0, 0, 0];
const heads = [[], COOKIE, [...COOKIE, ...COOKIE]].flatMap((cookie) => [
  [...SESSION, ...cookie],
  [...SESSION, ...cookie, ...SUBLAYER],
]);

Deno.test("L2TPv3 is entered where a frame or an IP packet begins, over UDP and over IP", () => {
  const tagged = ethernet(0x8100, vlan(5, 0x0800, INNER_IP));
  for (const head of heads) {
    for (const inner of [INNER_FRAME, tagged, INNER_IP, INNER_IP6]) {
      const name = String(head);
      checkTunnel(datagram({ destination }, [0, 3, 0, 0], head, inner), name, raw);
      checkTunnel(ipv4({ protocol: 115 }, join(head, inner)), name, raw);
    }
  }
});

Deno.test("L2TPv3 is told as unread where nothing is recognised, and its control messages are left", () => {
  for (const inner of [filler(60), join([0x45], filler(60)), ethernet(0x88cc, filler(46))]) {
    for (
      const bytes of [
        datagram({ destination }, [0, 3, 0, 0], SESSION, inner),
        ipv4({ protocol: 115 }, join(SESSION, inner)),
      ]
    ) {
      const packet = decodeBytes(bytes, raw);
      strictEqual(packet.stopReason, StopReason.unsupported);
      strictEqual(packet.stopLayer, Layer.l2tp);
      strictEqual(packet.tunnelDepth, 0);
    }
  }
  const control = decodeBytes(
    ipv4({ protocol: 115 }, join([0, 0, 0, 0, 0xc8, 3], filler(20))),
    raw,
  );
  strictEqual(control.stopReason, StopReason.complete);
  strictEqual(control.transport, Transport.other);
});
