/** The whole path from a capture file to findings in one thread, as `analyze` runs it in two. */
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { formatAddressWords } from "../agent/decode/addresses.ts";
import { Detection, type DetectionOptions } from "../agent/detect/detection.ts";
import { Pipeline } from "../agent/pipeline/pipeline.ts";
import { batchOf } from "../agent/pipeline/testing.ts";
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
  const joined = join(options);
  const reader = await CaptureFileReader.open(path);
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      joined.pipeline.process(batch);
    }
  } finally {
    reader.close();
  }
  return joined.finish();
}

/** As detectInFile(), of Ethernet frames in order of time. */
export function detectInFrames(
  frames: readonly { readonly atS: number; readonly frame: Uint8Array }[],
  options: Partial<DetectionOptions> = {},
): FileFindings {
  const joined = join(options);
  for (let at = 0; at < frames.length; at += framesAtOnce) {
    const some = frames.slice(at, at + framesAtOnce).map(({ atS, frame }) => ({
      timestampUs: framesStartUs + Math.round(atS * 1e6),
      bytes: frame,
    }));
    joined.pipeline.process(batchOf(some));
  }
  return joined.finish();
}

const framesAtOnce = 1000;
/** Traffic time at which frames begin: a round one, 14 November 2023. */
const framesStartUs = 1_700_000_000_000_000;

/** A pipeline and the detectors behind it. */
function join(options: Partial<DetectionOptions>): {
  readonly pipeline: Pipeline;
  readonly finish: () => FileFindings;
} {
  const firstStates = new Map<number, Finding>();
  const lastStates = new Map<number, Finding>();
  const detection = new Detection({
    isLive: false,
    formatAddress: formatAddressWords,
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
  const exchange = (words: Int32Array<ArrayBuffer>, length: number) => {
    detection.take(words, length);
    return words;
  };
  const pipeline = new Pipeline({
    flowCountMax: 1_000_000,
    rowPolicy: "none",
    observations: { wordsMin: 0, exchange },
  });
  const finish = () => {
    pipeline.finish();
    detection.finish();
    const findings = [...lastStates.values()].sort((a, b) => a.id - b.id);
    const state = { ...detection.state(), observationsShed: pipeline.observationsShed };
    return { findings, firstStates, state, packets: pipeline.packets };
  };
  return { pipeline, finish };
}
