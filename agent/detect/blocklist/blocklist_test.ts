import { deepEqual, equal } from "node:assert/strict";
import { Mark } from "../observation.ts";
import { localMarks, opened, TrafficScript } from "../testing/traffic_script.ts";
import { BlockLists } from "./block_lists.ts";
import { Blocklist } from "./blocklist.ts";

const ja4 = "t13d1516h2_8daaf6152771_b186095e22b6";
const lists = new BlockLists(3, () => {});
lists.begin("lists/feed.txt");
lists.take(
  new TextEncoder().encode(
    `# addresses\n198.51.100.7\n203.0.113.0/24\nevil.example\n*.below.example\n${ja4}\n`,
  ),
);
lists.end();

const play = (script: TrafficScript) => script.play((context) => new Blocklist(context), 10, lists);
const inside = "10.0.0.5";

/** A SYN, and the SYN-ACK or RST that comes back. */
function call(script: TrafficScript, at: number, from: string, to: string, back = 0x12): void {
  const ends = { from, to, fromPort: 40_000, toPort: 443, flowId: Math.floor(at) + 1 };
  const marks = Mark.isFirstOfSide;
  script.contact({
    ...ends,
    at,
    tcpFlags: 2,
    marks: marks | Mark.isNew | Mark.sentByOriginator | localMarks(from, to),
  });
  if (back === 0) return;
  const other = { from: to, to: from, fromPort: 443, toPort: 40_000 };
  script.contact({
    ...ends,
    ...other,
    at: at + 0.01,
    tcpFlags: back,
    marks: marks | localMarks(to, from),
  });
}

Deno.test("a call to a listed address is told with list and line, once an entry and host", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 30; at += 3) call(script, at, inside, "198.51.100.7");
  const told = play(script);
  equal(opened(told).length, 1);
  const last = told.at(-1)!;
  equal(
    last.reason,
    "10.0.0.5 called 198.51.100.7 (port 443) 10 times; line 2 of lists/feed.txt lists it",
  );
  deepEqual([last.severity, last.sources, last.targets], ["high", [inside], ["198.51.100.7"]]);
  deepEqual([last.kind, last.attackId, last.isOpen, last.amount], [
    "blocklist",
    "T1071",
    false,
    10,
  ]);
});

for (const [back, severity] of [[0, "medium"], [0x14, "medium"], [0x12, "high"]] as const) {
  Deno.test(`a call that is answered with ${back.toString(16)} is of ${severity} severity`, () => {
    const script = new TrafficScript();
    call(script, 0, inside, "203.0.113.9", back);
    const last = play(script).at(-1)!;
    equal(last.severity, severity);
    equal(last.reason.includes("lists it (203.0.113.0/24)"), true);
  });
}

Deno.test("a flood from a listed network is one finding of the host that it reaches", () => {
  const script = new TrafficScript();
  for (let n = 0; n < 200; n++) call(script, n / 50, `203.0.113.${n}`, inside, 0);
  const told = play(script);
  equal(opened(told).length, 1);
  const { severity, sources, sourceCount, targets, attackId } = told.at(-1)!;
  deepEqual([severity, sourceCount, sources.length, targets, attackId], [
    "low",
    200,
    64,
    [inside],
    "",
  ]);
});

Deno.test("names in DNS, TLS and HTTP and fingerprints are told, each in its words", () => {
  const script = new TrafficScript();
  script.dns({ at: 1, from: inside, to: "10.0.0.1", name: "evil.example" });
  script.dns({ at: 1.1, from: "10.0.0.1", to: inside, name: "evil.example", answer: {} });
  script.name({ at: 2, from: inside, to: "192.0.2.1", name: "a.b.below.example", ja4 });
  const last = play(script).filter(({ isOpen }) => !isOpen);
  deepEqual(last.map(({ reason, severity }) => [severity, reason]), [
    ["medium", "10.0.0.5 asked for the name evil.example; line 4 of lists/feed.txt lists it"],
    [
      "high",
      "10.0.0.5 spoke with 192.0.2.1 (port 443) by the name a.b.below.example; line 5 of lists/feed.txt lists it (*.below.example)",
    ],
    [
      "high",
      `10.0.0.5 spoke with 192.0.2.1 (port 443) by TLS with the fingerprint ${ja4}; line 6 of lists/feed.txt lists it`,
    ],
  ]);
});

Deno.test("what is like an entry and is none is left alone", () => {
  const script = new TrafficScript();
  call(script, 0, inside, "198.51.100.8");
  call(script, 1, "203.0.112.255", inside);
  script.dns({ at: 2, from: inside, to: "10.0.0.1", name: "notevil.example" });
  script.dns({ at: 3, from: inside, to: "10.0.0.1", name: "below.example" });
  script.name({
    at: 4,
    from: inside,
    to: "192.0.2.1",
    name: "www.evil.example",
    ja4: ja4.replace("6152771", "6152772"),
  });
  deepEqual(play(script), []);
});
