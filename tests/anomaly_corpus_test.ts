/**
 * What the anomaly detector makes of the corpus, each file learnt from alone: does it rank those first whom
 * anomaly_files.tsv expects, does it flag them, and does it leave benign captures alone?
 *
 * The thresholds in features.ts and model.ts were chosen on one half of the files (by a hash of the name); both halves are
 * told. Everything is repeated with five seeds.
 */
import { ok } from "node:assert/strict";
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../agent/capture/corpus.ts";
import { AnomalyDetector } from "../agent/detect/anomaly/anomaly_detector.ts";
import type { ScoredWindow } from "../agent/detect/anomaly/judged_window.ts";
import { formatIpWords } from "../agent/decode/addresses.ts";
import { detectInFile } from "./detect_in_file.ts";

const seeds = [1, 2, 3, 4, 5];
const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

for (const seed of seeds) {
  Deno.test({
    name: `attackers rank high and are flagged, benign hosts are not, seed ${seed}${note}`,
    ignore: !doesCorpusExist,
    async fn() {
      const attacks = await judgeAttacks(seed);
      const benign = await judgeBenign(seed);
      for (const half of [0, 1]) {
        const name = half === 0 ? "tuned on" : "held out";
        console.log(`${name}: ${describe(attacks, benign, (file) => halfOf(file) === half)}`);
      }
      console.log(`all: ${describe(attacks, benign, () => true)}`);
      const missed = attacks.filter(({ isFlagged }) => !isFlagged).map(({ file }) => file);
      console.log(`not flagged: ${missed.join(", ")}`);
      const share = (is: (attack: Attack) => boolean) => attacks.filter(is).length / attacks.length;
      ok(share(({ rank }) => rank <= 3) >= 0.85, "85 % among the three highest");
      ok(share(({ rank }) => rank <= 5) >= 0.95, "95 % among the five highest");
      ok(share(({ isFlagged }) => isFlagged) >= 0.6, "60 % flagged");
      ok(sum(benign, "flagged") / sum(benign, "windows") <= 0.01, "1 % of benign windows flagged");
    },
  });
}

interface Attack {
  readonly file: string;
  /** Best place of an expected host among the hosts, by their highest window scores. */
  readonly rank: number;
  readonly isFlagged: boolean;
}

interface Benign {
  readonly file: string;
  readonly windows: number;
  readonly flagged: number;
}

async function judgeAttacks(seed: number): Promise<Attack[]> {
  const rows = (await readCorpusText("anomaly_files.tsv")).trim().split("\n")
    .filter((line) => !line.startsWith("#")).slice(1).map((line) => line.split("\t"));
  const counted = rows.filter(([, counts]) => counts === "y");
  const manifest = await readManifest();
  const attacks = [];
  for (const [file, , , hosts] of counted) {
    const entry = manifest.find((one) => one.file === file)!;
    attacks.push({ file, ...judgeAttack(await scoreFile(entry, seed), hosts.split(",")) });
  }
  return attacks;
}

function judgeAttack(windows: readonly ScoredWindow[], expected: readonly string[]) {
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
    const windows = await scoreFile(entry, seed);
    const flagged = windows.filter(({ isAnomalous }) => isAnomalous).length;
    judged.push({ file: entry.file, windows: windows.length, flagged });
  }
  return judged;
}

/** Host windows of a file; of one too short to learn from there are none. */
async function scoreFile(file: CorpusFile, seed: number): Promise<ScoredWindow[]> {
  const windows: ScoredWindow[] = [];
  await detectInFile(corpusPath(file), {
    seed,
    detectors: [(context) =>
      new AnomalyDetector(context, (window) => {
        if (window.address !== null) windows.push(window);
      })],
  });
  return windows;
}

function hostOf({ address }: ScoredWindow): string {
  const isIpv4 = address![0] === 0 && address![1] === 0 && address![2] === 0xffff;
  return formatIpWords(isIpv4 ? 4 : 6, [address![0], address![1], address![2], address![3]]);
}

function describe(
  attacks: readonly Attack[],
  benign: readonly Benign[],
  isCounted: (file: string) => boolean,
): string {
  const some = attacks.filter(({ file }) => isCounted(file));
  const quiet = benign.filter(({ file }) => isCounted(file));
  const count = (is: (attack: Attack) => boolean) => some.filter(is).length;
  return `of ${some.length} attacks ${count(({ rank }) => rank === 1)} first, ` +
    `${count(({ rank }) => rank <= 3)} in three, ${count(({ rank }) => rank <= 5)} in five, ` +
    `${count(({ isFlagged }) => isFlagged)} flagged; ` +
    `${sum(quiet, "flagged")} of ${sum(quiet, "windows")} benign windows flagged`;
}

function sum(benign: readonly Benign[], field: "windows" | "flagged"): number {
  return benign.reduce((total, one) => total + one[field], 0);
}

/** FNV-1a of the name; one bit of it. */
function halfOf(file: string): number {
  let hash = 0;
  for (const character of file) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return (hash ^ hash >>> 15) & 1;
}
