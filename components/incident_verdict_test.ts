import assert from "node:assert/strict";
import { type Coverage, judgeCoverage } from "../agent/coverage.ts";
import type { DetectionState, Severity } from "../agent/records.ts";
import { judgeIncidents } from "./incident_verdict.ts";
import { makeIncident } from "../tests/incident_fixture.ts";
import { type IncidentItem, lookItem, needsLook } from "./incidents.ts";
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
    copies: 0,
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
type State = "open" | "over" | "acknowledged" | "muted";

function incident(severity: Severity, state: State): IncidentItem {
  return {
    incident: makeIncident({ severity, isOpen: state === "open" }),
    isAcknowledged: state === "acknowledged",
    muted: state === "muted" ? "muted for good" : "",
  };
}

/** As the overview tells them apart. */
function told(items: readonly IncidentItem[]) {
  return {
    look: items.filter(needsLook).map(lookItem),
    others: items.filter((item) => !needsLook(item)),
  };
}

const cases: readonly [string, Verdict, IncidentItem[], Coverage, Verdict["tone"], RegExp][] = [
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
    "acknowledged, learning",
    calm,
    [incident("low", "acknowledged")],
    learning,
    "plain",
    /^Nothing needs a look: 1 incident .*\. Still learning what is usual, 43 of .*\. Capturing on eth0$/,
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
    [incident("medium", "open")],
    half,
    "medium",
    /^1 thing needs a look: 50 of 100 packets could not be read$/,
  ],
  ["trouble alone", trouble, [], ready, "high", /^1 thing needs a look: Everything else/],
  ["an open scan", calm, [incident("medium", "open")], ready, "medium", /^1 thing needs a look/],
  ["an open one for information", calm, [incident("info", "open")], ready, "plain", /^Nothing/],
  ["one that is over", calm, [incident("low", "over")], ready, "medium", /^1 thing needs/],
  ["a grave one that is over", calm, [incident("high", "over")], ready, "high", /^1 thing needs/],
  [
    "a grave one that was looked at",
    calm,
    [incident("high", "acknowledged")],
    ready,
    "plain",
    /^Nothing needs a look: 1 incident of the last 24 h is acknowledged, it was high. Capturing on eth0$/,
  ],
  [
    "open, acknowledged and muted ones, and trouble",
    trouble,
    [
      incident("critical", "open"),
      incident("low", "over"),
      incident("medium", "muted"),
      incident("low", "acknowledged"),
    ],
    ready,
    "high",
    /^3 things need a look: 2 incidents of the last 24 h are acknowledged or muted, the worst was medium. .*too$/,
  ],
];

for (const [name, capture, items, state, tone, text] of cases) {
  Deno.test(`the verdict on incidents: ${name}`, () => {
    const span = { nowUs, startedAtUs: nowUs - hourUs, isReplay: false };
    const verdict = judgeIncidents(capture, { ...told(items), coverage: state, ...span });
    assert.equal(verdict.tone, tone);
    assert.match(`${verdict.title}: ${verdict.detail}`, text);
    assert.deepEqual(verdict.problems, capture.problems);
  });
}

Deno.test("after a day the verdict speaks of the last one", () => {
  const span = { nowUs, startedAtUs: nowUs - 25 * hourUs, isReplay: false };
  const { detail } = judgeIncidents(calm, { ...told([]), coverage: ready, ...span });
  assert.match(detail, /No scan and nothing unusual in the last 24 h$/);
});

Deno.test("where only the newest incidents are at hand, the verdict says that there are more", () => {
  const span = { nowUs, startedAtUs: nowUs - 25 * hourUs, isReplay: false };
  const others = [incident("low", "muted"), incident("low", "acknowledged")];
  const { detail } = judgeIncidents(calm, {
    look: [],
    others,
    areMore: true,
    coverage: ready,
    ...span,
  });
  assert.match(
    detail,
    /^More than 2 incidents of the last 24 h are acknowledged or muted, the worst of the newest was low/,
  );
});

Deno.test("the verdict on incidents of a replay has no day", () => {
  const replay: Verdict = { ...calm, title: "Replaying demo.pcap", detail: "at its own speed" };
  const verdict = (items: IncidentItem[]) => {
    const { title, detail } = judgeIncidents(replay, {
      ...told(items),
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
    verdict([incident("low", "open"), incident("medium", "acknowledged")]),
    "1 thing needs a look: 1 incident is acknowledged, it was medium. Replaying demo.pcap, at its own speed",
  );
});
