/** scikit-learn's IsolationForest under measurement, in a python3 of its own that times itself. */

const program = `
import sys, time
import numpy, sklearn
from sklearn.ensemble import IsolationForest
path, row_count, fit_count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = numpy.fromfile(path).reshape(row_count, -1)
def fit():
    return IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=1).fit(rows[:fit_count])
forest = fit()
print(f"scikit-learn {sklearn.__version__}.", flush=True)
for line in sys.stdin:
    what, count = line.split()
    started = time.perf_counter()
    if what == "fit":
        fit()
    elif what == "all":
        forest.score_samples(rows[:int(count)])
    else:
        for row in range(int(count)):
            forest.score_samples(rows[row:row + 1])
    print(time.perf_counter() - started, flush=True)
`;

interface ScikitLearn {
  /** As "scikit-learn 1.2.1.". */
  readonly version: string;
  /** Seconds that it took to "fit", to score "all" of `count` rows in one call, or "each" in a call of its own. */
  run(what: "fit" | "all" | "each", count: number): Promise<number>;
  stop(): Promise<void>;
}

/** Null where python3 has no scikit-learn. */
export async function startScikitLearn(
  rows: Float64Array,
  { rowCount, fitRowCount }: { readonly rowCount: number; readonly fitRowCount: number },
): Promise<ScikitLearn | null> {
  const path = await Deno.makeTempFile({ prefix: "tapwatch-bench-" });
  await Deno.writeFile(path, new Uint8Array(rows.slice().buffer));
  const child = spawn([path, String(rowCount), String(fitRowCount)]);
  const lines = child === null ? null : linesOf(child.stdout);
  const version = (await lines?.next())?.value;
  await Deno.remove(path);
  if (child === null || lines === null || version === undefined) {
    await child?.status;
    return null;
  }
  const input = child.stdin.getWriter();
  return {
    version,
    async run(what, count) {
      await input.write(new TextEncoder().encode(`${what} ${count}\n`));
      return Number((await lines.next()).value);
    },
    async stop() {
      await input.close();
      await child.status;
    },
  };
}

async function* linesOf(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, undefined> {
  let text = "";
  for await (const piece of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (text + piece).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

function spawn(args: readonly string[]): Deno.ChildProcess | null {
  try {
    const command = new Deno.Command("python3", {
      args: ["-c", program, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    return command.spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
