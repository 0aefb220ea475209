/** The labelled captures: where they are, what their labels say, and what detection makes of each. */
import { detectInFile, type FileFindings } from "../../tests/detect_in_file.ts";
import type { DetectionOptions } from "../../agent/detect/detection.ts";

/** One line of labels.jsonl; the fields are explained in the corpus' README. */
export interface Label {
  readonly file: string;
  readonly benign: boolean;
  readonly scan_sources: readonly string[];
  readonly scan_optional?: readonly string[];
  readonly soft?: readonly string[];
  readonly events: readonly LabelEvent[];
}
export interface LabelEvent {
  readonly kind: string;
  readonly attackers?: readonly string[];
  readonly victims?: readonly string[];
}

/** A capture, its label (those of decode/ have none) and what was found in it. */
export interface Judged {
  /** As "attack/x.pcap". */
  readonly file: string;
  readonly label: Label | null;
  readonly found: FileFindings;
}

const folder = Deno.env.get("TAPWATCH_CORPUS") ??
  new URL("../../../shared/corpus", import.meta.url).pathname;

/** Why there is no corpus to measure with; "" when there is. */
export function missingCorpus(): string {
  return exists(`${folder}/labels.jsonl`) ? "" : `no labelled captures at ${folder}`;
}

export function corpusPath(name: string): string {
  return `${folder}/${name}`;
}

export function readLabels(): Label[] {
  return Deno.readTextFileSync(corpusPath("labels.jsonl")).trimEnd().split("\n")
    .map((line) => JSON.parse(line) as Label);
}

/** Runs detection over every labelled capture, in the order of the labels. */
export async function judgeLabelled(options: Partial<DetectionOptions> = {}): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const label of readLabels()) {
    judged.push({
      file: label.file,
      label,
      found: await detectInFile(onDisk(label.file), options),
    });
  }
  return judged;
}

/** Runs detection over every capture of decode/ that our reader takes. */
export async function judgeDecode(options: Partial<DetectionOptions> = {}): Promise<Judged[]> {
  const judged: Judged[] = [];
  const names = [...Deno.readDirSync(corpusPath("decode"))].map(({ name }) => name)
    .filter((name) => /\.(pcap|pcapng|cap)(\.gz)?$/.test(name)).sort();
  for (const name of names) {
    const path = corpusPath(`decode/${name}`);
    try {
      judged.push({
        file: `decode/${name}`,
        label: null,
        found: await detectInFile(path, options),
      });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "CaptureFormatError") throw error;
    }
  }
  return judged;
}

/**
 * Which half of the corpus a file belongs to: thresholds were chosen on the first ("tuning"), the second ("held out")
 * tells how they do on what they were not chosen on. By the parity of FNV-1a of its name.
 */
export function halfOf(file: string): "tuning" | "held out" {
  let hash = 0x811c9dc5;
  for (const letter of file.replace(/\.gz$/, "")) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  }
  return (hash & 1) === 0 ? "tuning" : "held out";
}

/** Captures over 200 kB are stored gzipped. */
export function onDisk(file: string): string {
  const path = corpusPath(file);
  return exists(path) ? path : `${path}.gz`;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
