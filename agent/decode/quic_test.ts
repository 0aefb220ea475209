import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Assembly } from "./assembly.ts";
import { clientHello, fromHex, toHex } from "./app_samples.ts";
import { join } from "./packet_builder.ts";
import {
  createQuicPacket,
  isQuicLongHeader,
  QuicType,
  quicVersion1,
  quicVersion2,
  readQuicPacket,
  readVarint,
} from "./quic.ts";
import { deriveClientKeys, openInitial } from "./quic_crypto.ts";
import { collectCrypto } from "./quic_hello.ts";
import { cryptoFrame, rfcConnectionId, sealInitial } from "./quic_samples.ts";

/** RFC 9001 appendix A.2: the CRYPTO frame of the client's first packet. */
const rfcFrame = fromHex(`060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
  04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a
  00080006001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fba
  baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408
  050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
  75300901100f088394c8f03e51570806048000ffff`);

Deno.test("readVarint() reads the examples of RFC 9000 appendix A.1", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["c2197c5eff14e88c", 151288809941952652],
    ["9d7f3e7d", 494878333],
    ["7bbd", 15293],
    ["25", 37],
    ["4025", 37],
  ];
  for (const [hex, value] of cases) {
    const bytes = fromHex(hex);
    strictEqual(readVarint(bytes, 0, bytes.length), value);
    strictEqual(readVarint(bytes, 0, bytes.length - 1), -1);
  }
});

Deno.test("deriveClientKeys() gives the keys of RFC 9001 appendix A.1", () => {
  const keys = deriveClientKeys(quicVersion1, rfcConnectionId);
  strictEqual(toHex(keys.key), "1f369613dd76d5467730efcbe3b1a22d");
  strictEqual(toHex(keys.iv), "fa044b2f42a3fd3b46fb255c");
  strictEqual(toHex(keys.hp), "9f50449e04a0e810283a1e9933adedd2");
});

Deno.test("deriveClientKeys() gives the keys of RFC 9369 appendix A.1", () => {
  const keys = deriveClientKeys(quicVersion2, rfcConnectionId);
  strictEqual(toHex(keys.key), "8b1a0bc121284290a29e0971b5cd045d");
  strictEqual(toHex(keys.iv), "91f73e2351d8fa91660e909f");
  strictEqual(toHex(keys.hp), "45b95e15235d6f45a6b19cbcb0294ba9");
});

Deno.test("openInitial() opens the packet of RFC 9001 appendix A.2", () => {
  const frames = join(rfcFrame, new Uint8Array(1162 - rfcFrame.length));
  const datagram = sealInitial({ packetNumber: 2, numberLength: 4, frames });
  // What the appendix prints: the protected header, the sample behind it, and the tag.
  strictEqual(datagram.length, 1200);
  strictEqual(
    toHex(datagram.subarray(0, 38)),
    "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
  );
  strictEqual(toHex(datagram.subarray(1184)), "e221af44860018ab0856972e194cd934");
  const packet = createQuicPacket();
  ok(readQuicPacket(datagram, 0, datagram.length, packet));
  strictEqual(packet.type, QuicType.initial);
  const keys = deriveClientKeys(packet.version, rfcConnectionId);
  deepStrictEqual(new Uint8Array(openInitial(datagram, 0, packet, keys) ?? []), frames);
});

Deno.test("openInitial() leaves the bytes alone and refuses what was changed", () => {
  const datagram = sealInitial({ frames: join(rfcFrame, new Uint8Array(100)) });
  const packet = createQuicPacket();
  ok(readQuicPacket(datagram, 0, datagram.length, packet));
  const keys = deriveClientKeys(packet.version, rfcConnectionId);
  const before = datagram.slice();
  ok(openInitial(datagram, 0, packet, keys) !== null);
  deepStrictEqual(datagram, before);
  for (const at of [0, 20, 40, datagram.length - 1]) {
    const changed = datagram.slice();
    changed[at] ^= 1;
    strictEqual(openInitial(changed, 0, packet, keys), null, `byte ${at}`);
  }
});

Deno.test("openInitial() opens packet after packet with the same keys", () => {
  const keys = deriveClientKeys(quicVersion1, rfcConnectionId);
  const packet = createQuicPacket();
  for (const packetNumber of [1, 2, 259, 0]) {
    const datagram = sealInitial({ packetNumber, frames: new Uint8Array(50) });
    ok(readQuicPacket(datagram, 0, datagram.length, packet));
    ok(openInitial(datagram, 0, packet, keys) !== null, `packet ${packetNumber}`);
  }
});

Deno.test("collectCrypto() puts frames together from coalesced packets in any order", () => {
  const hello = clientHello({ serverName: "quic.example" });
  for (const version of [quicVersion1, quicVersion2, 0xff00001d | 0, 0xff000018 | 0]) {
    const late = join([1, 0, 0], cryptoFrame(hello, 30, hello.length), new Uint8Array(60));
    const early = join([2, 3, 1, 0, 0], cryptoFrame(hello, 0, 31), new Uint8Array(60));
    const datagram = join(
      sealInitial({ version, packetNumber: 0, frames: late }),
      sealInitial({ version, packetNumber: 1, frames: early }),
    );
    const assembly = new Assembly();
    const keys = collectCrypto(datagram, { at: 0, end: datagram.length }, null, assembly);
    ok(keys !== null, `${version}`);
    deepStrictEqual(assembly.bytes.slice(0, assembly.contiguous), hello, `${version}`);
  }
});

Deno.test("collectCrypto() reads nothing from prefixes of a datagram, and never throws", () => {
  const datagram = sealInitial({ frames: join(rfcFrame, new Uint8Array(20)) });
  for (let end = 0; end < datagram.length; end++) {
    strictEqual(collectCrypto(datagram, { at: 0, end }, null, new Assembly()), null);
  }
});

Deno.test("collectCrypto() survives random frames and headers", () => {
  const types = fc.constantFrom(0, 1, 2, 3, 6, 0x1c, 0xff);
  const frames = fc.tuple(types, fc.uint8Array({ maxLength: 60 })).map(([type, rest]) => {
    return join([type], rest, new Uint8Array(24));
  });
  fc.assert(
    fc.property(frames, (text) => {
      const datagram = sealInitial({ frames: text });
      ok(collectCrypto(datagram, { at: 0, end: datagram.length }, null, new Assembly()) !== null);
    }),
    { numRuns: 300 },
  );
  const start = fc.constantFrom(
    "c000000001",
    "c06b3343cf",
    "d0ff00001d",
    "c0faceb002",
    "8000000000",
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 90 }), (hex, rest) => {
      const bytes = join(fromHex(hex), rest);
      collectCrypto(bytes, { at: 0, end: bytes.length }, null, new Assembly());
      isQuicLongHeader(bytes, 0, bytes.length);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("isQuicLongHeader() knows versions old and new, and version negotiation", () => {
  const ids = "08 0001020304050607 00 00";
  for (const version of ["00000001", "6b3343cf", "ff00001d", "faceb002", "51303436", "1a2a3a4a"]) {
    const bytes = fromHex(`c0 ${version} ${ids}`);
    ok(isQuicLongHeader(bytes, 0, bytes.length), version);
  }
  const negotiation = fromHex("80 00000000 08 0001020304050607 00 00000001 ff00001d");
  ok(isQuicLongHeader(negotiation, 0, negotiation.length));
  for (
    const hex of [
      "80 00000000 08 0001020304050607 00 1a2a3a4a",
      "ff 00000000 00 00 12345678 cadadafa",
      `c0 00000000 28 ${"01".repeat(40)} 03 010203 00000001`,
      `c3 bacadafa 1e ${"01".repeat(30)} 00 00`,
    ]
  ) {
    const bytes = fromHex(hex);
    ok(isQuicLongHeader(bytes, 0, bytes.length), hex);
  }
  for (
    const hex of ["80 00000000 00 00 12345678", "80 00000000 00 00", "80 00000000 00 00 000001"]
  ) {
    const bytes = fromHex(hex);
    ok(!isQuicLongHeader(bytes, 0, bytes.length), hex);
  }
  const google = fromHex("09 0001020304050607 51303433 01 00000000");
  ok(isQuicLongHeader(google, 0, google.length));
  const other = fromHex(`c0 12345678 ${ids}`);
  ok(!isQuicLongHeader(other, 0, other.length));
});
