/**
 * Makes `_fresh/`: islands bundled for the browser, static files, and `snapshot.js`, which tells the server of both
 * and of the file routes. The build id is a digest of what the browser may load, so equal sources give equal builds.
 */
import { createHash } from "node:crypto";
import { basename, extname, join, relative } from "node:path";
import * as esbuild from "esbuild";
import type { StaticFile } from "./build_cache.ts";
import { denoResolver } from "./esbuild_deno.ts";
import {
  compareRouteFiles,
  type RouteFilePath,
  routeFilePath,
} from "./fs_routes.ts";

export interface BuildOptions {
  /** Folder that holds routes/, islands/ and static/. */
  readonly root: string;
  /** More esbuild plugins for the browser's code; the published package has no such option. */
  readonly plugins?: readonly esbuild.Plugin[];
}
export interface BuildResult {
  readonly buildId: string;
  /** Paths of the files that the browser's code was made of. */
  readonly inputs: readonly string[];
}

interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly id: string;
}
interface StaticOutput extends StaticFile {
  readonly url: string;
  readonly contents: Uint8Array;
}

const sourceExtensions = [".ts", ".tsx", ".js", ".jsx"];
const isTest = /[._]test\.[jt]sx?$/;
const idPlaceholder = "f".repeat(7) + "resh-build-id" + "f".repeat(20);
const contentTypes: Record<string, string> = {
  ".css": "text/css; charset=UTF-8",
  ".html": "text/html; charset=UTF-8",
  ".ico": "image/vnd.microsoft.icon",
  ".js": "text/javascript; charset=UTF-8",
  ".json": "application/json; charset=UTF-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

export class Builder {
  readonly #root: string;
  readonly #plugins: readonly esbuild.Plugin[];

  constructor(options: BuildOptions) {
    this.#root = options.root;
    this.#plugins = options.plugins ?? [];
  }

  /** Writes `_fresh/` anew; esbuild's process ends with it. */
  async build(): Promise<BuildResult> {
    const islands = (await this.#sources("islands")).concat(
      (await this.#sources("routes")).filter(({ id }) =>
        id.includes("/(_islands)/")
      ),
    );
    const routes = (await this.#sources("routes"))
      .map(({ path, id }) => ({ path, file: routeFilePath(id) }))
      .filter((route): route is RouteSource => route.file !== null)
      .sort((a, b) => compareRouteFiles(a.file, b.file));
    const { outputFiles, metafile } = await this.#bundle(islands);
    const statics = await this.#staticFiles();
    const buildId = digestOf([
      ...outputFiles.map(({ path, contents }) =>
        [basename(path), contents] as const
      ),
      ...statics.map(({ url, contents }) => [url, contents] as const),
    ]).slice(0, 40);
    for (const { path, text } of outputFiles) {
      const contents = new TextEncoder().encode(
        text.replaceAll(idPlaceholder, buildId),
      );
      statics.push(
        staticOutput(`/_fresh/js/${buildId}/${basename(path)}`, contents),
      );
    }
    await this.#write(
      statics,
      await snapshotOf(this.#root, { buildId, islands, routes, statics }),
    );
    return { buildId, inputs: Object.keys(metafile.inputs) };
  }

  async #bundle(islands: readonly SourceFile[]) {
    const entryPoints = [{
      out: "fresh-runtime",
      in: new URL(import.meta.resolve("./client.ts")).pathname,
    }];
    for (const { id, path } of islands) {
      entryPoints.push({ out: islandFileOf(id), in: join(this.#root, path) });
    }
    try {
      return await esbuild.build({
        absWorkingDir: this.#root,
        entryPoints,
        outdir: join(this.#root, "_fresh/js"),
        bundle: true,
        splitting: true,
        minify: true,
        write: false,
        metafile: true,
        format: "esm",
        platform: "browser",
        target: "es2022",
        jsx: "automatic",
        jsxImportSource: "preact",
        define: { "globalThis.FRESH_BUILD_ID": JSON.stringify(idPlaceholder) },
        plugins: [...this.#plugins, denoResolver],
      });
    } finally {
      await esbuild.stop();
    }
  }

  async #sources(folder: string): Promise<SourceFile[]> {
    const paths = await filesUnder(join(this.#root, folder));
    return paths
      .filter((path) =>
        sourceExtensions.includes(extname(path)) && !isTest.test(path)
      )
      .map((path) => ({
        path: `${folder}/${path}`,
        id: "/" + path.slice(0, -extname(path).length),
      }));
  }

  async #staticFiles(): Promise<StaticOutput[]> {
    const folder = join(this.#root, "static");
    return await Promise.all((await filesUnder(folder)).map(async (path) => {
      const url = "/" + path.split("/").map(encodeURIComponent).join("/");
      return staticOutput(url, await Deno.readFile(join(folder, path)));
    }));
  }

  async #write(
    statics: readonly StaticOutput[],
    snapshot: string,
  ): Promise<void> {
    const out = join(this.#root, "_fresh");
    await Deno.remove(out, { recursive: true }).catch(ignoreMissing);
    for (const { filePath, contents } of statics) {
      const path = join(this.#root, filePath);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeFile(path, contents);
    }
    await Deno.mkdir(out, { recursive: true });
    await Deno.writeTextFile(join(out, "snapshot.js"), snapshot);
    await Deno.writeTextFile(join(out, "snapshot.d.ts"), snapshotTypes);
  }
}

interface RouteSource {
  readonly path: string;
  readonly file: RouteFilePath;
}
interface SnapshotParts {
  readonly buildId: string;
  readonly islands: readonly SourceFile[];
  readonly routes: readonly RouteSource[];
  readonly statics: readonly StaticOutput[];
}

const snapshotTypes = `import type { Snapshot } from "fresh/internal";
export declare const version: Snapshot["version"];
export declare const clientEntry: Snapshot["clientEntry"];
export declare const islands: Snapshot["islands"];
export declare const staticFiles: Snapshot["staticFiles"];
export declare const fsRoutes: Snapshot["fsRoutes"];
`;

/** Special files are loaded with the snapshot, routes by their first request unless they override their pattern. */
async function snapshotOf(root: string, parts: SnapshotParts): Promise<string> {
  const scripts = `/_fresh/js/${parts.buildId}`;
  const imports: string[] = [];
  const importOf = (path: string) => {
    const name = `module${imports.length}`;
    imports.push(`import * as ${name} from ${JSON.stringify("../" + path)};`);
    return name;
  };
  const islands = parts.islands.map(({ id, path }) => {
    const url = `${scripts}/${islandFileOf(id)}.js`;
    return `  { name: ${JSON.stringify(basename(id))}, url: ${
      JSON.stringify(url)
    }, module: ${importOf(path)} },`;
  });
  const routes = await Promise.all(parts.routes.map(async ({ path, file }) => {
    const isEager = file.type !== "route" ||
      (await Deno.readTextFile(join(root, path))).includes("routeOverride");
    const module = isEager
      ? importOf(path)
      : `() => import(${JSON.stringify("../" + path)})`;
    return `  { ...${JSON.stringify(file)}, module: ${module} },`;
  }));
  const files = parts.statics.map(({ url, filePath, contentType, hash }) =>
    `  ${JSON.stringify(url)}: ${
      JSON.stringify({ filePath, contentType, hash })
    },`
  );
  return [
    `// @ts-self-types="./snapshot.d.ts"`,
    ...imports,
    `export const version = ${JSON.stringify(parts.buildId)};`,
    `export const clientEntry = ${
      JSON.stringify(scripts + "/fresh-runtime.js")
    };`,
    `export const islands = [`,
    ...islands,
    `];\nexport const staticFiles = {`,
    ...files,
    `};\nexport const fsRoutes = [`,
    ...routes,
    `];\n`,
  ].join("\n");
}

function islandFileOf(id: string): string {
  return id.slice(1).replaceAll(/\W+/g, "_");
}

function staticOutput(url: string, contents: Uint8Array): StaticOutput {
  return {
    url,
    contents,
    filePath: `_fresh/static${decodeURIComponent(url)}`,
    contentType: contentTypes[extname(url)] ?? "text/plain; charset=UTF-8",
    hash: createHash("sha256").update(contents).digest("hex"),
  };
}

function digestOf(files: readonly (readonly [string, Uint8Array])[]): string {
  const hash = createHash("sha256");
  for (const [name, contents] of files) {
    hash.update(`${name}\0${contents.byteLength}\0`).update(contents);
  }
  return hash.digest("hex");
}

/** Sorted paths relative to `folder`; none when it is missing. */
async function filesUnder(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const visit = async (path: string) => {
    for await (const entry of Deno.readDir(path)) {
      const child = join(path, entry.name);
      if (entry.isDirectory) await visit(child);
      else if (entry.isFile) paths.push(relative(folder, child));
    }
  };
  await visit(folder).catch(ignoreMissing);
  return paths.sort();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
