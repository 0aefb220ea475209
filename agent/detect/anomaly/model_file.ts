/**
 * The bytes of `results/model.bin`: what the learners know, for the next run. Little-endian.
 *
 *     0   "twAM"                     4   format version
 *     8   CRC-32 of all after it     12  bytes of the whole
 *     16  number of the features     20  bytes of the hosts' part (the link's follows, perhaps of 0 bytes)
 *     24  hosts' part, link's part
 *
 * and a part:
 *
 *     0   threshold, float64         8   time of the fit (us), float64
 *     16  windows seen, float64      24  rows kept, uint32      28  bytes of the forest, uint32
 *     32  ranges of the features, float64
 *         rows kept, float32
 *         the forest, see forest_buffer.ts
 */
import { checksum } from "../forest/checksum.ts";
import { openForest } from "../forest/forest.ts";
import { FEATURE_COUNT, FEATURE_KIND } from "./features.ts";
import type { SavedLearner } from "./learner.ts";
import { RANGE_WIDTH } from "./model.ts";
import { RESERVOIR_ROWS_MAX } from "./reservoir.ts";

interface SavedModel {
  readonly hosts: SavedLearner;
  /** Null while the link has not been seen for long enough. */
  readonly link: SavedLearner | null;
}

/** Bytes that are no model which can be used; the message says why. */
export class ModelFormatError extends Error {
  override readonly name = "ModelFormatError";
}

const magic = 0x4d417774;
const formatVersion = 1;
const headerBytes = 24;
const checkedFrom = 12;
const partHeaderBytes = 32;
const rangeBytes = FEATURE_COUNT * RANGE_WIDTH * 8;
const rowBytes = FEATURE_COUNT * 4;

export function encodeModel({ hosts, link }: SavedModel): Uint8Array {
  const parts = [encodePart(hosts), link === null ? new Uint8Array(0) : encodePart(link)];
  const bytes = new Uint8Array(headerBytes + parts[0].length + parts[1].length);
  bytes.set(parts[0], headerBytes);
  bytes.set(parts[1], headerBytes + parts[0].length);
  const header = new Uint32Array(bytes.buffer, 0, headerBytes / 4);
  header.set([magic, formatVersion, 0, bytes.length, FEATURE_KIND, parts[0].length]);
  header[2] = checksum(bytes.subarray(checkedFrom));
  return bytes;
}

/** Throws ModelFormatError when the bytes are foreign, cut, changed, or of other features. */
export function decodeModel(bytes: Uint8Array): SavedModel {
  const copy = bytes.slice().buffer;
  const hostBytes = checkHeader(copy);
  const linkAt = headerBytes + hostBytes;
  if (linkAt > copy.byteLength) throw new ModelFormatError("its parts do not fit into it");
  try {
    return {
      hosts: decodePart(copy, headerBytes, linkAt),
      link: linkAt === copy.byteLength ? null : decodePart(copy, linkAt, copy.byteLength),
    };
  } catch (error) {
    throw new ModelFormatError((error as Error).message, { cause: error });
  }
}

/** Returns the bytes of the hosts' part. */
function checkHeader(buffer: ArrayBuffer): number {
  const { byteLength } = buffer;
  if (byteLength < headerBytes) throw new ModelFormatError(`it has only ${byteLength} bytes`);
  const header = new Uint32Array(buffer, 0, headerBytes / 4);
  if (header[0] !== magic) throw new ModelFormatError("it is no model of tapwatch");
  if (header[1] !== formatVersion) {
    throw new ModelFormatError(`its format is ${header[1]}, this version reads ${formatVersion}`);
  }
  if (header[3] !== byteLength) {
    throw new ModelFormatError(`it has ${byteLength} of ${header[3]} bytes`);
  }
  if (header[2] !== checksum(new Uint8Array(buffer, checkedFrom))) {
    throw new ModelFormatError("its checksum is wrong");
  }
  if (header[4] !== FEATURE_KIND) throw new ModelFormatError("it is of other features");
  return header[5];
}

function encodePart({ model, seenCount, rows }: SavedLearner): Uint8Array {
  const forest = new Uint8Array(model.forest.buffer);
  const length = partHeaderBytes + rangeBytes + rows.byteLength + forest.length;
  const bytes = new Uint8Array(length + 7 & ~7);
  const { buffer } = bytes;
  new Float64Array(buffer, 0, 3).set([model.threshold, model.fittedUs, seenCount]);
  new Uint32Array(buffer, 24, 2).set([rows.length / FEATURE_COUNT, forest.length]);
  new Float64Array(buffer, partHeaderBytes, model.ranges.length).set(model.ranges);
  const rowsAt = partHeaderBytes + rangeBytes;
  new Float32Array(buffer, rowsAt, rows.length).set(rows);
  bytes.set(forest, rowsAt + rows.byteLength);
  return bytes;
}

/** Throws RangeError or ForestFormatError when it makes no sense. */
function decodePart(whole: ArrayBuffer, from: number, to: number): SavedLearner {
  const buffer = whole.slice(from, to);
  const [threshold, fittedUs, seenCount] = new Float64Array(buffer, 0, 3);
  const [rowCount, forestBytes] = new Uint32Array(buffer, 24, 2);
  const rowsAt = partHeaderBytes + rangeBytes;
  const forestAt = rowsAt + rowCount * rowBytes;
  const isSound = rowCount <= RESERVOIR_ROWS_MAX && forestAt + forestBytes <= buffer.byteLength;
  if (!isSound) throw new RangeError("its parts do not fit into it");
  const forest = openForest(buffer.slice(forestAt, forestAt + forestBytes), {
    featureCount: FEATURE_COUNT,
    featureKind: FEATURE_KIND,
  });
  const ranges = new Float64Array(buffer.slice(partHeaderBytes, rowsAt));
  const rows = new Float32Array(buffer.slice(rowsAt, forestAt));
  return { model: { forest, threshold, ranges, fittedUs }, seenCount, rows };
}
