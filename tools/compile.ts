/** `deno task compile`: makes `dist/tapwatch`, one executable with everything inside. */
import { join, relative } from "node:path";
import { browserInputs, build } from "./build.ts";
import { bundle } from "./bundle.ts";
import { checkPackages } from "./contents.ts";
import { cachedDenort, denortFromNpm, type Target, TARGETS } from "./denort.ts";
import { setTimes, sourceDate } from "./source_date.ts";

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
/** Most bytes that the executable may have. */
const sizeMax = 96 * 1024 * 1024;
/**
 * V8's settings. Those of its compilers save `analyze` instructions on the file of decision 0006, and `run`, which has the
 * time, still gets its compiled code:
 *
 * - its last compiler for JavaScript waits until a function has run for long, and no loop is compiled while it runs;
 * - WebAssembly is compiled for good early, and its loops are left as they are written, which is sooner done;
 * - every function is compiled with its module, so that Deno's code cache, which is written at the first start, has it; a
 *   start and a first page wait less;
 * - the old part of a thread's heap may reach 28 MB before it is first marked (34 less three halves of the young one): by itself
 *   V8 does so at some 12 MB, which every thread has soon after its start. The buffers between threads count, so that with 26 MB
 *   `analyze` still came to it, for nothing: 4 % of its processor time at its end. Threads that go on collect theirs
 *   sooner, by themselves (`agent/collect_garbage.ts`);
 * - each thread calls V8's own functions where they are, not through a mapping of 2 MB of its own;
 * - what is young takes 4 MB of a thread at the most (two halves of 2), not 32, and a heap grows by two fifths of what is
 *   alive before it is marked again: of rows, which die young, more is kept for nothing, in each of seven threads. Beside
 *   20,000 packets/s that is 180 MB less after two minutes (halves of 4: 160 MB); `analyze` takes no longer, and 7 MB less;
 * - that growth may be of 2 MB, not of 8 at least (memory saver): beside 20,000 packets/s 30 to 50 MB less, for 1.5 % of a core;
 *   `analyze` takes no longer;
 * - what is alive is moved together whenever a heap is collected, so that its pages go back: some 10 MB less beside 20,000 packets/s.
 */
export const v8Flags = [
  "--invocation-count-for-turbofan=100000",
  "--no-maglev-osr",
  "--invocation-count-for-maglev=2000",
  "--minimum-invocations-after-ic-update=2000",
  "--no-lazy",
  "--wasm-tiering-budget=3000000",
  "--no-wasm-loop-peeling",
  "--no-wasm-loop-unrolling",
  "--expose-gc",
  "--initial-heap-size=34",
  "--max-semi-space-size=2",
  "--heap-growing-percent=40",
  "--memory-saver-mode",
  "--compact-on-every-full-gc",
  "--compaction-max-evacuated-bytes-mb=16",
  "--no-short-builtin-calls",
];

/**
 * What the executable may do, and nothing else: it starts no programs and loads no code from elsewhere. Deno opens files of
 * /proc, /sys and /dev only for who may do everything; `ffi/linux/kernel_file.ts` reads the few that are needed.
 * `--allow-ffi` reaches the program as an argument too, which is the user's consent to use it.
 */
const permissions = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
  "--allow-ffi",
  "--deny-import",
  "--no-prompt",
];

if (import.meta.main) await compile(join(root, "dist/tapwatch"));

/** Writes the executable to `output`, for this machine unless told; returns its size in bytes. */
export async function compile(output: string, target?: Target): Promise<number> {
  await build();
  // Outside of the repository, so that Deno finds no configuration or packages to embed.
  const staging = await Deno.makeTempDir({ prefix: "tapwatch-compile-" });
  try {
    const { inputs } = await bundle(root, workers(), staging);
    checkPackages([...Object.keys(inputs), ...await browserInputs()]);
    await copyStaticFiles(staging);
    // Deno embeds them.
    await setTimes(staging, await sourceDate());
    await Deno.mkdir(join(output, ".."), { recursive: true });
    await denoCompile(staging, output, target);
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
  const { size } = await Deno.stat(output);
  if (size > sizeMax) {
    throw new Error(
      `${output} has ${size} bytes; at most ${sizeMax} are allowed`,
    );
  }
  console.error(
    `Wrote ${relative(Deno.cwd(), output)} (${(size / 1024 / 1024).toFixed(1)} MiB).`,
  );
  return size;
}

/** Paths below the root. */
export function workers(): string[] {
  return filesUnder(join(root, "agent")).filter((path) => path.endsWith("_worker.ts"))
    .map((path) => relative(root, path));
}

async function copyStaticFiles(staging: string): Promise<void> {
  const folder = join(root, "_fresh/static");
  for (const path of filesUnder(folder)) {
    const copy = join(staging, "_fresh/static", relative(folder, path));
    await Deno.mkdir(join(copy, ".."), { recursive: true });
    await Deno.copyFile(path, copy);
  }
}

/** The base binary is DENORT_BIN's (for this machine), one kept from an earlier run, Deno's own download, or npm's, in this order. */
async function denoCompile(staging: string, output: string, wanted?: Target): Promise<void> {
  const target = wanted ?? TARGETS.find(({ triple }) => triple === Deno.build.target);
  const own = (wanted === undefined ? Deno.env.get("DENORT_BIN") : undefined) ??
    (target === undefined ? null : await cachedDenort(target));
  if (await runDenoCompile(staging, output, own, target)) return;
  if (own !== null || target === undefined) {
    throw new Error(`deno compile failed with the base binary ${own ?? "of its own"}`);
  }
  console.error(
    "Deno could not make the executable by itself; taking its base binary from npm.",
  );
  if (await runDenoCompile(staging, output, await denortFromNpm(target), target)) return;
  throw new Error("deno compile failed; its message stands above");
}

async function runDenoCompile(
  staging: string,
  output: string,
  denort: string | null,
  target: Target | undefined,
): Promise<boolean> {
  const scripts = [...Deno.readDirSync(staging)].map(({ name }) => name)
    .filter((name) => name.endsWith("_worker.js")).sort();
  const includes = [...scripts, "_fresh/static"].flatMap((
    path,
  ) => ["--include", path]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...permissions,
      "-q",
      "--no-config",
      "--no-lock",
      "--no-check",
      `--v8-flags=${v8Flags.join(",")}`,
      ...includes,
    ]
      .concat(target === undefined ? [] : ["--target", target.triple])
      .concat(["--output", output, "main.js"]),
    cwd: staging,
    env: denort === null ? {} : { DENORT_BIN: denort },
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  }).output();
  const [message = ""] = new TextDecoder().decode(stderr).split("\nStack backtrace");
  if (message !== "") console.error(message.trimEnd());
  return success;
}

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(join(folder, name)) : [join(folder, name)]
  );
}
