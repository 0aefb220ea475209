/**
 * The one buffer that a forest is. Little-endian, as all platforms that tapwatch runs on.
 *
 *     0   "twIF"                    4   format version
 *     8   CRC-32 of all after it    12  bytes of the whole
 *     16  features of a row         20  trees
 *     24  rows a tree was grown on  28  nodes
 *     32  what the features are: a number of the caller's
 *     36  (28 bytes of zero)
 *     64  threshold of each node, float64; of a leaf its path length (depth + c(rows))
 *         mean path length of the rows that reached each node, float64
 *         branch of each node, int32: feature << 1 | 1 where missing values go left, -1 for a leaf
 *         right child of each node, int32; the left one is the next node
 *         first node of each tree, int32
 */
import { checksum } from "./checksum.ts";

const magic = 0x46497774;
const formatVersion = 1;
/** Bytes before the arrays. */
export const FOREST_HEADER_BYTES = 64;
const checkedFrom = 12;
/** Far above what any forest needs, so that a broken count asks for no memory. */
const nodesMax = 1 << 24;

/** Sizes in the header. */
export interface ForestShape {
  readonly featureCount: number;
  readonly treeCount: number;
  /** Rows that each tree was grown on (psi). */
  readonly subsampleSize: number;
  readonly nodeCount: number;
  /** Says which features they are; forests of another kind are refused. */
  readonly featureKind: number;
}

export interface ForestArrays extends ForestShape {
  readonly buffer: ArrayBuffer;
  readonly thresholds: Float64Array;
  readonly meanPaths: Float64Array;
  readonly branches: Int32Array;
  readonly rights: Int32Array;
  readonly roots: Int32Array;
}

/** Bytes that are no forest that can be used; the message says why. */
export class ForestFormatError extends Error {
  override readonly name = "ForestFormatError";
}

/** Copies grown nodes into a buffer of their own and seals it. */
export function createForestBuffer(
  shape: ForestShape,
  nodes: Omit<ForestArrays, keyof ForestShape | "buffer">,
): ForestArrays {
  const buffer = new ArrayBuffer(byteLength(shape));
  const header = new Uint32Array(buffer, 0, FOREST_HEADER_BYTES / 4);
  header.set([magic, formatVersion, 0, buffer.byteLength, shape.featureCount, shape.treeCount]);
  header.set([shape.subsampleSize, shape.nodeCount, shape.featureKind], 6);
  const arrays = viewArrays(buffer, shape);
  arrays.thresholds.set(nodes.thresholds);
  arrays.meanPaths.set(nodes.meanPaths);
  arrays.branches.set(nodes.branches);
  arrays.rights.set(nodes.rights);
  arrays.roots.set(nodes.roots);
  return arrays;
}

/** Writes the checksum, without which the buffer cannot be opened; it takes longer than all else of making one. */
export function sealForestBuffer(buffer: ArrayBuffer): void {
  new Uint32Array(buffer)[2] = checksum(new Uint8Array(buffer, checkedFrom));
}

/** Views over a buffer that createForestBuffer() made. Throws ForestFormatError on any other. */
export function openForestBuffer(buffer: ArrayBuffer): ForestArrays {
  const shape = readShape(buffer);
  const arrays = viewArrays(buffer, shape);
  if (!areNodesSound(arrays)) throw new ForestFormatError("its trees are not sound");
  return arrays;
}

function readShape(buffer: ArrayBuffer): ForestShape {
  if (buffer.byteLength < FOREST_HEADER_BYTES) {
    throw new ForestFormatError(`it has ${buffer.byteLength} bytes, too few for a forest`);
  }
  const header = new Uint32Array(buffer, 0, FOREST_HEADER_BYTES / 4);
  if (header[0] !== magic) throw new ForestFormatError("it is no forest of tapwatch");
  if (header[1] !== formatVersion) {
    throw new ForestFormatError(`its format is ${header[1]}, this version reads ${formatVersion}`);
  }
  if (header[3] !== buffer.byteLength) {
    throw new ForestFormatError(`it has ${buffer.byteLength} of ${header[3]} bytes`);
  }
  if (header[2] !== checksum(new Uint8Array(buffer, checkedFrom))) {
    throw new ForestFormatError("its checksum is wrong");
  }
  const [featureCount, treeCount, subsampleSize, nodeCount, featureKind] = header.subarray(4, 9);
  const shape = { featureCount, treeCount, subsampleSize, nodeCount, featureKind };
  const isSound = featureCount > 0 && treeCount > 0 && subsampleSize > 1 &&
    nodeCount >= treeCount && nodeCount <= nodesMax && byteLength(shape) === buffer.byteLength;
  if (!isSound) throw new ForestFormatError("its sizes do not fit together");
  return shape;
}

function byteLength({ nodeCount, treeCount }: ForestShape): number {
  return FOREST_HEADER_BYTES + nodeCount * 24 + treeCount * 4;
}

function viewArrays(buffer: ArrayBuffer, shape: ForestShape): ForestArrays {
  const { nodeCount, treeCount } = shape;
  const wordsFrom = FOREST_HEADER_BYTES + nodeCount * 16;
  return {
    ...shape,
    buffer,
    thresholds: new Float64Array(buffer, FOREST_HEADER_BYTES, nodeCount),
    meanPaths: new Float64Array(buffer, FOREST_HEADER_BYTES + nodeCount * 8, nodeCount),
    branches: new Int32Array(buffer, wordsFrom, nodeCount),
    rights: new Int32Array(buffer, wordsFrom + nodeCount * 4, nodeCount),
    roots: new Int32Array(buffer, wordsFrom + nodeCount * 8, treeCount),
  };
}

/** Every branch leads onwards to a node that is there, so that no walk runs for ever or outside. */
function areNodesSound({ branches, rights, roots, nodeCount, featureCount }: ForestArrays) {
  for (let node = 0; node < nodeCount; node++) {
    if (branches[node] === -1) continue;
    const feature = branches[node] >> 1;
    if (feature < 0 || feature >= featureCount) return false;
    if (rights[node] <= node + 1 || rights[node] >= nodeCount) return false;
  }
  return roots.every((root) => root >= 0 && root < nodeCount);
}
