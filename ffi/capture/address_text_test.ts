import { strictEqual } from "node:assert/strict";
import { addressText, ipv6Text, prefixLength, sockaddrFamily } from "./address_text.ts";

const texts: readonly (readonly [string, string])[] = [
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000001", "2001:db8::1"],
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["20010000000000010000000000000001", "2001:0:0:1::1"],
  ["fe80000000000000000000fcfe000001", "fe80::fc:fe00:1"],
  ["00010000000000000000000000000000", "1::"],
];

for (const [hex, text] of texts) {
  Deno.test(`ipv6Text() writes ${hex} as ${text}`, () => strictEqual(ipv6Text(fromHex(hex)), text));
}

Deno.test("addressText() reads both families and no other", () => {
  strictEqual(addressText(sockaddr(sockaddrFamily.ipv4, 4, "c0000207")), "192.0.2.7");
  strictEqual(addressText(sockaddr(sockaddrFamily.ipv6, 8, texts[2][0])), "2001:db8::1");
  strictEqual(addressText(sockaddr(17, 4, "c0000207")), null);
  strictEqual(addressText(null), null);
});

Deno.test("prefixLength() counts the leading ones of a netmask", () => {
  strictEqual(prefixLength(sockaddr(sockaddrFamily.ipv4, 4, "ffffff00")), 24);
  strictEqual(prefixLength(sockaddr(sockaddrFamily.ipv4, 4, "ffffffff")), 32);
  strictEqual(prefixLength(sockaddr(sockaddrFamily.ipv4, 4, "00000000")), 0);
  strictEqual(prefixLength(null), null);
});

/** Kept alive for the pointers into them. */
const buffers: Uint8Array[] = [];

function sockaddr(family: number, offset: number, hex: string): Deno.PointerValue {
  const bytes = new Uint8Array(new ArrayBuffer(128));
  bytes[sockaddrFamily.offset] = family;
  bytes.set(fromHex(hex), offset);
  buffers.push(bytes);
  return Deno.UnsafePointer.of(bytes);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
