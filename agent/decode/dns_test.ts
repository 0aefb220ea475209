import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { dnsMessage, dnsQuestion, dnsRecord, encodeName } from "./app_samples.ts";
import {
  dnsAnswerCount,
  dnsQuestionCount,
  dnsRcode,
  expandDnsName,
  expandedName,
  isDnsQueryStrict,
  isDnsResponse,
  isDnsShaped,
  readDnsHeader,
  skipDnsName,
} from "./dns.ts";
import { join } from "./packet_builder.ts";

const query = dnsMessage({ questions: [dnsQuestion("www.example.com", 28)] });

function expand(message: Uint8Array, at: number): string | null {
  const length = expandDnsName(message, 0, message.length, at);
  return length < 0 ? null : String.fromCharCode(...expandedName.subarray(0, length));
}

Deno.test("readDnsHeader() packs flags and counts into one number", () => {
  const answers = [dnsRecord(encodeName("a"), 1, new Uint8Array(4))];
  const message = dnsMessage({ flags: 0x8583, questions: [dnsQuestion("a")], answers });
  const header = readDnsHeader(message, 0, message.length);
  strictEqual(isDnsResponse(header), true);
  strictEqual(dnsRcode(header), 3);
  strictEqual(dnsQuestionCount(header), 1);
  strictEqual(dnsAnswerCount(header), 1);
  strictEqual(isDnsResponse(readDnsHeader(query, 0, query.length)), false);
});

Deno.test("readDnsHeader() cuts counts off at 255 and needs twelve bytes", () => {
  const message = dnsMessage({ flags: 0x2800, answerCount: 0xffff });
  const header = readDnsHeader(message, 0, message.length);
  strictEqual(dnsAnswerCount(header), 255);
  strictEqual(readDnsHeader(message, 0, 11), -1);
});

Deno.test("no prefix of a query is a query", () => {
  for (let length = 0; length < query.length; length++) {
    strictEqual(isDnsQueryStrict(query, 0, length), false, `${length} bytes`);
  }
  ok(isDnsQueryStrict(query, 0, query.length));
});

Deno.test("expandDnsName() follows pointers back and forth", () => {
  const message = join(encodeName("example.com"), [3, 0x77, 0x77, 0x77, 0xc0, 0]);
  strictEqual(expand(message, 13), "www.example.com");
  const forward = join([0xc0, 2], encodeName("example.com"));
  strictEqual(expand(forward, 0), "example.com");
  strictEqual(expand(new Uint8Array(1), 0), "");
});

Deno.test("expandDnsName() gives up on loops, on names over 255 bytes and on bad labels", () => {
  strictEqual(expand(Uint8Array.of(0xc0, 0), 0), null);
  strictEqual(expand(Uint8Array.of(0xc0, 2, 0xc0, 0), 0), null);
  strictEqual(expand(Uint8Array.of(1, 0x61, 0xc0, 0), 0), null);
  strictEqual(expand(encodeName(Array(129).fill("a").join(".")), 0), null);
  strictEqual(expand(encodeName(Array(127).fill("a").join(".")), 0)?.length, 253);
  strictEqual(expand(Uint8Array.of(0x41, 0x61, 0), 0), null);
  strictEqual(expand(Uint8Array.of(0xc0), 0), null);
  strictEqual(expand(Uint8Array.of(0xc0, 200), 0), null);
});

Deno.test("skipDnsName() stops behind a name or its pointer", () => {
  const name = encodeName("a.bc");
  strictEqual(skipDnsName(name, 0, name.length), name.length);
  strictEqual(skipDnsName(Uint8Array.of(1, 0x61, 0xc0, 0, 9), 0, 5), 4);
  strictEqual(skipDnsName(name, 0, name.length - 1), -1);
  strictEqual(skipDnsName(Uint8Array.of(0x80, 0), 0, 2), -1);
});

Deno.test("isDnsShaped() wants counts that fit into the message", () => {
  ok(isDnsShaped(query, 0, query.length, query.length));
  const bragging = dnsMessage({ questions: [dnsQuestion("a")], answerCount: 3 });
  ok(!isDnsShaped(bragging, 0, bragging.length, bragging.length));
  const empty = dnsMessage({});
  ok(!isDnsShaped(empty, 0, empty.length, empty.length));
});

Deno.test("a name survives encoding, at any place and behind any bytes", () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
  const names = fc.array(label, { maxLength: 10 }).map((labels) => labels.join("."));
  fc.assert(fc.property(names, fc.uint8Array({ maxLength: 40 }), (name, before) => {
    const message = join(before, encodeName(name), [1, 2, 3]);
    strictEqual(expand(message, before.length), name);
    strictEqual(skipDnsName(message, before.length, message.length), message.length - 3);
  }));
});

Deno.test("random bytes never make a name longer than 255 or a read behind the end", () => {
  const pointers = fc.uint8Array({ maxLength: 300 }).map((bytes) => {
    return bytes.map((byte) => byte % 3 === 0 ? 0xc0 : byte % 64);
  });
  fc.assert(
    fc.property(fc.oneof(pointers, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const around = join(bytes, new Uint8Array(64).fill(0xc0));
      for (const at of [0, 12, bytes.length - 1]) {
        const alone = expandDnsName(bytes, 0, bytes.length, Math.max(0, at));
        ok(alone <= 255);
        strictEqual(expandDnsName(around, 0, bytes.length, Math.max(0, at)), alone);
      }
      isDnsShaped(bytes, 0, bytes.length, bytes.length);
      isDnsQueryStrict(bytes, 0, bytes.length);
    }),
    { numRuns: 3000 },
  );
});
