/** What a path under `routes/` means: role, folder, URL pattern, order. */
import type { FileRouteType } from "./build_cache.ts";

export interface RouteFilePath {
  /** Path without extension, as `/hosts/[id]`. */
  readonly id: string;
  readonly type: FileRouteType;
  /** "" for the root. */
  readonly folder: string;
  readonly routePattern: string;
}

const roles: Record<string, FileRouteType> = {
  _app: "app",
  _layout: "layout",
  _middleware: "middleware",
  _error: "error",
  _500: "error",
  _404: "notFound",
};

/** Null for files in folders such as `(_islands)`, which are no routes. */
export function routeFilePath(id: string): RouteFilePath | null {
  if (/\/\(_[^/]*\)\//.test(id)) return null;
  const folder = id.slice(0, id.lastIndexOf("/"));
  const type = roles[id.slice(folder.length + 1)] ?? "route";
  return { id, type, folder, routePattern: type === "route" ? patternOf(id) : "" };
}

/** `[id]` becomes `:id`, `[...rest]` `:rest*`, `[[optional]]` `{/:optional}?`; groups and `index` are left out. */
function patternOf(id: string): string {
  let pattern = "";
  for (const piece of id.replace(/\/index$/, "").split("/").slice(1)) {
    if (piece.includes("][")) {
      throw new SyntaxError(`No text between the parameters of ${id}`);
    }
    const optional = /^\[\[(\w+)\]\]$/.exec(piece)?.[1];
    if (optional !== undefined) {
      pattern += pattern === "" ? `/{:${optional}}?` : `{/:${optional}}?`;
    } else if (!/^\(.*\)$/.test(piece)) {
      pattern += "/" +
        piece.replace(/^\[\.\.\.(\w+)\]$/, ":$1*").replaceAll(/\[(\w+)\]/g, ":$1");
    }
  }
  return pattern || "/";
}

/** `_app` first; then piece by piece special files, literals, index, groups, parameters, rest. */
export function compareRouteFiles(a: RouteFilePath, b: RouteFilePath): number {
  if (a.type !== b.type && (a.type === "app" || b.type === "app")) {
    return a.type === "app" ? -1 : 1;
  }
  const left = a.id.split("/");
  const right = b.id.split("/");
  const at = left.findIndex((piece, index) => piece !== right[index]);
  const [x = "", y = ""] = [left[at], right[at]];
  return rankOf(x) - rankOf(y) || (x < y ? -1 : 1);
}

function rankOf(piece: string): number {
  const special = ["_middleware", "_layout", "_404", "_error", "_500"].indexOf(piece);
  if (special >= 0) return special;
  if (piece === "index") return 6;
  if (piece.startsWith("(")) return 7;
  if (piece.startsWith("[...")) return 9;
  return piece.includes("[") ? 8 : 5;
}
