/**
 * Port scans in the labelled captures of the corpus: who is named, as what, by how much evidence, and who is not.
 * labels.jsonl says what is in a capture; arguable ones (`soft`) are left out of the count of false alarms.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../agent/capture/corpus.ts";
import { ScanDetector } from "../agent/detect/scan/scan_detector.ts";
import { CaptureFormatError } from "../agent/errors.ts";
import type { Finding } from "../agent/records.ts";
import { detectInFile, type FileFindings } from "./detect_in_file.ts";

const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

interface Label {
  readonly file: string;
  readonly scan_sources: readonly string[];
  readonly scan_optional?: readonly string[];
  readonly soft?: readonly string[];
  readonly events: readonly { readonly kind: string }[];
}

/** Kind and probe that each labelled kind of event is to be found as. */
const expected: Readonly<Record<string, string>> = {
  icmp_sweep: "horizontal icmp_echo",
  arp_sweep: "horizontal arp",
  "arp_sweep+service_probe": "horizontal arp",
  tcp_ack_scan: "vertical ack",
  tcp_fin_scan: "vertical fin",
  tcp_null_scan: "vertical null",
  tcp_xmas_scan: "vertical xmas",
  tcp_connect_scan: "vertical connect",
  tcp_syn_scan: "vertical syn",
  tcp_syn_scan_decoy: "vertical syn",
  tcp_syn_scan_fragmented: "vertical syn",
  tcp_syn_scan_in_vxlan: "vertical syn",
  tcp_syn_scan_ipv6: "vertical syn",
  tcp_syn_scan_slow: "vertical syn",
  tcp_version_os_scan: "vertical syn",
  udp_scan: "vertical udp",
  horizontal_scan: "horizontal syn",
  horizontal_udp_scan: "horizontal udp",
  block_scan: "block syn",
  distributed_scan: "distributed syn",
};

Deno.test({
  name: `scans in labelled captures are named, as what they are, and nothing else is${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    const tally = { sources: 0, missed: [] as string[], kindsMissed: [] as string[] };
    const late: string[] = [];
    const falseAlarms: string[] = [];
    for (const label of await readLabels()) {
      const found = await detectScans(await fileOf(label.file));
      const named = new Set(found!.findings.flatMap(({ sources }) => sources));
      const missed = label.scan_sources.filter((source) => !named.has(source));
      tally.sources += label.scan_sources.length;
      tally.missed.push(...missed.map((source) => `${label.file} ${source}`));
      tally.kindsMissed.push(...kindsMissed(label, found!.findings));
      late.push(...lateSources(label, found!));
      falseAlarms.push(...falseAlarmsOf(label, found!.findings));
    }
    console.log(
      `${tally.sources - tally.missed.length} of ${tally.sources} sources named, ` +
        `${late.length} late, ${falseAlarms.length} false alarms`,
    );
    ok(tally.missed.length <= tally.sources * 0.05, tally.missed.join());
    deepStrictEqual(tally.kindsMissed, []);
    ok(late.length <= tally.sources * 0.05, late.join());
    deepStrictEqual(falseAlarms, []);
  },
});

Deno.test({
  name: `at most 1 % of the captures by protocol give a scan${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    const files = (await readManifest()).filter(({ file }) => file.startsWith("decode/"));
    const alarms: string[] = [];
    for (const file of files) {
      const found = await detectScans(file);
      for (const { reason } of found?.findings ?? []) alarms.push(`${file.file}: ${reason}`);
    }
    ok(files.length > 0);
    ok(alarms.length <= files.length * 0.01, alarms.join("\n"));
  },
});

async function readLabels(): Promise<Label[]> {
  const lines = (await readCorpusText("labels.jsonl")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Label);
}

async function fileOf(name: string): Promise<CorpusFile> {
  return (await readManifest()).find(({ file }) => file === name)!;
}

/** Null for what is no capture to us. */
async function detectScans(file: CorpusFile): Promise<FileFindings | null> {
  try {
    return await detectInFile(corpusPath(file), {
      detectors: [(context) => new ScanDetector(context)],
    });
  } catch (error) {
    if (error instanceof CaptureFormatError) return null;
    throw error;
  }
}

function kindsMissed(
  { file, scan_sources, events }: Label,
  findings: readonly Finding[],
): string[] {
  if (scan_sources.length === 0) return [];
  const found = findings.map(({ scan }) => `${scan!.kind} ${scan!.probe}`);
  return events.map(({ kind }) => expected[kind])
    .filter((kind) => kind !== undefined && !found.includes(kind))
    .map((kind) => `${file}: ${kind}`);
}

/** Sources that were named by more evidence than they may need. */
function lateSources({ file, scan_sources }: Label, found: FileFindings): string[] {
  return scan_sources.flatMap((source) => {
    const states = [...found.firstStates.values()].filter(({ sources, scan }) =>
      sources.includes(source) && scan!.kind !== "distributed"
    );
    const first = states.sort((a, b) => a.detectedUs - b.detectedUs)[0];
    if (first === undefined || first.scan!.attempts <= evidenceMax(first)) return [];
    return [`${file} ${source}: ${first.scan!.attempts}`];
  });
}

function evidenceMax({ sources, targets, scan }: Finding): number {
  if (scan!.probe === "icmp_echo" || scan!.probe === "arp") return 10;
  return isPrivate(sources[0]) && !targets.every(isPrivate) ? 15 : 5;
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd])/.test(address);
}

function falseAlarmsOf(label: Label, findings: readonly Finding[]): string[] {
  if (label.soft) return [];
  const allowed = [...label.scan_sources, ...label.scan_optional ?? []];
  return findings.filter(({ sources }) => sources.some((source) => !allowed.includes(source)))
    .map(({ reason }) => `${label.file}: ${reason}`);
}
