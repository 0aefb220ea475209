/** What the server's entry needs to take over a build; not public in the published package either. */
export { ProdBuildCache, setBuildCache } from "./build_cache.ts";
export type { Snapshot } from "./build_cache.ts";
