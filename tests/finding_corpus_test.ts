/**
 * The five small detectors (brute force, floods, ARP spoofing, DNS tunnels, beacons) on every labelled capture: each
 * event of their kinds is found with the right attacker, nothing else is told, benign captures give nothing, and the
 * protocol samples of decode/ next to nothing. What stands out of that is listed here with its reason.
 */
import { deepEqual, ok } from "node:assert/strict";
import { doesCorpusExist } from "../agent/capture/corpus.ts";
import { ArpSpoof } from "../agent/detect/arp_spoof/arp_spoof.ts";
import { Beacon } from "../agent/detect/beacon/beacon.ts";
import { BruteForce } from "../agent/detect/brute_force/brute_force.ts";
import type { DetectorFactory } from "../agent/detect/detector.ts";
import { DnsTunnel } from "../agent/detect/dns_tunnel/dns_tunnel.ts";
import { Flood } from "../agent/detect/flood/flood.ts";
import { corpusNote, type Judged, judgeDecode, judgeLabelled } from "../bench/detection/corpus.ts";
import { attackerAddress, findingOfEvent, rightUnlabelled } from "../bench/detection/expected.ts";
import { detectInFile } from "./detect_in_file.ts";

const detectors: readonly DetectorFactory[] = [
  (context) => new BruteForce(context),
  (context) => new Flood(context),
  (context) => new ArpSpoof(context),
  (context) => new DnsTunnel(context),
  (context) => new Beacon(context),
];

Deno.test({
  name:
    `every labelled event of the small detectors' kinds is found, and nothing else${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    let events = 0;
    let files = 0;
    for (const judged of await judgeLabelled({ detectors })) {
      const { file, label } = judged;
      const expected = label!.events.flatMap(({ kind, attackers }) => {
        const found = findingOfEvent[kind];
        return found ? attackers.map((attacker) => `${found} ${attackerAddress(attacker)}`) : [];
      });
      events += expected.length;
      files++;
      const known = file in rightUnlabelled ? [rightUnlabelled[file]] : [];
      deepEqual(findingsOf(judged), [...expected, ...known].sort(), file);
    }
    ok(events >= 16 && files >= 71);
  },
});

Deno.test({
  name: `at most one protocol sample in a hundred gives a finding${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const files = await judgeDecode({ detectors });
    const telling = files.filter(({ found }) => found.findings.length > 0);
    for (const judged of files) {
      const known = judged.file in rightUnlabelled ? [rightUnlabelled[judged.file]] : [];
      deepEqual(findingsOf(judged), known, judged.file);
    }
    ok(telling.length <= files.length / 100, `${telling.length} of ${files.length}`);
  },
});

Deno.test("the beacon of the demonstration is found before ten minutes have passed", async () => {
  const path = new URL("fixtures/demo.pcapng.gz", import.meta.url).pathname;
  const { findings } = await detectInFile(path, { detectors });
  deepEqual(
    findings.map(({ kind, sources, targets }) => [kind, sources, targets]),
    [["beacon", ["192.168.10.57"], ["203.0.113.77"]]],
  );
  ok(findings[0].detectedUs - findings[0].firstUs < 600e6);
});

/** Kind and source of each finding in a capture. */
function findingsOf({ found }: Judged): string[] {
  return found.findings.map(({ kind, sources }) => `${kind} ${sources[0]}`).sort();
}
