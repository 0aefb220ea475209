import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { DetectorFactory } from "../detector.ts";
import { DnsTunnel } from "./dns_tunnel.ts";
import { QueriedName } from "./queried_name.ts";
import { Observation } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { opened, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new DnsTunnel(context);
const client = "10.0.0.7";
const resolver = "10.0.0.1";
const prng = new Prng(5);
const hex = "0123456789abcdef";
const base32 = "abcdefghijklmnopqrstuvwxyz234567";
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
  ok(first.reason.includes("under example.net, 52 characters of data in each"));
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
