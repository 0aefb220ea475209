/**
 * Bundles main.ts and the workers into single ES modules with their npm packages, in one flat folder: `deno compile`
 * would embed whole packages otherwise, and every start would resolve them again.
 */
import { basename, join } from "node:path";
import * as esbuild from "esbuild";
import { denoResolver } from "./esbuild_deno.ts";

const workerUrl = /new URL\("[^"]*?(\w+_worker)\.ts", import\.meta\.url\)/g;

/** Writes `main.js`, one `<name>.js` for each of `workers` and shared chunks into `folder`; returns what they are made of. */
export async function bundle(
  root: string,
  workers: readonly string[],
  folder: string,
): Promise<esbuild.Metafile> {
  const names = workers.map((path) => basename(path, ".ts"));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new Error(`Two workers have the file name ${twice}.ts`);
  }
  try {
    const { metafile } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: ["main.ts", ...workers].map((path) => ({
        in: join(root, path),
        out: basename(path, ".ts"),
      })),
      outdir: folder,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "esnext",
      // `tapwatch licenses` has all notices.
      legalComments: "none",
      metafile: true,
      // Names stay, for reports of errors.
      minifyWhitespace: true,
      minifySyntax: true,
      jsx: "automatic",
      jsxImportSource: "preact",
      plugins: [workerUrls(new Set(names)), denoResolver],
    });
    return metafile;
  } finally {
    await esbuild.stop();
  }
}

/** The bundle is flat, so every worker lies beside whoever starts it. */
function workerUrls(known: ReadonlySet<string>): esbuild.Plugin {
  return {
    name: "worker-urls",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await Deno.readTextFile(path);
        const contents = source.replaceAll(workerUrl, (_, name) => {
          if (!known.has(name)) {
            throw new Error(`${path} starts ${name}.ts, which is not bundled`);
          }
          return `new URL("./${name}.js", import.meta.url)`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
}
