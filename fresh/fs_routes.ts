/** What a path under `routes/` means: role, URL pattern, place in the tree of segments, order. */
import type { FileRouteType } from "./build_cache.ts";

export interface RouteFilePath {
  /** Path without extension, `/hosts/[id]`. */
  readonly id: string;
  readonly type: FileRouteType;
  readonly pattern: string;
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
const rolesInOrder: readonly FileRouteType[] = [
  "middleware",
  "layout",
  "notFound",
  "error",
];

/** Null for files in folders such as `(_islands)`, which are no routes. */
export function routeFilePath(id: string): RouteFilePath | null {
  if (/\/\(_[^/]*\)\//.test(id)) return null;
  const folder = id.slice(0, id.lastIndexOf("/"));
  const name = id.slice(folder.length + 1);
  const type = roles[name] ?? "route";
  const path = type !== "route" ? folder : name === "index" ? folder + "/" : id;
  const pattern = path.split("/").map(pieceOf).join("/") || "/";
  const routePattern = pattern
    .replaceAll(/\/\([^/:)]*\)(?=\/|$)/g, "")
    .replaceAll(
      /\/\{:(\w+)\}\?/g,
      (_, name, at) => at === 0 ? `/{:${name}}?` : `{/:${name}}?`,
    );
  const trimmed = routePattern.length > 1
    ? routePattern.replace(/\/$/, "")
    : routePattern;
  return { id, type, pattern, routePattern: trimmed || "/" };
}

/** One piece of the path: `[id]`, `[...rest]`, `[[optional]]`, `a-[x]`, `(group)`. */
function pieceOf(piece: string): string {
  if (/^\[\[\w+\]\]$/.test(piece)) return `{:${piece.slice(2, -2)}}?`;
  if (/^\[\.\.\.\w+\]$/.test(piece)) return `:${piece.slice(4, -1)}*`;
  if (piece.includes("][")) {
    throw new SyntaxError(`Two parameters without text between: ${piece}`);
  }
  return piece.replaceAll(/\[(\w+)\]/g, ":$1");
}

/** `_app` first; then piece by piece special files, literals, index, groups, parameters, rest. */
export function compareRouteFiles(a: RouteFilePath, b: RouteFilePath): number {
  if (a.type === "app" || b.type === "app") {
    return Number(b.type === "app") - Number(a.type === "app");
  }
  const left = a.id.split("/");
  const right = b.id.split("/");
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [x = "", y = ""] = [left[at], right[at]];
    if (x === y) continue;
    return rankOf(x) - rankOf(y) || (x < y ? -1 : 1);
  }
  return left.length - right.length;
}

function rankOf(piece: string): number {
  const role = roles[piece];
  if (role !== undefined) return rolesInOrder.indexOf(role);
  if (piece === "index") return 6;
  if (piece.startsWith("(")) return 7;
  if (piece.startsWith("[...")) return 9;
  return piece.includes("[") ? 8 : 5;
}
