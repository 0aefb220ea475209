/** Reads a capture file through a pipeline. */
import { type CaptureFileInfo, CaptureFileReader } from "../capture/file_reader.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { PacketBatch } from "../records.ts";

export interface FeedWatcher {
  /** The file could be opened and is a capture. */
  readonly onOpen?: () => void;
  /** After each batch. */
  readonly onBatch?: (batch: PacketBatch, info: CaptureFileInfo) => void;
}

/** Resolves with what the reader says of the file at its end. Rejects with CaptureFormatError. */
export async function feedFile(
  path: string,
  pipeline: Pipeline,
  watcher: FeedWatcher = {},
): Promise<CaptureFileInfo> {
  const reader = await CaptureFileReader.open(path);
  watcher.onOpen?.();
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      pipeline.process(batch);
      watcher.onBatch?.(batch, reader.info);
    }
  } finally {
    reader.close();
  }
  return reader.info;
}
