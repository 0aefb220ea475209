/** Folders of `routes/` and what holds in them: middlewares, a layout, an error page. */
import type { Context } from "./context.ts";
import { HttpError } from "./error.ts";
import { renderRoute } from "./handlers.ts";
import type { AnyComponent } from "./page_types.ts";
import type { LayoutConfig, MiddlewareFn, RouteFile } from "./types.ts";

export interface Scope<State> {
  readonly middlewares: MiddlewareFn<State>[];
  layout: { readonly component: AnyComponent; readonly config: LayoutConfig } | null;
  errorRoute: RouteFile<State> | null;
}

export class Scopes<State> {
  /** By folder, "" for the root. */
  #byFolder = new Map<string, Scope<State>>();
  app: AnyComponent | null = null;
  notFound: RouteFile<State> | null = null;

  of(folder: string): Scope<State> {
    let scope = this.#byFolder.get(folder);
    if (scope === undefined) {
      this.#byFolder.set(folder, scope = { middlewares: [], layout: null, errorRoute: null });
    }
    return scope;
  }

  /** For each folder from the root down to `folder` a step that sets its frame and catches, then its middlewares. */
  chainOf(folder: string): MiddlewareFn<State>[] {
    const pieces = folder.split("/");
    return pieces.flatMap((_, depth) => {
      const scope = this.#byFolder.get(pieces.slice(0, depth + 1).join("/"));
      if (scope === undefined) return [];
      return [this.#step(scope, depth === 0 ? this.app : null), ...scope.middlewares];
    });
  }

  #step({ layout, errorRoute }: Scope<State>, app: AnyComponent | null): MiddlewareFn<State> {
    return async (ctx) => {
      const outer = ctx.frame;
      const { config = {}, component } = layout ?? {};
      const inherited = config.skipInheritedLayouts ? [] : outer.layouts;
      const inner = {
        app: config.skipAppWrapper ? null : app ?? outer.app,
        layouts: component === undefined ? inherited : [...inherited, component],
      };
      ctx.frame = inner;
      try {
        return await ctx.next();
      } catch (error) {
        ctx.frame = inner;
        return await this.#answerError(ctx, error, errorRoute);
      } finally {
        ctx.frame = outer;
      }
    };
  }

  #answerError(
    ctx: Context<State>,
    error: unknown,
    errorRoute: RouteFile<State> | null,
  ): Promise<Response> {
    ctx.error = error;
    const status = error instanceof HttpError ? error.status : 500;
    // Status 200 as in Fresh, unless the page's handler sets another.
    if (this.notFound !== null && status === 404) return renderRoute(ctx, this.notFound);
    if (errorRoute !== null) return renderRoute(ctx, errorRoute, status);
    throw error;
  }
}

/** Runs `chain`; `ctx.next` is the rest of it while a function of it runs, and throws `endStatus` at its end. */
export function runChain<State>(
  ctx: Context<State>,
  chain: readonly MiddlewareFn<State>[],
  endStatus = 404,
): Promise<Response> {
  let next = (): Promise<Response> => Promise.reject(new HttpError(endStatus));
  for (const middleware of chain.toReversed()) {
    const rest = next;
    next = async () => {
      ctx.next = rest;
      return await middleware(ctx);
    };
  }
  return next();
}
