/** Runs a route's handler and renders its page. */
import { h } from "preact";
import { type Context, frameOf } from "./context.ts";
import { componentVNode } from "./render.ts";
import type { HandlerFn, Method, PageResponse, Route } from "./types.ts";

/** Answers a request with the route's component over `data`; `page(null)` gives undefined. */
export function page<Data>(
  data: Data,
  options?: { headers?: HeadersInit; status?: number },
): PageResponse<Data>;
export function page(
  data?: null,
  options?: { headers?: HeadersInit; status?: number },
): PageResponse<undefined>;
export function page(
  data?: unknown,
  options: { headers?: HeadersInit; status?: number } = {},
): PageResponse<unknown> {
  return {
    data: data ?? undefined,
    headers: options.headers,
    status: options.status,
  };
}

/**
 * The answer of `route` to the request. `status` is that of a page whose handler names none. A method that the
 * handlers lack goes on to `ctx.next()`.
 */
export async function renderRoute<State>(
  ctx: Context<State>,
  route: Route<State>,
  status = 200,
): Promise<Response> {
  const frame = frameOf(ctx);
  if (route.config?.skipAppWrapper) frame.app = null;
  if (route.config?.skipInheritedLayouts) frame.layouts = [];
  const handler = handlerFor(route, ctx.req.method as Method);
  if (handler === undefined) return await ctx.next();
  const result = await handler(ctx);
  if (result instanceof Response) return result;
  const headers = headersOf(result.headers);
  const init = { status: result.status ?? status, headers };
  ctx.data = result.data;
  if (route.component === undefined) {
    return await ctx.render(h("body", null), init);
  }
  const vnode = await componentVNode(
    route.component,
    ctx.pageProps(() => null),
  );
  return vnode instanceof Response ? vnode : await ctx.render(vnode, init);
}

function handlerFor<State>(
  route: Route<State>,
  method: Method,
): HandlerFn<unknown, State> | undefined {
  const { handler, component } = route;
  const empty = component === undefined ? undefined : () => ({ data: {} });
  if (handler === undefined) return empty;
  if (typeof handler === "function") return handler;
  if (method === "HEAD") return handler.HEAD ?? handler.GET ?? empty;
  return handler[method] ?? (method === "GET" ? empty : undefined);
}

/** Of pairs with one name the last counts. */
function headersOf(init: HeadersInit | undefined): Headers {
  if (!Array.isArray(init)) return new Headers(init);
  const headers = new Headers();
  for (const [name, value] of init) headers.set(name ?? "", value ?? "");
  return headers;
}
