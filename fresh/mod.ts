/**
 * Stand-in for `jsr:@fresh/core` 2.3.3, the server side: the part of its public API that tapwatch uses, behaving as
 * the published package does. Deleting the `links` line in deno.json switches to the published package
 * (docs/decisions/0002-fresh-stand-in.md).
 */
export { App } from "./app.ts";
export { createDefine, type Define } from "./define.ts";
export { HttpError } from "./error.ts";
export { page } from "./handlers.ts";
export { csp, type CSPOptions } from "./csp.ts";
export { staticFiles } from "./static_files.ts";
export type { Context, Context as FreshContext } from "./context.ts";
export type {
  FreshConfig,
  HandlerByMethod,
  HandlerFn,
  LayoutConfig,
  Method,
  Middleware,
  MiddlewareFn,
  PageProps,
  PageResponse,
  ResolvedFreshConfig,
  RouteConfig,
  RouteData,
  RouteHandler,
} from "./types.ts";
