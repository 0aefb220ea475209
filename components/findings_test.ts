import assert from "node:assert/strict";
import type { Finding } from "../agent/records.ts";
import { readFinding } from "../agent/finding_reader.ts";
import { findingPath, type FindingQuery, fitsQuery, mergeFindings } from "./findings.ts";

const scanRow = {
  id: 7,
  first_us: 1000,
  last_us: 5000,
  detected_us: 2000,
  kind: "vertical",
  probe: "syn",
  sources: '["10.0.0.9"]',
  source_count: 1,
  targets: ["10.0.0.1", "10.0.0.2"],
  target_count: 2,
  ports: "22,80-90",
  port_count: 12,
  attempts: 24,
  answered: 2,
  answered_ports: "22",
  tempo: "T3",
  tool: "nmap",
  has_decoys: 1,
  came_back: '["10.0.0.1:22"]',
  is_open: 1,
  severity: "high",
  confidence: 0.9,
  attack_id: null,
  reason: "10.0.0.9 tried 12 ports",
};
const scan = readFinding("scans", scanRow);
const all: FindingQuery = {
  source: "",
  target: "",
  kind: "",
  probe: "",
  severity: "",
  state: "",
  fromUs: null,
  toUs: null,
};

Deno.test("a row of scans is a finding, its lists as JSON texts or arrays", () => {
  assert.equal(findingPath(scan), "/scans/7");
  assert.deepEqual(scan.sources, ["10.0.0.9"]);
  assert.deepEqual(scan.targets, ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(scan.scan?.cameBack, ["10.0.0.1:22"]);
  assert.equal(scan.attackId, "");
  assert.equal(scan.isOpen && scan.scan?.hasDecoys, true);
  const other = readFinding("scans", { ...scanRow, has_decoys: false, is_open: false });
  assert.equal(other.isOpen || other.scan?.hasDecoys, false);
});

Deno.test("a row of anomalies is a finding with its features", () => {
  const row = {
    id: 3,
    ts_us: 1e6,
    window_us: 10e6,
    kind: "anomaly",
    entity: "10.0.0.9",
    sources: '["10.0.0.9"]',
    targets: "[]",
    score: 0.7,
    threshold: 0.6,
    top_features:
      '[{"name":"bytes_out","value":5,"typical":[1,2],"contribution":0.4},{"name":"x","value":null}]',
    severity: "odd",
    reason: "r",
    is_open: 0,
  };
  const finding = readFinding("anomalies", row);
  assert.equal(findingPath(finding), "/anomalies/3");
  assert.equal(finding.lastUs, 11e6);
  assert.equal(finding.severity, "info", "an unknown severity is no alarm");
  assert.deepEqual(finding.anomaly?.topFeatures, [
    { name: "bytes_out", value: 5, typical: [1, 2], contribution: 0.4 },
    { name: "x", value: null, typical: [0, 0], contribution: 0 },
  ]);
});

Deno.test("the newest state of a finding takes the place of the older one", () => {
  const grown: Finding = { ...scan, severity: "critical", isOpen: false };
  assert.deepEqual(mergeFindings([scan], [grown]), [grown]);
  const sameNumber = readFinding("anomalies", { id: 7, kind: "beacon" });
  assert.equal(mergeFindings([scan], [sameNumber]).length, 2);
});

Deno.test("an arriving finding is shown where the page's filter takes it", () => {
  const cases: readonly [Partial<FindingQuery>, boolean][] = [
    [{}, true],
    [{ kind: "vertical", probe: "syn", severity: "high", state: "open" }, true],
    [{ kind: "block" }, false],
    [{ probe: "udp" }, false],
    [{ severity: "low" }, false],
    [{ state: "closed" }, false],
    [{ source: "10.0.0.9", target: "10.0.0.2" }, true],
    [{ source: "10.0.0.1" }, false],
    [{ fromUs: 5000, toUs: 5001 }, true],
    [{ fromUs: 5001 }, false],
    [{ toUs: 5000 }, false],
  ];
  for (const [query, expected] of cases) {
    assert.equal(fitsQuery(scan, { ...all, ...query }), expected, JSON.stringify(query));
  }
});
