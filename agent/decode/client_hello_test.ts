import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { clientHello, tlsRecords } from "./app_samples.ts";
import { readClientHello, readDtlsClientHello } from "./client_hello.ts";
import { join, uint16 } from "./packet_builder.ts";
import { isClientHelloRecord, isDtlsRecord, isSslv2Hello, isTlsRecord } from "./tls.ts";
import { findHello, helloCutOff, helloUnreadable } from "./tls_stream.ts";

const hello = clientHello({
  serverName: "www.example.com",
  alpn: ["h2", "http/1.1"],
  ciphers: [0x2a2a, 0x1301, 0xc02f],
  versions: [0xdada, 0x0304, 0x0303],
  signatureAlgorithms: [0x0403, 0x0804],
  extensions: [[0x1a1a, new Uint8Array(0)], [23, new Uint8Array(0)]],
});

Deno.test("readClientHello() reads name, ALPN, version and JA4, and passes GREASE by", () => {
  const details = readClientHello(hello, 0, hello.length, "t");
  strictEqual(details?.serverName, "www.example.com");
  deepStrictEqual(details.alpn, ["h2", "http/1.1"]);
  strictEqual(details.version, "TLS 1.3");
  ok(/^t13d0205h2_[0-9a-f]{12}_[0-9a-f]{12}$/.test(details.ja4 ?? ""), details.ja4);
});

Deno.test("readClientHello() names versions without the extension", () => {
  const cases = [[0x0300, "SSL 3.0"], [0x0301, "TLS 1.0"], [0x0303, "TLS 1.2"], [9, "0x0009"]];
  for (const [version, name] of cases) {
    const old = clientHello({ version: Number(version) });
    strictEqual(readClientHello(old, 0, old.length, "t")?.version, name);
  }
});

Deno.test("readClientHello() reads a hello without extensions", () => {
  const withLength = clientHello();
  const old = withLength.slice(0, -2);
  old[3] -= 2;
  for (const bytes of [withLength, old]) {
    const details = readClientHello(bytes, 0, bytes.length, "t");
    strictEqual(details?.serverName, undefined);
    strictEqual(details?.ja4, "t12i020000_62ed6f6ca7ad_000000000000");
  }
});

Deno.test("every shorter prefix of a hello has no JA4, and its name once that was reached", () => {
  const nameEnd = String.fromCharCode(...hello).indexOf("www.example.com") + 15;
  for (let length = 0; length < hello.length; length++) {
    const details = readClientHello(hello, 0, length, "t");
    strictEqual(details?.ja4, undefined, `${length} bytes`);
    strictEqual(details?.serverName !== undefined, length >= nameEnd, `${length} bytes`);
  }
});

Deno.test("a name with control characters is safe to print", () => {
  const nasty = clientHello({ serverName: "a\r\n\x1b]0;x\x07\x80" });
  strictEqual(
    readClientHello(nasty, 0, nasty.length, "t")?.serverName,
    "a\\x0d\\x0a\\x1b]0;x\\x07\\x80",
  );
});

Deno.test("names and lists are bounded", () => {
  const large = clientHello({
    serverName: "n".repeat(5000),
    alpn: Array(200).fill("x".repeat(200)),
  });
  const details = readClientHello(large, 0, large.length, "t");
  strictEqual(details?.serverName?.length, 255);
  strictEqual(details?.alpn.length, 16);
  ok(details?.alpn.every((name) => name.length === 64));
});

Deno.test("readDtlsClientHello() reads past the cookie, and no fragments", () => {
  const body = clientHello({ version: 0xfefd, serverName: "cam.example" }).subarray(4);
  const withCookie = join(body.subarray(0, 35), [3, 1, 2, 3], body.subarray(35));
  const length = [0, ...uint16(withCookie.length)];
  const message = join([1], length, [0, 0], [0, 0, 0], length, withCookie);
  const record = join([22, 0xfe, 0xfd], new Uint8Array(8), uint16(message.length), message);
  ok(isDtlsRecord(record, 0, record.length));
  const details = readDtlsClientHello(record, 0, record.length);
  strictEqual(details?.serverName, "cam.example");
  strictEqual(details?.version, "DTLS 1.2");
  ok(details?.ja4?.startsWith("dd2d0201"), details?.ja4);
  record[13 + 8] = 1;
  strictEqual(readDtlsClientHello(record, 0, record.length), null);
});

Deno.test("isTlsRecord() and its relatives know their shapes", () => {
  const record = tlsRecords(hello);
  ok(isClientHelloRecord(record, 0, record.length));
  ok(isTlsRecord(Uint8Array.of(21, 3, 3, 0, 2, 1, 0), 0, 7));
  ok(!isTlsRecord(Uint8Array.of(22, 3, 9, 0, 2, 1, 0), 0, 7));
  ok(!isTlsRecord(Uint8Array.of(22, 3, 1, 0xff, 0xff, 1, 0), 0, 7));
  ok(!isTlsRecord(Uint8Array.of(20, 3, 1, 0, 2, 1, 0), 0, 7));
  const sslv2 = join([0x80, 28, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80], new Uint8Array(16));
  ok(isSslv2Hello(sslv2, 0, sslv2.length));
  ok(!isSslv2Hello(sslv2, 1, sslv2.length));
});

Deno.test("findHello() joins a hello that is spread over records", () => {
  for (const fragmentLength of [4, 5, 64, 16384]) {
    const stream = tlsRecords(hello, fragmentLength);
    const place = findHello(stream, 0, stream.length);
    ok(typeof place === "object", `${fragmentLength}`);
    deepStrictEqual(place.bytes.slice(place.at, place.end), hello);
    for (let length = 6; length < stream.length; length++) {
      strictEqual(findHello(stream, 0, length), helloCutOff, `${fragmentLength}: ${length} bytes`);
    }
  }
});

Deno.test("findHello() gives up on a stream of something else, or on too long a hello", () => {
  const stream = join(tlsRecords(hello.subarray(0, 50)), [23, 3, 3, 0, 5, 1, 2, 3, 4, 5]);
  strictEqual(findHello(stream, 0, stream.length), helloUnreadable);
  const long = Uint8Array.of(22, 3, 1, 64, 0, 1, 0xff, 0xff, 0xff, 3, 3);
  strictEqual(findHello(long, 0, long.length), helloUnreadable);
});

Deno.test("random and mutated hellos never throw, and nothing behind their end matters", () => {
  const edits = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 5 });
  const mutated = edits.map((changes) => {
    const bytes = hello.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => join([1, 0, 0, 190], bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, random), fc.constantFrom("t", "d"), (bytes, carrier) => {
      const around = join(bytes, new Uint8Array(400).fill(0xff));
      deepStrictEqual(
        readClientHello(around, 0, bytes.length, carrier),
        readClientHello(bytes, 0, bytes.length, carrier),
      );
    }),
    { numRuns: 1000 },
  );
});
