/** URLs of static files that change with the build, so that browsers may keep the files for ever. */
import { ASSET_KEY, getBuildId } from "./build_id.ts";

/** Adds the build id to a root-relative path; other URLs stay as they are. */
export function asset(path: string): string {
  if (!path.startsWith("/") || path.startsWith("//") || getBuildId() === "") {
    return path;
  }
  const url = new URL(path, "http://host");
  if (url.searchParams.has(ASSET_KEY)) return path;
  const [, head, hash = ""] = /^([^#]*)(#.*)?$/.exec(path) ?? [];
  return `${head}${
    head?.includes("?") ? "&" : "?"
  }${ASSET_KEY}=${getBuildId()}${hash}`;
}

/** asset() for each URL of a srcset; untouched when it has `(` or an empty part. */
export function assetSrcSet(srcset: string): string {
  const parts = srcset.split(",").map((part) => part.trim());
  if (srcset.includes("(") || parts.includes("")) return srcset;
  return parts.map((part) => part.replace(/^\S+/, asset)).join(", ");
}
