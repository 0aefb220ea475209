import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  formatIpv4,
  formatIpv6,
  formatIpWords,
  formatMac,
  isInNetwork,
  parseIp,
  parseIpWords,
  parseMac,
  parseNetwork,
} from "./addresses.ts";

const CANONICAL = [
  "::",
  "::1",
  "1::",
  "2001:db8::1",
  "2001:db8:0:1:1:1:1:1",
  "2001:db8::1:0:0:1",
  "1:0:0:2::3",
  "fe80::a667:6ff:fef7:ec54",
  "::ffff:192.0.2.1",
  "::c000:201",
  "1:2:3:4:5:6:7:8",
];

Deno.test("formatIpv6() writes the form of RFC 5952 that parseIp() reads", () => {
  for (const text of CANONICAL) strictEqual(formatIpv6(parseIp(text) as Uint8Array, 0), text);
});

Deno.test("formatIpv6() shortens only the first of two equal runs and never a single zero", () => {
  strictEqual(formatIpv6(parseIp("1:0:0:2:0:0:3:4") as Uint8Array, 0), "1::2:0:0:3:4");
  strictEqual(formatIpv6(parseIp("1:0:2:3:4:5:6:7") as Uint8Array, 0), "1:0:2:3:4:5:6:7");
});

Deno.test("any address comes back from its text", () => {
  const lengths = fc.constantFrom(4, 16);
  const addresses = lengths.chain((length) =>
    fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: length, maxLength: length })
  );
  fc.assert(fc.property(addresses, (address) => {
    const bytes = Uint8Array.from(address);
    const text = bytes.length === 4 ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
    deepStrictEqual(parseIp(text), bytes);
  }));
});

Deno.test("formatIpWords() writes what a Packet holds", () => {
  strictEqual(formatIpWords(4, [0, 0, 0xffff, 0xc0000201 | 0]), "192.0.2.1");
  strictEqual(formatIpWords(6, [0, 0, 0xffff, 0xc0000201 | 0]), "::ffff:192.0.2.1");
  strictEqual(formatIpWords(6, [0x20010db8, 0, 0, 1]), "2001:db8::1");
});

Deno.test("parseIp() refuses what is no address", () => {
  const texts = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4::",
    "12345::",
  ];
  texts.push("1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1.2.3", "1:2:3:4:5:6:7::8:9", "g::", "1 ::");
  for (const text of texts) strictEqual(parseIp(text), null, text);
});

Deno.test("a MAC address comes back from its text", () => {
  const bytes = Uint8Array.of(0, 0x1a, 0x2b, 0x3c, 0x4d, 0xff);
  strictEqual(formatMac(bytes, 0), "00:1a:2b:3c:4d:ff");
  deepStrictEqual(parseMac("00:1A:2b:3c:4d:ff"), bytes);
  deepStrictEqual(parseMac("00-1A-2b-3c-4d-ff"), bytes);
  for (const text of ["", "00:1a:2b:3c:4d", "00:1a:2b:3c:4d:fg"]) strictEqual(parseMac(text), null);
});

Deno.test("parseNetwork() reads networks and single addresses, and leaves host bits out", () => {
  const cases = [
    ["192.0.2.77/24", "192.0.2.0 192.0.2.255", "192.0.1.255 192.0.3.0 2001:db8::1"],
    ["192.0.2.77", "192.0.2.77", "192.0.2.76"],
    ["0.0.0.0/0", "0.0.0.0 255.255.255.255", "::1 2001:db8::1"],
    ["128.0.0.0/1", "128.0.0.1 255.0.0.1", "127.255.255.255"],
    ["2001:db8:1:8000::5/49", "2001:db8:1:8000:: 2001:db8:1:ffff::1", "2001:db8:1:7fff::1"],
    ["2001:db8::1", "2001:db8::1", "2001:db8::2"],
    ["::/0", ":: ffff::1", "192.0.2.1"],
  ];
  for (const [text, inside, others] of cases) {
    const network = parseNetwork(text)!;
    const has = (address: string) => isInNetwork(network, ...parseIpWords(address)!);
    deepStrictEqual(
      [inside.split(" ").every(has), others.split(" ").some(has)],
      [true, false],
      text,
    );
  }
});

Deno.test("parseNetwork() refuses what is no network", () => {
  const texts = [
    "",
    "/",
    "/24",
    "192.0.2.0/",
    "192.0.2.0/33",
    "192.0.2.0/024",
    "192.0.2.0/-1",
    "::/129",
  ];
  texts.push(
    "192.0.2/24",
    "fe80::1%eth0/64",
    "192.0.2.0/24 ",
    "192.0.2.0/24/24",
    "192.0.2.0/255.255.255.0",
  );
  for (const text of texts) strictEqual(parseNetwork(text), null, text);
});
