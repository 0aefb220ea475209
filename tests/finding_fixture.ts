/** Findings for the dashboard's tests, with the flows that are their evidence. */
import { IncidentBook } from "../agent/incident/incident_book.ts";
import type {
  AnomalyDetails,
  DetectionState,
  Finding,
  Flow,
  IncidentNews,
} from "../agent/records.ts";
import { findingRowId } from "../agent/store/finding_rows.ts";
import { StoreWriter } from "../agent/store/writer.ts";
import { type Fixture, hostileName, makeFlow, nowUs } from "./dashboard_fixture.ts";

export const readyDetection: DetectionState = {
  state: "ready",
  windowsLearnt: 1024,
  windowsNeeded: 256,
  windows: 412,
  windowsFlagged: 3,
  anomalyRatePct: 1.27,
  observations: 1_407_233,
  observationsShed: 0,
  stateBytes: 11_400_000,
  forgotten: 0,
  findings: 12,
  findingsOpen: 2,
  isOneWay: false,
  modelFittedUs: nowUs() - 4000e6,
  blocklists: { lists: 0, entries: 0, badLines: 0 },
};

export const learningDetection: DetectionState = {
  ...readyDetection,
  state: "learning",
  windowsLearnt: 43,
  windows: 0,
  windowsFlagged: 0,
  anomalyRatePct: 0,
  modelFittedUs: null,
  blocklists: { lists: 0, entries: 0, badLines: 0 },
};

/** An open block scan of 38 servers, detected a moment ago. */
export function makeScan(change: Partial<Finding> = {}): Finding {
  return {
    id: 31,
    kind: "scan",
    severity: "high",
    attackId: "T1046",
    sources: ["192.168.10.57"],
    sourceCount: 1,
    targets: Array.from({ length: 38 }, (_, index) => `10.20.0.${index + 2}`),
    targetCount: 38,
    firstUs: nowUs() - 2800e6,
    lastUs: nowUs() - 2578e6,
    detectedUs: nowUs() - 2798e6,
    confidence: 0.97,
    reason: "192.168.10.57 tried 12 ports on 38 hosts in 3 min 42 s and found 11 open",
    isOpen: true,
    flowIds: scanFlows(nowUs() - 2800e6).slice(0, 64).map(({ id }) => id),
    amount: 4096,
    scan: {
      kind: "block",
      probe: "syn",
      ports: scanPorts.join(","),
      portCount: scanPorts.length,
      attempts: 424,
      answered: 11,
      answeredPorts: "22,80,443,445,5432,8080,8443",
      tempo: "T3",
      tool: "nmap",
      hasDecoys: false,
      found: Object.entries(openPorts).flatMap(([host, ports]) =>
        ports.map((port) => `10.20.0.${host}:${port}`)
      ),
      cameBack: ["10.20.0.14:22"],
    },
    ...change,
  };
}

const scanPorts = [22, 23, 80, 139, 443, 445, 554, 3306, 3389, 5432, 8080, 8443];
const openPorts: Readonly<Record<number, readonly number[]>> = {
  11: [80, 443, 8443],
  12: [22, 443],
  14: [22, 443, 445],
  15: [5432],
  21: [22],
  30: [8080],
};
const refusing = [4, 11, 12, 13, 14, 15, 21, 22, 30, 31];

/** Flows of makeScan(): probes with no answer, refused ones, and those that found a port open. */
function scanFlows(startUs: number): Flow[] {
  const flows: Flow[] = [];
  for (let host = 2; host < 40; host++) {
    for (const port of scanPorts) {
      if (host >= 32 && port > 554) continue;
      const isOpen = openPorts[host]?.includes(port) ?? false;
      const history = isOpen ? "ShR" : refusing.includes(host) ? "Sr" : "S";
      flows.push({
        ...makeFlow(),
        id: 1000 + flows.length,
        startUs: startUs + flows.length * 524e3,
        endUs: startUs + flows.length * 524e3 + 3000,
        origH: "192.168.10.57",
        origP: 40_000 + flows.length,
        respH: `10.20.0.${host}`,
        respP: port,
        service: "",
        name: "",
        ja4: "",
        history,
        connState: isOpen ? "RSTO" : history === "Sr" ? "REJ" : "S0",
        origPkts: isOpen ? 2 : 1,
        origBytes: 0,
        origWireBytes: 60,
        respPkts: history === "S" ? 0 : 1,
        respBytes: 0,
        respWireBytes: history === "S" ? 0 : 60,
      });
    }
  }
  return flows;
}

const features: AnomalyDetails["topFeatures"] = [
  { name: "connections", value: 412, typical: [3, 20], contribution: 0.52 },
  { name: "failed_share", value: 0.96, typical: [0.02, 0.18], contribution: 0.3 },
  { name: "dns_names", value: 3, typical: [0, 12], contribution: 0.06 },
];

/** A host that opens far more connections than usual. */
export function makeAnomaly(change: Partial<Finding> = {}): Finding {
  const startUs = nowUs() - 420e6;
  return {
    id: 214,
    kind: "anomaly",
    severity: "critical",
    attackId: "T1046",
    sources: ["192.168.10.14"],
    sourceCount: 1,
    targets: ["203.0.113.77"],
    targetCount: 398,
    firstUs: startUs,
    lastUs: startUs + 10e6,
    detectedUs: startUs + 10e6,
    confidence: 0.93,
    reason: "192.168.10.14 opened 412 connections to 398 hosts in 10 s; usually 3 to 20",
    isOpen: false,
    flowIds: [1],
    amount: 30,
    anomaly: {
      tsUs: startUs,
      windowUs: 10e6,
      entity: "192.168.10.14",
      score: 0.781,
      threshold: 0.662,
      topFeatures: features,
    },
    ...change,
  };
}

/** A finding of each kind, and what a hostile text would do. */
export function makeFindings(): Finding[] {
  const old = (ageS: number) => ({
    firstUs: nowUs() - ageS * 1e6 - 60e6,
    lastUs: nowUs() - ageS * 1e6,
    detectedUs: nowUs() - ageS * 1e6 - 50e6,
  });
  const { anomaly: _, ...plain } = makeAnomaly({ targetCount: 1 });
  const scan = makeScan();
  return [
    scan,
    makeAnomaly(),
    makeScan({
      ...old(9000),
      id: 30,
      severity: "low",
      isOpen: false,
      flowIds: [],
      sources: ["2001:db8:4f:1:a8bb:ccff:fe12:7a3c"],
      targets: ["192.168.10.1"],
      targetCount: 1,
      reason: "2001:db8:4f:1:a8bb:ccff:fe12:7a3c tried 1,000 ports of 192.168.10.1 in 42 s",
      scan: { ...scan.scan!, kind: "vertical", ports: "1-1000", portCount: 1000, cameBack: [] },
    }),
    {
      ...plain,
      ...old(5000),
      id: 215,
      kind: "brute_force",
      severity: "medium",
      isOpen: true,
      attackId: "T1110.001",
      sources: ["198.51.100.9"],
      targets: ["192.168.10.21"],
      reason: "198.51.100.9 opened 84 short SSH sessions to backup-02 in 3 min",
    },
    {
      ...plain,
      ...old(7000),
      id: 216,
      kind: "beacon",
      severity: "medium",
      attackId: "T1071",
      sources: ["192.168.10.23"],
      reason: `${hostileName} called 203.0.113.77 every 60 s, 14 times.`,
    },
  ];
}

/** Address of the page of a finding that storeFindings() has stored. */
export function pageOf({ live }: Fixture, finding: Finding): string {
  return `/${finding.scan ? "scans" : "anomalies"}/${findingRowId(finding, live.storeRun)}`;
}

/** The incidents that detection makes of findings, numbered from 1 in the order of the findings. */
export function incidentsOf(findings: readonly Finding[]): IncidentNews[] {
  const news: IncidentNews[] = [];
  let lastId = 0;
  const book = new IncidentBook({
    nextId: () => ++lastId,
    nameOf: (address) => address === "192.168.10.57" ? "cam-garage" : "",
    report: ({ describe, ...change }) => news.push({ ...change, incident: describe() }),
  });
  for (const finding of findings) book.take(finding);
  book.advance(nowUs());
  return news;
}

/** Puts findings with their incidents and the scan's flows into the database of a fixture. */
export function storeFindings({ folder, live }: Fixture, findings = makeFindings()): void {
  const writer = new StoreWriter({
    path: `${folder}/packet_logs.db`,
    retentionDays: 14,
    retentionBytes: 2 ** 31,
    toolVersion: "test",
    nowUs: nowUs(),
  });
  const flows = [makeFlow(), ...scanFlows(nowUs() - 2800e6)];
  writer.write({ packets: [], flows, seconds: [], hosts: [] });
  writer.writeFindings(findings, incidentsOf(findings));
  live.storeRun = writer.run;
  writer.close();
}
