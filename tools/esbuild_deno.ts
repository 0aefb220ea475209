/**
 * esbuild plugin: resolves imports as Deno does, by deno.json and Deno's npm cache, without a node_modules folder. Packages are
 * read through the link `.cache/npm` of the root: the paths of inputs decide names of chunks, and so are the same on every machine.
 */
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

const npmLink = fileURLToPath(new URL("../.cache/npm", import.meta.url));

export const denoResolver: Plugin = {
  name: "deno-resolver",
  setup(build) {
    build.initialOptions.preserveSymlinks = true;
    build.onResolve(
      { filter: /^node:/ },
      ({ path }) => ({ path, external: true }),
    );
    build.onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind }) => {
      if (kind === "entry-point" || /^[a-z]:[\\/]/i.test(path)) return null;
      if (isBuiltin(path)) return { path: `node:${path}`, external: true };
      return { path: await throughLink(await resolveBare(path, importer)) };
    });
  },
};

/** `path` of a package in Deno's cache, DENO_DIR/npm/HOST/NAME/VERSION/…, by way of `npmLink`. */
async function throughLink(path: string): Promise<string> {
  const [, registry, rest] = /^(.*\/npm\/[^/]+)\/(.+)$/.exec(path) ?? [];
  if (registry === undefined || rest === undefined) return path;
  await linkTo(registry);
  return join(npmLink, rest);
}

async function linkTo(registry: string): Promise<void> {
  if (await Deno.readLink(npmLink).catch(() => "") === registry) return;
  await Deno.mkdir(join(npmLink, ".."), { recursive: true });
  // Another build may do the same at the same time.
  const temporary = `${npmLink}.${crypto.randomUUID()}`;
  await Deno.symlink(registry, temporary);
  await Deno.rename(temporary, npmLink);
}

async function resolveBare(
  specifier: string,
  importer: string,
): Promise<string> {
  let url: string;
  try {
    url = import.meta.resolve(specifier);
  } catch {
    return await resolveFromPackage(specifier, importer);
  }
  if (url.startsWith("npm:")) {
    // Deno knows a package's folder only once something of the package was imported; what is of no matter.
    await import(npmPackageOf(url) + "/package.json", {
      with: { type: "json" },
    }).catch(() => {});
    url = import.meta.resolve(specifier);
  }
  if (!url.startsWith("file:")) {
    throw new Error(`Cannot bundle ${specifier}: it resolves to ${url}`);
  }
  return fileURLToPath(url);
}

function npmPackageOf(url: string): string {
  return /^npm:\/?(?:@[^/]+\/)?[^/]+/.exec(url)?.[0] ?? url;
}

/** For a package that only another package depends on: its ES module rather than what require() would take. */
async function resolveFromPackage(
  specifier: string,
  importer: string,
): Promise<string> {
  const required = createRequire(pathToFileURL(await Deno.realPath(importer))).resolve(specifier);
  const root = required.lastIndexOf(`/${specifier}/`);
  if (root < 0) return required;
  const folder = required.slice(0, root + specifier.length + 1);
  const version = required.slice(folder.length + 1).split("/", 1)[0];
  const manifest = JSON.parse(
    await Deno.readTextFile(`${folder}/${version}/package.json`),
  );
  const module = manifest.exports?.["."]?.import ?? manifest.module;
  return typeof module === "string" ? `${folder}/${version}/${module}` : required;
}
