/**
 * Makes `_fresh/`: islands bundled for the browser, static files, and `snapshot.js`, which tells the server of both
 * and of the file routes. The build id is a digest of what the browser may load: one id never stands for two contents.
 */
import { createHash } from "node:crypto";
import { basename, extname, join } from "node:path";
import * as esbuild from "esbuild";
import type { StaticFile } from "./assets.ts";
import { compareRouteFiles, type RouteFilePath, routeFilePath } from "./fs_routes.ts";

export interface BuildOptions {
  /** Folder that holds routes/, islands/ and static/. */
  readonly root: string;
  /** For the browser's code; the published package resolves imports by itself and has no such option. */
  readonly plugins: esbuild.Plugin[];
}
export interface BuildResult {
  readonly buildId: string;
  /** Files that the browser's code was made of, relative to the root. */
  readonly inputs: readonly string[];
}

interface SourceFile {
  /** Relative to the root. */
  readonly path: string;
  /** Relative to its folder, without extension: `/hosts/[id]`. */
  readonly id: string;
}
interface StaticOutput extends StaticFile {
  readonly url: string;
  readonly contents: Uint8Array;
}

/** Stands for the build id until the bundle is there to make it of; as long as the id. */
const idPlaceholder = "fresh-build-id".padEnd(40, "f");
const contentTypes: Record<string, string> = {
  ".css": "text/css; charset=UTF-8",
  ".js": "text/javascript; charset=UTF-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

export class Builder {
  readonly #options: BuildOptions;

  constructor(options: BuildOptions) {
    this.#options = options;
  }

  /** Writes `_fresh/` anew. */
  async build(): Promise<BuildResult> {
    const { root } = this.#options;
    const islands = sourcesIn(root, "islands");
    const { outputFiles, metafile } = await this.#bundle(islands);
    const statics = filesUnder(join(root, "static")).map((path) =>
      staticOutput("/" + path, Deno.readFileSync(join(root, "static", path)))
    );
    const hash = createHash("sha256");
    for (const { path, contents } of outputFiles) hash.update(basename(path)).update(contents);
    for (const { url, contents } of statics) hash.update(url).update(contents);
    const buildId = hash.digest("hex").slice(0, 40);
    for (const { path, text } of outputFiles) {
      const contents = new TextEncoder().encode(text.replaceAll(idPlaceholder, buildId));
      statics.push(staticOutput(`/_fresh/js/${buildId}/${basename(path)}`, contents));
    }
    this.#write(statics, snapshotOf(root, { buildId, islands, statics }));
    return { buildId, inputs: Object.keys(metafile.inputs) };
  }

  async #bundle(islands: readonly SourceFile[]) {
    const { root, plugins } = this.#options;
    const runtime = { out: "fresh-runtime", in: new URL("client.ts", import.meta.url).pathname };
    try {
      return await esbuild.build({
        absWorkingDir: root,
        entryPoints: [
          runtime,
          ...islands.map(({ id, path }) => ({ out: outputNameOf(id), in: join(root, path) })),
        ],
        outdir: join(root, "_fresh/js"),
        bundle: true,
        splitting: true,
        minify: true,
        write: false,
        metafile: true,
        format: "esm",
        target: "es2022",
        jsx: "automatic",
        jsxImportSource: "preact",
        define: { "globalThis.FRESH_BUILD_ID": JSON.stringify(idPlaceholder) },
        plugins,
      });
    } finally {
      await esbuild.stop();
    }
  }

  #write(statics: readonly StaticOutput[], snapshot: string): void {
    const { root } = this.#options;
    Deno.mkdirSync(join(root, "_fresh"), { recursive: true });
    Deno.removeSync(join(root, "_fresh"), { recursive: true });
    for (const { filePath, contents } of statics) {
      Deno.mkdirSync(join(root, filePath, ".."), { recursive: true });
      Deno.writeFileSync(join(root, filePath), contents);
    }
    Deno.writeTextFileSync(join(root, "_fresh/snapshot.js"), snapshot);
    Deno.writeTextFileSync(join(root, "_fresh/snapshot.d.ts"), snapshotTypes);
  }
}

const snapshotTypes = `import type { Snapshot } from "fresh/internal";
export declare const version: Snapshot["version"];
export declare const clientEntry: Snapshot["clientEntry"];
export declare const islands: Snapshot["islands"];
export declare const staticFiles: Snapshot["staticFiles"];
export declare const fsRoutes: Snapshot["fsRoutes"];
`;

interface SnapshotParts {
  readonly buildId: string;
  readonly islands: readonly SourceFile[];
  readonly statics: readonly StaticOutput[];
}

/** Special files are loaded with the snapshot, routes by their first request. */
function snapshotOf(root: string, { buildId, islands, statics }: SnapshotParts): string {
  const imports: string[] = [];
  const importOf = (path: string) => {
    imports.push(`import * as module${imports.length} from ${JSON.stringify("../" + path)};`);
    return `module${imports.length - 1}`;
  };
  const islandLines = islands.map(({ id, path }) => {
    const url = `/_fresh/js/${buildId}/${outputNameOf(id)}.js`;
    const entry = JSON.stringify({ name: basename(id), url });
    return `{ ...${entry}, module: ${importOf(path)} },`;
  });
  const routes: (RouteFilePath & { readonly path: string })[] = [];
  for (const { path, id } of sourcesIn(root, "routes")) {
    const file = routeFilePath(id);
    if (file !== null) routes.push({ ...file, path });
  }
  const routeLines = routes.sort(compareRouteFiles).map(({ path, ...file }) => {
    const isLazy = file.type === "route";
    const module = isLazy ? `() => import(${JSON.stringify("../" + path)})` : importOf(path);
    return `{ ...${JSON.stringify(file)}, module: ${module} },`;
  });
  const staticLines = statics.map(({ url, filePath, contentType, hash }) =>
    `${JSON.stringify(url)}: ${JSON.stringify({ filePath, contentType, hash })},`
  );
  return [
    `// @ts-self-types="./snapshot.d.ts"`,
    ...imports,
    `export const version = "${buildId}";`,
    `export const clientEntry = "/_fresh/js/${buildId}/fresh-runtime.js";`,
    `export const islands = [\n${islandLines.join("\n")}\n];`,
    `export const staticFiles = {\n${staticLines.join("\n")}\n};`,
    `export const fsRoutes = [\n${routeLines.join("\n")}\n];\n`,
  ].join("\n");
}

function outputNameOf(islandId: string): string {
  return islandId.slice(1).replaceAll(/\W+/g, "_");
}

function staticOutput(path: string, contents: Uint8Array): StaticOutput {
  return {
    url: path.split("/").map(encodeURIComponent).join("/"),
    contents,
    filePath: `_fresh/static${path}`,
    contentType: contentTypes[extname(path)] ?? "text/plain; charset=UTF-8",
    hash: createHash("sha256").update(contents).digest("hex"),
  };
}

function sourcesIn(root: string, folder: string): SourceFile[] {
  return filesUnder(join(root, folder))
    .filter((path) => /\.[jt]sx?$/.test(path) && !/[._]test\.[jt]sx?$/.test(path))
    .map((path) => ({ path: `${folder}/${path}`, id: "/" + path.replace(/\.\w+$/, "") }));
}

/** Sorted, relative to `folder`. */
function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(join(folder, name)).map((path) => `${name}/${path}`) : [name]
  ).sort();
}
