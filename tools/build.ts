/**
 * `deno task build`: makes what is generated and not committed, `_fresh/` from routes, islands and static files, the
 * WebAssembly of the hot path and the detectors (build_hot.ts), the makers of network cards (build_vendors.ts) and the licences
 * of what is inside (build_notices.ts). Does nothing when the sources are the ones it was made of;
 * `--force` builds in any case.
 */
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { buildHot, HOT_MODULES } from "./build_hot.ts";
import { buildNotices } from "./build_notices.ts";
import { buildVendors } from "./build_vendors.ts";
import { denoResolver } from "./esbuild_deno.ts";
import { writeEnvExample } from "./env_example.ts";
import { frappeWithoutStyleAttributes } from "./frappe_patch.ts";

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const stampPath = join(root, "_fresh/stamp.json");
const watched = ["deno.json", "fresh", "islands", "routes", "static"]
  .concat(
    ["build.ts", "esbuild_deno.ts", "frappe_patch.ts"].map((name) => `tools/${name}`),
  );

/** What a build was made of: paths relative to the root, and a digest of their contents. */
interface Stamp {
  readonly inputs: readonly string[];
  readonly digest: string;
}

/** Files that the browser's code was made of, relative to the root, after a build. */
export async function browserInputs(): Promise<readonly string[]> {
  const stamp: Stamp = JSON.parse(await Deno.readTextFile(stampPath));
  return stamp.inputs;
}

/** True when it had to build `_fresh/`. */
export async function build({ force = false } = {}): Promise<boolean> {
  const written = await buildHot(HOT_MODULES, { force });
  if (written.length > 0) console.error(`Built ${written.join(", ")}.`);
  if (await buildVendors({ force })) console.error("Built vendors_code.ts.");
  if (await buildNotices({ force })) console.error("Built notices_code.ts.");
  if (writeEnvExample()) console.error("Built .env.example; commit it.");
  if (!force && await isCurrent()) return false;
  const { Builder } = await import("fresh/dev");
  const result = await new Builder({
    root,
    plugins: [frappeWithoutStyleAttributes, denoResolver],
  }).build();
  const inputs = result.inputs.map((path) => relative(root, join(root, path)))
    .filter((path) => !path.startsWith(".."));
  const stamp: Stamp = { inputs, digest: await digestOf(inputs) };
  await Deno.writeTextFile(stampPath, JSON.stringify(stamp));
  console.error(`Built _fresh/ (${result.buildId.slice(0, 8)}).`);
  return true;
}

async function isCurrent(): Promise<boolean> {
  try {
    const { inputs, digest }: Stamp = JSON.parse(
      await Deno.readTextFile(stampPath),
    );
    return digest === await digestOf(inputs);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Digest of `inputs` and of everything that a build looks at, in the order of the paths. */
async function digestOf(inputs: readonly string[]): Promise<string> {
  const paths = new Set(inputs);
  for (const path of watched) {
    for (const file of filesUnder(path)) paths.add(file);
  }
  const hash = createHash("sha256");
  for (const path of [...paths].sort()) {
    hash.update(path + "\0").update(await Deno.readFile(join(root, path)));
  }
  return hash.digest("hex");
}

function filesUnder(path: string): string[] {
  if (!Deno.statSync(join(root, path)).isDirectory) return [path];
  return [...Deno.readDirSync(join(root, path))].flatMap((entry) =>
    filesUnder(`${path}/${entry.name}`)
  );
}

if (import.meta.main) await build({ force: Deno.args.includes("--force") });
