/**
 * What the anomaly detector makes of the labelled captures, each learnt from alone: does it rank those first whom
 * anomaly_files.tsv expects, does it flag them, and does it leave benign hosts alone?
 *
 * The features and their thresholds were chosen while looking at all of these files, so this shows what was reached and is
 * no proof for other networks; how much the halves differ says how far to trust it.
 */
import {
  type CorpusFile,
  corpusPath,
  readCorpusText,
  readManifest,
} from "../../agent/capture/corpus.ts";
import { formatAddressWords } from "../../agent/decode/addresses.ts";
import { AnomalyDetector } from "../../agent/detect/anomaly/anomaly_detector.ts";
import type { ScoredWindow } from "../../agent/detect/anomaly/judged_window.ts";
import type { DetectionOptions } from "../../agent/detect/detection.ts";
import { detectInFile } from "../../tests/detect_in_file.ts";
import { type Section, table, type Target } from "../harness.ts";
import { halfOf } from "./corpus.ts";

export const seeds: readonly number[] = [1, 2, 3, 4, 5];

export interface Attack {
  readonly file: string;
  /** Best place of an expected host among the hosts, by their highest window scores. */
  readonly rank: number;
  readonly isFlagged: boolean;
}

export interface Benign {
  readonly file: string;
  readonly windows: number;
  readonly flagged: number;
}

/** What was made of all files with one seed. */
interface AnomalyJudgement {
  readonly seed: number;
  readonly attacks: readonly Attack[];
  readonly benign: readonly Benign[];
}

export async function judgeAnomalies(seed: number): Promise<AnomalyJudgement> {
  return { seed, attacks: await judgeAttacks(seed), benign: await judgeBenign(seed) };
}

/** What the issue of detection promises of one judgement. */
export function anomalyTargets({ attacks, benign }: AnomalyJudgement): Target[] {
  const share = (is: (attack: Attack) => boolean) => attacks.filter(is).length / attacks.length;
  const counted = (is: (attack: Attack) => boolean) =>
    `${attacks.filter(is).length} of ${attacks.length}`;
  const [flagged, windows] = [sum(benign, "flagged"), sum(benign, "windows")];
  const isIn = (most: number) => ({ rank }: Attack) => rank <= most;
  const isFlagged = (attack: Attack) => attack.isFlagged;
  return [
    {
      promise: "the expected host among the three highest in 85 %",
      measured: counted(isIn(3)),
      isMet: share(isIn(3)) >= 0.85,
    },
    {
      promise: "the expected host among the five highest in 95 %",
      measured: counted(isIn(5)),
      isMet: share(isIn(5)) >= 0.95,
    },
    {
      promise: "the expected host flagged in 60 %",
      measured: counted(isFlagged),
      isMet: share(isFlagged) >= 0.6,
    },
    {
      promise: "at most 1 % of the windows of benign captures flagged, pooled",
      measured: `${flagged} of ${windows}, ${(flagged / windows * 100).toFixed(2)} %`,
      isMet: flagged <= windows * 0.01,
    },
  ];
}

export async function anomalySection(): Promise<Section> {
  const judgements: AnomalyJudgement[] = [];
  for (const seed of seeds) judgements.push(await judgeAnomalies(seed));
  return {
    title: "Anomalies",
    blocks: [
      "Each capture is learnt from alone. A host's rank is that of its highest window among all hosts of at least 8 packets in " +
      "a window. Features and thresholds were chosen while looking at both halves: this is what was reached, and no proof.",
      table(
        [
          "seed",
          "half",
          "attacks",
          "first",
          "in three",
          "in five",
          "flagged",
          "benign windows flagged",
        ],
        judgements.flatMap((judgement) =>
          ["tuning", "held out"].map((half) => row(judgement, half))
        ),
      ),
      table(
        ["capture", "half", "rank by seed", "flagged by seed"],
        judgements[0].attacks.map(({ file }, index) => [
          file.replace("attack/", ""),
          halfOf(file),
          judgements.map(({ attacks }) => attacks[index].rank).join(" "),
          judgements.map(({ attacks }) => attacks[index].isFlagged ? "yes" : "no").join(" "),
        ]),
      ),
      table(
        ["benign capture with a flagged window", "windows", "flagged by seed"],
        judgements[0].benign.map(({ file, windows }, index) => ({
          file,
          windows,
          flagged: judgements.map(({ benign }) => benign[index].flagged),
        })).filter(({ flagged }) => flagged.some((count) => count > 0))
          .map(({ file, windows, flagged }) => [file, String(windows), flagged.join(" ")]),
      ),
    ],
    targets: anomalyTargets(judgements[0]),
  };
}

function row({ seed, attacks, benign }: AnomalyJudgement, half: string): string[] {
  const some = attacks.filter(({ file }) => halfOf(file) === half);
  const quiet = benign.filter(({ file }) => halfOf(file) === half);
  const count = (is: (attack: Attack) => boolean) => String(some.filter(is).length);
  return [
    String(seed),
    half,
    String(some.length),
    count(({ rank }) => rank === 1),
    count(({ rank }) => rank <= 3),
    count(({ rank }) => rank <= 5),
    count(({ isFlagged }) => isFlagged),
    `${sum(quiet, "flagged")} of ${sum(quiet, "windows")}`,
  ];
}

async function judgeAttacks(seed: number): Promise<Attack[]> {
  const attacks = [];
  for (const { entry, expected } of await readExpected()) {
    const windows = await scoreFile(entry, { seed });
    attacks.push({ file: entry.file, ...judgeAttack(windows, expected) });
  }
  return attacks;
}

/** The captures that count, and whom to expect there. */
export async function readExpected(): Promise<{ entry: CorpusFile; expected: string[] }[]> {
  const rows = (await readCorpusText("anomaly_files.tsv")).trim().split("\n")
    .filter((line) => !line.startsWith("#")).slice(1).map((line) => line.split("\t"));
  const manifest = await readManifest();
  return rows.filter(([, counts]) => counts === "y").map(([file, , , hosts]) => ({
    entry: manifest.find((one) => one.file === file)!,
    expected: hosts.split(","),
  }));
}

export function judgeAttack(windows: readonly ScoredWindow[], expected: readonly string[]) {
  const highest = new Map<string, number>();
  for (const window of windows) {
    const host = hostOf(window);
    highest.set(host, Math.max(highest.get(host) ?? 0, window.score));
  }
  const order = [...highest].sort((a, b) => b[1] - a[1]).map(([host]) => host);
  const ranks = expected.map((host) => order.indexOf(host)).filter((place) => place >= 0);
  return {
    rank: Math.min(...ranks) + 1,
    isFlagged: windows.some((one) => one.isAnomalous && expected.includes(hostOf(one))),
  };
}

async function judgeBenign(seed: number): Promise<Benign[]> {
  const files = (await readManifest()).filter(({ file }) => file.startsWith("benign/"));
  const judged = [];
  for (const entry of files) {
    const windows = await scoreFile(entry, { seed });
    const flagged = windows.filter(({ isAnomalous }) => isAnomalous).length;
    judged.push({ file: entry.file, windows: windows.length, flagged });
  }
  return judged;
}

/** Host windows of a file; of one too short to learn from there are none. */
export async function scoreFile(
  file: CorpusFile,
  options: Partial<DetectionOptions>,
): Promise<ScoredWindow[]> {
  const windows: ScoredWindow[] = [];
  await detectInFile(corpusPath(file), {
    ...options,
    detectors: [(context) =>
      new AnomalyDetector(context, (window) => {
        if (window.address !== null) windows.push(window);
      })],
  });
  return windows;
}

export function hostOf({ address }: ScoredWindow): string {
  return formatAddressWords(address![0], address![1], address![2], address![3]);
}

function sum(benign: readonly Benign[], field: "windows" | "flagged"): number {
  return benign.reduce((total, one) => total + one[field], 0);
}
