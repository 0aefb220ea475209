/**
 * The tree of path pieces that decides which middlewares, layouts and error pages cover a route. Pieces are compared
 * as text: `use("/a/:id")` covers the route `/a/:id`, not `/a/lit`.
 */
import type { Context } from "./context.ts";
import { frameOf } from "./context.ts";
import { HttpError } from "./error.ts";
import { renderRoute } from "./handlers.ts";
import type { ComponentDefinition, MiddlewareFn, Route } from "./types.ts";

export interface Segment<State> {
  readonly parent: Segment<State> | null;
  readonly children: Map<string, Segment<State>>;
  readonly middlewares: MiddlewareFn<State>[];
  layout: ComponentDefinition | null;
  errorRoute: Route<State> | null;
  /** Only the root has these two. */
  app: ComponentDefinition | null;
  notFound: MiddlewareFn<State> | null;
}

export function createSegment<State>(
  parent: Segment<State> | null,
): Segment<State> {
  return {
    parent,
    children: new Map(),
    middlewares: [],
    layout: null,
    errorRoute: null,
    app: null,
    notFound: null,
  };
}

/** The segment of `path`; without its last piece when `isFile`. `*`, `/` and `/*` are the root. */
export function segmentOf<State>(
  root: Segment<State>,
  path: string,
  isFile = false,
): Segment<State> {
  if (path === "*" || path === "/" || path === "/*") return root;
  const pieces = path.replace(/\{[^}]*\}\?/g, "").split("/").slice(1);
  if (isFile) pieces.pop();
  let segment = root;
  for (const piece of pieces) {
    if (piece === "") continue;
    let child = segment.children.get(piece);
    if (child === undefined) {
      segment.children.set(piece, child = createSegment(segment));
    }
    segment = child;
  }
  return segment;
}

/** The chain of a route in `segment`, as registered up to now: per segment its scope step, then its middlewares. */
export function chainOf<State>(
  root: Segment<State>,
  segment: Segment<State>,
): MiddlewareFn<State>[] {
  const chain: MiddlewareFn<State>[] = [];
  for (let at: Segment<State> | null = segment; at !== null; at = at.parent) {
    chain.unshift(scopeStep(root, at), ...at.middlewares);
  }
  return chain;
}

function scopeStep<State>(
  root: Segment<State>,
  segment: Segment<State>,
): MiddlewareFn<State> {
  const { app, layout, errorRoute } = segment;
  return async (ctx) => {
    const frame = frameOf(ctx);
    const outer = { ...frame };
    if (app !== null) frame.app = app;
    if (layout !== null) {
      if (layout.config.skipAppWrapper) frame.app = null;
      frame.layouts = layout.config.skipInheritedLayouts
        ? [layout]
        : [...frame.layouts, layout];
    }
    try {
      const inner = { ...frame };
      return await ctx.next().catch((error) => {
        Object.assign(frame, inner);
        return answerError(ctx, error, root.notFound, errorRoute);
      });
    } finally {
      Object.assign(frame, outer);
    }
  };
}

function answerError<State>(
  ctx: Context<State>,
  error: unknown,
  notFound: MiddlewareFn<State> | null,
  errorRoute: Route<State> | null,
): Promise<Response> | Response {
  ctx.error = error;
  const status = error instanceof HttpError ? error.status : 500;
  if (notFound !== null && status === 404) return notFound(ctx);
  if (errorRoute !== null) return renderRoute(ctx, errorRoute, status);
  throw error;
}

/** Runs `chain`, then `last`; `ctx.next` is the rest of the chain while a function of it runs. */
export function runChain<State>(
  ctx: Context<State>,
  chain: readonly MiddlewareFn<State>[],
  last: () => Promise<Response>,
): Promise<Response> {
  let next = last;
  for (const middleware of chain.toReversed()) {
    const rest = next;
    next = async () => {
      ctx.next = rest;
      return await middleware(ctx);
    };
  }
  return next();
}
