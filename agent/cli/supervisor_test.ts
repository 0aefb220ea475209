/** The threads of a replay, each of which is made to crash once: it is noted, counted, and the run goes on. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  demoPackets,
  FragileWorker,
  query,
  until,
  withReplay,
} from "../../tests/fragile_replay.ts";
import { FLOWS_PER_RUN } from "../store/schema.ts";

function countRows(folder: string, table: string): number {
  return Number(query(folder, `SELECT count(*) AS count FROM ${table}`)[0]!.count);
}

/** Run and id within it, and whether it is open, of the findings in the database. */
function storedFindings(folder: string): [run: number, id: number, isOpen: number][] {
  const rows = query(
    folder,
    "SELECT id, is_open FROM scans UNION ALL SELECT id, is_open FROM anomalies ORDER BY id",
  );
  return rows.map(({ id, is_open: isOpen }) => [
    Math.floor(Number(id) / FLOWS_PER_RUN),
    Number(id) % FLOWS_PER_RUN,
    Number(isOpen),
  ]);
}

for (const name of ["store", "recorder", "pipeline", "replay"]) {
  Deno.test(`a crash of the ${name} thread is counted, and packets are written again`, () =>
    withReplay(["--speed", "20"], async ({ live, folder }) => {
      await until(live, () => (live.snapshot?.packets ?? 0) > 1000);
      FragileWorker.started.get(`${name}_worker.ts`)!.postMessage("crash");
      await until(live, () => live.workerRestarts === 1);
      match(live.entries.at(-1)!.text, new RegExp(`^The ${name} thread crashed`));
      const rows = countRows(folder, "packets");
      // A new recorder counts from its own start.
      const written = name === "recorder" ? 0 : live.recorder.packetsWritten;
      await until(
        live,
        () =>
          countRows(folder, "packets") > rows + 500 && live.recorder.packetsWritten > written + 500,
      );
      strictEqual(live.workerRestarts, 1);
      deepStrictEqual([live.store.state, live.recorder.state], ["ok", "ok"]);
    }));
}

Deno.test("a crash of the EVE log's thread is counted, and lines are written again", () =>
  withReplay(["--speed", "20", "--eve-log"], async ({ live, folder, supervisor }) => {
    await until(live, () => live.eve.linesWritten > 20);
    FragileWorker.started.get("eve_worker.ts")!.postMessage("crash");
    await until(live, () => live.workerRestarts === 1);
    match(live.entries.at(-1)!.text, /^The EVE log thread crashed/);
    const { linesWritten } = live.eve;
    await until(live, () => live.eve.linesWritten > linesWritten + 20);
    await supervisor.stop();
    const lines = (await Deno.readTextFile(`${folder}/eve.json`)).trimEnd().split("\n");
    const { linesLost, linesWritten: counted } = live.eve;
    // What the thread wrote after it had told its state last is in the file and counts as lost.
    ok(lines.length >= counted && lines.length <= counted + linesLost);
    const flows = lines.filter((line) => JSON.parse(line).event_type === "flow").length;
    const missing = countRows(folder, "flows") - flows;
    ok(missing >= 0 && missing <= linesLost, `${missing} flows of ${linesLost} lines lost`);
  }));

Deno.test("after a crash of the pipeline thread, the EVE log goes on with the numbers of the new rows", () =>
  withReplay(["--speed", "240", "--eve-log"], async ({ live, folder, supervisor }) => {
    await until(live, () => live.eve.linesWritten > 20);
    FragileWorker.started.get("pipeline_worker.ts")!.postMessage("crash");
    await until(live, () => live.workerRestarts === 1);
    await supervisor.drained;
    await supervisor.stop();
    const ids = (await Deno.readTextFile(`${folder}/eve.json`)).trimEnd().split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ event_type: type }) => type === "flow").map(({ flow_id: id }) => id);
    const rows = query(folder, "SELECT id FROM flows").map(({ id }) => Number(id));
    const newRun = Math.max(...rows.map((id) => Math.floor(id / FLOWS_PER_RUN)));
    const ofNewRun = (each: readonly number[]) =>
      each.filter((id) => Math.floor(id / FLOWS_PER_RUN) === newRun).sort((a, b) => a - b);
    ok(ofNewRun(rows).length > 100);
    deepStrictEqual(ofNewRun(ids), ofNewRun(rows));
  }));

Deno.test("a replay whose recorder crashed still comes to its end", () =>
  withReplay(["--speed", "240"], async ({ live, supervisor }) => {
    await until(live, () => (live.snapshot?.packets ?? 0) > 1000);
    FragileWorker.started.get("recorder_worker.ts")!.postMessage("crash");
    await supervisor.drained;
    strictEqual(live.snapshot!.packets, demoPackets);
  }));

Deno.test("findings are told while they last, stored, and closed at the end of a replay", () =>
  withReplay(["--speed", "240"], async ({ live, supervisor, folder }) => {
    const told: string[] = [];
    live.subscribe(({ type, data }) => {
      if (type === "scan" || type === "anomaly") told.push(`${type} ${data.id} ${data.isOpen}`);
    });
    await until(live, () => live.findings.length === 2 && live.detection.findingsOpen === 2);
    await supervisor.drained;
    await supervisor.stop();
    deepStrictEqual([told[0], told.at(-1)], ["scan 1 true", "anomaly 2 false"]);
    deepStrictEqual(live.findings.map(({ id, isOpen }) => [id, isOpen]), [[1, false], [2, false]]);
    deepStrictEqual(storedFindings(folder), [[1, 1, 0], [1, 2, 0]]);
    const links = "SELECT count(*) AS n FROM scan_flows l JOIN flows f ON f.id = l.flow_id";
    strictEqual(query(folder, links)[0]!.n, 1);
    const { state, observations, observationsShed, findings, findingsOpen } = live.detection;
    deepStrictEqual([state, observationsShed, findings, findingsOpen], ["ready", 0, 2, 0]);
    ok(observations > 5000, `${observations}`);
    strictEqual(doesExist(`${folder}/model.bin`), false, "a replay teaches no model");
  }));

Deno.test("a crash of the detect thread closes what it held open; the next one goes on, and no packet is lost", () =>
  withReplay(["--speed", "120"], async ({ live, supervisor, folder }) => {
    await until(live, () => live.findings.length === 2);
    FragileWorker.started.get("detect_worker.ts")!.postMessage("crash");
    await until(live, () => live.workerRestarts === 1);
    match(live.entries.at(-1)!.text, /^The detect thread crashed/);
    deepStrictEqual(live.findings.map(({ id, isOpen }) => [id, isOpen]), [[1, false], [2, false]]);
    await until(live, () => live.findings.some(({ id, isOpen }) => id === 4 && isOpen));
    await supervisor.drained;
    await supervisor.stop();
    deepStrictEqual(storedFindings(folder), [[1, 1, 0], [1, 2, 0], [1, 3, 0], [1, 4, 0]]);
    deepStrictEqual([live.snapshot!.packets, live.detection.findings], [demoPackets, 4]);
    // What was under way to the thread went with it, and is counted.
    ok(live.snapshot!.observationsShed < demoPackets);
    strictEqual(live.detection.observationsShed, live.snapshot!.observationsShed);
  }));

Deno.test("a crash of the store thread leaves each finding its one row", () =>
  withReplay(["--speed", "120"], async ({ live, supervisor, folder }) => {
    await until(live, () => live.findings.length === 2);
    FragileWorker.started.get("store_worker.ts")!.postMessage("crash");
    await until(live, () => live.workerRestarts === 1);
    await supervisor.drained;
    await supervisor.stop();
    deepStrictEqual(storedFindings(folder), [[1, 1, 0], [1, 2, 0]]);
  }));

Deno.test("after a crash of the pipeline thread, findings go on in the rows that they have", () =>
  withReplay(["--speed", "120"], async ({ live, supervisor, folder }) => {
    await until(live, () => live.findings.length === 2);
    FragileWorker.started.get("pipeline_worker.ts")!.postMessage("crash");
    await until(live, () => live.workerRestarts === 1);
    await supervisor.drained;
    await supervisor.stop();
    deepStrictEqual(storedFindings(folder), [[1, 1, 0], [1, 2, 0]]);
  }));

Deno.test("with --log-packets anomalous, packet rows are those of a finding's source while it is open", () =>
  withReplay(
    ["--speed", "60", "--log-packets", "anomalous"],
    async ({ live, supervisor, folder }) => {
      await supervisor.drained;
      await supervisor.stop();
      const [source] = live.findings[0]!.sources;
      const rows = query(folder, "SELECT src, dst FROM packets");
      ok(rows.length > 100 && rows.length < demoPackets, `${rows.length} rows`);
      ok(rows.every(({ src, dst }) => src === source || dst === source));
    },
  ));

function doesExist(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
