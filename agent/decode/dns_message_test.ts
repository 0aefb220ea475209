import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ascii, dnsMessage, dnsQuestion, dnsRecord, encodeName } from "./app_samples.ts";
import { readDnsMessage } from "./dns_message.ts";
import { readNbnsMessage } from "./nbns.ts";
import { join, uint16 } from "./packet_builder.ts";

const pointer = Uint8Array.of(0xc0, 12);

function read(message: Uint8Array) {
  return readDnsMessage(message, 0, message.length);
}

Deno.test("readDnsMessage() reads a query", () => {
  deepStrictEqual(read(dnsMessage({ id: 7, questions: [dnsQuestion("www.Example.com", 65)] })), {
    id: 7,
    isResponse: false,
    queryName: "www.Example.com",
    queryType: "HTTPS",
    answers: [],
  });
});

Deno.test("readDnsMessage() reads every kind of answer", () => {
  const address6 = join([0x20, 1, 0xd, 0xb8], new Uint8Array(11), [1]);
  const cases: readonly (readonly [type: number, data: Uint8Array, name: string, text: string])[] =
    [
      [1, Uint8Array.of(192, 0, 2, 1), "A", "192.0.2.1"],
      [28, address6, "AAAA", "2001:db8::1"],
      [5, encodeName("b.example"), "CNAME", "b.example"],
      [12, pointer, "PTR", "q.example"],
      [2, encodeName("ns.example"), "NS", "ns.example"],
      [15, join([0, 10], encodeName("mx.example")), "MX", "10 mx.example"],
      [33, join([0, 1, 0, 2, 1, 0xbb], encodeName("s.example")), "SRV", "1 2 443 s.example"],
      [65, join([0, 1], [0]), "HTTPS", "1 <Root>"],
      [16, join([5], ascii("v=spf"), [3], ascii("two")), "TXT", "v=spf"],
      [1, Uint8Array.of(1, 2, 3), "A", "A 3"],
      [46, new Uint8Array(20), "RRSIG", "RRSIG 20"],
      [65280, new Uint8Array(4), "TYPE65280", "TYPE65280 4"],
    ];
  const answers = cases.map(([type, data]) => dnsRecord(pointer, type, data));
  const details = read(
    dnsMessage({ flags: 0x8180, questions: [dnsQuestion("q.example")], answers }),
  );
  strictEqual(details?.rcode, "NOERROR");
  deepStrictEqual(
    details.answers,
    cases.map(([, , type, data]) => ({ name: "q.example", type, data })),
  );
});

Deno.test("readDnsMessage() shows the root, response codes and messages without a question", () => {
  const root = read(dnsMessage({ flags: 0x8183, questions: [dnsQuestion("", 2)] }));
  deepStrictEqual([root?.queryName, root?.queryType, root?.rcode], ["<Root>", "NS", "NXDOMAIN"]);
  const answers = [dnsRecord(encodeName("printer.local"), 1, Uint8Array.of(10, 0, 0, 9))];
  const announcement = read(dnsMessage({ flags: 0x8400, answers }));
  strictEqual(announcement?.queryName, "");
  deepStrictEqual(announcement?.answers, [{ name: "printer.local", type: "A", data: "10.0.0.9" }]);
});

Deno.test("readDnsMessage() keeps at most 32 answers and stops at the first bad one", () => {
  const answer = dnsRecord(pointer, 1, Uint8Array.of(10, 0, 0, 1));
  const questions = [dnsQuestion("a")];
  const many = read(dnsMessage({ flags: 0x8180, questions, answers: Array(40).fill(answer) }));
  strictEqual(many?.answers.length, 32);
  const bad = dnsRecord(Uint8Array.of(0xc0, 0xff), 1, Uint8Array.of(1, 1, 1, 1));
  const some = read(dnsMessage({ flags: 0x8180, questions, answers: [answer, bad, answer] }));
  strictEqual(some?.answers.length, 1);
});

Deno.test("names and texts are safe to print", () => {
  const nasty = "\x1b[31m\t\n<b>\xff";
  const questions = [dnsQuestion(join([nasty.length], ascii(nasty), [0]))];
  strictEqual(read(dnsMessage({ questions }))?.queryName, "\\x1b[31m\\x09\\x0a<b>\\xff");
});

Deno.test("a prefix of a response gives a prefix of its answers, or nothing", () => {
  const answer = dnsRecord(pointer, 1, Uint8Array.of(10, 0, 0, 1));
  const questions = [dnsQuestion("www.example.com")];
  const message = dnsMessage({ flags: 0x8180, questions, answers: [answer, answer] });
  const questionEnd = 12 + questions[0].length;
  for (let length = 0; length <= message.length; length++) {
    const details = readDnsMessage(message, 0, length);
    strictEqual(details === null, length < questionEnd, `${length} bytes`);
    const whole = Math.floor((length - questionEnd) / answer.length);
    if (details !== null) strictEqual(details.answers.length, whole);
  }
});

Deno.test("readNbnsMessage() decodes NetBIOS names", () => {
  const encoded = "FHEPFCELEHFCEPFFFACACACACACACABO";
  const question = dnsQuestion(join([32], ascii(encoded), [0]), 0x20);
  const query = readNbnsMessage(dnsMessage({ flags: 0x0110, questions: [question] }), 0, 50);
  deepStrictEqual([query?.queryName, query?.queryType], ["WORKGROUP<1e>", "NB"]);
  const owner = join([32], ascii(encoded), [0]);
  const data = Uint8Array.of(0x60, 0, 192, 168, 1, 9);
  const response = dnsMessage({ flags: 0x8500, answers: [dnsRecord(owner, 0x20, data)] });
  deepStrictEqual(readNbnsMessage(response, 0, response.length)?.answers, [
    { name: "WORKGROUP<1e>", type: "NB", data: "192.168.1.9" },
  ]);
  const plain = dnsMessage({ questions: [dnsQuestion("short")] });
  strictEqual(readNbnsMessage(plain, 0, plain.length)?.queryName, "short");
});

Deno.test("random and mutated messages never throw, and their strings are bounded", () => {
  const answer = dnsRecord(pointer, 16, join([9], ascii("some text")));
  const sample = dnsMessage({
    flags: 0x8180,
    questions: [dnsQuestion("www.example.com")],
    answers: [answer, dnsRecord(pointer, 15, join(uint16(5), pointer))],
  });
  const edits = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 6 });
  const mutated = edits.map((changes) => {
    const bytes = sample.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      for (const details of [read(bytes), readNbnsMessage(bytes, 0, bytes.length)]) {
        if (details === null) continue;
        ok(details.queryName.length <= 4 * 255);
        ok(details.answers.length <= 32);
        for (const { data } of details.answers) ok(/^[\x20-\x7e]*$/.test(data));
      }
    }),
    { numRuns: 5000 },
  );
});
