/**
 * What the anomaly detector makes of the corpus, each file learnt from alone, and live after benign captures; judged as
 * in bench/detection/anomalies.ts, with five seeds.
 */
import { ok } from "node:assert/strict";
import { corpusPath, doesCorpusExist, readManifest } from "../agent/capture/corpus.ts";
import { AnomalyDetector } from "../agent/detect/anomaly/anomaly_detector.ts";
import {
  anomalyTargets,
  hostOf,
  judgeAnomalies,
  judgeAttack,
  readExpected,
  scoreFile,
  seeds,
} from "../bench/detection/anomalies.ts";
import { corpusNote } from "../bench/detection/corpus.ts";
import { detectInFile } from "./detect_in_file.ts";

for (const seed of seeds) {
  Deno.test({
    name: `attackers rank high and are flagged, benign hosts are not, seed ${seed}${corpusNote}`,
    ignore: !doesCorpusExist,
    async fn() {
      for (const { promise, measured, isMet } of anomalyTargets(await judgeAnomalies(seed))) {
        ok(isMet, `${promise}: ${measured}`);
      }
    },
  });
}

Deno.test({
  name: `live, what was learnt from benign captures flags the attackers of others${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const model = await learnLive();
    const attacks: { isFlagged: boolean }[] = [];
    const others = { windows: 0, flagged: 0 };
    for (const { entry, expected } of await readExpected()) {
      const windows = await scoreFile(entry, { seed: 1, isLive: true, model });
      attacks.push(judgeAttack(windows, expected));
      // Whom an attacker scans or floods stands out as well, and rightly.
      const bystanders = windows.filter((window) =>
        !expected.includes(hostOf(window)) && !scannedHosts.includes(hostOf(window))
      );
      others.windows += bystanders.length;
      others.flagged += bystanders.filter(({ isAnomalous }) => isAnomalous).length;
    }
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
