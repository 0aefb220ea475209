import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { FlowTable } from "./flow_table.ts";
import { flowsOfExchange } from "./test_exchange.ts";
import { makePacket } from "./test_packets.ts";

const handshake = ["> S 100", "< SA 500 101", "> A 101 501"];
const data = "> PA 101 501 50";
const end = ["> FA 151 501", "< FA 501 152", "> A 152 502"];
const mib = 1024 * 1024;

/** Name, segments, payload bytes of originator and responder. */
const exchanges: readonly [string, readonly string[], number, number][] = [
  ["a handshake", handshake, 0, 0],
  ["a whole connection", [...handshake, data, "< PA 501 151 9", ...end], 50, 9],
  ["a segment sent twice", [...handshake, data, data], 50, 0],
  ["a segment that repeats some and adds some", [...handshake, data, "> PA 131 501 40"], 70, 0],
  ["segments in the wrong order", [...handshake, "> PA 151 501 50", data], 100, 0],
  ["a lost segment, by the next one's number", [...handshake, data, "> PA 251 501 50"], 200, 0],
  ["a lost segment, by what the peer acknowledges", [...handshake, "< A 501 301"], 200, 0],
  ["a lost segment, by what the peer's FIN acknowledges", [...handshake, "< FA 501 301"], 200, 0],
  ["a lost FIN", [...handshake, data, "< A 501 152"], 50, 0],
  [
    "a lost segment with its FIN, sent again",
    [...handshake, "< A 501 152", "> FA 101 501 50"],
    50,
    0,
  ],
  ["a FIN that is repeated", [...handshake, data, ...end, ...end], 50, 0],
  ["a FIN with payload", [...handshake, "> FPA 101 501 50", "< A 501 152"], 50, 0],
  [
    "a SYN with payload (TCP Fast Open)",
    ["> S 100 0 30", "< SA 500 131", "> PA 131 501 20"],
    50,
    0,
  ],
  [
    "the payload of a SYN sent again behind it",
    ["> S 100 0 30", "< SA 500 101", "> PA 101 501 30"],
    30,
    0,
  ],
  ["a keep-alive with a byte", [...handshake, data, "> A 150 501 1", "> A 150 501 1"], 50, 0],
  ["a keep-alive without", [...handshake, data, "> A 150 501", "< A 501 151"], 50, 0],
  [
    "zero-window probes",
    [...handshake, data, "> A 151 501 1", "> A 151 501 1", "> PA 151 501 9"],
    59,
    0,
  ],
  ["the middle of a conversation", ["> PA 900 70 10", "< PA 70 910 20", "> PA 910 90 10"], 20, 20],
  ["a gap in the middle of a conversation", ["> PA 900 70 10", "< A 70 910", "< A 70 990"], 90, 0],
  ["one direction only", ["> PA 900 70 10", "> A 910 5070", "> A 910 9070"], 10, 0],
  ["a missed SYN", ["< SA 500 101", "> A 101 501", "> PA 101 501 50"], 50, 0],
  ["a refusal", ["> S 100", "< RA 0 101"], 0, 0],
  ["a RST with payload, which is no part of the stream", [...handshake, "< RA 501 101 60"], 0, 0],
  ["a RST of a number a little ahead", [...handshake, data, "> R 15000"], 50, 0],
  ["a RST of a wild number", [...handshake, data, "> R 3000000000", "< R 900000"], 50, 0],
  ["payload after a RST", [...handshake, data, "> R 151", "> PA 151 501 50"], 50, 0],
  ["a half-open connection found out", ["> S 100", "< A 70000 900", "> R 900"], 0, 0],
  [
    "an injected segment of a wild number",
    [...handshake, data, "> PA 9000000 501 9", "> PA 151 501 5"],
    55,
    0,
  ],
  [
    "an injected segment that is repeated",
    [...handshake, data, "> PA 9000000 501 9", "> PA 9000000 501 9"],
    50,
    0,
  ],
  ["an injected FIN of a wild number", [...handshake, "> FA 3000000000 501", data], 50, 0],
  [
    "a wild acknowledgement that is repeated",
    [...handshake, "< A 501 3000000", "< A 501 3000000"],
    0,
    0,
  ],
  ["broken acknowledgements of 0", [...handshake, data, "< A 501 0", "< A 501 0"], 50, 0],
  [
    "a large gap, by the next two segments",
    [...handshake, "> A 2000101 501 50", "> A 2000151 501 50"],
    2_000_100,
    0,
  ],
  [
    "a large gap, by segment and acknowledgement",
    [...handshake, "> A 2000101 501 50", "< A 501 2000151"],
    2_000_050,
    0,
  ],
  [
    "a large gap, by two acknowledgements",
    [...handshake, "< A 501 2000101", "< A 501 2001101"],
    2_001_000,
    0,
  ],
  [
    "nothing but SYN and FIN",
    ["> S 100", "< SA 500 101", "> FA 5000101 9000501", "< FA 9000501 5000102"],
    5_000_000,
    9_000_000,
  ],
  [
    "nothing but SYN and FIN of more than 2 GB",
    ["> S 100", "< SA 500 101", "> FA 101 3000000501", "< FA 3000000501 102"],
    0,
    3_000_000_000,
  ],
  [
    "numbers that wrap",
    [
      "> S 4294967290",
      "< SA 500 4294967291",
      "> A 4294967291 501 10",
      "> A 5 501 10",
      "> FA 15 501",
    ],
    20,
    0,
  ],
];

for (const [name, segments, orig, resp] of exchanges) {
  Deno.test(`FlowTable counts payload of ${name}: ${orig} and ${resp} bytes`, () => {
    const flows = flowsOfExchange(segments);
    deepEqual(flows.map(({ origBytes, respBytes }) => [origBytes, respBytes]), [[orig, resp]]);
  });
}

Deno.test("FlowTable counts more than 4 GB of one flow, whose numbers wrap more than once", () => {
  const packet = (sequence: number, payloadLength: number) =>
    makePacket({
      source: "10.0.0.1",
      destination: "10.0.0.2",
      protocol: 6,
      sourcePort: 40000,
      destinationPort: 7777,
      flags: 16,
      sequence,
      payloadLength,
    });
  const table = new FlowTable({ onEnd: () => {} });
  let sent = 0;
  let slot = -1;
  while (sent < 10 * 1024 * mib) {
    slot = table.update(packet(sent % 2 ** 32, mib), 1e15 + sent / mib, mib, 0);
    sent += mib;
  }
  equal(table.flow(slot).origBytes, sent);
});

interface Delivery {
  readonly length: number;
  readonly copies: number;
  readonly isLost: boolean;
  readonly delay: number;
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  length: fc.integer({ min: 1, max: 1460 }),
  copies: fc.integer({ min: 1, max: 3 }),
  isLost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  delay: fc.nat(6),
});

Deno.test("FlowTable counts each byte of a stream once, whatever is lost, repeated and reordered", () => {
  fc.assert(
    fc.property(fc.array(delivery, { minLength: 1 }), fc.nat(2 ** 32 - 1), (stream, start) => {
      let sent = 0;
      const segments = stream.flatMap(({ length, copies, isLost, delay }, i) => {
        const sequence = (start + 1 + sent) % 2 ** 32;
        sent += length;
        const segment = `> PA ${sequence} 501 ${length}`;
        return Array.from({ length: isLost ? 0 : copies }, () => ({ segment, turn: i + delay }));
      }).sort((a, b) => a.turn - b.turn).map(({ segment }) => segment);
      const next = (start + 1 + sent) % 2 ** 32;
      const [flow] = flowsOfExchange([
        `> S ${start}`,
        `< SA 500 ${(start + 1) % 2 ** 32}`,
        ...segments,
        `> FA ${next} 501`,
        `< FA 501 ${(next + 1) % 2 ** 32}`,
      ]);
      equal(flow.origBytes, sent);
    }),
  );
});
