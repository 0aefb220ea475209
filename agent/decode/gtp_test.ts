import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason } from "../records.ts";
import {
  checkPlainUdp,
  checkTunnel,
  datagram,
  decodeBytes,
  INNER_FRAME,
  INNER_IP,
  INNER_IP6,
} from "./decode_checks.ts";
import { filler, ipv4, join, udp, uint16 } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const destination = 2152;

interface Message {
  readonly flags?: number;
  readonly type?: number;
  readonly fields?: readonly number[];
  /** Added to the right length. */
  readonly lengthError?: number;
}

function gtp(message: Message, inner: Uint8Array): Uint8Array {
  const { flags = 0x30, type = 255, fields = [], lengthError = 0 } = message;
  const length = fields.length + inner.length + lengthError;
  return join([flags, type], uint16(length), [0, 0, 0x12, 0x34], fields, inner);
}

const PDU_SESSION = [1, 0x10, 9, 0];
const messages: readonly [string, Message][] = [
  ["plain", {}],
  ["sequence", { flags: 0x32, fields: [0, 5, 0, 0] }],
  ["N-PDU", { flags: 0x31, fields: [0, 0, 5, 0] }],
  ["a type of extension without its flag", { flags: 0x32, fields: [0, 5, 0, 0x85] }],
  ["5G session container", { flags: 0x34, fields: [0, 0, 0, 0x85, ...PDU_SESSION] }],
  ["two extensions", {
    flags: 0x36,
    fields: [0, 5, 0, 0x40, 1, 8, 0x68, 0x85, 2, 0x10, 9, 0, 0, 0, 0, 0],
  }],
];

Deno.test("decodeGtpU() passes its optional fields and extensions, to IP and to Ethernet", () => {
  for (const [name, message] of messages) {
    for (const inner of [INNER_IP, INNER_IP6, INNER_FRAME]) {
      checkTunnel(datagram({ destination }, gtp(message, inner)), name, raw);
    }
    checkTunnel(datagram({ source: 2152, destination: 40000 }, gtp(message, INNER_IP)), name, raw);
  }
});

Deno.test("decodeGtpU() leaves signalling, other versions and lengths, and what is no GTP", () => {
  const cases: [string, Uint8Array][] = [
    ["echo request", gtp({ type: 1, flags: 0x32, fields: [0, 5, 0, 0] }, filler(0))],
    ["error indication", gtp({ type: 26 }, filler(20))],
    ["end marker", gtp({ type: 254 }, filler(0))],
    ["version 2", gtp({ flags: 0x50 }, INNER_IP)],
    ["GTP prime", gtp({ flags: 0x20 }, INNER_IP)],
    ["spare bit", gtp({ flags: 0x38 }, INNER_IP)],
    ["a length too small", gtp({ lengthError: -1 }, INNER_IP)],
    ["a length too large", gtp({ lengthError: 1 }, INNER_IP)],
    ["empty", filler(0)],
    ["short", Uint8Array.of(0x30, 255, 0)],
    ["a query", join([0x8d, 0x6d, 1, 0, 0, 1], filler(60))],
  ];
  for (const [name, payload] of cases) {
    checkPlainUdp(datagram({ destination }, payload), name, raw);
    checkPlainUdp(datagram({ source: 2152, destination: 53 }, payload), name, raw);
  }
});

Deno.test("decodeGtpU() says that it could not read what is inside", () => {
  for (const inner of [filler(60), join([0x40], filler(59)), join([0x60], filler(59))]) {
    const packet = decodeBytes(datagram({ destination }, gtp({}, inner)), raw);
    strictEqual(packet.stopReason, StopReason.unsupported);
    strictEqual(packet.stopLayer, Layer["gtp-u"]);
    strictEqual(packet.destinationPort, destination);
  }
  const endless = gtp({ flags: 0x34, fields: [0, 0, 0, 0x85, 0, 0, 0, 0x85] }, INNER_IP);
  strictEqual(
    decodeBytes(datagram({ destination }, endless), raw).stopReason,
    StopReason.malformed,
  );
});

Deno.test("decodeGtpU() enters the first fragment of a datagram", () => {
  const whole = udp({ destination }, gtp({}, join(INNER_IP)));
  const bytes = ipv4({ protocol: 17, fragment: 0x2000 }, whole.subarray(0, whole.length - 2));
  const packet = decodeBytes(bytes, raw);
  strictEqual(packet.destinationPort, 443);
  strictEqual(packet.tunnelDepth, 1);
});
