/**
 * `deno task bench`: runs every bench of `bench/`, each in a process of its own, and writes `bench/RESULTS.md`. With
 * names (`analyze flow`) only those, with `--quick` small sizes; both print what they find and write nothing. `--update` with
 * names puts their sections and targets into the file that is there, each with when and where it was measured.
 */
import { describeMachine } from "../bench/machine.ts";
import { type Section, sectionText, type Target, targetTable } from "../bench/harness.ts";
import { denoRun, isExecutableCurrent } from "../bench/programs.ts";
import { compile } from "./compile.ts";

const benches = [
  "analyze",
  "live",
  "start",
  "finding",
  "mail",
  "capture",
  "afpacket",
  "threads",
  "file_reader",
  "decode",
  "flow",
  "forest",
  "store",
  "retention",
  "process",
  "history",
  "browser",
  "fleet_agent",
  "fleet_hub",
  "fleet_load",
  "flood",
  "idle",
  "usual_load",
  "soak",
];
const root = new URL("..", import.meta.url).pathname;

if (import.meta.main) {
  const names = Deno.args.filter((argument) => !argument.startsWith("--"));
  const flags = Deno.args.filter((argument) => argument.startsWith("--"));
  const unknown = names.filter((name) => !benches.includes(name));
  const isWrong = flags.some((flag) => flag !== "--quick" && flag !== "--update") ||
    flags.length > 1 || flags[0] === "--update" && names.length === 0;
  if (unknown.length > 0 || isWrong) {
    console.error(`Usage: deno task bench [--quick|--update] [${benches.join("|")}]...`);
    Deno.exit(2);
  }
  await bench(names.length > 0 ? names : benches, flags);
}

async function bench(names: readonly string[], flags: readonly string[]): Promise<void> {
  await download();
  await makeExecutable();
  const machine = await describeMachine();
  const sections: Section[] = [];
  const isUpdate = flags.includes("--update");
  for (const name of names) sections.push(await runBench(name, isUpdate ? [] : flags));
  const path = `${root}bench/RESULTS.md`;
  if (isUpdate) {
    await Deno.writeTextFile(path, updated(await Deno.readTextFile(path), { machine, sections }));
  } else {
    const text = resultsText(machine, sections);
    if (names.length < benches.length || flags.length > 0) return console.log(text);
    await Deno.writeTextFile(path, text);
  }
  console.error("Wrote bench/RESULTS.md.");
}

/** `text`, the results of an earlier run, with these sections and rows of targets in the place of those of their names. */
export function updated(
  text: string,
  { machine, sections }: { readonly machine: string; readonly sections: readonly Section[] },
): string {
  const parts = text.trimEnd().split(/\n\n(?=## )/);
  const headed = (title: string) => (part: string) => part.startsWith(`## ${title}\n`);
  const facts = machine.split("\n").filter((line) => /^- (date|machine|tapwatch):/.test(line))
    .map((line) => line.slice(2)).join("; ");
  for (const section of sections) {
    const blocks = [`Measured alone: ${facts}.`, ...section.blocks];
    const part = sectionText({ ...section, blocks, targets: [] }).trimEnd();
    const at = parts.findIndex(headed(section.title));
    if (at < 0) parts.push(part);
    else parts[at] = part;
    const targetsAt = parts.findIndex(headed("Targets"));
    if (targetsAt >= 0) parts[targetsAt] = withTargets(parts[targetsAt]!, section.targets);
  }
  return parts.join("\n\n") + "\n";
}

function withTargets(part: string, targets: readonly Target[]): string {
  const lines = part.split("\n");
  for (const target of targets) {
    const row = targetTable([target]).split("\n").at(-1)!;
    const at = lines.findIndex((line) => line.startsWith(`| ${target.promise} |`));
    if (at < 0) lines.push(row);
    else lines[at] = row;
  }
  return lines.join("\n");
}

/** What `main.ts` imports, since a network namespace of a bench has no way out. Throws Error. */
async function download(): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "-q", "--frozen", `--lock=${root}deno.lock`, `${root}main.ts`],
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("deno cache failed; its message stands above");
}

/** Without it, `deno run` alone takes part. */
async function makeExecutable(): Promise<void> {
  if (isExecutableCurrent()) return;
  try {
    await compile(`${root}dist/tapwatch`);
  } catch (error) {
    console.error(`No executable: ${(error as Error).message}`);
  }
}

/** Throws Error when the bench fails: results with a hole would be taken for results. */
async function runBench(name: string, flags: readonly string[]): Promise<Section> {
  console.error(`== ${name}`);
  const [program, ...args] = denoRun(`${root}bench/${name}_bench.ts`);
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args, "--json", ...flags],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`The bench ${name} failed; its message stands above`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function resultsText(machine: string, sections: readonly Section[]): string {
  const targets = sections.flatMap((section) => section.targets);
  const parts = [
    "# Results of the benches",
    "Written by `deno task bench`; not edited by hand.",
    machine,
    "Contestants take turns, so that a slow moment meets all of them. Rates are those of the fastest run; the spread is how " +
    "much longer the slowest took.",
    ...targets.length > 0 ? ["## Targets", targetTable(targets)] : [],
    ...sections.map((section) => sectionText({ ...section, targets: [] }).trimEnd()),
  ];
  return parts.join("\n\n") + "\n";
}
