/** How well port scans are found, and how rarely something else is taken for one. */
import { detectInFrames } from "../../tests/detect_in_file.ts";
import type { Finding } from "../../agent/records.ts";
import { type Section, table, type Target } from "../harness.ts";
import { halfOf, type Judged } from "./corpus.ts";
import { scanOfEvent } from "./expected.ts";
import { ownCaptures } from "./own_captures.ts";

interface ScanJudgement {
  readonly file: string;
  readonly half: string;
  readonly sources: readonly string[];
  /** Of `sources`, those that no scan names. */
  readonly missed: readonly string[];
  /** Kinds that the label asks for, as "vertical syn", and those of them that were not found. */
  readonly kinds: readonly string[];
  readonly kindsMissed: readonly string[];
  /** For each source that was named: what it was named by, when first. */
  readonly evidence: readonly Evidence[];
  /** Scans naming nobody that the label allows. */
  readonly falseAlarms: readonly Finding[];
}

export interface Evidence {
  readonly source: string;
  /** Distinct contacts that had been judged when it was first named, those that were answered too. */
  readonly probes: number;
  /** Most that the issue allows for this probe. */
  readonly allowed: number;
  readonly afterS: number;
}

/** What the scans found in a labelled capture are worth. */
export function judgeScans({ file, label, found }: Judged): ScanJudgement {
  const scans = found.findings.filter(({ kind }) => kind === "scan");
  const sources = label?.scan_sources ?? [];
  const allowed = [...sources, ...label?.scan_optional ?? []];
  const kinds = (label?.events ?? []).map(({ kind }) => scanOfEvent[kind]).filter((kind) =>
    kind !== undefined && sources.length > 0
  ).map((kind) => kind.join(" "));
  const kindsFound = scans.map(({ scan }) => `${scan!.kind} ${scan!.probe}`);
  const named = new Set(scans.flatMap((scan) => scan.sources));
  return {
    file,
    half: halfOf(file),
    sources,
    missed: sources.filter((source) => !named.has(source)),
    kinds,
    kindsMissed: kinds.filter((kind) => !kindsFound.includes(kind)),
    evidence: sources.filter((source) => named.has(source)).map((source) =>
      evidenceOf(source, [...found.firstStates.values()])
    ),
    falseAlarms: scans.filter((scan) => !scan.sources.some((source) => allowed.includes(source))),
  };
}

/** A distributed scan is told of its target; each of its sources is judged by a scan of its own where it has one. */
function evidenceOf(source: string, firstStates: readonly Finding[]): Evidence {
  const naming = firstStates.filter((finding) =>
    finding.kind === "scan" && finding.sources.includes(source)
  );
  const own = naming.filter(({ scan }) => scan!.kind !== "distributed");
  const [first] = (own.length > 0 ? own : naming).sort((a, b) => a.detectedUs - b.detectedUs);
  if (first === undefined) return { source, probes: Infinity, allowed: 0, afterS: NaN };
  const isSweep = first.scan!.probe === "icmp_echo" || first.scan!.probe === "arp";
  const isOutbound = first.sources.some(isPrivate) && !first.targets.every(isPrivate);
  return {
    source,
    probes: first.scan!.attempts,
    allowed: isSweep ? 10 : isOutbound ? 15 : 5,
    afterS: (first.detectedUs - first.firstUs) / 1e6,
  };
}

export function isWithin({ probes, allowed }: Evidence): boolean {
  return probes <= allowed;
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|f[cde])/.test(address);
}

export function scanSection(labelled: readonly Judged[], decode: readonly Judged[]): Section {
  const judgements = labelled.map(judgeScans);
  const own = ownCaptures().map(({ name, frames, expected }) => {
    const scans = detectInFrames(frames).findings.filter(({ kind }) => kind === "scan");
    const isRight = expected === null
      ? scans.length === 0
      : scans.some(({ scan }) => scan!.kind === expected.kind && scan!.probe === expected.probe);
    return { name, isRight, expected, scans };
  });
  return {
    title: "Port scans",
    blocks: [
      "A source counts as named when a scan lists it. Evidence is the number of probes that had been judged when the " +
      "source was first named, more than had failed by then. Thresholds were chosen on the files of the first half; the second was held out.",
      halvesTable(judgements),
      attackTable(judgements),
      falseAlarmTable(labelled, judgements),
      `Captures under decode/ with a scan: ${decodeText(decode)}`,
      "Traffic of our own (`bench/detection/own_captures.ts`):",
      table(
        ["traffic", "expected", "found", ""],
        own.map(({ name, expected, scans, isRight }) => [
          name,
          expected === null ? "no scan" : `${expected.kind} ${expected.probe}`,
          scans.map(({ scan }) => `${scan!.kind} ${scan!.probe}`).join(", ") || "no scan",
          isRight ? "right" : "**wrong**",
        ]),
      ),
    ],
    targets: [...scanTargets(labelled, judgements, decode), {
      promise: "all of our own traffic is judged rightly",
      measured: `${own.filter(({ isRight }) => isRight).length} of ${own.length}`,
      isMet: own.every(({ isRight }) => isRight),
    }],
  };
}

function scanTargets(
  labelled: readonly Judged[],
  judgements: readonly ScanJudgement[],
  decode: readonly Judged[],
): Target[] {
  const sources = judgements.flatMap((judgement) => judgement.sources);
  const missed = judgements.flatMap((judgement) => judgement.missed);
  const kinds = judgements.flatMap((judgement) => judgement.kinds);
  const kindsMissed = judgements.flatMap((judgement) => judgement.kindsMissed);
  const evidence = judgements.flatMap((judgement) => judgement.evidence);
  const within = evidence.filter(isWithin).length;
  const decodeScans = decode.filter(hasScan).length;
  const harmless = labelled.filter(({ label }) => isHarmless(label!));
  const wrong = judgements.filter(({ file, falseAlarms }) =>
    falseAlarms.length > 0 && harmless.some((judged) => judged.file === file)
  );
  return [
    {
      promise: "at least 95 % of the sources named",
      measured: `${sources.length - missed.length} of ${sources.length}`,
      isMet: missed.length <= sources.length * 0.05,
    },
    {
      promise: "every kind found",
      measured: `${kinds.length - kindsMissed.length} of ${kinds.length}`,
      isMet: kindsMissed.length === 0,
    },
    {
      promise: "evidence within 5 (inbound, internal), 15 (outbound), 10 (sweeps) for 95 %",
      measured: `${within} of ${evidence.length}`,
      isMet: evidence.length > 0 && within >= evidence.length * 0.95,
    },
    {
      promise:
        "no scan on benign captures (soft ones apart), floods, brute force, beacons, tunnels",
      measured: `${wrong.length} of ${harmless.length} captures`,
      isMet: wrong.length === 0,
    },
    {
      promise: "a scan in at most 1 % of decode/",
      measured: `${decodeScans} of ${decode.length}`,
      isMet: decodeScans <= decode.length * 0.01,
    },
  ];
}

function isHarmless(
  label: { benign: boolean; soft?: readonly string[]; scan_sources: readonly string[] },
) {
  return label.scan_sources.length === 0 && label.soft === undefined;
}

function hasScan({ found }: Judged): boolean {
  return found.findings.some(({ kind }) => kind === "scan");
}

function halvesTable(judgements: readonly ScanJudgement[]): string {
  const rows = ["tuning", "held out"].map((half) => {
    const of = judgements.filter((judgement) => judgement.half === half);
    const sources = of.flatMap((judgement) => judgement.sources).length;
    const missed = of.flatMap((judgement) => judgement.missed).length;
    const kinds = of.flatMap((judgement) => judgement.kinds).length;
    const kindsMissed = of.flatMap((judgement) => judgement.kindsMissed).length;
    const alarms = of.filter(({ falseAlarms }) => falseAlarms.length > 0).length;
    return [
      half,
      String(of.length),
      `${sources - missed} of ${sources}`,
      `${kinds - kindsMissed} of ${kinds}`,
      String(alarms),
    ];
  });
  return table(
    ["half", "captures", "sources named", "kinds found", "captures with a false alarm"],
    rows,
  );
}

function attackTable(judgements: readonly ScanJudgement[]): string {
  const rows = judgements.filter(({ sources }) => sources.length > 0).map((judgement) => {
    const { file, half, sources, missed, kinds, kindsMissed, evidence } = judgement;
    const probes = evidence.map((item) => item.probes);
    const after = evidence.map((item) => item.afterS);
    return [
      file.replace("attack/", ""),
      half,
      `${sources.length - missed.length} of ${sources.length}`,
      kinds.map((kind) => kindsMissed.includes(kind) ? `**${kind} missed**` : kind).join(", "),
      probes.length > 0 ? String(Math.max(...probes)) : "",
      after.length > 0 ? `${Math.max(...after).toFixed(1)} s` : "",
    ];
  });
  return table(["capture", "half", "named", "kinds", "evidence", "after"], rows);
}

function falseAlarmTable(
  labelled: readonly Judged[],
  judgements: readonly ScanJudgement[],
): string {
  const rows = judgements.filter(({ falseAlarms }) => falseAlarms.length > 0).map((judgement) => {
    const { label } = labelled.find(({ file }) => file === judgement.file)!;
    const note = label!.soft === undefined ? "" : "soft";
    return [judgement.file, note, judgement.falseAlarms.map(({ reason }) => reason).join(" ")];
  });
  return rows.length === 0
    ? "No false alarm in any labelled capture."
    : table(["capture with a false alarm", "", "what it said"], rows);
}

function decodeText(decode: readonly Judged[]): string {
  const files = decode.filter(hasScan).map(({ file, found }) =>
    `${file} (${found.findings.find(({ kind }) => kind === "scan")!.reason})`
  );
  return files.length === 0
    ? `none of ${decode.length}.`
    : `${files.length} of ${decode.length}: ${files.join("; ")}`;
}
