/** Processes on pages, in /api and in mails: what programs call themselves is text everywhere, and files name none. */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { factsOf } from "../agent/alert/story.ts";
import type { Alert, FlowProcess } from "../agent/records.ts";
import { flow, hostRow, incident, openWriter, rows, scanFinding } from "../agent/store/testing.ts";
import { withProcess } from "../agent/text/processes.ts";
import { nowUs } from "./dashboard_fixture.ts";
import { type Site, withSite } from "./dashboard_site.ts";
import { demoCapture, runProgram, withFolder } from "./program.ts";

const hostile: FlowProcess = {
  pid: 4711,
  name: "<script>alert(1)</script>",
  executable: '/tmp/"><img src=x onerror=alert(2)>',
  command: '=HYPERLINK("http://x.example","y") \'onmouseover=\'alert(3)',
  user: "</title><svg/onload=alert(4)>",
  unit: "javascript:alert(5)",
};
const markup = /<script>alert|<img src=x|<svg\/onload|<\/title><svg|href="javascript:/;
const own = "192.168.1.9";

function fill({ folder }: Site): void {
  const atUs = nowUs() - 60e6;
  const writer = openWriter(`${folder}/packet_logs.db`);
  const times = { startUs: atUs, endUs: atUs + 1e6 };
  const curl = { ...hostile, name: "curl", user: "bob", unit: "docker-0123456789ab" };
  writer.write(rows({
    hosts: [hostRow(own, { firstSeenUs: atUs, lastSeenUs: atUs + 1e6 })],
    flows: [
      flow(1, { ...times, origH: own, process: hostile }),
      flow(2, { ...times, origH: own, process: curl }),
      flow(3, { ...times, origH: own, process: { ...hostile, pid: 0, name: "" } }),
      flow(4, { ...times, origH: own }),
    ],
  }));
  const finding = { ...scanFinding(7), firstUs: atUs, lastUs: atUs + 1e6, detectedUs: atUs };
  const named = withProcess(finding, hostile);
  const story = incident(1, {
    actor: own,
    firstUs: atUs,
    lastUs: atUs + 1e6,
    headline: named.reason,
    process: hostile,
  });
  const joined = [{ finding: named, role: "cause" as const }];
  writer.writeFindings([named], [{ incident: story, joined, absorbedIds: [] }]);
  writer.close();
}

Deno.test("what a process calls itself is text on every page that tells it", () =>
  withSite({}, async (site) => {
    fill(site);
    const asked = async (path: string) => JSON.parse(await textOf(site, path));
    const { flows } = await asked("/api/flows");
    strictEqual(flows.length, 4);
    const { scans } = await asked("/api/scans");
    const paths = flows.map(({ id }: { id: number }) => `/flows/${id}`).concat(
      ["/flows", "/incidents/1", "/incidents", "/scans", "/", "/status"],
      [`/scans/${scans[0].id}`, `/hosts/${own}`],
      `/flows?${new URLSearchParams({ q: 'process "<script>alert(1)</script>"' })}`,
    );
    for (const path of paths) {
      // What islands begin with is a string of a script, in which no tag can end it.
      const page = (await textOf(site, path)).replace(
        /<script type="module"[\s\S]*?<\/script>/,
        "",
      );
      doesNotMatch(page, markup, path);
    }
    const shown = await textOf(site, `/flows/${flows.at(-1).id}`);
    match(shown, /Process: <b>&lt;script>alert\(1\)&lt;\/script>|Process: <b>&lt;script&gt;alert/);
    const page = await textOf(site, `/hosts/${own}`);
    match(page, /id="processes"/);
    match(page, /docker-0123456789ab/);
    // A spreadsheet takes it for no formula.
    doesNotMatch(await textOf(site, "/api/flows?format=csv"), /(^|,)"?=HYPERLINK/m);
  }));

Deno.test("flows and findings are searched by process, user and unit", () =>
  withSite({}, async (site) => {
    fill(site);
    const count = async (list: string, q: string) => {
      const answer = await textOf(site, `/api/${list}?${new URLSearchParams({ q })}`);
      return JSON.parse(answer)[list].length;
    };
    strictEqual(await count("flows", "process curl"), 1);
    strictEqual(await count("flows", "PROCESS:CURL and user=bob"), 1);
    strictEqual(await count("flows", "process *"), 2);
    strictEqual(await count("flows", "not process *"), 2);
    strictEqual(await count("flows", "unit docker-*"), 1);
    strictEqual(
      await count("flows", "curl"),
      0,
      "a bare word is looked for in addresses and names",
    );
    strictEqual(await count("scans", 'process "<script>*"'), 1);
    strictEqual(await count("incidents", "user *svg*"), 1);
  }));

Deno.test("a mail tells the process before all else", () => {
  const story = {
    alert: { reason: "it was opened" } as Alert,
    incident: incident(1, { process: { ...hostile, name: "a\u202eb\u0007" } }),
  };
  const [first] = factsOf(story as Parameters<typeof factsOf>[0]);
  strictEqual(first!.term, "Process");
  match(first!.text, /^a<U\+202E>b<U\+0007> \(/);
});

Deno.test("flows of a file never have a process", () =>
  withFolder(async (folder) => {
    const { code, stderr } = await runProgram([
      "analyze",
      demoCapture,
      "--flows",
      `${folder}/flows`,
    ], {
      env: { TAPWATCH_PROCESSES: "1" },
    });
    strictEqual(code, 0, stderr);
    const flows = Deno.readTextFileSync(`${folder}/flows`).trim().split("\n")
      .map((line) => JSON.parse(line));
    ok(flows.length > 10);
    const processes = new Set(flows.map(({ pid, process, user }) => `${pid} ${process} ${user}`));
    deepStrictEqual([...processes], ["null null null"]);
  }));

async function textOf({ get }: Site, path: string): Promise<string> {
  const response = await get(path);
  strictEqual(response.status, 200, path);
  return await response.text();
}
