import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { DetectorFactory } from "../detector.ts";
import { DnsTunnel } from "./dns_tunnel.ts";
import { QueriedName } from "./queried_name.ts";
import { Observation } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { type DnsAnswer, opened, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new DnsTunnel(context);
const client = "10.0.0.7";
const resolver = "10.0.0.1";
const prng = new Prng(5);
const hex = "0123456789abcdef";
const base32 = "abcdefghijklmnopqrstuvwxyz234567";
const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const typeTxt = 16;
const typeNull = 10;

Deno.test("DnsTunnel finds encoded names asked for as TXT after twenty", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 100; at++) {
    query(script, at, `${random(base32, 50)}.t.example.net`, typeTxt);
  }
  const told = script.play(make);
  const [first] = told;
  equal(opened(told).length, 1);
  deepEqual([first.sources, first.targets, first.attackId], [[client], [resolver], "T1071.004"]);
  ok(first.reason.startsWith("10.0.0.7 asked 10.0.0.1 20 times within 19 s for ever new names"));
  // The label that all share is none of the data, once there are two names.
  ok(first.reason.includes("under example.net, 50 characters of data in the mean"), first.reason);
});

Deno.test("DnsTunnel finds names without a domain, short NULL ones, and addresses of many", () => {
  const names: readonly [number, (index: number) => string][] = [
    [5, () => `dnscat.${random(hex, 33)}a1`],
    [typeNull, (index) => `paey${index}.pirate.sea`],
    [1, () => `${random(hex, 40)}.x.example.org`],
    [65_399, (index) => `aa${index}.example.co.uk`],
  ];
  for (const [type, name] of names) {
    const script = new TrafficScript();
    for (let at = 0; at < 200; at++) query(script, at / 2, name(at), type);
    equal(opened(script.play(make)).length, 1, name(0));
  }
});

Deno.test("DnsTunnel finds a slow one: a TXT query in two minutes", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 30; at++) {
    query(script, at * 120, `${random(hex, 50)}.example.net`, typeTxt);
  }
  equal(opened(script.play(make)).length, 1);
});

Deno.test("DnsTunnel names the client, not the resolver that passes its questions on", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 100; at++) {
    const name = `${random(hex, 40)}.example.net`;
    script.dns({ at, from: client, to: resolver, name, type: typeTxt });
    script.dns({ at: at + 0.001, from: resolver, to: "198.51.100.53", name, type: typeTxt });
  }
  deepEqual(opened(script.play(make)).map(({ sources }) => sources), [[client]]);
});

Deno.test("DnsTunnel stays silent at ordinary and at long names", () => {
  const uses: Record<string, (index: number) => [string, number]> = {
    "browsing": (index) => [`www${index % 40}.static.example.com`, 1],
    "a content network": () => [`e${prng.next() % 9_999}.dscb.akamaiedge.net`, 1],
    "virus look-ups": () => [`${random(base32, 48)}.avqs.mcafee.com`, typeTxt],
    "a list of mail senders": () => [`${reversed()}.zen.spamhaus.org`, 1],
    "any list of mail senders": () => [`${reversed()}.bl.example.org`, typeTxt],
    "a list of IPv6 mail senders": () => [
      `${random(hex, 32).split("").join(".")}.bl.example.org`,
      1,
    ],
    "reverse look-ups": () => [`${reversed()}.in-addr.arpa`, 12],
    "reverse look-ups of IPv6": () => [`${random(hex, 32).split("").join(".")}.ip6.arpa`, 12],
    "SPF and DKIM of many domains": (index) => [`s1._domainkey.mail.d${index}x.com`, typeTxt],
    "one hashed host again and again": (
      index,
    ) => [`${"9f8e7d6c5b4a".repeat(4)}${index % 5}.x.io`, 1],
    "long words": (index) => [
      `${words[index % 7]}-${words[index % 5]}-${words[index % 3]}.shop.example.com`,
      typeTxt,
    ],
  };
  for (const [name, use] of Object.entries(uses)) {
    const script = new TrafficScript();
    for (let at = 0; at < 600; at++) query(script, at, ...use(at));
    deepEqual(script.play(make), [], name);
  }
});

Deno.test("DnsTunnel finds data in the answers to short questions", () => {
  const answers: Record<string, (index: number) => readonly [number, DnsAnswer]> = {
    "base64 in TXT": () => [typeTxt, { data: random(base64, 180) }],
    "hex in TXT": () => [typeTxt, { data: random(hex, 120) }],
    "bytes in TXT": () => [typeTxt, { data: bytes(140) }],
    "names in CNAME": () => [5, { data: [...text(`?${random(base32, 60)}?${random(hex, 60)}`)] }],
  };
  for (const [name, answer] of Object.entries(answers)) {
    const script = new TrafficScript();
    for (let at = 0; at < 40; at++) {
      const [type, says] = answer(at);
      ask(script, at * 5, `${at % 9}.job${at}.example.net`, type, says);
    }
    const [found, ...rest] = opened(script.play(make));
    equal(rest.length, 0, name);
    equal(found?.attackId, "T1071.004", name);
    ok(found.reason.startsWith("10.0.0.7 got at least 15 different answers of encoded data"));
    ok(/from 10.0.0.1 under example.net within \d+ s, .* kB in all/.test(found.reason));
  }
});

Deno.test("DnsTunnel stays silent at what mail, telecoms and others ask for, when they are answered so", () => {
  const ip = () => Array.from({ length: 4 }, () => prng.next() & 255);
  const key = random(base32, 26);
  const mail = (index: number) => `mail-${random(base32, 9)}.out${index % 7}.example.com`;
  const uses: Record<string, (index: number) => readonly [string, number, DnsAnswer]> = {
    "DKIM keys": () => [
      `${random(base32, 32)}._domainkey.amazonses.com`,
      typeTxt,
      { data: `v=DKIM1; k=rsa; p=${random(base64, 216)}` },
    ],
    "DKIM keys without a version": () => [
      `${random(hex, 32)}.s._domainkey.example.com`,
      typeTxt,
      { data: `k=rsa; p=${random(base64, 216)}` },
    ],
    "SPF macros": (index) => [
      `${ip().join(".")}._ip.${mail(index)}._ehlo.brand${index % 5}.example.org._spf.example.net`,
      typeTxt,
      { data: `v=spf1 ip4:${ip().join(".")} -all` },
    ],
    "SPF macros that ask whether something exists": (index) => [
      `${ip().join(".")}.${mail(index)}._spf.example.net`,
      1,
      { addresses: ["127.0.0.2"] },
    ],
    "a list of senders with a customer's key": (index) => [
      `${ip().join(".")}.${key}.zen.example.net`,
      1,
      index % 9 === 0 ? { addresses: ["127.0.0.4"] } : { rcode: 3 },
    ],
    "a list of domains with a customer's key": (index) => [
      `shop${index}.example.com.${key}.dbl.example.net`,
      1,
      index % 9 === 0 ? { addresses: ["127.0.1.2"] } : { rcode: 3 },
    ],
    "a list of hashes": () => [
      `${random(hex, 40)}.ebl.example.net`,
      1,
      { addresses: [`127.0.0.${1 + prng.next() % 9}`] },
    ],
    "gateways of telecoms": () => [
      `tac-lb${random(hex, 2)}.tac-hb${random(hex, 2)}.tac.epc.mnc0${prng.next() % 90}.mcc262.net`,
      35,
      { data: [0, 10, 0, 10, 1, 0x61, 20, ...text("x-3gpp-sgw:x-s5-gtp:x")] },
    ],
    "nodes of a chain": () => [
      `${random(base32, 26)}.all.nodes.example.net`,
      typeTxt,
      { data: `enr:-${random(base64, 150)}` },
    ],
    "challenges of certificates": (index) => [
      `_acme-challenge.${random(hex, 24)}.host${index}.example.net`,
      typeTxt,
      { data: random(base64, 43), dataBytes: 44 },
    ],
    "origins of networks": () => [
      `${ip().join(".")}.origin.asn.example.net`,
      typeTxt,
      { data: `${prng.next() % 65_000} | ${ip().join(".")}/24 | US | arin | 2001-0` },
    ],
    "verification tokens": (index) => [
      `host${index}.example.net`,
      typeTxt,
      { data: `example-verification=${random(base64, 40)}` },
    ],
  };
  for (const [name, use] of Object.entries(uses)) {
    const script = new TrafficScript();
    for (let at = 0; at < 600; at++) ask(script, at * 3, ...use(at));
    deepEqual(script.play(make).map(({ reason }) => reason), [], name);
  }
});

Deno.test("DnsTunnel is not deceived by labels of mail without mail's answers", () => {
  const tunnels: Record<string, () => readonly [string, number, DnsAnswer]> = {
    "no key below _domainkey": () => [
      `${random(base32, 50)}._domainkey.example.net`,
      typeTxt,
      { data: random(base64, 60) },
    ],
    "no such name": () => [`${random(hex, 60)}._domainkey.example.net`, typeTxt, { rcode: 3 }],
    "a policy, but many labels of data": () => [
      `${random(base32, 60)}.${random(base32, 60)}._spf.example.net`,
      typeTxt,
      { data: "v=spf1 -all" },
    ],
    "a key, but data in three labels": () => [
      `${random(hex, 50)}.${random(hex, 50)}.${random(hex, 50)}._domainkey.example.net`,
      typeTxt,
      { data: `v=DKIM1; p=${random(base64, 40)}` },
    ],
    "a list's address, but data in two labels": () => [
      `${random(hex, 60)}.${random(hex, 60)}.bl.example.net`,
      1,
      { addresses: ["127.0.0.2"] },
    ],
    "no such name, addresses asked for": () => [`${random(hex, 60)}.example.net`, 1, { rcode: 3 }],
  };
  for (const [name, tunnel] of Object.entries(tunnels)) {
    const script = new TrafficScript();
    for (let at = 0; at < 300; at++) ask(script, at, ...tunnel());
    equal(opened(script.play(make)).length, 1, name);
  }
});

Deno.test("DnsTunnel leaves it at the names where no answers are captured", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 200; at++) {
    query(script, at, `${random(base32, 32)}._domainkey.amazonses.com`, typeTxt);
  }
  deepEqual(script.play(make), []);
});

Deno.test("QueriedName leaves out what names share at their ends, by whole labels", () => {
  const label = fc.stringMatching(/^[ab]{1,3}$/);
  const labels = fc.array(label, { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(labels, labels, (own, other) => {
    const domain = ["example", "net"];
    const name = read([...own, ...domain].join("."));
    const tail = new TextEncoder().encode([...other, ...domain].join("."));
    const shared = name.shareTail(tail);
    let same = 0;
    while (same < own.length && own.at(-1 - same) === other.at(-1 - same)) same++;
    equal(shared, [...own.slice(own.length - same), ...domain].join(".").length);
    equal(name.dataLength, own.slice(0, own.length - same).join(".").length);
  }));
});

Deno.test("QueriedName finds the registered domain and the data before it", () => {
  const cases: readonly [string, string, number][] = [
    ["www.example.com", "example.com", 3],
    ["a.b.example.co.uk", "example.co.uk", 3],
    ["co.uk", "co.uk", 0],
    ["example.com", "example.com", 0],
    ["dnscat.0011aabb", "", 15],
    ["localhost", "", 9],
    ["x.xn--p1ai", "x.xn--p1ai", 0],
    ["4.3.2.1.in-addr.arpa", "in-addr.arpa", 7],
  ];
  for (const [text, domain, dataLength] of cases) {
    const name = read(text);
    deepEqual([name.domain, name.dataLength], [domain, dataLength], text);
  }
});

Deno.test("QueriedName takes names of any bytes", () => {
  const bytes = fc.string({ unit: "binary-ascii", maxLength: 255 });
  fc.assert(fc.property(bytes, (text) => {
    const name = read(text);
    ok(name.dataLength >= 0 && name.dataLength <= text.length);
    equal(typeof name.isEncoded, "boolean");
    ok(text.endsWith(name.domain));
  }));
});

Deno.test("QueriedName tells encoded data from words", () => {
  for (let round = 0; round < 200; round++) {
    ok(read(`${random(hex, 40)}.example.com`).isEncoded);
    ok(read(`${random(base32, 56)}.example.com`).isEncoded);
  }
  for (const text of ["content-delivery-static-assets", "autodiscover.internal.services"]) {
    ok(!read(`${text}.example.com`).isEncoded, text);
  }
});

const words = ["winter", "garden", "table", "summer", "kitchen", "modern", "lamp"];

function query(script: TrafficScript, at: number, name: string, type: number): void {
  script.dns({ at, from: client, to: resolver, name, type });
}

/** A question and, 20 ms later, its answer. */
function ask(
  script: TrafficScript,
  at: number,
  name: string,
  type: number,
  answer: DnsAnswer,
): void {
  query(script, at, name, type);
  script.dns({ at: at + 0.02, from: resolver, to: client, name, type, answer });
}

function bytes(length: number): number[] {
  return Array.from({ length }, () => prng.next() & 255);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function random(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[prng.next() % alphabet.length]).join("");
}

function reversed(): string {
  return Array.from({ length: 4 }, () => prng.next() & 255).join(".");
}

function read(text: string): QueriedName {
  const observation = new Observation();
  const words = new Int32Array(16 + (text.length + 3 >> 2));
  words[14] = text.length << 16;
  for (let index = 0; index < text.length; index++) {
    words[16 + (index >> 2)] |= text.charCodeAt(index) << (index & 3) * 8;
  }
  observation.read(words, 0);
  const name = new QueriedName();
  name.read(observation);
  return name;
}
