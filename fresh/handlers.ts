/** Runs a route's handler and renders its page. */
import type { Context } from "./context.ts";
import type { HandlerFn, Method, PageResponse, RouteFile } from "./types.ts";

interface PageOptions {
  readonly headers?: HeadersInit;
  readonly status?: number;
}

/** Answers a request with the route's component over `data`; `page(null)` gives undefined. */
export function page<Data>(data: Data, options?: PageOptions): PageResponse<Data>;
export function page(data?: null, options?: PageOptions): PageResponse<undefined>;
export function page(data?: unknown, options: PageOptions = {}): PageResponse<unknown> {
  return { data: data ?? undefined, headers: options.headers, status: options.status };
}

/**
 * The answer of `route`; `status` is that of a page whose handler names none. A method that the handlers lack goes
 * on to `ctx.next()`, which for file routes means 404.
 */
export async function renderRoute<State>(
  ctx: Context<State>,
  route: RouteFile<State>,
  status = 200,
): Promise<Response> {
  const { skipAppWrapper, skipInheritedLayouts } = route.config;
  ctx.frame = {
    app: skipAppWrapper ? null : ctx.frame.app,
    layouts: skipInheritedLayouts ? [] : ctx.frame.layouts,
  };
  const handler = handlerFor(route, ctx.req.method as Method);
  if (handler === undefined) return await ctx.next();
  const result = await handler(ctx);
  if (result instanceof Response) return result;
  ctx.data = result.data;
  const init = { status: result.status ?? status, headers: new Headers(result.headers) };
  return ctx.renderPage(route.component ?? (() => null), init);
}

function handlerFor<State>(
  { handler, component }: RouteFile<State>,
  method: Method,
): HandlerFn<unknown, State> | undefined {
  const empty = component === undefined ? undefined : () => ({ data: {} });
  if (handler === undefined) return empty;
  if (typeof handler === "function") return handler;
  if (method === "HEAD") return handler.HEAD ?? handler.GET ?? empty;
  return handler[method] ?? (method === "GET" ? empty : undefined);
}
