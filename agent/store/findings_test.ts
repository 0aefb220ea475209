/** Findings in the database: rows that grow and close, their links, runs, retention, and a database that fails. */
import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { StoreToMain } from "../messages.ts";
import type { Finding } from "../records.ts";
import { StoreError } from "./failure.ts";
import { migrate } from "./migrations.ts";
import { StoreQueries } from "./queries.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
import { StoreService } from "./store_service.ts";
import {
  bruteForceFinding,
  flow,
  openWriter,
  packetRow,
  rows,
  scanFinding,
  startUs,
  withDatabasePath,
} from "./testing.ts";

const dayUs = 86_400_000_000;

function readAll(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

function anomalyFinding(id: number): Finding {
  return {
    ...bruteForceFinding(id, {
      attackId: "",
      isOpen: false,
      targets: [],
      targetCount: 0,
      ports: "",
    }),
    kind: "anomaly",
    anomaly: {
      tsUs: startUs + 10_000_000.5,
      windowUs: 10_000_000,
      entity: "192.168.1.9",
      score: 0.71,
      threshold: 0.62,
      topFeatures: [{ name: "new_flows", value: 412, typical: [3, 20], contribution: 0.6 }],
    },
  };
}

Deno.test("a scan is a row of scans with all that is known of it", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.writeFindings([scanFinding(7, { scan: { cameBack: ["192.168.1.20:22"] } })]);
    writer.close();
    const [row] = readAll(path, "SELECT * FROM scans");
    deepStrictEqual(row, {
      id: FLOWS_PER_RUN + 7,
      first_us: startUs,
      last_us: startUs + 2_000_000,
      detected_us: startUs + 1_000_000,
      kind: "vertical",
      probe: "syn",
      sources: '["192.168.1.9"]',
      source_count: 1,
      targets: '["192.168.1.20"]',
      target_count: 1,
      ports: "21-25",
      port_count: 5,
      attempts: 5,
      answered: 1,
      severity: "high",
      confidence: 0.9,
      attack_id: "T1046",
      reason: "192.168.1.9 probed 5 ports of 192.168.1.20",
      answered_ports: "22",
      tempo: "T4",
      tool: "nmap",
      found: "[]",
      has_decoys: 0,
      came_back: '["192.168.1.20:22"]',
      is_open: 1,
      pid: null,
      process: null,
      executable: null,
      command: null,
      user: null,
      unit: null,
    });
    deepStrictEqual(readAll(path, "SELECT * FROM anomalies"), []);
  }));

Deno.test("findings of all other kinds are rows of anomalies, with or without a window", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.writeFindings([anomalyFinding(1), bruteForceFinding(2)]);
    writer.close();
    const pick = "kind, ts_us, window_us, entity, score, top_features, attack_id, is_open, ports";
    deepStrictEqual(readAll(path, `SELECT ${pick} FROM anomalies ORDER BY id`), [{
      kind: "anomaly",
      ts_us: startUs + 10_000_000,
      window_us: 10_000_000,
      entity: "192.168.1.9",
      score: 0.71,
      top_features: '[{"name":"new_flows","value":412,"typical":[3,20],"contribution":0.6}]',
      attack_id: null,
      is_open: 0,
      ports: "",
    }, {
      kind: "brute_force",
      ts_us: startUs + 1_000_000,
      window_us: 0,
      entity: "192.168.1.9",
      score: null,
      top_features: "[]",
      attack_id: "T1110",
      is_open: 1,
      ports: "22",
    }]);
  }));

Deno.test("a finding that is written again replaces its row and its links", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    const grown = scanFinding(1, { flowIds: [2, 3, 4], isOpen: false, scan: { attempts: 50 } });
    for (const finding of [scanFinding(1), grown, grown]) writer.writeFindings([finding]);
    writer.writeFindings([bruteForceFinding(2), bruteForceFinding(2, { flowIds: [9] })]);
    writer.close();
    deepStrictEqual(readAll(path, "SELECT attempts, is_open FROM scans"), [
      { attempts: 50, is_open: 0 },
    ]);
    const links = (part: string) =>
      readAll(path, `SELECT * FROM ${part}_flows ORDER BY flow_id`)
        .map((row) => Object.values(row).map((id) => Number(id) - FLOWS_PER_RUN));
    deepStrictEqual(links("scan"), [[1, 2], [1, 3], [1, 4]]);
    deepStrictEqual(links("anomaly"), [[2, 9]]);
  }));

Deno.test("links lead to the rows of the finding's flows", () =>
  withDatabasePath((path) => {
    for (let run = 0; run < 2; run++) {
      const writer = openWriter(path);
      writer.write(rows({ flows: [flow(1), flow(2), flow(3)] }));
      writer.writeFindings([scanFinding(1)]);
      writer.close();
    }
    const linked = readAll(
      path,
      `SELECT s.id AS scan, f.id AS flow FROM scans s
       JOIN scan_flows l ON l.scan_id = s.id JOIN flows f ON f.id = l.flow_id ORDER BY 1, 2`,
    );
    deepStrictEqual(
      linked.map(({ scan, flow }) => [Number(scan) - FLOWS_PER_RUN, Number(flow) - FLOWS_PER_RUN]),
      [[1, 1], [1, 2], [FLOWS_PER_RUN + 1, FLOWS_PER_RUN + 1], [
        FLOWS_PER_RUN + 1,
        FLOWS_PER_RUN + 2,
      ]],
    );
  }));

Deno.test("what a run left open when it died is closed when the next one begins, and not when it is continued", () =>
  withDatabasePath((path) => {
    const first = openWriter(path);
    first.writeFindings([scanFinding(1), bruteForceFinding(2)]);
    const { run } = first;
    first.close();
    const open = () =>
      readAll(path, "SELECT is_open FROM scans UNION ALL SELECT is_open FROM anomalies")
        .map((row) => row.is_open);
    const continued = openWriter(path, { continuedRun: run });
    strictEqual(continued.run, run);
    continued.close();
    deepStrictEqual(open(), [1, 1]);
    openWriter(path).close();
    deepStrictEqual(open(), [0, 0]);
    const stale = openWriter(path, { continuedRun: run });
    strictEqual(stale.run, run + 2);
    stale.close();
  }));

Deno.test("a finding that SQLite refuses leaves nothing of its message behind", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    throws(
      () => writer.writeFindings([scanFinding(1), scanFinding(2, { firstUs: NaN })]),
      (error) => error instanceof StoreError && error.kind === "refused",
    );
    writer.close();
    deepStrictEqual(readAll(path, "SELECT * FROM scans"), []);
    deepStrictEqual(readAll(path, "SELECT * FROM scan_flows"), []);
  }));

Deno.test("findings go with the retention, and their links with them", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 1 });
    const late = { firstUs: startUs + 3 * dayUs, lastUs: startUs + 3 * dayUs };
    writer.writeFindings([
      scanFinding(1),
      bruteForceFinding(2),
      scanFinding(3, late),
      bruteForceFinding(4, { ...late, detectedUs: startUs + 3 * dayUs }),
    ]);
    writer.deleteOld(startUs + 4 * dayUs);
    writer.close();
    const ids = (sql: string) =>
      readAll(path, sql).map((row) => Number(Object.values(row)[0]) - FLOWS_PER_RUN);
    deepStrictEqual(ids("SELECT id FROM scans"), [3]);
    deepStrictEqual(ids("SELECT id FROM anomalies"), [4]);
    deepStrictEqual(ids("SELECT DISTINCT scan_id FROM scan_flows"), [3]);
    deepStrictEqual(ids("SELECT DISTINCT anomaly_id FROM anomaly_flows"), [4]);
  }));

Deno.test("findings of version 2 are kept and are over", () =>
  withDatabasePath((path) => {
    const old = new DatabaseSync(path);
    migrate(old, 2);
    const put = (table: string, row: Record<string, string | number>) =>
      old.prepare(
        `INSERT INTO ${table}(${Object.keys(row)}) VALUES (${Object.keys(row).map(() => "?")})`,
      ).run(...Object.values(row));
    const common = {
      detected_us: startUs,
      sources: "[]",
      targets: "[]",
      severity: "low",
      confidence: 0.5,
      reason: "Of old",
    };
    put("anomalies", {
      ...common,
      ts_us: startUs,
      window_us: 10,
      kind: "anomaly",
      entity: "10.0.0.1",
      top_features: "[]",
    });
    put("scans", {
      ...common,
      first_us: startUs,
      last_us: startUs,
      kind: "vertical",
      probe: "syn",
      source_count: 1,
      target_count: 1,
      ports: "22",
      port_count: 1,
      attempts: 1,
      answered: 0,
    });
    old.close();
    openWriter(path).close();
    deepStrictEqual(readAll(path, "SELECT first_us, last_us, is_open FROM anomalies"), [
      { first_us: startUs, last_us: startUs + 10, is_open: 0 },
    ]);
    deepStrictEqual(readAll(path, "SELECT came_back, tool, has_decoys, is_open FROM scans"), [
      { came_back: "[]", tool: "", has_decoys: 0, is_open: 0 },
    ]);
    const queries = new StoreQueries(path);
    strictEqual(queries.scans().rows[0]!.reason, "Of old");
    queries.close();
  }));

/** A service on `path`, and what it said. */
function startService(path: string) {
  const said: StoreToMain[] = [];
  let nowUs = startUs;
  const service = new StoreService({
    path,
    retentionDays: 14,
    retentionBytes: 1e9,
    continuedRun: 0,
    file: null,
    toolVersion: "0.0.0-test",
    post: (message) => said.push(message),
    ack: () => {},
    nowUs: () => nowUs,
  });
  service.open();
  const taken = () =>
    said.flatMap((message) => message.type === "findingsTaken" ? [message.sequence] : []);
  const last = () => said.findLast((message) => message.type === "state")!;
  const tickAfter = (seconds: number) => {
    nowUs += seconds * 1e6;
    service.tick();
  };
  return { service, said, taken, last, tickAfter };
}

Deno.test("findings do not wait for the second to end", () =>
  withDatabasePath((path) => {
    const { service, taken, last } = startService(path);
    service.takeFindings({
      type: "findings",
      sequence: 0,
      findings: [scanFinding(1)],
      incidents: [],
    });
    deepStrictEqual(taken(), [0]);
    strictEqual(readAll(path, "SELECT id FROM scans").length, 1);
    service.tick();
    const { run, state } = last();
    deepStrictEqual([run, state.rowsWritten], [1, 1]);
    service.close();
  }));

Deno.test("findings wait for a database that is locked, and their run goes on afterwards", () =>
  withDatabasePath((path) => {
    const { service, taken, tickAfter, last } = startService(path);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    for (const sequence of [0, 1]) {
      service.takeFindings({
        type: "findings",
        sequence,
        findings: [scanFinding(sequence + 1)],
        incidents: [],
      });
    }
    service.take(rows({ packets: [packetRow(1)] }));
    deepStrictEqual(taken(), []);
    other.exec("COMMIT");
    other.close();
    tickAfter(9);
    deepStrictEqual(taken(), [0, 1]);
    deepStrictEqual(
      readAll(path, "SELECT id FROM scans").map(({ id }) => Number(id) - FLOWS_PER_RUN),
      [1, 2],
    );
    strictEqual(last().run, 1);
    service.close();
  }));

Deno.test("of several findings only the refused one is lost, and that is told", () =>
  withDatabasePath((path) => {
    const { service, taken, said, last } = startService(path);
    const findings = [scanFinding(1), scanFinding(2, { lastUs: NaN }), scanFinding(3)];
    service.takeFindings({ type: "findings", sequence: 0, findings, incidents: [] });
    deepStrictEqual(taken(), [0]);
    service.close();
    deepStrictEqual([last().state.rowsWritten, last().state.rowsLost], [2, 1]);
    const notes = said.flatMap((message) => message.type === "note" ? [message.text] : []);
    match(notes[0]!, /The finding "192\.168\.1\.9 probed .*" is lost/);
  }));

Deno.test("closing a database that stays locked counts the findings that it never got", () =>
  withDatabasePath((path) => {
    const { service, taken, last } = startService(path);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    service.takeFindings({
      type: "findings",
      sequence: 4,
      findings: [scanFinding(1)],
      incidents: [],
    });
    service.close();
    deepStrictEqual([taken(), last().state.rowsLost], [[4], 1]);
    other.exec("COMMIT");
    other.close();
  }));
