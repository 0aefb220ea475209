import { strictEqual } from "node:assert/strict";
import { ascii } from "./app_samples.ts";
import { formatJa4, type HelloShape, isGrease } from "./ja4.ts";

/** FoxIO's published pairs of JA4 and JA4_r (the same hello before hashing), and where they stand. */
const vectors: readonly (readonly [ja4: string, raw: string, alpn: string, source: string])[] = [
  [
    "t13d1516h2_8daaf6152771_e5627efa2ab1",
    "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601",
    "h2",
    "technical_details/JA4.md",
  ],
  [
    "t13d1517h2_8daaf6152771_cb7bf5808d99",
    "t13d1517h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,ca34,fe0d,ff01_0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601",
    "h2",
    "python/test/testdata/sigalg-grease.pcapng.json",
  ],
  [
    "t10d230100_6a57a6f57151_000000000000",
    "t10d230100_0003,0004,0005,0006,0008,0009,000a,0011,0012,0013,0014,0015,0016,002f,0032,0033,0035,0038,0039,0096,0099,009a,00ff_",
    "",
    "python/test/testdata/https3-301-get.pcap.json",
  ],
  [
    "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,fe0d,ff01_0403,0804,0401,0503,0805,0501,0806,0601",
    "h2",
    "Chrome 143 as browserleaks.com shows it",
  ],
];
const versions: Record<string, number> = { "10": 0x0301, "12": 0x0303, "13": 0x0304 };

/** Undoes JA4_r: adds the extensions that it leaves out, and turns the order around. */
function shapeOf(raw: string, alpn: string): HelloShape {
  const [start, ciphers, extensions, signatures] = raw.split("_");
  const numbers = (list = "") =>
    Uint16Array.from(list === "" ? [] : list.split(","), (digits) => parseInt(digits, 16));
  const hidden = [...(start[3] === "d" ? [0] : []), ...(alpn === "" ? [] : [16])];
  const types = Uint16Array.from([...hidden, ...numbers(extensions)].reverse());
  const algorithms = numbers(signatures);
  return {
    carrier: "t",
    version: versions[start.slice(1, 3)],
    hasServerName: start[3] === "d",
    ciphers: numbers(ciphers).reverse(),
    cipherCount: numbers(ciphers).length,
    extensions: types,
    extensionCount: types.length,
    signatureAlgorithms: algorithms,
    signatureAlgorithmCount: algorithms.length,
    alpnStart: alpn === "" ? -1 : 0,
    alpnEnd: alpn.length,
    bytes: ascii(alpn),
  };
}

for (const [ja4, raw, alpn, source] of vectors) {
  Deno.test(`formatJa4() gives ${ja4} (${source})`, () => {
    strictEqual(formatJa4(shapeOf(raw, alpn)), ja4);
  });
}

Deno.test("formatJa4() writes the ends of the ALPN value, of its hexadecimal form when they are odd", () => {
  const cases = [["h2", "h2"], ["http/1.1", "h1"], ["h", "hh"], ["", "00"]]
    .concat([["\xab", "ab"], ["\xab\xcd", "ad"], ["0\xab", "3b"], ["01\xab\xcd", "3d"]])
    .concat([["0\xab\xcd1", "01"], ["h3-", "6d"]]);
  for (const [alpn, expected] of cases) {
    strictEqual(formatJa4(shapeOf(vectors[0][1], alpn)).slice(8, 10), expected, alpn);
  }
});

Deno.test("formatJa4() counts to 99 and knows no other versions", () => {
  const shape = shapeOf(vectors[0][1], "h2");
  const ciphers = Uint16Array.from({ length: 130 }, (_, index) => index + 1);
  const changed = { ...shape, version: 0x7f1c, ciphers, cipherCount: 130 };
  strictEqual(formatJa4(changed).slice(0, 10), "t00d9916h2");
});

Deno.test("isGrease() knows the sixteen values of RFC 8701", () => {
  const values = Array.from({ length: 65536 }, (_, value) => value).filter(isGrease);
  strictEqual(values.length, 16);
  strictEqual(values[0], 0x0a0a);
  strictEqual(values[15], 0xfafa);
});
