import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { copiesNote, judgeCoverage, type Looked, verdictOn } from "./coverage.ts";
import type { DecodeStop } from "./records.ts";

const detection = {
  state: "ready",
  windowsLearnt: 300,
  windowsNeeded: 256,
  observations: 900,
} as const;
const whole: Looked = {
  isFile: true,
  packets: 1000,
  unreadPackets: 0,
  decodeStopList: [],
  detection,
  observationsShed: 0,
  rowsShed: 0,
  flowsEvicted: 0,
  copies: 0,
};

function stop(name: string, unread: number, reason: DecodeStop["reason"] = "unsupported") {
  return { layer: "link", reason, name, packets: unread, unread } as const;
}
const usb = stop("link type 189 (Linux USB)", 1000);

const cases: readonly [string, Partial<Looked>, string, RegExp][] = [
  ["all was looked at", {}, "clear", /^Nothing suspicious found$/],
  [
    "an empty capture",
    { packets: 0 },
    "unknown",
    /^The capture holds no packet, so there was nothing/,
  ],
  [
    "nothing read",
    { unreadPackets: 1000, decodeStopList: [usb] },
    "unknown",
    /^None of the 1,000 packets could be read \(link type 189 \(Linux USB\)\), so nothing could be looked for$/,
  ],
  [
    "most not read",
    {
      unreadPackets: 900,
      decodeStopList: [stop("IPv4", 300, "truncated"), stop("MACsec", 500), stop("NSH", 100)],
    },
    "incomplete",
    /^900 of 1,000 packets could not be read \(500 MACsec; 300 IPv4, cut off by the capture; and others\); nothing suspicious was found in the rest$/,
  ],
  [
    "a tenth not read",
    { unreadPackets: 100, decodeStopList: [usb] },
    "incomplete",
    /^100 of 1,000/,
  ],
  ["a few not read", { unreadPackets: 99, decodeStopList: [usb] }, "clear", /^Nothing suspicious/],
  [
    "detection that never came up",
    { detection: null },
    "unknown",
    /^Detection was not running, so nothing was looked for in 1,000 packets$/,
  ],
  ["detection off", { detection: { ...detection, state: "off" } }, "unknown", /^Detection was not/],
  [
    "too little to learn from",
    { detection: { ...detection, state: "learning", windowsLearnt: 2, windowsNeeded: 16 } },
    "incomplete",
    /^Nothing suspicious found, but behaviour was not judged: too little .* \(2 of 16 windows of 10 s\)$/,
  ],
  [
    "observations shed",
    { observationsShed: 100 },
    "incomplete",
    /^Detection left out 100 of 1,000 observations, .*; nothing suspicious was found in the rest$/,
  ],
  ["rows shed", { rowsShed: 5 }, "incomplete", /^5 rows are missing from the database/],
  ["one direction", { isOneWay: true }, "incomplete", /^Only one direction of the traffic seems/],
  [
    "a file that could not be read",
    { files: { named: 3, unreadable: 1, cut: 0 } },
    "incomplete",
    /^1 of 3 files could not be read; /,
  ],
  [
    "a file cut off",
    { files: { named: 1, unreadable: 0, cut: 1 } },
    "clear",
    /^Nothing suspicious/,
  ],
];

for (const [name, change, state, text] of cases) {
  Deno.test(`the verdict without findings: ${name}`, () => {
    const verdict = verdictOn(judgeCoverage({ ...whole, ...change }), "");
    strictEqual(verdict.state, state);
    match(verdict.text, text);
  });
}

Deno.test("findings are told with what could not be looked at", () => {
  const coverage = judgeCoverage({ ...whole, unreadPackets: 500, decodeStopList: [usb] });
  deepStrictEqual(verdictOn(coverage, "2 incidents of 3 findings"), {
    state: "found",
    text:
      "2 incidents of 3 findings; 500 of 1,000 packets could not be read (link type 189 (Linux USB))",
  });
});

Deno.test("a gap says how many of how many, and what to do about a grave one", () => {
  for (const [, change] of cases) {
    const { gaps, state, packets, packetsRead } = judgeCoverage({ ...whole, ...change });
    strictEqual(state === "complete", gaps.length === 0);
    ok(packetsRead <= packets);
    for (const { count, of, remedy, isGrave, text } of gaps) {
      ok(count <= of, text);
      ok(!isGrave || /^[A-Z].*\.$/.test(remedy), text);
    }
  }
});

Deno.test("there is no all-clear while anything grave was not looked at, whatever comes together", () => {
  const looked = fc.record({
    packets: fc.nat(5000),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    state: fc.constantFrom("off" as const, "learning" as const, "ready" as const),
    observationsShed: fc.nat(3),
    rowsShed: fc.nat(3),
    isOneWay: fc.boolean(),
  });
  fc.assert(fc.property(looked, ({ packets, share, state, ...rest }) => {
    const unreadPackets = Math.floor(share * packets);
    const coverage = judgeCoverage({
      ...whole,
      ...rest,
      packets,
      unreadPackets,
      decodeStopList: unreadPackets > 0 ? [stop("X", unreadPackets)] : [],
      detection: { ...detection, state },
    });
    const isClear = packets > 0 && unreadPackets < 0.1 * packets && state === "ready" &&
      rest.observationsShed + rest.rowsShed === 0 && !rest.isOneWay;
    const verdict = verdictOn(coverage, "");
    strictEqual(verdict.state === "clear", isClear);
    const isBlind = packets === 0 || unreadPackets === packets || state === "off";
    strictEqual(verdict.state === "unknown", isBlind);
    strictEqual(/[Nn]othing suspicious/.test(verdict.text), !isBlind);
  }));
});

Deno.test("many copies are told, but everything was looked at", () => {
  const looked = { ...whole, copies: 400 };
  const coverage = judgeCoverage(looked);
  deepStrictEqual([coverage.state, coverage.gaps.length], ["complete", 1]);
  strictEqual(verdictOn(coverage, "").state, "clear");
  strictEqual(
    copiesNote(coverage),
    "400 of 1,000 packets are copies that the capture saw twice (bridge, `any` or mirror port). " +
      "Capture one device instead, or mirror one port.",
  );
  strictEqual(copiesNote(judgeCoverage({ ...whole, copies: 9 })), "");
});
