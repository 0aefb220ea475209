/**
 * Stand-in for `jsr:@fresh/core` 2.3.3: the part of its API that tapwatch uses, behaving as the published package
 * does. docs/decisions/0002-fresh-stand-in.md says what is missing and how to switch to the package.
 */
export { App } from "./app.ts";
export { createDefine, type Define } from "./define.ts";
export { HttpError } from "./error.ts";
export { page } from "./handlers.ts";
export { staticFiles } from "./static_files.ts";
export type { Context, Context as FreshContext } from "./context.ts";
export type { PageProps } from "./page_types.ts";
export type {
  HandlerByMethod,
  HandlerFn,
  LayoutConfig,
  Method,
  Middleware,
  MiddlewareFn,
  PageResponse,
  RouteConfig,
  RouteData,
  RouteHandler,
} from "./types.ts";
