/**
 * What the anomaly detector makes of the corpus, each file learnt from alone, and live after benign captures: does it
 * rank those first whom anomaly_files.tsv expects, does it flag them, and does it leave the others alone?
 *
 * The features and their thresholds were chosen on these same files, those of both halves (by a hash of the name), so this
 * guards what was reached and is no proof for other networks; how much the halves differ says how far to trust it.
 * Everything is repeated with five seeds.
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
import type { DetectionOptions } from "../agent/detect/detection.ts";
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
        console.log(`half ${half}: ${describe(attacks, benign, (file) => halfOf(file) === half)}`);
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

Deno.test({
  name: `live, what was learnt from benign captures flags the attackers of others${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    const model = await learnLive();
    const [attacks, others] = [[] as Attack[], { windows: 0, flagged: 0 }];
    for (const { entry, expected } of await readExpected()) {
      const windows = await scoreFile(entry, { seed: 1, isLive: true, model });
      attacks.push({ file: entry.file, ...judgeAttack(windows, expected) });
      // Whom an attacker scans or floods stands out as well, and rightly.
      const bystanders = windows.filter((window) =>
        !expected.includes(hostOf(window)) && !scannedHosts.includes(hostOf(window))
      );
      others.windows += bystanders.length;
      others.flagged += bystanders.filter(({ isAnomalous }) => isAnomalous).length;
    }
    console.log(describe(attacks, [], () => true));
    console.log(`others: ${others.flagged} of ${others.windows} windows flagged`);
    const flagged = attacks.filter(({ isFlagged }) => isFlagged).length;
    ok(flagged >= 0.6 * attacks.length, "60 % flagged");
    ok(others.flagged <= 0.01 * others.windows, "1 % of the others' windows flagged");
  },
});

/** Benign captures of the same network as most attacks. */
const learntFiles = [
  "benign/gen__benign_mix.pcap",
  "benign/gen__benign_busy_web.pcap",
  "benign/gen__benign_many_cdn.pcap",
  "benign/gen__benign_midstream_web.pcap",
  "benign/gen__benign_traceroute_ping.pcapng",
  "benign/gen__benign_dhcp_real.pcap",
];
const scannedHosts = ["10.10.0.20"];

/** The model after one capture after the other, each with that of the one before. */
async function learnLive(): Promise<Uint8Array | null> {
  const manifest = await readManifest();
  let model: Uint8Array | null = null;
  for (const file of learntFiles) {
    const detectors: AnomalyDetector[] = [];
    await detectInFile(corpusPath(manifest.find((entry) => entry.file === file)!), {
      isLive: true,
      model,
      detectors: [(context) => detectors[0] = new AnomalyDetector(context)],
    });
    model = detectors[0].saveModel();
  }
  return model;
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
  const attacks = [];
  for (const { entry, expected } of await readExpected()) {
    const windows = await scoreFile(entry, { seed });
    attacks.push({ file: entry.file, ...judgeAttack(windows, expected) });
  }
  return attacks;
}

/** The captures that count, and whom to expect there. */
async function readExpected(): Promise<{ entry: CorpusFile; expected: string[] }[]> {
  const rows = (await readCorpusText("anomaly_files.tsv")).trim().split("\n")
    .filter((line) => !line.startsWith("#")).slice(1).map((line) => line.split("\t"));
  const manifest = await readManifest();
  return rows.filter(([, counts]) => counts === "y").map(([file, , , hosts]) => ({
    entry: manifest.find((one) => one.file === file)!,
    expected: hosts.split(","),
  }));
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
    const windows = await scoreFile(entry, { seed });
    const flagged = windows.filter(({ isAnomalous }) => isAnomalous).length;
    judged.push({ file: entry.file, windows: windows.length, flagged });
  }
  return judged;
}

/** Host windows of a file; of one too short to learn from there are none. */
async function scoreFile(
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
