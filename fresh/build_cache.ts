/** What the build leaves for the server: islands, static files and file routes, from `_fresh/snapshot.js`. */
import { setBuildId } from "./build_id.ts";
import type { AnyComponent, MiddlewareFn, RouteConfig, RouteFile } from "./types.ts";

export type FileRouteType = "app" | "layout" | "middleware" | "error" | "notFound" | "route";
type Module = Record<string, unknown>;

/** The exports of the generated `_fresh/snapshot.js`. */
export interface Snapshot {
  readonly version: string;
  readonly clientEntry: string;
  readonly islands: readonly {
    readonly name: string;
    readonly url: string;
    readonly module: Module;
  }[];
  /** By URL path. */
  readonly staticFiles: Readonly<Record<string, StaticFile>>;
  readonly fsRoutes: readonly {
    /** Path under `routes/` without extension. */
    readonly id: string;
    readonly folder: string;
    readonly type: FileRouteType;
    /** "" for files that are no routes. */
    readonly routePattern: string;
    /** Routes are loaded by their first request. */
    readonly module: Module | (() => Promise<Module>);
  }[];
}
export interface StaticFile {
  /** Relative to the root. */
  readonly filePath: string;
  readonly contentType: string;
  /** SHA-256 of the contents, hex. */
  readonly hash: string;
}
export interface Island {
  /** Unique; an identifier. */
  readonly name: string;
  readonly exportName: string;
  readonly url: string;
}
export interface FileRoute {
  readonly id: string;
  readonly type: FileRouteType;
  readonly folder: string;
  readonly routePattern: string;
  /** For files that came with the snapshot. */
  readonly file: <State>() => RouteFile<State>;
  readonly load: <State>() => Promise<RouteFile<State>>;
}
/** The build whose files lie under `root`, a folder path. */
export class ProdBuildCache {
  readonly clientEntry: string;
  /** By component. */
  readonly islands: ReadonlyMap<unknown, Island>;
  readonly fsRoutes: readonly FileRoute[];
  readonly staticFiles: ReadonlyMap<string, StaticFile>;

  constructor(readonly root: string, readonly snapshot: Snapshot) {
    this.clientEntry = snapshot.clientEntry;
    this.islands = islandsOf(snapshot);
    this.staticFiles = new Map(Object.entries(snapshot.staticFiles));
    this.fsRoutes = snapshot.fsRoutes.map(({ module, ...route }) => ({
      ...route,
      file: () => routeFileOf(route.id, module as Module),
      load: async () =>
        routeFileOf(route.id, typeof module === "function" ? await module() : module),
    }));
  }

  readFile(file: StaticFile): Promise<Uint8Array<ArrayBuffer>> {
    return Deno.readFile(`${this.root}/${file.filePath}`);
  }
}

/** For apps without a build: islands are plain components, and there are no files. */
export const emptyBuildCache = new ProdBuildCache("", {
  version: "",
  clientEntry: "",
  islands: [],
  staticFiles: {},
  fsRoutes: [],
});

const buildCaches = new WeakMap<object, ProdBuildCache>();

/** Gives `app` its build; call it before `app.handler()`. */
export function setBuildCache(app: object, cache: ProdBuildCache, _mode: "production"): void {
  buildCaches.set(app, cache);
  setBuildId(cache.snapshot.version);
}
export function buildCacheOf(app: object): ProdBuildCache | null {
  return buildCaches.get(app) ?? null;
}

/** Every exported function of an island file is an island, found again by identity. */
function islandsOf(snapshot: Snapshot): Map<unknown, Island> {
  const islands = new Map<unknown, Island>();
  const names = new Set<string>();
  for (const { name: file, url, module } of snapshot.islands) {
    for (const [exportName, component] of Object.entries(module)) {
      if (typeof component !== "function") continue;
      const base = exportName === "default" ? file.replaceAll(/\W/g, "_") : exportName;
      let name = base;
      for (let n = 1; names.has(name); n++) name = `${base}_${n}`;
      names.add(name);
      islands.set(component, { name, exportName, url });
    }
  }
  return islands;
}

function routeFileOf<State>(id: string, module: Module): RouteFile<State> {
  const component = module.default as AnyComponent | undefined;
  const handler = (module.handlers ?? module.handler) as RouteFile<State>["handler"];
  if (handler === undefined && component === undefined) {
    throw new Error(`routes${id} exports no component, handler or middleware`);
  }
  const middlewares = [handler ?? component].flat() as unknown as MiddlewareFn<State>[];
  return { component, handler, middlewares, config: (module.config ?? {}) as RouteConfig };
}
