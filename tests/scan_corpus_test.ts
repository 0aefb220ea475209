/**
 * Port scans in the labelled captures of the corpus: who is named, as what, by how much evidence, and who is not.
 * Arguable captures (`soft`) are left out of the count of false alarms.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { doesCorpusExist } from "../agent/capture/corpus.ts";
import type { DetectorFactory } from "../agent/detect/detector.ts";
import { ScanDetector } from "../agent/detect/scan/scan_detector.ts";
import { corpusNote, judgeDecode, judgeLabelled } from "../bench/detection/corpus.ts";
import { isWithin, judgeScans } from "../bench/detection/scans.ts";

const detectors: readonly DetectorFactory[] = [(context) => new ScanDetector(context)];

Deno.test({
  name: `scans in labelled captures are named, as what they are, and nothing else is${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const judged = await judgeLabelled({ detectors });
    const judgements = judged.map(judgeScans);
    const sources = judgements.flatMap((judgement) => judgement.sources);
    const missed = judgements.flatMap((judgement) => judgement.missed);
    const evidence = judgements.flatMap((judgement) => judgement.evidence);
    const late = evidence.filter((item) => !isWithin(item));
    ok(sources.length >= 37);
    ok(missed.length <= sources.length * 0.05, missed.join());
    deepStrictEqual(judgements.flatMap(({ kindsMissed }) => kindsMissed), []);
    ok(late.length <= evidence.length * 0.05, JSON.stringify(late));
    const soft = judged.filter(({ label }) => label!.soft !== undefined).map(({ file }) => file);
    const wrong = judgements.filter(({ file, falseAlarms }) =>
      falseAlarms.length > 0 && !soft.includes(file)
    );
    deepStrictEqual(wrong.map(({ file }) => file), []);
  },
});

Deno.test({
  name: `at most 1 % of the captures by protocol give a scan${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const judged = await judgeDecode({ detectors });
    const alarms = judged.filter(({ found }) => found.findings.length > 0);
    ok(judged.length > 200);
    ok(alarms.length <= judged.length * 0.01, alarms.map(({ file }) => file).join());
  },
});
