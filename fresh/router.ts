/** Finds what was added for a path: exact paths first, then URL patterns in the order they were added. */

export interface Match<Target> {
  readonly target: Target;
  /** The pattern, or the exact path that matched. */
  readonly route: string;
  readonly params: Record<string, string>;
}

export class Router<Target> {
  #exact = new Map<string, Target>();
  #patterns: {
    readonly path: string;
    readonly pattern: URLPattern;
    readonly target: Target;
  }[] = [];

  /** The first target of a path stays. */
  add(path: string, target: Target): void {
    if (/[*:{}+?()]/.test(path)) {
      this.#patterns.push({ path, pattern: new URLPattern({ pathname: path }), target });
    } else if (!this.#exact.has(path)) this.#exact.set(path, target);
  }

  match({ pathname }: URL): Match<Target> | null {
    const toggled = pathname.endsWith("/") ? pathname.slice(0, -1) : pathname + "/";
    for (const route of [pathname, toggled]) {
      const target = this.#exact.get(route);
      if (target !== undefined) return { target, route, params: paramsOf({}) };
    }
    for (const { path, pattern, target } of this.#patterns) {
      const groups = pattern.exec({ pathname })?.pathname.groups;
      if (groups !== undefined) {
        return { target, route: path, params: paramsOf(groups) };
      }
    }
    return null;
  }
}

function paramsOf(groups: Record<string, string | undefined>): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(groups)) {
    params[name] = decode(value ?? "");
  }
  return params;
}

/** As decodeURI does, `%2F` stays; malformed escapes stay too. */
function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
