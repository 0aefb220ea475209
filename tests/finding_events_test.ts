/** Findings on their way to readers: `/api/events`, the lists of `/api` and `/metrics`. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { createDashboard } from "../dashboard.ts";
import { bruteForceFinding, openWriter, scanFinding } from "../agent/store/testing.ts";
import { FLOWS_PER_RUN } from "../agent/store/schema.ts";
import { makeSnapshot, openFixture } from "./dashboard_fixture.ts";

const info = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 4 },
  completed: Promise.resolve(),
} as const;

interface SentEvent {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

type Site = Awaited<ReturnType<typeof openFixture>> & {
  readonly get: (path: string) => Promise<Response>;
};

async function withSite(use: (site: Site) => Promise<void>): Promise<void> {
  const fixture = await openFixture({});
  const dashboard = createDashboard(fixture.context);
  const get = async (path: string) =>
    await dashboard.handler(
      new Request(`http://localhost:8055${path}`, { headers: { host: "localhost:8055" } }),
      info,
    );
  try {
    await use({ ...fixture, get });
  } finally {
    dashboard.closeStreams();
    await fixture.close();
  }
}

/** Events other than the stats that every stream begins with. */
async function* findingEvents(response: Response): AsyncGenerator<SentEvent> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (type !== undefined && type !== "stats") yield { type, data: JSON.parse(data!) };
    }
  }
}

async function take(events: AsyncGenerator<SentEvent>, count: number): Promise<SentEvent[]> {
  const taken: SentEvent[] = [];
  for (let index = 0; index < count; index++) taken.push((await events.next()).value!);
  return taken;
}

Deno.test("/api/events tells findings as the rows that the lists of /api have of them later", () =>
  withSite(async ({ get, live, folder }) => {
    const writer = openWriter(`${folder}/packet_logs.db`);
    live.storeRun = writer.run;
    const events = findingEvents(await get("/api/events"));
    const findings = [scanFinding(1), bruteForceFinding(2)];
    for (const finding of findings) live.setFinding(finding);
    const sent = await take(events, 2);
    deepStrictEqual(sent.map(({ type }) => type), ["scan", "anomaly"]);
    writer.writeFindings(findings);
    writer.close();
    const { scans: [scan] } = await (await get("/api/scans")).json();
    const { anomalies: [anomaly] } = await (await get("/api/anomalies")).json();
    deepStrictEqual(sent.map(({ data }) => data), [scan, anomaly]);
  }));

Deno.test("/api/events tells of a burst of findings each one's newest state, and loses no reader", () =>
  withSite(async ({ get, live }) => {
    const events = findingEvents(await get("/api/events"));
    for (let id = 1; id <= 100; id++) live.setFinding(bruteForceFinding(id));
    live.setFinding(bruteForceFinding(1, { isOpen: false }));
    const sent = await take(events, 100);
    deepStrictEqual(sent.map(({ data }) => Number(data.id) % 2 ** 32), [
      ...Array.from({ length: 99 }, (_, index) => index + 2),
      1,
    ]);
    strictEqual(sent.at(-1)!.data.is_open, 0);
  }));

Deno.test("the live state keeps the newest state of the last 200 findings and counts each once", () =>
  withSite(async ({ get, live }) => {
    for (let id = 1; id <= 250; id++) live.setFinding(bruteForceFinding(id));
    live.setFinding(bruteForceFinding(100, { reason: "It has grown." }));
    live.setFinding(bruteForceFinding(7, { isOpen: false }));
    live.setFinding(scanFinding(251));
    strictEqual(live.findings.length, 200);
    deepStrictEqual(live.findings.slice(-3).map(({ id }) => id), [100, 7, 251]);
    deepStrictEqual([...live.findingCounts], [["brute_force", 250], ["scan", 1]]);
    const metrics = await (await get("/metrics")).text();
    match(metrics, /^tapwatch_findings_total\{kind="brute_force"\} 250$/m);
    match(metrics, /^tapwatch_findings_total\{kind="scan"\} 1$/m);
    match(metrics, /^tapwatch_findings_total\{kind="beacon"\} 0$/m);
  }));

Deno.test("/metrics and the status tell what detection says of itself, and what was shed", () =>
  withSite(async ({ get, live }) => {
    live.detectionOwn = {
      ...live.detectionOwn,
      state: "learning",
      windowsLearnt: 43,
      windowsNeeded: 256,
      observations: 1200,
      findingsOpen: 2,
      isOneWay: false,
    };
    live.findingsLost = 3;
    live.setSnapshot(makeSnapshot({ observationsShed: 17 }), []);
    const metrics = await (await get("/metrics")).text();
    match(metrics, /^tapwatch_detection_state\{state="learning"\} 1$/m);
    match(metrics, /^tapwatch_detection_state\{state="ready"\} 0$/m);
    match(metrics, /^tapwatch_detection_windows_learnt 43$/m);
    match(metrics, /^tapwatch_observations_total 1200$/m);
    match(metrics, /^tapwatch_observations_shed_total 17$/m);
    match(metrics, /^tapwatch_capture_drops_total\{where="store"\} 3$/m);
    const { health } = await (await get("/api/stats")).json();
    deepStrictEqual(
      [health.detection.state, health.detection.windows_learnt, health.detection.observations_shed],
      ["learning", 43, 17],
    );
  }));

Deno.test("/api/scans/ID and /api/anomalies/ID are one finding, also before it is written", () =>
  withSite(async ({ get, live, folder }) => {
    const writer = openWriter(`${folder}/packet_logs.db`);
    live.storeRun = writer.run;
    const findings = [scanFinding(1), bruteForceFinding(2)];
    for (const finding of findings) live.setFinding(finding);
    const base = writer.run * FLOWS_PER_RUN;
    const paths = [`/api/scans/${base + 1}`, `/api/anomalies/${base + 2}`];
    const ask = () => Promise.all(paths.map(async (path) => await (await get(path)).json()));
    const early = await ask();
    writer.writeFindings(findings);
    writer.close();
    const { scans: [scan] } = await (await get("/api/scans")).json();
    const { anomalies: [anomaly] } = await (await get("/api/anomalies")).json();
    deepStrictEqual(await ask(), [{ ...scan, incident: null }, { ...anomaly, incident: null }]);
    deepStrictEqual(early, await ask());
    const wrong = [`/api/scans/${base + 2}`, `/api/anomalies/${base + 1}`, "/api/scans/x"];
    for (const path of wrong) {
      const answer = await get(path);
      strictEqual(answer.status, 404, path);
      match((await answer.json()).error, /^There is no (scan|anomaly) "/);
    }
  }));
