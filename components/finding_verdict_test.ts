import assert from "node:assert/strict";
import { type Coverage, judgeCoverage } from "../agent/coverage.ts";
import type { DetectionState, Finding } from "../agent/records.ts";
import { judgeFindings } from "./finding_verdict.ts";
import { readFinding } from "../agent/finding_reader.ts";
import type { Verdict } from "./verdict.ts";

const nowUs = 1e15;
const hourUs = 3600e6;
const calm: Verdict = { tone: "good", title: "Capturing", detail: "on eth0", problems: [] };
const trouble: Verdict = {
  tone: "high",
  title: "1 thing needs a look",
  detail: "Everything else works",
  problems: [{ tone: "high", title: "eth0 cannot be read", detail: "gone" }],
};
/** An hour in, with all packets read unless told. */
function coverage(detection: Partial<DetectionState>, unreadPackets = 0): Coverage {
  return judgeCoverage({
    isFile: false,
    packets: 100,
    unreadPackets,
    decodeStopList: [],
    detection: detection as DetectionState,
    observationsShed: 0,
    rowsShed: 0,
    flowsEvicted: 0,
  });
}
const ready = coverage({ state: "ready" });
const learning = coverage({ state: "learning", windowsLearnt: 43, windowsNeeded: 256 });
const half = coverage({ state: "ready" }, 50);
const blind = coverage({ state: "ready" }, 100);
const unread: Verdict = {
  tone: "medium",
  title: "50 of 100 packets could not be read",
  detail: "Capture elsewhere",
  problems: [{
    tone: "medium",
    title: "50 of 100 packets could not be read",
    detail: "Capture elsewhere.",
    isGap: true,
  }],
};
const scan = readFinding("scans", { kind: "vertical", probe: "syn" });

function finding(severity: Finding["severity"], endedHoursAgo: number | null): Finding {
  const lastUs = nowUs - (endedHoursAgo ?? 0) * hourUs;
  return { ...scan, severity, isOpen: endedHoursAgo === null, lastUs };
}

const cases: readonly [string, Verdict, Finding[], Coverage, Verdict["tone"], RegExp][] = [
  [
    "calm",
    calm,
    [],
    ready,
    "good",
    /^Capturing: on eth0. No scan and nothing unusual since the st/,
  ],
  [
    "calm, learning",
    calm,
    [],
    learning,
    "plain",
    /^Still learning what is usual, 43 of 256 windows .*: Capturing on eth0. No scan or attack since the start$/,
  ],
  [
    "over, learning",
    calm,
    [finding("low", 2)],
    learning,
    "plain",
    /^Nothing is going on now: 1 finding .*\. Still learning what is usual, 43 of .*\. Capturing on eth0$/,
  ],
  [
    "half not read",
    unread,
    [],
    half,
    "medium",
    /^50 of 100 packets could not be read: Capture elsewhere. No scan and nothing unusual in the rest since/,
  ],
  ["nothing read", unread, [], blind, "medium", /: Capture elsewhere$/],
  [
    "half not read, and an open scan",
    unread,
    [finding("medium", null)],
    half,
    "medium",
    /^2 things need a look: 50 of 100 packets could not be read$/,
  ],
  ["trouble alone", trouble, [], ready, "high", /^1 thing needs a look: Everything else/],
  ["an open scan", calm, [finding("medium", null)], ready, "medium", /^1 thing needs a look/],
  ["an open one for information", calm, [finding("info", null)], ready, "plain", /^Nothing/],
  ["a grave one just ended", calm, [finding("high", 0.5)], ready, "high", /^1 thing needs/],
  [
    "a grave one long ended",
    calm,
    [finding("high", 2)],
    ready,
    "plain",
    /^Nothing is going on now: 1 finding of the last 24 h is over, it was high. Capturing on eth0$/,
  ],
  [
    "open and ended ones, and trouble",
    trouble,
    [finding("critical", null), finding("low", 2), finding("medium", 3)],
    ready,
    "high",
    /^2 things need a look: 2 findings of the last 24 h are over, the worst was medium. .*too$/,
  ],
];

for (const [name, capture, findings, state, tone, text] of cases) {
  Deno.test(`the verdict on findings: ${name}`, () => {
    const span = { nowUs, startedAtUs: nowUs - hourUs, isReplay: false };
    const verdict = judgeFindings(capture, { findings, coverage: state, ...span });
    assert.equal(verdict.tone, tone);
    assert.match(`${verdict.title}: ${verdict.detail}`, text);
    assert.deepEqual(verdict.problems, capture.problems);
  });
}

Deno.test("after a day the verdict speaks of the last one", () => {
  const span = { nowUs, startedAtUs: nowUs - 25 * hourUs, isReplay: false };
  const { detail } = judgeFindings(calm, { findings: [], coverage: ready, ...span });
  assert.match(detail, /No scan and nothing unusual in the last 24 h$/);
});

Deno.test("where only the newest findings are at hand, the verdict says that there are more", () => {
  const span = { nowUs, startedAtUs: nowUs - 25 * hourUs, isReplay: false };
  const verdict = (findings: Finding[]) =>
    judgeFindings(calm, { findings, areMore: true, coverage: ready, ...span });
  const over = readFinding("scans", { severity: "low", last_us: nowUs - 5 * hourUs });
  assert.match(
    verdict([over, over]).detail,
    /^More than 2 findings of the last 24 h are over, the worst of the newest was low/,
  );
  const open = readFinding("scans", { severity: "low", is_open: 1, last_us: nowUs });
  assert.equal(verdict([open]).title, "At least 1 thing needs a look");
});

Deno.test("the verdict on findings of a replay has no day", () => {
  const replay: Verdict = { ...calm, title: "Replaying demo.pcap", detail: "at its own speed" };
  const verdict = (findings: Finding[]) => {
    const { title, detail } = judgeFindings(replay, {
      findings,
      coverage: ready,
      nowUs,
      startedAtUs: 0,
      isReplay: true,
    });
    return `${title}: ${detail}`;
  };
  assert.equal(
    verdict([]),
    "Replaying demo.pcap: at its own speed. No scan and nothing unusual so far",
  );
  assert.equal(
    verdict([finding("low", null), finding("medium", 3)]),
    "1 thing needs a look: 1 finding is over, it was medium. Replaying demo.pcap, at its own speed",
  );
});
