/** Names that strangers chose are text: on every page, in every answer of /api, in every export and in what goes to a terminal. */
import assert from "node:assert/strict";
import { missingChromium, openChromium, watchPage } from "./chromium.ts";
import { pagePaths, replayed } from "./every_page.ts";
import { hostileCapture } from "./hostile_capture.ts";
import { Program, runProgram, testWith, withFolder } from "./program.ts";

/** What would be markup, or an attribute, if it were not escaped. */
const markup = /<script>alert|<img src=x|<svg\/onload|<\/title><\/script>|href="javascript:/;
// deno-lint-ignore no-control-regex -- what no text may hold
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
/** Turn round what stands beside them, unless they are closed in. */
const directions = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const exportKinds = ["packets", "flows", "anomalies", "scans", "incidents", "alerts", "hosts"];

interface Replayed {
  readonly program: Program;
  readonly folder: string;
  readonly capture: string;
}

async function withHostile(use: (replay: Replayed) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const capture = `${folder}/hostile.pcap`;
    await Deno.writeFile(capture, hostileCapture());
    await using program = await Program.start(
      ["replay", capture, "--speed", "max", "--results", `${folder}/results`],
    );
    await replayed(program);
    await use({ program, folder: `${folder}/results`, capture });
  });
}

/** Every page, with those of all flows, hosts and findings that have a hostile name, and searches for such names. */
async function hostilePaths(program: Program): Promise<string[]> {
  const known = [...(await pagePaths(program)).values()].flat();
  const flows = JSON.parse(await program.get("/api/flows?limit=1000")).flows;
  const hosts = JSON.parse(await program.get("/api/hosts?limit=1000")).hosts;
  const searches = [
    `"<script>alert(1)</script>"`,
    `"\u202egnp.exe\u2066"`,
    "'onmouseover='alert(3)",
  ]
    .flatMap((q) =>
      ["flows", "packets", "hosts", "scans", "anomalies", "incidents", "alerts"]
        .flatMap((list) =>
          [q, `${q} and hots=${q}`].map((q) => `/${list}?${new URLSearchParams({ q })}`)
        )
    );
  const named = flows.filter(({ name }: { name: string }) => name !== "");
  assert.ok(named.length > 60, `${named.length} flows with names`);
  return [
    ...new Set([
      ...known,
      ...named.map(({ id }: { id: number }) => `/flows/${id}`),
      ...hosts.map(({ address }: { address: string }) => `/hosts/${address}`),
      ...searches,
    ]),
  ];
}

/** What is not as it should be in a page as it is sent. */
function problemsOf(html: string): string[] {
  // Islands start from JSON in a script: in it nothing may end it, or open a comment.
  const scripts = html.match(/<script type="module" nonce="[0-9a-f]+">.*?<\/script>/gs) ?? [];
  const inside = scripts.map((text) => text.slice("<script".length, -"</script>".length)).join(
    "\n",
  );
  const outside = html.replaceAll(/<script type="module" nonce="[0-9a-f]+">.*?<\/script>/gs, "")
    // What a reader may edit has a direction of its own.
    .replaceAll(/<bdi[^>]*>[^<]*<\/bdi>|(?<=<input [^>]*)value="[^"]*"/g, "");
  const checks: readonly (readonly [string, RegExp])[] = [
    [outside, markup],
    [outside, /<script/],
    [html, controls],
    [outside, directions],
    [inside, /<\/script|<!--/i],
  ];
  return checks.flatMap(([text, pattern]) => {
    const match = pattern.exec(text);
    return match ? [text.slice(Math.max(0, match.index - 60), match.index + 60)] : [];
  });
}

Deno.test("hostile names are text in every page as it is sent", () =>
  withHostile(async ({ program }) => {
    const hosts = await program.get("/api/hosts?limit=1000");
    assert.ok(hosts.includes("<script>alert(1)</script>"), "the names have come through");
    assert.match(await program.get("/hosts"), /&lt;script(>|&gt;)alert\(1\)/, "and are shown");
    const problems: string[] = [];
    for (const path of await hostilePaths(program)) {
      const response = await fetch(program.url + path);
      const html = await response.text();
      assert.ok(response.status < 500, `${path} answered ${response.status}`);
      problems.push(...problemsOf(html).map((text) => `${path}: ${JSON.stringify(text)}`));
    }
    assert.deepEqual(problems, []);
  }));

testWith(
  missingChromium,
  "no hostile name runs, breaks or says anything in a browser",
  () =>
    withHostile(async ({ program }) => {
      const browser = await openChromium();
      try {
        const page = await browser.newPage();
        const complaints = watchPage(page, program.url);
        const seen = new Set<string>();
        const problems: string[] = [];
        let refused = 0;
        // One page of a flow, and of a host, is as the others.
        for (const path of await hostilePaths(program)) {
          const kind = path.replace(/\d{4,}|[\d.]{7,}/, "N");
          const count = [...seen].filter((one) => one.startsWith(`${kind} `)).length;
          if (count >= 6) continue;
          seen.add(`${kind} ${path}`);
          const response = await page.goto(program.url + path);
          const isRefused = (response?.status() ?? 0) >= 400;
          if (isRefused) refused++;
          const { strange, over } = await page.evaluate(() => ({
            strange: document.querySelectorAll(
              "[onerror], [onload], [onmouseover], img, iframe, script:not([nonce])",
            ).length,
            over: document.documentElement.scrollWidth - innerWidth,
          }));
          if (strange > 0) problems.push(`${path} has elements that are none of ours`);
          if (over > 1) problems.push(`${path} is ${over} px too wide`);
          problems.push(...complaints.splice(0).map((text) => `${path}: ${text}`));
        }
        // The browser tells of an answer of 404 or 400 by itself, be it a page later.
        const [told, others] = [true, false].map((isOfAnswer) =>
          problems.filter((text) => text.includes("Failed to load resource") === isOfAnswer)
        );
        assert.deepEqual(others, []);
        assert.ok(told!.length <= refused, told!.join("\n"));
      } finally {
        await browser.close();
      }
    }),
);

/** Cells of a line or more of RFC 4180, records by line ends outside of quotation marks. */
function csvRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (
    const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)
  ) {
    record.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    records.push(record);
    record = [];
  }
  return records.filter((one) => one.length > 1 || one[0] !== "");
}

function checkCsv(what: string, text: string): void {
  const [header, ...records] = csvRecords(text);
  for (const record of records) {
    assert.equal(record.length, header!.length, `${what}: ${record.join(" | ").slice(0, 200)}`);
    for (const cell of record) {
      const isNumber = /^-?\d+(\.\d+)?(e-?\d+)?$/.test(cell);
      // Also behind what another spreadsheet cuts cells at.
      const isFormula = /(^|[;\t\r\n])\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell) && !isNumber;
      assert.ok(!isFormula, `${what}: ${JSON.stringify(cell.slice(0, 80))}`);
      assert.doesNotMatch(cell, controls, what);
      assert.doesNotMatch(cell, directions, what);
    }
  }
}

Deno.test("hostile names are text in /api, as JSON and as CSV", () =>
  withHostile(async ({ program }) => {
    let withNames = 0;
    for (const kind of [...exportKinds, "hosts/new"]) {
      const json = await fetch(`${program.url}/api/${kind}?limit=1000`);
      assert.match(json.headers.get("content-type")!, /^application\/json/);
      const text = await json.text();
      JSON.parse(text);
      assert.doesNotMatch(text, controls, kind);
      const csv = await fetch(`${program.url}/api/${kind}?limit=1000&format=csv`);
      assert.match(csv.headers.get("content-type")!, /^text\/csv/);
      assert.equal(csv.headers.get("x-content-type-options"), "nosniff");
      const table = await csv.text();
      checkCsv(kind, table);
      if (table.includes("HYPERLINK")) withNames++;
    }
    assert.ok(withNames >= 3, "formulas have come through");
    assert.doesNotMatch(await program.get("/metrics"), controls);
    assert.doesNotMatch(program.log, controls);
  }));

Deno.test("hostile names are text in exports and in what goes to a terminal", () =>
  withHostile(async ({ program, folder, capture }) => {
    await program.stop();
    for (const kind of exportKinds) {
      const csv = await runProgram(["export", kind, "--results", folder]);
      assert.equal(csv.code, 0, csv.stderr);
      checkCsv(kind, csv.stdout);
      const lines = await runProgram(["export", kind, "--results", folder, "--format", "jsonl"]);
      for (const line of lines.stdout.split("\n").filter(Boolean)) JSON.parse(line);
      assert.doesNotMatch(lines.stdout, controls, kind);
    }
    const tsv = (await runProgram(["decode", capture])).stdout;
    const [header, ...rows] = tsv.replace(/\n$/, "").split("\n");
    assert.ok(tsv.includes("<script>alert(1)"), "the names have come through");
    for (const row of rows) {
      assert.equal(row.split("\t").length, header!.split("\t").length, row.slice(0, 200));
      assert.doesNotMatch(row, controls);
      assert.doesNotMatch(row, directions);
    }
    const report = (await runProgram(["analyze", capture])).stdout;
    assert.doesNotMatch(report, controls);
    assert.doesNotMatch(report, directions);
    for (const option of [["--json"], ["--flows", "-"], ["--eve", "-"]]) {
      const { stdout } = await runProgram(["analyze", capture, ...option]);
      assert.doesNotMatch(stdout, controls, option[0]);
      if (option[0] === "--json") JSON.parse(stdout);
      else for (const line of stdout.split("\n").filter(Boolean)) JSON.parse(line);
    }
  }));
