/** What the build leaves for the server: islands, static files and file routes, from `_fresh/snapshot.js`. */
import { setBuildId } from "./build_id.ts";
import type {
  AnyComponent,
  ResolvedFreshConfig,
  RouteConfig,
} from "./types.ts";

export type FileRouteType =
  | "app"
  | "layout"
  | "middleware"
  | "error"
  | "notFound"
  | "route";
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
  /** By URL path; `filePath` is relative to the root. */
  readonly staticFiles: Readonly<Record<string, StaticFile>>;
  readonly fsRoutes: readonly {
    readonly id: string;
    readonly type: FileRouteType;
    readonly pattern: string;
    readonly routePattern: string;
    readonly module: Module | (() => Promise<Module>);
  }[];
}
export interface StaticFile {
  readonly filePath: string;
  readonly contentType: string;
  /** SHA-256 of the contents, hex. */
  readonly hash: string;
}
export interface Island {
  /** Unique on the server and in the browser; an identifier. */
  readonly name: string;
  readonly exportName: string;
  readonly url: string;
}
/** The exports of a route file that count, under one name each. */
export interface RouteFile {
  readonly component?: AnyComponent | undefined;
  readonly handler?: unknown;
  readonly config?: RouteConfig | undefined;
  readonly middlewares: readonly unknown[];
}
export interface FileRoute {
  readonly type: FileRouteType;
  /** Path in the tree of segments, groups included. */
  readonly pattern: string;
  readonly routePattern: string;
  /** Empty when `load` is not null. */
  readonly file: RouteFile;
  readonly load: (() => Promise<RouteFile>) | null;
}
export interface BuildCache {
  readonly root: string;
  readonly clientEntry: string;
  readonly islands: ReadonlyMap<unknown, Island>;
  readonly fsRoutes: readonly FileRoute[];
  readonly staticFiles: ReadonlyMap<string, StaticFile>;
  readFile(file: StaticFile): Promise<Uint8Array<ArrayBuffer>>;
}

/** The snapshot of a build whose files lie under `root`, a folder path. */
export class ProdBuildCache implements BuildCache {
  readonly clientEntry: string;
  readonly islands: ReadonlyMap<unknown, Island>;
  readonly fsRoutes: readonly FileRoute[];
  readonly staticFiles: ReadonlyMap<string, StaticFile>;

  constructor(readonly root: string, readonly snapshot: Snapshot) {
    this.clientEntry = snapshot.clientEntry;
    this.islands = islandsOf(snapshot);
    this.staticFiles = new Map(Object.entries(snapshot.staticFiles));
    this.fsRoutes = snapshot.fsRoutes.map(
      ({ id, type, pattern, routePattern, module }) => {
        const load = typeof module === "function"
          ? async () => routeFileOf(id, await module())
          : null;
        const file = typeof module === "function"
          ? { middlewares: [] }
          : routeFileOf(id, module);
        return { type, pattern, routePattern, file, load };
      },
    );
  }

  readFile(file: StaticFile): Promise<Uint8Array<ArrayBuffer>> {
    return Deno.readFile(`${this.root}/${file.filePath}`);
  }
}

/** For apps without a build: islands are plain components, and there are no files. */
export const emptyBuildCache: BuildCache = new ProdBuildCache("", {
  version: "",
  clientEntry: "",
  islands: [],
  staticFiles: {},
  fsRoutes: [],
});

const buildCaches = new WeakMap<object, BuildCache>();

/** Gives `app` its build; call it before `app.handler()`. */
export function setBuildCache(
  app: { readonly config: ResolvedFreshConfig },
  cache: ProdBuildCache,
  mode: ResolvedFreshConfig["mode"],
): void {
  app.config.mode = mode;
  buildCaches.set(app, cache);
  setBuildId(cache.snapshot.version);
}
export function buildCacheOf(app: object): BuildCache | null {
  return buildCaches.get(app) ?? null;
}

/** Every exported function of an island file is an island, found again by identity. */
function islandsOf(snapshot: Snapshot): Map<unknown, Island> {
  const islands = new Map<unknown, Island>();
  const names = new Set<string>();
  for (const { name: file, url, module } of snapshot.islands) {
    for (const [exportName, component] of Object.entries(module)) {
      if (typeof component !== "function") continue;
      const base = exportName === "default"
        ? file.replaceAll(/\W/g, "_")
        : exportName;
      let name = base;
      for (let n = 1; names.has(name); n++) name = `${base}_${n}`;
      names.add(name);
      islands.set(component, { name, exportName, url });
    }
  }
  return islands;
}

function routeFileOf(id: string, module: Module): RouteFile {
  const handler = module.handlers ?? module.handler;
  const component = module.default as AnyComponent | undefined;
  if (handler === undefined && component === undefined) {
    throw new Error(`routes${id} exports no component, handler or middleware`);
  }
  const handlers = typeof handler === "object"
    ? Object.values(handler ?? {})
    : [handler];
  if (handlers.some((fn) => typeof fn === "function" && fn.length > 1)) {
    throw new Error(
      `Handlers take one parameter, the context; one in routes${id} takes more`,
    );
  }
  const config = module.config as RouteConfig | undefined;
  return {
    component,
    handler,
    config,
    middlewares: [handler ?? component].flat(),
  };
}
