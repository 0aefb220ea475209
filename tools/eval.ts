/**
 * `deno task eval`: measures detection on the labelled captures and on traffic of our own, and writes `bench/DETECTION.md`.
 * The captures are no part of the repository: they are looked for beside it, in ../shared/corpus.
 */
import { doesCorpusExist } from "../agent/capture/corpus.ts";
import { anomalySection } from "../bench/detection/anomalies.ts";
import { judgeDecode, judgeLabelled } from "../bench/detection/corpus.ts";
import { forestSection } from "../bench/detection/forest.ts";
import { incidentSection } from "../bench/detection/incidents.ts";
import { otherFindingsSection } from "../bench/detection/other_findings.ts";
import { scanSection } from "../bench/detection/scans.ts";
import { type Section, sectionText, targetTable } from "../bench/harness.ts";

const root = new URL("..", import.meta.url).pathname;

if (import.meta.main) {
  if (!doesCorpusExist) {
    console.error("Cannot measure detection: there are no labelled captures in ../shared/corpus.");
    Deno.exit(2);
  }
  const evaluation = await evaluate();
  await Deno.writeTextFile(`${root}bench/DETECTION.md`, detectionText(evaluation));
  console.error("Wrote bench/DETECTION.md.");
  for (
    const { promise, measured, isMet } of evaluation.sections.flatMap(({ targets }) => targets)
  ) {
    console.error(`${isMet ? "met    " : "NOT MET"} ${promise}: ${measured}`);
  }
}

interface Evaluation {
  readonly sections: readonly Section[];
  readonly labelledCount: number;
}

async function evaluate(): Promise<Evaluation> {
  const labelled = await judgeLabelled();
  const decode = await judgeDecode();
  const sections = [
    scanSection(labelled, decode),
    await anomalySection(),
    await forestSection(),
    otherFindingsSection(labelled, decode),
    incidentSection(labelled),
  ];
  return { sections, labelledCount: labelled.length };
}

function detectionText({ sections, labelledCount }: Evaluation): string {
  const parts = [
    "# What detection finds",
    "Written by `deno task eval`; not edited by hand. The labelled captures are real ones from public repositories and " +
    "ones recorded between network namespaces; they are no part of this repository.",
    `- labelled captures: ${labelledCount}\n- seed: 1; everything else is in the captures, so a second run says the same\n` +
    "- command: `deno task eval`",
    "## Targets",
    targetTable(sections.flatMap(({ targets }) => targets)),
    ...sections.map((section) => sectionText({ ...section, targets: [] }).trimEnd()),
  ];
  return parts.join("\n\n") + "\n";
}
