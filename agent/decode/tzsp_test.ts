import { strictEqual } from "node:assert/strict";
import { Layer, Linktype, StopReason, Transport } from "../records.ts";
import {
  checkPlainUdp,
  checkTunnel,
  datagram,
  decodeBytes,
  INNER_FRAME,
  INNER_IP,
} from "./decode_checks.ts";
import { filler, join } from "./packet_builder.ts";

const raw = { linktype: Linktype.raw };
const destination = 37_008;
const END = [1];
const TAGS = [0x0a, 1, 0x34, 0, 0, 0x1e, 4, 1, 1, 1, 1, 0x29, 0];
const WIFI = join([0x08, 0x01], filler(22), [0xaa, 0xaa, 3, 0, 0, 0, 8, 0], INNER_IP);

Deno.test("decodeTzsp() passes its tags to Ethernet and 802.11", () => {
  for (const type of [0, 1]) {
    for (const tags of [END, [...TAGS, ...END]]) {
      for (const [protocol, inner] of [[0x01, INNER_FRAME], [0x12, WIFI]] as const) {
        const bytes = datagram({ destination }, [1, type, 0, protocol], tags, inner);
        checkTunnel(bytes, `${type} ${protocol}`, raw);
      }
    }
  }
});

Deno.test("decodeTzsp() leaves the sensor's own messages, and what is no TZSP", () => {
  const cases: [string, Uint8Array][] = [
    ["keepalive", join([1, 4, 0, 0], END)],
    ["version 2", join([2, 0, 0, 1], END, INNER_FRAME)],
    ["tags without an end", join([1, 0, 0, 1], new Uint8Array(60))],
    ["a tag beyond the end", join([1, 0, 0, 1, 9, 200], filler(60))],
    ["empty", filler(0)],
    ["short", Uint8Array.of(1, 0, 0)],
    ["QUIC", join([0x40], filler(60))],
  ];
  for (const [name, payload] of cases) checkPlainUdp(datagram({ destination }, payload), name, raw);
  const answered = join([1, 0, 0, 1], END, INNER_FRAME);
  checkPlainUdp(datagram({ source: 37_008, destination: 443 }, answered), "from the port", raw);
});

Deno.test("decodeTzsp() says that it does not read other kinds of frames", () => {
  const packet = decodeBytes(datagram({ destination }, [1, 0, 0, 9], END, filler(60)), raw);
  strictEqual(packet.stopReason, StopReason.unsupported);
  strictEqual(packet.stopLayer, Layer.tzsp);
  strictEqual(packet.transport, Transport.udp);
});
