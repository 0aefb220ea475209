import { strictEqual } from "node:assert/strict";
import { scanReason, type ScanStory } from "./scan_text.ts";

const story: ScanStory = {
  kind: "vertical",
  probe: "syn",
  source: "10.0.0.66",
  sourceCount: 1,
  target: "10.0.0.20",
  targetCount: 1,
  ports: "1-40",
  portCount: 40,
  answered: 0,
  spanUs: 4_000_000,
  decoyCount: 0,
  cameBack: [],
  areSourcesMore: false,
  isBackToMore: false,
  isWithinHost: false,
  mayBeForged: false,
  isOneSided: false,
};
const back = Array.from({ length: 16 }, (_, index) => `10.0.0.20:${index}`);

const cases: readonly (readonly [Partial<ScanStory>, string])[] = [
  [{}, "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s, and found none open"],
  [
    { isWithinHost: true, source: "127.0.0.1", target: "127.0.0.1", answered: 3 },
    "This host scanned itself: 127.0.0.1 probed 40 ports of 127.0.0.1 in 4.0 s, and found 3 open",
  ],
  [
    { isWithinHost: true, mayBeForged: true, target: "10.0.0.66", answered: 3 },
    "10.0.0.66 scanned itself, or its address is forged: 10.0.0.66 probed 40 ports of 10.0.0.66 in " +
    "4.0 s, and found 3 open",
  ],
  [{ answered: 1 }, "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s, and found one open"],
  [
    { isOneSided: true },
    "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s; answers to it were not captured",
  ],
  [
    { probe: "udp", isOneSided: true },
    "10.0.0.66 sent UDP packets to 40 ports of 10.0.0.20 in 4.0 s; answers to it were not captured",
  ],
  [
    { isOneSided: true, answered: 2 },
    "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s, and found 2 open",
  ],
  [
    { probe: "odd_flags", answered: 3 },
    "10.0.0.66 sent TCP packets with odd flags to 40 ports of 10.0.0.20 in 4.0 s",
  ],
  [
    { kind: "distributed", sourceCount: 200 },
    "200 hosts together probed 40 ports of 10.0.0.20 in 4.0 s",
  ],
  [
    { kind: "distributed", sourceCount: 1024, areSourcesMore: true },
    "More than 1,024 hosts together probed 40 ports of 10.0.0.20 in 4.0 s",
  ],
  [
    { answered: 1, cameBack: back.slice(0, 2) },
    "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s, and found one open; " +
    "it later exchanged data with 10.0.0.20:0 and 1 more",
  ],
  [
    { answered: 40, cameBack: back, isBackToMore: true },
    "10.0.0.66 probed 40 ports of 10.0.0.20 in 4.0 s, and found 40 open; " +
    "it later exchanged data with 10.0.0.20:0 and at least 15 more",
  ],
];
for (const [change, text] of cases) {
  Deno.test(`scanReason() says "${text}"`, () => {
    strictEqual(scanReason({ ...story, ...change }), text);
  });
}
