/** The whole path from a capture file to findings in one thread, as `analyze` runs it in two. */
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { formatIpWords } from "../agent/decode/addresses.ts";
import { Detection, type DetectionOptions } from "../agent/detect/detection.ts";
import { isLocalAddress } from "../agent/pipeline/local_address.ts";
import { Pipeline } from "../agent/pipeline/pipeline.ts";
import type { DetectionState, Finding } from "../agent/records.ts";

/** What detection made of a file. */
export interface FileFindings {
  /** The last state of each finding, in order of their ids. */
  readonly findings: readonly Finding[];
  /** The first state of each: as it was at detection. */
  readonly firstStates: ReadonlyMap<number, Finding>;
  readonly state: DetectionState;
  readonly packets: number;
}

export async function detectInFile(
  path: string,
  options: Partial<DetectionOptions> = {},
): Promise<FileFindings> {
  const firstStates = new Map<number, Finding>();
  const lastStates = new Map<number, Finding>();
  const detection = new Detection({
    isLive: false,
    formatAddress: (...words) =>
      formatIpWords(words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? 4 : 6, words),
    isLocal: isLocalAddress,
    model: null,
    anomalyQuantile: 0.995,
    seed: 1,
    note: (text) => console.error(text),
    onFinding: (finding) => {
      if (!firstStates.has(finding.id)) firstStates.set(finding.id, finding);
      lastStates.set(finding.id, finding);
    },
    ...options,
  });
  const pipeline = new Pipeline({
    flowCountMax: 1_000_000,
    rowPolicy: "none",
    observations: {
      exchange: (words, length) => {
        detection.take(words, length);
        return words;
      },
    },
  });
  const reader = await CaptureFileReader.open(path);
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    pipeline.process(batch);
  }
  reader.close();
  pipeline.finish();
  detection.finish();
  const findings = [...lastStates.values()].sort((a, b) => a.id - b.id);
  const state = { ...detection.state(), observationsShed: pipeline.observationsShed };
  return { findings, firstStates, state, packets: pipeline.packets };
}
