/**
 * The five small detectors (brute force, floods, ARP spoofing, DNS tunnels, beacons) on every labelled capture: each
 * event of their kinds is found with the right attacker, nothing else is told, benign captures give nothing, and the
 * protocol samples of decode/ next to nothing. What stands out of that is listed here with its reason.
 */
import { deepEqual, ok } from "node:assert/strict";
import {
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../agent/capture/corpus.ts";
import { ArpSpoof } from "../agent/detect/arp_spoof.ts";
import { Beacon } from "../agent/detect/beacon.ts";
import { BruteForce } from "../agent/detect/brute_force.ts";
import type { DetectorFactory } from "../agent/detect/detector.ts";
import { DnsTunnel } from "../agent/detect/dns_tunnel.ts";
import { Flood } from "../agent/detect/flood.ts";
import { CaptureFormatError } from "../agent/errors.ts";
import type { FindingKind } from "../agent/records.ts";
import { detectInFile, type FileFindings } from "./detect_in_file.ts";

const detectors: readonly DetectorFactory[] = [
  (context) => new BruteForce(context),
  (context) => new Flood(context),
  (context) => new ArpSpoof(context),
  (context) => new DnsTunnel(context),
  (context) => new Beacon(context),
];

/** What each kind of label is to be found as; the others are no business of these detectors. */
const findingOfEvent: Readonly<Record<string, FindingKind>> = {
  ssh_bruteforce: "brute_force",
  ftp_bruteforce: "brute_force",
  syn_flood: "flood",
  udp_flood: "flood",
  icmp_flood: "flood",
  icmpv6_flood: "flood",
  dhcp_flood: "flood",
  arp_spoof: "arp_spoof",
  dns_tunnel: "dns_tunnel",
  dns_tunnel_simulated: "dns_tunnel",
  beacon: "beacon",
  c2_beacon_simulated: "beacon",
};

/** Findings that no label asks for, judged by hand. */
const unlabelled: Readonly<Record<string, string>> = {
  // hydra's next run begins in the last seconds: six parallel sessions with 10.10.0.20.
  "attack/gen__arp_spoof.pcap": "brute_force 10.10.0.66",
  // Benign here means no scan. Zeek's own exercise for SSH::Password_Guessing: 38 sessions, each with a wrong
  // password, then one that gets in.
  "benign/try-zeek__ssh.pcap": "brute_force 172.16.238.1",
  // A test tool offers 100 ClientHellos to one address, one every 2.6 s: as regular as any beacon.
  "decode/mercury__top_100_fingerprints.pcap": "beacon 10.0.2.15",
};

interface Label {
  readonly file: string;
  readonly events: readonly { readonly kind: string; readonly attackers: readonly string[] }[];
}

const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

Deno.test({
  name: `every labelled event of the small detectors' kinds is found, and nothing else${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    let events = 0;
    let files = 0;
    for (const { file, events: labelled } of await readLabels()) {
      const expected = labelled.flatMap(({ kind, attackers }) => {
        const found = findingOfEvent[kind];
        return found ? attackers.map((attacker) => `${found} ${addressOf(attacker)}`) : [];
      });
      events += expected.length;
      files++;
      const known = file in unlabelled ? [unlabelled[file]] : [];
      deepEqual(await findingsOf(file), [...expected, ...known].sort(), file);
    }
    console.log(`${events} events in ${files} files, all found`);
    ok(events >= 16 && files >= 71);
  },
});

Deno.test({
  name: `at most one protocol sample in a hundred gives a finding${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    const files = (await readManifest()).map(({ file }) => file)
      .filter((file) => file.startsWith("decode/"));
    const telling: string[] = [];
    for (const file of files) {
      const found = await findingsOf(file);
      if (found.length > 0) telling.push(file);
      deepEqual(found, file in unlabelled ? [unlabelled[file]] : [], file);
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

async function readLabels(): Promise<Label[]> {
  const lines = (await readCorpusText("labels.jsonl")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Label);
}

/** Labels say "MAC aa:…" where there is no address, and "(spoofed)" behind one that is forged. */
function addressOf(attacker: string): string {
  return attacker.replace(/^MAC /, "").replace(/ \(spoofed\)$/, "");
}

/** Kind and source of each finding in a capture of the corpus; none for what cannot be read. */
async function findingsOf(file: string): Promise<string[]> {
  const entry = (await readManifest()).find((candidate) => candidate.file === file);
  ok(entry, file);
  let result: FileFindings;
  try {
    result = await detectInFile(corpusPath(entry), { detectors });
  } catch (error) {
    if (error instanceof CaptureFormatError) return [];
    throw error;
  }
  return result.findings.map(({ kind, sources }) => `${kind} ${sources[0]}`).sort();
}
