/** The labelled captures: what their labels say, and what detection makes of each. */
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../../agent/capture/corpus.ts";
import type { DetectionOptions } from "../../agent/detect/detection.ts";
import { CaptureFormatError } from "../../agent/errors.ts";
import { detectInFile, type FileFindings } from "../../tests/detect_in_file.ts";

/** One line of labels.jsonl; the fields are explained in the corpus' README. */
export interface Label {
  readonly file: string;
  readonly benign: boolean;
  readonly scan_sources: readonly string[];
  readonly scan_optional?: readonly string[];
  readonly soft?: readonly string[];
  readonly events: readonly LabelEvent[];
}
interface LabelEvent {
  readonly kind: string;
  readonly attackers: readonly string[];
}

/** A capture, its label (null for those of decode/) and what was found in it. */
export interface Judged {
  /** As "attack/x.pcap". */
  readonly file: string;
  readonly label: Label | null;
  readonly found: FileFindings;
}

/** Behind the names of tests that need the captures. */
export const corpusNote = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

async function readLabels(): Promise<Label[]> {
  const lines = (await readCorpusText("labels.jsonl")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Label);
}

/** Runs detection over every labelled capture, in the order of the labels. */
export async function judgeLabelled(options: Partial<DetectionOptions> = {}): Promise<Judged[]> {
  const files = new Map((await readManifest()).map((entry) => [entry.file, entry]));
  const judged: Judged[] = [];
  for (const label of await readLabels()) {
    const found = await detectInFile(corpusPath(files.get(label.file)!), options);
    judged.push({ file: label.file, label, found });
  }
  return judged;
}

/** Runs detection over the captures by protocol; what is no capture to us is left out. */
export async function judgeDecode(options: Partial<DetectionOptions> = {}): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const entry of await readManifest()) {
    if (!entry.file.startsWith("decode/")) continue;
    const found = await detectIfCapture(entry, options);
    if (found !== null) judged.push({ file: entry.file, label: null, found });
  }
  return judged;
}

/**
 * Which half of the corpus a file belongs to: thresholds were chosen on the first ("tuning"), the second ("held out")
 * tells how they do on what they were not chosen on. By the parity of FNV-1a of its name.
 */
export function halfOf(file: string): "tuning" | "held out" {
  let hash = 0x811c9dc5;
  for (const letter of file) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return (hash & 1) === 0 ? "tuning" : "held out";
}

async function detectIfCapture(
  entry: CorpusFile,
  options: Partial<DetectionOptions>,
): Promise<FileFindings | null> {
  try {
    return await detectInFile(corpusPath(entry), options);
  } catch (error) {
    if (error instanceof CaptureFormatError) return null;
    throw error;
  }
}
