import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseIpWords } from "../../decode/addresses.ts";
import { BlockLists } from "./block_lists.ts";

function read(
  text: string | Uint8Array,
  pieceBytes = Infinity,
): { lists: BlockLists; notes: string[] } {
  const notes: string[] = [];
  const lists = new BlockLists(7, (note) => notes.push(note));
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  lists.begin("bad.txt");
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    lists.take(bytes.subarray(at, at + pieceBytes));
  }
  lists.end();
  return { lists, notes };
}

const lineOf = (lists: BlockLists, address: string) =>
  lists.findAddress(...parseIpWords(address)!)?.line ?? 0;

const sample = [
  "\ufeff# feed of today\r",
  "192.0.2.7",
  "198.51.100.0/24   # all of it",
  "198.51.100.128/25",
  "2001:db8::/32",
  "2001:db8::1",
  "Evil.Example.",
  "*.below.example",
  "*.deep.below.example",
  "",
  "T13D1516H2_8daaf6152771_b186095e22b6",
  "bücher.example",
  "203.0.113.9",
].join("\n");

for (const pieceBytes of [Infinity, 7, 1]) {
  Deno.test(`entries of all kinds are found again, by line (pieces of ${pieceBytes} bytes)`, () => {
    const { lists, notes } = read(sample, pieceBytes);
    deepEqual(notes, []);
    deepEqual(lists.state, { lists: 1, entries: 11, badLines: 0 });
    const lines = ["192.0.2.7", "192.0.2.8", "198.51.100.1", "198.51.100.200", "203.0.113.9"];
    deepEqual(lines.map((address) => lineOf(lists, address)), [2, 0, 3, 4, 13]);
    deepEqual(["2001:db8::2", "2001:db8::1", "2001:db9::1"].map((one) => lineOf(lists, one)), [
      5,
      6,
      0,
    ]);
    const names = ["evil.example", "www.evil.example", "below.example", "a.below.example"];
    deepEqual(names.map((name) => lists.findName(name)?.line ?? 0), [7, 0, 0, 8]);
    equal(lists.findName("x.y.deep.below.example")?.entry, "*.deep.below.example");
    equal(lists.findName("xn--bcher-kva.example")?.line, 12);
    equal(lists.findJa4("t13d1516h2_8daaf6152771_b186095e22b6")?.line, 11);
    equal(lists.findJa4("t13d1516h2_8daaf6152771_b186095e22b7"), null);
    equal(lists.findName("192.0.2.7"), null);
  });
}

Deno.test("what is no entry is told with its place, and the lines around it count", () => {
  const bad = [
    "192.0.2.256",
    "192.0.2.0/33",
    "0.0.0.0 ads.example",
    "http://evil.example/x",
    "evil.*.example",
    "one_label",
    `${"x".repeat(64)}.example`,
  ];
  const { lists, notes } = read(["192.0.2.1", ...bad, "192.0.2.2"].join("\n"));
  deepEqual(lists.state, { lists: 1, entries: 2, badLines: bad.length });
  equal(lineOf(lists, "192.0.2.2"), bad.length + 2);
  match(notes[0], /^bad\.txt, line 2: "192\.0\.2\.256" is no address or network\.$/);
  match(notes[2], /line 4: "0\.0\.0\.0 ads\.example" is more than one entry/);
  match(notes[3], /line 5: .* leave scheme, port and path out/);
  match(notes[4], /line 6: .* wildcard elsewhere/);
  match(notes[5], /^bad\.txt has 2 more lines that hold no entry\.$/);
});

Deno.test("an IPv4 network is not asked of IPv6 and the other way round", () => {
  const { lists } = read("0.0.0.0/0\n");
  deepEqual([lineOf(lists, "8.8.8.8"), lineOf(lists, "2001:db8::1")], [1, 0]);
  const { lists: six } = read("::/0\n");
  deepEqual([lineOf(six, "8.8.8.8"), lineOf(six, "2001:db8::1")], [0, 1]);
});

Deno.test("bytes that are no text, and a line without an end, are bad lines", () => {
  const bytes = new Uint8Array(3e5);
  for (let at = 0; at < bytes.length; at++) bytes[at] = 128 + at % 100;
  const { lists, notes } = read(bytes, 4096);
  deepEqual(lists.state, { lists: 1, entries: 0, badLines: 1 });
  ok(notes[0].length < 700 && /too long/.test(notes[0]));
});

Deno.test("a million lines take seconds and 25 MB, and none is found that is not there", () => {
  const lines = Array.from(
    { length: 1_000_000 },
    (_, n) => n % 2 ? `h${n}.example` : [n >>> 16, n >>> 8 & 255, n & 255, 9].join("."),
  );
  const beganMs = performance.now();
  const { lists, notes } = read(lines.join("\n"), 262_144);
  const tookMs = performance.now() - beganMs;
  deepEqual(notes, []);
  equal(lists.state.entries, 1_000_000);
  ok(lists.stateBytes <= 26e6, `${lists.stateBytes}`);
  ok(tookMs < 20_000, `${tookMs} ms`);
  for (let n = 1; n < 1_000_000; n += 9_998) equal(lists.findName(`h${n}.example`)?.line, n + 1);
  for (let n = 0; n < 100_000; n++) equal(lists.findName(`g${n}.example`), null);
});
