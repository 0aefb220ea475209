/**
 * The packets of findings, kept beyond the ring: `evidence/` in the results folder, some files for each finding.
 *
 *     evidence/finding-4294967301-high-1795362401000000-1795362411000000.pcap
 *                      row's id   severity  from (us)      until (us), not included
 *
 * The name says all that is known of a file, so nothing else has to be kept in step with it. A file is written as
 * `….part` and renamed when it is whole.
 */
import { SEVERITIES, type Severity } from "../records.ts";
import { ifThere } from "../errors.ts";

export interface EvidenceFile {
  readonly path: string;
  /** Id of the finding's row in `scans` or `anomalies`, which count together. */
  readonly findingId: number;
  readonly severity: Severity;
  /** It has what the finding's filter takes of this time, as far as its bounds let it. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly sizeBytes: number;
}

export const evidenceFolderName = "evidence";
const namePattern = /^finding-(\d{1,16})-([a-z]+)-(\d{1,17})-(\d{1,17})\.pcap$/;
export const partExtension = ".part";

export function evidenceName(
  { findingId, severity, fromUs, untilUs }: Omit<EvidenceFile, "path" | "sizeBytes">,
): string {
  return `finding-${findingId}-${severity}-${fromUs}-${untilUs}.pcap`;
}

/** All of them, oldest first. None when there is no such folder; throws when it cannot be read. */
export function listEvidence(resultsFolder: string): EvidenceFile[] {
  const folder = `${resultsFolder}/${evidenceFolderName}`;
  const files: EvidenceFile[] = [];
  try {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      const file = isFile ? readName(folder, name) : null;
      if (file !== null) files.push(file);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files.sort((a, b) => a.fromUs - b.fromUs || a.findingId - b.findingId);
}

function readName(folder: string, name: string): EvidenceFile | null {
  const [, id, severity, from, until] = namePattern.exec(name) ?? [];
  if (id === undefined || !(SEVERITIES as readonly string[]).includes(severity!)) return null;
  const path = `${folder}/${name}`;
  const sizeBytes = ifThere(() => Deno.statSync(path).size);
  return sizeBytes === null ? null : {
    path,
    findingId: Number(id),
    severity: severity as Severity,
    fromUs: Number(from),
    untilUs: Number(until),
    sizeBytes,
  };
}
