/** The file that a model outlives its run in: read at the start, replaced as a whole when it is saved. */
import { writeAnew } from "./own_files.ts";

interface ModelRead {
  /** Null when there is none, or it cannot be read. */
  readonly model: Uint8Array | null;
  /** Why a file that is there cannot be read, for the log; "" when all is well. */
  readonly problem: string;
}

/** Larger files are no model of ours. */
const modelBytesMax = 64 * 2 ** 20;

export function readModel(path: string): ModelRead {
  try {
    const { size } = Deno.statSync(path);
    if (size <= modelBytesMax) return { model: Deno.readFileSync(path), problem: "" };
    return { model: null, problem: `${path} is too large for a model (${size} bytes).` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { model: null, problem: "" };
    return { model: null, problem: `${path} cannot be read: ${(error as Error).message}.` };
  }
}

/** Replaces the file at once, so that a reader never finds half a model. Throws what the file system throws. */
export function writeModel(path: string, model: Uint8Array): void {
  const unfinished = `${path}.new`;
  writeAnew(unfinished, model);
  Deno.renameSync(unfinished, path);
}
