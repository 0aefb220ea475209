/** For tests and benches: Ethernet frames as the pipeline takes them, and the rows that detectors get of them. */
import { strictEqual } from "node:assert/strict";
import { Observation } from "../detect/observation.ts";
import { createPacketBatch, Linktype, type PacketBatch } from "../records.ts";
import { Pipeline } from "./pipeline.ts";

export interface Frame {
  readonly timestampUs: number;
  readonly bytes: Uint8Array;
  /** Bytes on the wire, where not all are there. */
  readonly wireLength?: number;
  /** Ethernet unless told. */
  readonly linktype?: number;
}

/** A batch of whole frames, one after the other. */
export function batchOf(frames: readonly Frame[]): PacketBatch {
  const size = frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const batch = createPacketBatch(frames.length, new Uint8Array(size));
  let offset = 0;
  frames.forEach((frame, index) => {
    const { timestampUs, bytes, linktype = Linktype.ethernet } = frame;
    batch.bytes.set(bytes, offset);
    batch.offsets[index] = offset;
    batch.capturedLengths[index] = bytes.length;
    batch.wireLengths[index] = frame.wireLength ?? bytes.length;
    batch.timestampsUs[index] = timestampUs;
    batch.linktypes[index] = linktype;
    offset += bytes.length;
  });
  batch.count = frames.length;
  return batch;
}

/** The rows that the detectors get of frames in one batch, each as `describe` reads it. */
export function observe<T>(frames: readonly Frame[], describe: (row: Observation) => T): T[] {
  const rows: T[] = [];
  const row = new Observation();
  const pipeline = new Pipeline({
    flowCountMax: 100,
    rowPolicy: "none",
    observations: {
      wordsMin: 0,
      exchange: (words, length, count) => {
        const before = rows.length;
        for (let at = 0; at < length;) {
          at = row.read(words, at);
          rows.push(describe(row));
        }
        strictEqual(rows.length - before, count);
        return words;
      },
    },
  });
  pipeline.process(batchOf(frames));
  pipeline.finish();
  return rows;
}
