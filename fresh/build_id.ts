/** The build id, one value for build, server and browser; "" before a build cache is set. */

const bundled = (globalThis as { FRESH_BUILD_ID?: string }).FRESH_BUILD_ID;
let buildId = bundled ?? "";

export function getBuildId(): string {
  return buildId;
}
export function setBuildId(id: string): void {
  buildId = id;
}

/** Query parameter of asset() that marks a URL as cacheable for ever. */
export const ASSET_KEY = "__frsh_c";
