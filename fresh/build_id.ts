/** The build id: one value for build, server and browser, "" before a build is set. */

let buildId = (globalThis as { FRESH_BUILD_ID?: string }).FRESH_BUILD_ID ?? "";

export function getBuildId(): string {
  return buildId;
}
export function setBuildId(id: string): void {
  buildId = id;
}

/** Query parameter by which the URL of a static file changes with the build. */
export const ASSET_KEY = "__frsh_c";

/** Adds the build id to a root-relative path, so that browsers may keep the file for ever. */
export function asset(path: string): string {
  if (!/^\/(?!\/)/.test(path) || path.includes(`${ASSET_KEY}=`) || buildId === "") return path;
  const [, head = "", hash = ""] = /^([^#]*)(#.*)?$/.exec(path) ?? [];
  return `${head}${head.includes("?") ? "&" : "?"}${ASSET_KEY}=${buildId}${hash}`;
}
