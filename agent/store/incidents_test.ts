import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { makeAlert } from "../../tests/incident_fixture.ts";
import type { Alert } from "../records.ts";
import { StoreQueries } from "./queries.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
import {
  bruteForceFinding,
  incident,
  openWriter,
  scanFinding,
  startUs,
  withDatabasePath,
} from "./testing.ts";
import type { StoreWriter } from "./writer.ts";

async function withStore(use: (writer: StoreWriter, queries: StoreQueries) => void) {
  await withDatabasePath((path) => {
    const writer = openWriter(path);
    const queries = new StoreQueries(path);
    try {
      use(writer, queries);
    } finally {
      queries.close();
      writer.close();
    }
  });
}

Deno.test("an incident is one row that grows, with its findings and their roles", () =>
  withStore((writer, queries) => {
    const [scan, guess] = [scanFinding(1), bruteForceFinding(2, { firstUs: startUs + 1 })];
    writer.writeFindings([scan], [{
      incident: incident(7),
      joined: [{ finding: scan, role: "cause" }],
      absorbedIds: [],
    }]);
    writer.writeFindings([guess], [{
      incident: incident(7, { severity: "critical", isOpen: false, findingCount: 2 }),
      joined: [{ finding: guess, role: "cause" }],
      absorbedIds: [],
    }]);
    const { rows } = queries.incidents();
    deepStrictEqual(
      rows.map((
        { id, severity, state, finding_count, acknowledged_us },
      ) => [id, severity, state, finding_count, acknowledged_us]),
      [[7, "critical", "closed", 2, null]],
    );
    deepStrictEqual(
      queries.incidentFindings(7).map(({ list, role, row }) => [list, role, row.id]),
      [["scans", "cause", FLOWS_PER_RUN + 1], ["anomalies", "cause", FLOWS_PER_RUN + 2]],
    );
    strictEqual(queries.incidentOf("scans", FLOWS_PER_RUN + 1)?.id, 7);
    strictEqual(queries.incidentOf("scans", FLOWS_PER_RUN + 2), null);
    deepStrictEqual(queries.openIncidents(), { rows: [], lastId: 7 });
  }));

Deno.test("an incident that turns out to be part of another leaves its findings to it", () =>
  withStore((writer, queries) => {
    const [victim, cause] = [bruteForceFinding(1), scanFinding(2)];
    writer.writeFindings([victim], [{
      incident: incident(1, { actor: "192.168.1.20" }),
      joined: [{ finding: victim, role: "cause" }],
      absorbedIds: [],
    }]);
    writer.writeFindings([cause], [{
      incident: incident(2),
      joined: [{ finding: cause, role: "cause" }, { finding: victim, role: "effect" }],
      absorbedIds: [1],
    }]);
    deepStrictEqual(queries.incidents().rows.map(({ id }) => id), [2]);
    deepStrictEqual(queries.incidentFindings(2).map(({ role }) => role).sort(), [
      "cause",
      "effect",
    ]);
  }));

Deno.test("an alert goes with its incident into another, and is kept when there is none any more", () =>
  withStore((writer, queries) => {
    const write = (...alerts: Alert[]) =>
      writer.writeAlerts({ alerts, mutes: [], unmutedIds: [], acknowledged: [] });
    const alone = (id: number, absorbedIds: readonly number[] = []) => ({
      incident: incident(id),
      joined: [],
      absorbedIds,
    });
    writer.writeFindings([], [alone(1)]);
    const alert = makeAlert({ id: 1, incidentId: 1, state: "waiting" });
    write(alert);
    writer.writeFindings([], [alone(2, [1])]);
    strictEqual(queries.alert(1)?.incident_id, 2);
    write({ ...alert, state: "sent" });
    deepStrictEqual([queries.alert(1)?.incident_id, queries.alert(1)?.state], [2, "sent"]);
    write(makeAlert({ id: 2, incidentId: 99 }));
    strictEqual(queries.alert(2)?.incident_id, null);
  }));

Deno.test("lists of incidents are narrowed down by actor, severity, state and time", () =>
  withStore((writer, queries) => {
    const news = [
      incident(1),
      incident(2, { actor: "10.0.0.1", sources: ["10.0.0.1"], severity: "low", isOpen: false }),
      incident(3, { actor: null, lastUs: startUs + 60_000_000 }),
    ].map((each) => ({ incident: each, joined: [], absorbedIds: [] }));
    writer.writeFindings([], news);
    const ids = (filter: Parameters<StoreQueries["incidents"]>[0]) =>
      queries.incidents(filter).rows.map(({ id }) => id);
    deepStrictEqual(ids({}), [3, 2, 1]);
    deepStrictEqual(ids({ actor: "10.0.0.1" }), [2]);
    deepStrictEqual(ids({ severity: "high" }), [3, 1]);
    deepStrictEqual(ids({ isOpen: false }), [2]);
    deepStrictEqual(ids({ target: "10.0.0.2", fromUs: startUs + 30_000_000 }), [3]);
    deepStrictEqual(ids({ isAcknowledged: true }), []);
  }));
