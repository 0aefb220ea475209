import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { judgeCoverage } from "../coverage.ts";
import type { Finding } from "../records.ts";
import { bruteForceFinding, scanFinding, startUs } from "../store/testing.ts";
import type { DetectionResult } from "./analyze_detection.ts";
import { joinFindings } from "./analyze_incidents.ts";
import { findingBlock, makeFindingReport } from "./analyze_findings.ts";

const ready = {
  state: "ready",
  windowsLearnt: 300,
  windowsNeeded: 256,
  windows: 1200,
  windowsFlagged: 3,
  anomalyRatePct: 0.4,
  observations: 1,
  stateBytes: 1,
  forgotten: 0,
  findings: 1,
  findingsOpen: 0,
  isOneWay: false,
  modelFittedUs: null,
  blocklists: { lists: 0, entries: 0, badLines: 0 },
} as const;

function result(findings: readonly Finding[], changes: Partial<DetectionResult> = {}) {
  return {
    findings,
    leftOutCount: 0,
    state: ready,
    incidents: joinFindings(findings, () => ""),
    ...changes,
  };
}

const anomaly: Finding = {
  ...bruteForceFinding(3),
  kind: "anomaly",
  anomaly: {
    tsUs: startUs,
    windowUs: 10_000_000,
    entity: "192.168.1.9",
    score: 0.7,
    threshold: 0.6,
    topFeatures: [{ name: "new_flows", value: null, typical: [3, 20], contribution: 0.6 }],
  },
};

Deno.test("makeFindingReport() sorts findings into the contract's lists, in order of detection", () => {
  const late = scanFinding(4, { detectedUs: startUs + 9_000_000 });
  const report = makeFindingReport(
    result([late, bruteForceFinding(2), anomaly, scanFinding(1)]),
  );
  deepStrictEqual(report.scans.map((scan) => (scan as { detected_ts: string }).detected_ts), [
    "2026-01-01T00:00:01.000000Z",
    "2026-01-01T00:00:09.000000Z",
  ]);
  deepStrictEqual(report.anomalies, {
    windows: 1200,
    flagged: 3,
    rate_pct: 0.4,
    items: [{
      ts: "2026-01-01T00:00:00.000000Z",
      window_s: 10,
      entity: "192.168.1.9",
      score: 0.7,
      threshold: 0.6,
      top_features: anomaly.anomaly!.topFeatures,
      severity: "high",
      reason: anomaly.reason,
    }],
  });
  deepStrictEqual(report.findings, [{
    kind: "brute_force",
    sources: ["192.168.1.9"],
    source_count: 1,
    targets: ["192.168.1.20"],
    target_count: 1,
    severity: "high",
    attack_id: "T1110",
    first_ts: "2026-01-01T00:00:00.000000Z",
    last_ts: "2026-01-01T00:00:02.000000Z",
    detected_ts: "2026-01-01T00:00:01.000000Z",
    confidence: 0.9,
    reason: "192.168.1.9 tried 30 logins at SSH of 192.168.1.20",
  }]);
});

Deno.test("makeFindingReport() puts each finding into one incident, by its place in its list", () => {
  const report = makeFindingReport(result([scanFinding(1), bruteForceFinding(2), anomaly]));
  const [incident, ...others] = report.incidents as readonly Readonly<Record<string, unknown>>[];
  deepStrictEqual(others, []);
  deepStrictEqual([incident!.actor, incident!.tactics, incident!.severity], [
    "192.168.1.9",
    ["TA0007", "TA0006"],
    "critical",
  ]);
  deepStrictEqual(incident!.findings, [
    { list: "scans", index: 0, role: "cause" },
    { list: "findings", index: 0, role: "cause" },
    { list: "anomalies", index: 0, role: "support" },
  ]);
});

/** The block of a file in which all packets could be read. */
function blockOf(found: ReturnType<typeof result>): string {
  const looked = { packets: 10, unreadPackets: 0, decodeStopList: [], observationsShed: 0 };
  return findingBlock(
    found,
    judgeCoverage({
      ...looked,
      isFile: true,
      rowsShed: 0,
      flowsEvicted: 0,
      copies: 0,
      detection: found.state,
    }),
  );
}

const by = (source: string, changes: Partial<Finding>) => ({ sources: [source], ...changes });

Deno.test("findingBlock() lists the gravest incident first, then by time, in lines that fit", () => {
  const text = blockOf(result([
    bruteForceFinding(1, by("10.0.0.1", { severity: "low", reason: "Of little weight" })),
    bruteForceFinding(
      2,
      by("10.0.0.2", { firstUs: startUs + 5_000_000, reason: `Later ${"word ".repeat(40)}` }),
    ),
    bruteForceFinding(3, by("10.0.0.3", { reason: "First" })),
  ]));
  const lines = text.split("\n");
  deepStrictEqual(lines.slice(0, 3), [
    "3 incidents of 3 findings (times are UTC):",
    "  high  2026-01-01 00:00:00  10.0.0.3 guessed passwords on 192.168.1.20",
    "                             - First",
  ]);
  match(lines[3]!, /^ {2}high {2}2026-01-01 00:00:05 {2}10\.0\.0\.2 guessed/);
  match(lines[5]!, /^ {31}word/);
  strictEqual(lines.at(-1), "                             - Of little weight");
  strictEqual(lines.every((line) => line.length <= 121 && line === line.trimEnd()), true);
});

Deno.test("findingBlock() says how many incidents, and how many findings of one, it leaves out", () => {
  const findings = Array.from(
    { length: 60 },
    (_, id) => bruteForceFinding(id, by(`10.0.0.${id}`, {})),
  );
  const lines = blockOf(result(findings, { leftOutCount: 5 })).split("\n");
  deepStrictEqual([lines[0], lines.at(-1)], [
    "60 incidents of 65 findings (times are UTC):",
    "  … and 10 more; --json lists them.",
  ]);
  const ofOne = blockOf(
    result(findings.map((finding) => ({ ...finding, sources: ["10.0.0.9"] }))),
  );
  match(ofOne, /^1 incident of 60 findings/);
  match(ofOne, /- and 55 more findings$/);
});

Deno.test("findingBlock() says what was looked for in vain, and first what could not be looked at", () => {
  strictEqual(
    blockOf(result([])).replaceAll("\n", " "),
    "Nothing suspicious found. Looked for port scans, unusual behaviour of hosts, brute force, floods, " +
      "reflected traffic, ARP spoofing, DNS tunnels, beacons and unusual uploads.",
  );
  const learning = { ...ready, state: "learning", windowsLearnt: 43 } as const;
  strictEqual(
    blockOf(result([], { state: learning })).replaceAll("\n", " "),
    "Nothing suspicious found, but behaviour was not judged: too little traffic to learn what is usual " +
      "(43 of 256 windows of 10 s). A longer capture helps. " +
      "Looked for port scans, brute force, floods, reflected traffic, ARP spoofing, DNS tunnels, beacons and unusual uploads.",
  );
  match(
    blockOf(result([scanFinding(1)], { state: learning })),
    /^1 incident of 1 finding; behaviour was not judged: .*\s\(times are UTC\):$/ms,
  );
  doesNotMatch(blockOf(result([], { state: null })), /Looked for|[Nn]othing suspicious/);
});
