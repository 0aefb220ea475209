import { strictEqual } from "node:assert/strict";
import { Layer, StopReason, Transport } from "../records.ts";
import { checkPrefixes, decodeBytes, INNER_FRAME, INNER_IP, INNER_IP6 } from "./decode_checks.ts";
import { ethernet, filler, ipv4, join, vlan } from "./packet_builder.ts";

/** A header of `words` times four bytes. */
function nsh(next: number, inner: Uint8Array, words = 6): Uint8Array {
  return join(
    [0x0f, 0xc0 | words, words === 6 ? 1 : 2, next],
    new Uint8Array(words * 4 - 4),
    inner,
  );
}

Deno.test("decodeNsh() goes where its next protocol says, with any length of context", () => {
  const cases: [number, Uint8Array][] = [
    [1, INNER_IP],
    [2, INNER_IP6],
    [3, INNER_FRAME],
    [4, nsh(3, INNER_FRAME)],
    [5, join([0, 0, 0x11, 0x40], INNER_IP)],
  ];
  for (const [next, inner] of cases) {
    for (const words of [2, 4, 6, 63]) {
      const bytes = ethernet(0x894f, nsh(next, inner, words));
      const packet = decodeBytes(bytes);
      strictEqual(packet.destinationPort, 443, `${next}, ${words} words`);
      strictEqual(packet.stopReason, StopReason.complete);
      strictEqual(packet.tunnelDepth, 0);
      checkPrefixes(bytes, bytes.length - 5);
    }
  }
  const tagged = decodeBytes(ethernet(0x8100, vlan(9, 0x894f, nsh(1, INNER_IP))));
  strictEqual(tagged.destinationPort, 443);
  const inGre = decodeBytes(
    ethernet(0x0800, ipv4({ protocol: 47 }, join([0, 0, 0x89, 0x4f], nsh(3, INNER_FRAME)))),
  );
  strictEqual(inGre.destinationPort, 443);
  strictEqual(inGre.tunnelDepth, 1);
});

Deno.test("decodeNsh() stops at other versions and protocols, and at lengths below its own", () => {
  const cases: [Uint8Array, number][] = [
    [nsh(9, INNER_IP), StopReason.unsupported],
    [nsh(1, INNER_IP).fill(0x4f, 0, 1), StopReason.unsupported],
    [nsh(1, INNER_IP).fill(0xc1, 1, 2), StopReason.malformed],
    [nsh(1, filler(0)).fill(0xff, 1, 2), StopReason.malformed],
  ];
  for (const [payload, reason] of cases) {
    const packet = decodeBytes(ethernet(0x894f, payload));
    strictEqual(packet.stopReason, reason);
    strictEqual(packet.stopLayer, Layer.nsh);
    strictEqual(packet.transport, Transport.other);
  }
});
