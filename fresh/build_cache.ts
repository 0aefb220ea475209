/** What the build leaves for the server: islands, static files and file routes, from `_fresh/snapshot.js`. */
import { Assets, type AssetSnapshot, type Module } from "./assets.ts";
import { setBuildId } from "./build_id.ts";
import type { AnyComponent } from "./page_types.ts";
import type { MiddlewareFn, RouteConfig, RouteFile } from "./types.ts";

export type FileRouteType = "app" | "layout" | "middleware" | "error" | "notFound" | "route";

/** The exports of the generated `_fresh/snapshot.js`. */
export interface Snapshot extends AssetSnapshot {
  readonly version: string;
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
  readonly assets: Assets;
  readonly fsRoutes: readonly FileRoute[];

  constructor(root: string, readonly snapshot: Snapshot) {
    this.assets = new Assets(root, snapshot);
    this.fsRoutes = snapshot.fsRoutes.map(({ module, ...route }) => ({
      ...route,
      file: () => routeFileOf(route.id, module as Module),
      load: async () =>
        routeFileOf(route.id, typeof module === "function" ? await module() : module),
    }));
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

function routeFileOf<State>(id: string, module: Module): RouteFile<State> {
  const component = module.default as AnyComponent | undefined;
  const handler = (module.handlers ?? module.handler) as RouteFile<State>["handler"];
  if (handler === undefined && component === undefined) {
    throw new Error(`routes${id} exports no component, handler or middleware`);
  }
  const middlewares = [handler ?? component].flat() as unknown as MiddlewareFn<State>[];
  return { component, handler, middlewares, config: (module.config ?? {}) as RouteConfig };
}
