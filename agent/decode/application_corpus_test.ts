/**
 * The applications of the shared captures: hostile ones must do no harm, and JA4 must equal what others publish for the same
 * files (nDPI's test results, FoxIO's test data, Suricata's manual).
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { Packet } from "../records.ts";
import { ApplicationReader, readPacketNames } from "./application.ts";
import { decodePacket } from "./decode.ts";
import type { FlowPlace } from "./stream_reader.ts";

const corpus = new URL("../../../shared/corpus/", import.meta.url);
const isAbsent = !exists(corpus);
const reason = isAbsent ? " (SKIPPED: no ../shared/corpus)" : "";

function exists(url: URL): boolean {
  try {
    return Deno.statSync(url).isDirectory;
  } catch {
    return false;
  }
}

/** Calls `visit` for each packet of a little-endian pcap file of Ethernet or raw IP, as far as it goes. */
function visitPackets(path: string, visit: (bytes: Uint8Array, packet: Packet) => void): void {
  const bytes = Deno.readFileSync(new URL(path, corpus));
  const view = new DataView(bytes.buffer);
  const linktype = view.getUint16(20, true);
  const packet = new Packet();
  let at = 24;
  while (at + 16 <= bytes.length) {
    const capturedLength = Math.min(view.getUint32(at + 8, true), bytes.length - at - 16);
    const wireLength = view.getUint32(at + 12, true);
    decodePacket(bytes, at + 16, capturedLength, wireLength, linktype, packet);
    visit(bytes, packet);
    at += 16 + capturedLength;
  }
}

/** Of a flow of which nothing is known. */
function placeOf({ sourcePort, destinationPort }: Packet, key: number): FlowPlace {
  const direction = sourcePort < destinationPort ? 1 : 0;
  return { key, direction, application: 0, streamOffset: NaN, isFirstPayload: false };
}

const hostile = [
  "gen_mal__dns_pointer_loops",
  "gen_mal__tls_length_fields_ff",
  "gen_mal__http_odd",
  "gen_mal__cut_every_byte_dns",
  "gen_mal__cut_every_byte_tls",
  "gen_mal__cut_every_byte_v4tcp",
  "gen_mal__cut_every_byte_v6ext",
  "gen_mal__bitflip_0",
  "gen_mal__random_4k",
  "nDPI__fuzz-2006-06-26-2594",
  "nDPI__fuzz-2021-10-13",
  "tcpdump__quic_32_bit_pointer_overflow",
  "suricata-verify__dns-truncated-rname_poc2",
];

Deno.test({
  name: `hostile captures do no harm and give printable names${reason}`,
  ignore: isAbsent,
  fn() {
    for (const name of hostile) {
      const reader = new ApplicationReader({ pendingMax: 4 });
      let number = 0;
      visitPackets(`malformed/${name}.pcap`, (bytes, packet) => {
        const told = reader.inspect(bytes, packet, placeOf(packet, number++));
        const texts = JSON.stringify([told, readPacketNames(bytes, packet)]);
        ok(/^[\x20-\x7e]*$/.test(texts), `${name} packet ${number}: ${texts}`);
      });
      ok(number > 0, name);
      ok(reader.pendingCount <= 4);
    }
  },
});

const published: Readonly<Record<string, readonly string[]>> = {
  "arkime__https3-301-get.pcap": ["t10d230100_6a57a6f57151_000000000000"],
  "nDPI__443-firefox.pcap": ["t13d1814h2_29a2cd9e9f10_d267a5f792d4"],
  "nDPI__no_sni.pcap": [
    "t13d1814h2_e8a523a41297_7673359314f0",
    "t13i1813h2_e8a523a41297_a36e8500eb55",
    "t13i1813h2_e8a523a41297_0d6ff543c596",
    "t13d1814h2_e8a523a41297_d267a5f792d4",
  ],
  "nDPI__dtls2.pcap": ["dd1i080000_f3b6e48d6e2b_000000000000"],
  "nDPI__quic-mvfst-22.pcap": ["q00d0109h5_0f2cb44170f4_01b7bde4a3dd"],
  "suricata-verify__ja4-rules_input.pcap": [
    "q13d0310h3_55b375c5d22e_cd85d2d88918",
    "t13d1516h2_8daaf6152771_e5627efa2ab1",
  ],
};

Deno.test({
  name: `JA4 equals the published values of public captures${reason}`,
  ignore: isAbsent,
  fn() {
    for (const [name, expected] of Object.entries(published)) {
      const reader = new ApplicationReader();
      const found = new Set<string>();
      visitPackets(`decode/${name}`, (bytes, packet) => {
        const key = Math.min(packet.sourcePort, packet.destinationPort) * 65536 +
          Math.max(packet.sourcePort, packet.destinationPort);
        for (const { tls } of reader.inspect(bytes, packet, placeOf(packet, key)).details) {
          if (tls?.ja4 !== undefined) found.add(tls.ja4);
        }
      });
      deepStrictEqual([...found].sort(), [...expected].sort(), name);
    }
  },
});
