/**
 * Captures in which tapwatch was once wrong, each standing for a kind of fault: what `analyze` must say of them.
 *
 * A line of fixtures/field/expected.jsonl (in order of the files' names) has the file and what is expected of it:
 *
 *     packets, flows               totals
 *     protocols, applications      packets of a transport, flows of an application
 *     names                        flows have them, each as often as it stands there
 *     orig_bytes, resp_bytes       the most of any flow
 *     retransmissions              of all flows, both directions
 *     copies                       packets that the capture saw twice; told when they are many
 *     severity_max                 over all scans and findings; "none" is that nothing is told
 *     scan, finding                what one of them has; `says` and `says_not` are about its reason
 *     args                         given to `analyze` as well
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runProgram, withFolder } from "./program.ts";

interface Told {
  readonly kind: string;
  readonly severity: string;
  readonly reason: string;
  readonly sources: readonly string[];
  readonly [name: string]: unknown;
}
/** What one finding must have: `source` is one of its sources, the other names are the report's. */
interface Wanted {
  readonly source?: string;
  readonly says?: string;
  readonly says_not?: string;
  readonly [name: string]: unknown;
}
interface Case {
  readonly file: string;
  readonly packets?: number;
  readonly flows?: number;
  readonly protocols?: Readonly<Record<string, number>>;
  readonly applications?: Readonly<Record<string, number>>;
  readonly names?: readonly string[];
  readonly orig_bytes?: number;
  readonly resp_bytes?: number;
  readonly retransmissions?: number;
  readonly copies?: number;
  readonly severity_max?: string;
  readonly scan?: Wanted;
  readonly finding?: Wanted;
  readonly args?: readonly string[];
}
interface Report {
  readonly packets: number;
  readonly copies: number;
  readonly coverage: {
    readonly gaps: readonly { readonly kind: string; readonly count: number }[];
  };
  readonly protocols: Readonly<Record<string, { readonly packets: number }>>;
  readonly applications: Readonly<Record<string, { readonly flows: number }>>;
  readonly flows: { readonly total: number };
  readonly scans: readonly Told[];
  readonly findings: readonly Told[];
}
interface FlowLine {
  readonly name: string;
  readonly orig_bytes: number;
  readonly resp_bytes: number;
  readonly orig_retransmissions: number;
  readonly resp_retransmissions: number;
}

const folder = new URL("fixtures/field/", import.meta.url);
const severities = ["none", "info", "low", "medium", "high", "critical"];

const lines = Deno.readTextFileSync(new URL("expected.jsonl", folder)).trimEnd().split("\n");
const cases = lines.map((line): Case => JSON.parse(line));

Deno.test("the cases are in order of their files, and every capture of the folder has one", () => {
  const files = cases.map(({ file }) => file);
  deepStrictEqual(files, [...files].sort());
  const captures = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.includes(".pcap"));
  deepStrictEqual([...new Set(files)], captures.sort());
});

for (const expected of cases) {
  const { file, args = [] } = expected;
  Deno.test(`analyze is right about ${[file, ...args].join(" ")}`, () =>
    withFolder(async (output) => {
      const path = fileURLToPath(new URL(file, folder));
      const flowsFile = `${output}/flows.jsonl`;
      const run = await runProgram(["analyze", path, "--json", "--flows", flowsFile, ...args]);
      strictEqual(run.code, 0, run.stderr);
      const report: Report = JSON.parse(run.stdout);
      const flows = Deno.readTextFileSync(flowsFile).split("\n").slice(0, -1)
        .map((line): FlowLine => JSON.parse(line));
      checkCounts(report, expected);
      checkFlows(flows, expected);
      checkTold(report, expected);
    }));
}

function checkCounts(report: Report, expected: Case): void {
  if (expected.packets !== undefined) strictEqual(report.packets, expected.packets);
  if (expected.flows !== undefined) strictEqual(report.flows.total, expected.flows);
  if (expected.copies !== undefined) {
    strictEqual(report.copies, expected.copies);
    const gaps = report.coverage.gaps.filter(({ kind }) => kind === "copies");
    deepStrictEqual(gaps.map(({ count }) => count), expected.copies > 0 ? [expected.copies] : []);
  }
  for (const [name, packets] of Object.entries(expected.protocols ?? {})) {
    strictEqual(report.protocols[name]?.packets ?? 0, packets, name);
  }
  for (const [name, flows] of Object.entries(expected.applications ?? {})) {
    strictEqual(report.applications[name]?.flows ?? 0, flows, name);
  }
}

function checkFlows(flows: readonly FlowLine[], expected: Case): void {
  const names = flows.map(({ name }) => name);
  for (const name of expected.names ?? []) {
    const at = names.indexOf(name);
    ok(at >= 0, `no flow (any more) is named ${name}`);
    names.splice(at, 1);
  }
  for (const key of ["orig_bytes", "resp_bytes"] as const) {
    if (expected[key] === undefined) continue;
    strictEqual(Math.max(0, ...flows.map((flow) => flow[key])), expected[key], key);
  }
  if (expected.retransmissions === undefined) return;
  const sum = flows.reduce(
    (sum, flow) => sum + flow.orig_retransmissions + flow.resp_retransmissions,
    0,
  );
  strictEqual(sum, expected.retransmissions, "retransmissions");
}

function checkTold(report: Report, expected: Case): void {
  const told = [...report.scans, ...report.findings];
  if (expected.severity_max !== undefined) {
    const most = severities.indexOf(expected.severity_max);
    ok(most >= 0, expected.severity_max);
    const worse = told.filter(({ severity }) => severities.indexOf(severity) > most);
    deepStrictEqual(worse.map(describe), []);
  }
  checkIsTold(report.scans, expected.scan);
  checkIsTold(report.findings, expected.finding);
}

function checkIsTold(told: readonly Told[], wanted: Wanted | undefined): void {
  if (wanted === undefined) return;
  ok(told.some((one) => isAsWanted(one, wanted)), `told: ${told.map(describe).join(" ")}`);
}

function isAsWanted(told: Told, wanted: Wanted): boolean {
  const { source, says, says_not: saysNot, ...equal } = wanted;
  return Object.entries(equal).every(([name, value]) => told[name] === value) &&
    (source === undefined || told.sources.includes(source)) &&
    (says === undefined || told.reason.includes(says)) &&
    (saysNot === undefined || !told.reason.includes(saysNot));
}

function describe({ kind, severity, reason }: Told): string {
  return `${kind} (${severity}): ${reason}`;
}
