import assert from "node:assert/strict";
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
const detection = { state: "ready" } as DetectionState;
const learning = { state: "learning", windowsLearnt: 43, windowsNeeded: 256 } as DetectionState;
const scan = readFinding("scans", { kind: "vertical", probe: "syn" });

function finding(severity: Finding["severity"], endedHoursAgo: number | null): Finding {
  const lastUs = nowUs - (endedHoursAgo ?? 0) * hourUs;
  return { ...scan, severity, isOpen: endedHoursAgo === null, lastUs };
}

const cases: readonly [string, Verdict, Finding[], DetectionState, Verdict["tone"], RegExp][] = [
  ["calm", calm, [], detection, "good", /^Capturing: on eth0. No scan and nothing unusual/],
  ["calm, learning", calm, [], learning, "good", /24 h; still learning, 43 of 256 windows$/],
  ["trouble alone", trouble, [], detection, "high", /^1 thing needs a look: Everything else/],
  ["an open scan", calm, [finding("medium", null)], detection, "medium", /^1 thing needs a look/],
  ["an open one for information", calm, [finding("info", null)], detection, "plain", /^Nothing/],
  ["a grave one just ended", calm, [finding("high", 0.5)], detection, "high", /^1 thing needs/],
  [
    "a grave one long ended",
    calm,
    [finding("high", 2)],
    detection,
    "plain",
    /^Nothing is going on now: 1 finding of the last 24 h is over, it was high. Capturing on eth0$/,
  ],
  [
    "open and ended ones, and trouble",
    trouble,
    [finding("critical", null), finding("low", 2), finding("medium", 3)],
    detection,
    "high",
    /^2 things need a look: 2 findings of the last 24 h are over, the worst was medium. .*too$/,
  ],
];

for (const [name, capture, findings, state, tone, text] of cases) {
  Deno.test(`the verdict on findings: ${name}`, () => {
    const verdict = judgeFindings(capture, { findings, detection: state, nowUs, isReplay: false });
    assert.equal(verdict.tone, tone);
    assert.match(`${verdict.title}: ${verdict.detail}`, text);
    assert.deepEqual(verdict.problems, capture.problems);
  });
}

Deno.test("the verdict on findings of a replay has no day", () => {
  const replay: Verdict = { ...calm, title: "Replaying demo.pcap", detail: "at its own speed" };
  const verdict = (findings: Finding[]) => {
    const { title, detail } = judgeFindings(replay, { findings, detection, nowUs, isReplay: true });
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
