/** Finds the chain for a method and path: exact paths first, then URL patterns in the order they were added. */
import type { Method, MiddlewareFn } from "./types.ts";

type ByMethod<State> = Map<Method, readonly MiddlewareFn<State>[]>;
interface PatternRoute<State> {
  readonly path: string;
  readonly pattern: URLPattern;
  readonly byMethod: ByMethod<State>;
}

export interface Match<State> {
  /** Null when the path has no such method, or when nothing has the path. */
  readonly chain: readonly MiddlewareFn<State>[] | null;
  readonly route: string | null;
  readonly params: Record<string, string>;
  /** Registered methods of the path in order; empty when nothing has the path. */
  readonly methods: readonly Method[];
}

export class Router<State> {
  #exact = new Map<string, ByMethod<State>>();
  #patterns: PatternRoute<State>[] = [];

  /** The first registration of a method on a path wins. */
  add(
    method: Method,
    path: string,
    chain: readonly MiddlewareFn<State>[],
  ): void {
    const byMethod = /[*:{}+?()]/.test(path)
      ? this.#patternEntry(path)
      : this.#exactEntry(path);
    if (!byMethod.has(method)) byMethod.set(method, chain);
  }

  match(method: Method, url: URL): Match<State> {
    const path = url.pathname;
    const toggled = path.endsWith("/") ? path.slice(0, -1) : path + "/";
    for (const route of [path, toggled]) {
      const byMethod = this.#exact.get(route);
      if (byMethod !== undefined) return matchOf(byMethod, method, route, {});
    }
    for (const { path, pattern, byMethod } of this.#patterns) {
      const groups = pattern.exec(url)?.pathname.groups;
      if (groups !== undefined) return matchOf(byMethod, method, path, groups);
    }
    return { chain: null, route: null, params: paramsOf({}), methods: [] };
  }

  #exactEntry(path: string): ByMethod<State> {
    let byMethod = this.#exact.get(path);
    if (byMethod === undefined) this.#exact.set(path, byMethod = new Map());
    return byMethod;
  }

  #patternEntry(path: string): ByMethod<State> {
    const known = this.#patterns.find((route) => route.path === path);
    if (known !== undefined) return known.byMethod;
    const byMethod: ByMethod<State> = new Map();
    this.#patterns.push({
      path,
      pattern: new URLPattern({ pathname: path }),
      byMethod,
    });
    return byMethod;
  }
}

function matchOf<State>(
  byMethod: ByMethod<State>,
  method: Method,
  route: string,
  groups: Record<string, string | undefined>,
): Match<State> {
  const chain = byMethod.get(method) ??
    (method === "HEAD" ? byMethod.get("GET") : undefined);
  return {
    chain: chain ?? null,
    route,
    params: paramsOf(groups),
    methods: [...byMethod.keys()],
  };
}

function paramsOf(
  groups: Record<string, string | undefined>,
): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(groups)) {
    params[name] = decode(value ?? "");
  }
  return params;
}

/** Malformed escapes stay as they are; `%2F` stays too, as decodeURI leaves it. */
function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
