/** Makes captures from one seed on and checks them until the time is over. */
import { checkCapture } from "./checks.ts";
import { fuzzCapture } from "./captures.ts";

interface FuzzFailure {
  readonly seed: number;
  /** Where the capture is kept. */
  readonly path: string;
  readonly error: Error;
}

interface FuzzOptions {
  /** Where what fails is kept. */
  readonly folder: string;
  readonly onFailure?: (failure: FuzzFailure) => void;
  readonly stopsAtFailure: boolean;
}

export async function fuzzFor(
  ms: number,
  firstSeed: number,
  { folder, onFailure, stopsAtFailure }: FuzzOptions,
): Promise<{ readonly captures: number; readonly failures: readonly FuzzFailure[] }> {
  const work = await Deno.makeTempDir({ prefix: "tapwatch-fuzz-" });
  const path = `${work}/capture`;
  const failures: FuzzFailure[] = [];
  const endMs = performance.now() + ms;
  let seed = firstSeed >>> 0;
  let captures = 0;
  try {
    for (; performance.now() < endMs; seed = seed + 1 >>> 0, captures++) {
      const { bytes } = fuzzCapture(seed);
      await Deno.writeFile(path, bytes);
      try {
        await checkCapture(path, seed);
      } catch (error) {
        await Deno.mkdir(folder, { recursive: true });
        const failure = { seed, path: `${folder}/seed_${seed}.cap`, error: error as Error };
        await Deno.writeFile(failure.path, bytes);
        failures.push(failure);
        onFailure?.(failure);
        if (stopsAtFailure) break;
      }
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return { captures, failures };
}
